//! Rounds of a cell by their loss ratio: twelve decimal counts with a comma between them.

use std::fmt::Write as _;

use super::CodecError;
use crate::cell::LOSS_PLACES;

/// What every part has to be.
const COUNT: CodecError = CodecError::Part {
    expected: "a decimal count, twelve of them",
};

/// The text of `rounds`; see [`Cell::loss_hist`](crate::cell::Cell::loss_hist).
#[must_use]
pub fn encode(rounds: &[u64; LOSS_PLACES]) -> String {
    let mut text = String::with_capacity(2 * LOSS_PLACES);
    for (place, rounds) in rounds.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{rounds}");
    }
    text
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text.
pub fn decode(text: &str) -> Result<[u64; LOSS_PLACES], CodecError> {
    let mut rounds = [0; LOSS_PLACES];
    let mut parts = text.split(',');
    for place in &mut rounds {
        *place = count(parts.next().ok_or(COUNT)?)?;
    }
    match parts.next() {
        None => Ok(rounds),
        Some(_) => Err(COUNT),
    }
}

/// A number as we write it: digits, none of them a leading zero.
fn count(text: &str) -> Result<u64, CodecError> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || (text.starts_with('0') && text.len() > 1) {
        return Err(COUNT);
    }
    text.parse().map_err(|_| COUNT)
}
