//! Slices of an hour cell, `s2:`: the number of the first slice since 1970, how many, then each of the four lists
//! as runs (value, repeat). An hour without loss is three runs and the sums of the delays.

use super::CodecError;
use super::slices::{push_head, take_head};
use super::varint::{self, Reader, Writer};
use crate::cell::slices::{CellSlices, PackedSlices, Runs};

const PREFIX: &str = "s2:";

/// The text of `slices`.
#[must_use]
pub fn encode(slices: &PackedSlices) -> String {
    varint::text(PREFIX, slices.as_bytes())
}

/// The bytes of which [`encode`] makes a text, for a store that keeps bytes.
pub(crate) fn to_bytes(slices: &CellSlices) -> Vec<u8> {
    write(slices).into_bytes()
}

fn write(slices: &CellSlices) -> Writer {
    let mut writer = Writer::new();
    push_head(&mut writer, slices.start(), slices.len());
    let runs = slices.counts().into_iter().flat_map(Runs::as_slice);
    for run in runs {
        push_run(&mut writer, run.value, run.times);
    }
    for run in slices.rtt_sum_ns().chunk_by(|earlier, later| earlier == later) {
        push_run(&mut writer, run[0], run.len());
    }
    writer
}

fn push_run(writer: &mut Writer, value: u64, times: usize) {
    writer.push(value);
    // A run is at most the list, whose length fits 64 bits.
    writer.push(u64::try_from(times).unwrap_or(u64::MAX));
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text: runs that could be one or that do not add up, and more than
/// [`Slices::MAX`](crate::Slices::MAX) slices.
pub fn decode(text: &str) -> Result<PackedSlices, CodecError> {
    let bytes = Reader::new(PREFIX, text)?.into_bytes();
    from_bytes(&bytes)?;
    Ok(PackedSlices::from_bytes(bytes))
}

/// Reads the bytes of [`to_bytes`].
///
/// # Errors
///
/// [`CodecError`] as for [`decode`].
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<CellSlices, CodecError> {
    read(Reader::of_bytes(bytes))
}

fn read(mut reader: Reader<'_>) -> Result<CellSlices, CodecError> {
    let (start, number) = take_head(&mut reader)?;
    let mut counts = [Runs::default(), Runs::default(), Runs::default()];
    for list in &mut counts {
        take_runs(&mut reader, number, |value, times| list.push(value, times))?;
    }
    let rtt_sum_ns = take_sums(&mut reader, number)?;
    reader.finish()?;
    CellSlices::new(start, counts, rtt_sum_ns).ok_or(CodecError::Runs)
}

/// Reads runs until they make `number` values.
fn take_runs(
    reader: &mut Reader<'_>,
    number: usize,
    mut tell: impl FnMut(u64, usize),
) -> Result<(), CodecError> {
    let mut left = number;
    let mut last = None;
    while left > 0 {
        let (value, times) = take_run(reader, left, last)?;
        last = Some(value);
        tell(value, times);
        left -= times;
    }
    Ok(())
}

/// The same of sums of delays, hardly two of which are equal.
fn take_sums(reader: &mut Reader<'_>, number: usize) -> Result<Vec<u64>, CodecError> {
    let mut sums = Vec::with_capacity(number);
    while sums.len() < number {
        reader.take_singles(number - sums.len(), &mut sums);
        if sums.len() < number {
            let (value, times) = take_run(reader, number - sums.len(), sums.last().copied())?;
            sums.resize(sums.len() + times, value);
        }
    }
    Ok(sums)
}

/// One run of at most `most` values, which is another value than the `last`.
fn take_run(reader: &mut Reader<'_>, most: usize, last: Option<u64>) -> Result<(u64, usize), CodecError> {
    let (value, times) = reader.next_two()?;
    let times = usize::try_from(times).map_err(|_| CodecError::Runs)?;
    if times == 0 || most < times || last == Some(value) {
        return Err(CodecError::Runs);
    }
    Ok((value, times))
}
