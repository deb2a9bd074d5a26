//! Slices of one result, `s1:`: the number of the first slice since 1970, how many, then for each slice packets
//! sent, packets lost, delays, and the sum of the delays in nanoseconds.

use super::CodecError;
use super::varint::{Reader, Writer};
use crate::{Slices, UnixTime};

const PREFIX: &str = "s1:";

/// Nanoseconds of a slice.
const SLICE_NS: i64 = 10_000_000_000;

/// The text of `slices`.
///
/// The four lists have the same length in every valid value; of lists that do not, the common part is written.
#[must_use]
pub fn encode(slices: &Slices) -> String {
    let Slices {
        start,
        sent,
        lost,
        rtt_count,
        rtt_sum_ns,
    } = slices;
    let lists = [sent, lost, rtt_count, rtt_sum_ns];
    let number = lists.iter().map(|list| list.len()).min().unwrap_or(0);
    let mut writer = Writer::new();
    push_head(&mut writer, *start, number);
    for at in 0..number {
        for list in lists {
            writer.push(list[at]);
        }
    }
    writer.finish(PREFIX)
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, and for more than [`Slices::MAX`] slices.
pub fn decode(text: &str) -> Result<Slices, CodecError> {
    let mut reader = Reader::new(PREFIX, text)?;
    let (start, number) = take_head(&mut reader)?;
    let mut slices = Slices {
        start,
        sent: Vec::with_capacity(number),
        lost: Vec::with_capacity(number),
        rtt_count: Vec::with_capacity(number),
        rtt_sum_ns: Vec::with_capacity(number),
    };
    for _ in 0..number {
        slices.sent.push(reader.next()?);
        slices.lost.push(reader.next()?);
        slices.rtt_count.push(reader.next()?);
        slices.rtt_sum_ns.push(reader.next()?);
    }
    reader.finish()?;
    Ok(slices)
}

/// Writes the first slice's number since 1970 and how many there are.
///
/// Times before 1970, which no report has, wrap to the upper half of the range and come back from there.
pub(super) fn push_head(writer: &mut Writer, start: UnixTime, number: usize) {
    writer.push(start.as_ns().div_euclid(SLICE_NS).cast_unsigned());
    // A `usize` has at most 64 bits on every platform that Rust knows.
    writer.push(u64::try_from(number).unwrap_or(u64::MAX));
}

/// Reads what [`push_head`] wrote.
pub(super) fn take_head(reader: &mut Reader<'_>) -> Result<(UnixTime, usize), CodecError> {
    let start_ns = reader
        .next()?
        .cast_signed()
        .checked_mul(SLICE_NS)
        .ok_or(CodecError::Start)?;
    let number = usize::try_from(reader.next()?)
        .ok()
        .filter(|number| *number <= Slices::MAX);
    Ok((
        UnixTime::from_ns(start_ns),
        number.ok_or(CodecError::TooManySlices)?,
    ))
}
