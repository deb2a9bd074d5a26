//! Loss runs (the loss periods of RFC 3357 §4.2): `2:1,5:1` is one run of two packets and one of five.

use super::{CodecError, list};

/// (length in packets, number of runs), lengths ascending.
#[must_use]
pub fn encode(loss_runs: &[(u64, u64)]) -> String {
    list::join(
        loss_runs
            .iter()
            .map(|(length, number)| format!("{length}:{number}")),
    )
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, and for lengths that do not ascend or a zero.
pub fn decode(text: &str) -> Result<Vec<(u64, u64)>, CodecError> {
    let loss_runs = list::parse(text, "length:number", entry, encode)?;
    list::check_counts(&loss_runs)?;
    if loss_runs.first().is_some_and(|(length, _)| *length == 0) {
        return Err(CodecError::Order);
    }
    Ok(loss_runs)
}

fn entry(text: &str) -> Option<(u64, u64)> {
    let (length, number) = text.split_once(':')?;
    Some((length.parse().ok()?, number.parse().ok()?))
}
