//! Slices of an hour cell, `s2:`: the number of the first slice since 1970, how many, then each of the four lists
//! as runs (value, repeat). An hour without loss is three runs and the sums of the delays.

use super::CodecError;
use super::slices::{begin, take_head};
use super::varint::{Reader, Writer};
use crate::Slices;

const PREFIX: &str = "s2:";

/// The text of `slices`.
///
/// The four lists have the same length in every valid value; of lists that do not, the common part is written.
#[must_use]
pub fn encode(slices: &Slices) -> String {
    write(slices).finish(PREFIX)
}

/// The bytes of which [`encode`] makes a text, for a store that keeps bytes.
#[must_use]
pub fn to_bytes(slices: &Slices) -> Vec<u8> {
    write(slices).into_bytes()
}

fn write(slices: &Slices) -> Writer {
    let (mut writer, lists) = begin(slices);
    for list in lists {
        for run in list.chunk_by(|earlier, later| earlier == later) {
            writer.push(run[0]);
            // A run is at most the list, whose length fits 64 bits.
            writer.push(u64::try_from(run.len()).unwrap_or(u64::MAX));
        }
    }
    writer
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text: runs that could be one or that do not add up, and more than
/// [`Slices::MAX`] slices.
pub fn decode(text: &str) -> Result<Slices, CodecError> {
    read(Reader::new(PREFIX, text)?)
}

/// Reads the bytes of [`to_bytes`].
///
/// # Errors
///
/// [`CodecError`] as for [`decode`].
pub fn from_bytes(bytes: &[u8]) -> Result<Slices, CodecError> {
    read(Reader::of_bytes(bytes))
}

fn read(mut reader: Reader<'_>) -> Result<Slices, CodecError> {
    let (start, number) = take_head(&mut reader)?;
    let slices = Slices {
        start,
        sent: take_runs(&mut reader, number)?,
        lost: take_runs(&mut reader, number)?,
        rtt_count: take_runs(&mut reader, number)?,
        rtt_sum_ns: take_runs(&mut reader, number)?,
    };
    reader.finish()?;
    Ok(slices)
}

/// Reads runs until they make `number` values.
fn take_runs(reader: &mut Reader<'_>, number: usize) -> Result<Vec<u64>, CodecError> {
    let mut values: Vec<u64> = Vec::with_capacity(number);
    let mut last = None;
    while values.len() < number {
        let (value, repeat) = (reader.next()?, reader.next()?);
        if last.replace(value) == Some(value) {
            return Err(CodecError::Runs);
        }
        if repeat == 1 {
            values.push(value);
            continue;
        }
        let repeat = usize::try_from(repeat).map_err(|_| CodecError::Runs)?;
        if repeat == 0 || number - values.len() < repeat {
            return Err(CodecError::Runs);
        }
        values.resize(values.len() + repeat, value);
    }
    Ok(values)
}
