//! Durations: `280s`, `1500us`.

use std::time::Duration;

use super::CodecError;

/// The units, largest first, with their length in nanoseconds.
const UNITS: [(u128, &str); 4] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns")];

/// `duration` as an integer and the largest of s, ms, us, ns that divides it; zero is `0s`.
#[must_use]
pub fn encode(duration: Duration) -> String {
    let ns = duration.as_nanos();
    let (unit, name) = UNITS
        .into_iter()
        .find(|(unit, _)| ns.is_multiple_of(*unit))
        .unwrap_or((1, "ns"));
    format!("{}{name}", ns / unit)
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, a duration in a smaller unit than necessary included.
pub fn decode(text: &str) -> Result<Duration, CodecError> {
    const MALFORMED: CodecError = CodecError::Part {
        expected: "an integer with s, ms, us or ns",
    };
    let digits_end = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or(MALFORMED)?;
    let (digits, name) = text.split_at(digits_end);
    let (unit, _) = UNITS
        .into_iter()
        .find(|(_, unit)| *unit == name)
        .ok_or(MALFORMED)?;
    let count: u128 = digits.parse().map_err(|_| MALFORMED)?;
    let ns = count.checked_mul(unit).ok_or(MALFORMED)?;
    let seconds = u64::try_from(ns / 1_000_000_000).map_err(|_| MALFORMED)?;
    let subsecond = u32::try_from(ns % 1_000_000_000).map_err(|_| MALFORMED)?;
    let duration = Duration::new(seconds, subsecond);
    if encode(duration) == text {
        Ok(duration)
    } else {
        Err(CodecError::NotCanonical)
    }
}
