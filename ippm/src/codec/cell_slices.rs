//! Slices of an hour cell, `s2:`: the number of the first slice since 1970, how many, then each of the four lists
//! as runs (value, repeat). An hour without loss is three runs and the sums of the delays.

use super::CodecError;
use super::slices::{push_head, take_head};
use super::varint::{Reader, Writer};
use crate::cell::slices::{CellSlices, Runs};

const PREFIX: &str = "s2:";

/// The text of `slices`.
#[must_use]
pub fn encode(slices: &CellSlices) -> String {
    write(slices).finish(PREFIX)
}

/// The bytes of which [`encode`] makes a text, for a store that keeps bytes.
#[must_use]
pub fn to_bytes(slices: &CellSlices) -> Vec<u8> {
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
pub fn decode(text: &str) -> Result<CellSlices, CodecError> {
    read(Reader::new(PREFIX, text)?)
}

/// Reads the bytes of [`to_bytes`].
///
/// # Errors
///
/// [`CodecError`] as for [`decode`].
pub fn from_bytes(bytes: &[u8]) -> Result<CellSlices, CodecError> {
    read(Reader::of_bytes(bytes))
}

fn read(mut reader: Reader<'_>) -> Result<CellSlices, CodecError> {
    let (start, number) = take_head(&mut reader)?;
    let mut counts = [Runs::default(), Runs::default(), Runs::default()];
    for list in &mut counts {
        take_runs(&mut reader, number, |value, times| list.push(value, times))?;
    }
    let mut rtt_sum_ns = Vec::with_capacity(number);
    take_runs(&mut reader, number, |value, times| match times {
        1 => rtt_sum_ns.push(value),
        _ => rtt_sum_ns.resize(rtt_sum_ns.len() + times, value),
    })?;
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
        let (value, times) = reader.next_two()?;
        let times = usize::try_from(times).map_err(|_| CodecError::Runs)?;
        let continues = last.replace(value) == Some(value);
        if times == 0 || left < times || continues {
            return Err(CodecError::Runs);
        }
        tell(value, times);
        left -= times;
    }
    Ok(())
}
