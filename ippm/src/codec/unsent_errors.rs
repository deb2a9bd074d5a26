//! Packets that the probe's own host refused, by the name of its error: `enobufs:1,eperm:2`.

use super::{CodecError, list};
use crate::Word;

/// (name of the error, packets), names ascending as bytes.
#[must_use]
pub fn encode(unsent_errors: &[(Word, u64)]) -> String {
    list::join(
        unsent_errors
            .iter()
            .map(|(name, count)| format!("{name}:{count}")),
    )
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, and for names that do not ascend or a zero count.
pub fn decode(text: &str) -> Result<Vec<(Word, u64)>, CodecError> {
    let unsent_errors = list::parse(text, "name:number", entry, encode)?;
    list::check_counts(&unsent_errors)?;
    Ok(unsent_errors)
}

fn entry(text: &str) -> Option<(Word, u64)> {
    let (name, count) = text.split_once(':')?;
    Some((name.parse().ok()?, count.parse().ok()?))
}
