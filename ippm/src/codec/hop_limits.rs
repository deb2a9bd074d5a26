//! Hop limits of the replies (TTL of RFC 791, hop limit of RFC 8200): `60:1,63:9`.

use std::cmp::Reverse;

use super::{CodecError, list};

/// (hop limit, number of replies), hop limits ascending.
#[must_use]
pub fn encode(hop_limits: &[(u8, u64)]) -> String {
    list::join(
        hop_limits
            .iter()
            .map(|(hop_limit, count)| format!("{hop_limit}:{count}")),
    )
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, and for hop limits that do not ascend or a zero count.
pub fn decode(text: &str) -> Result<Vec<(u8, u64)>, CodecError> {
    let hop_limits = list::parse(text, "hop limit:number", entry, encode)?;
    list::check_counts(&hop_limits)?;
    Ok(hop_limits)
}

/// The hop limit that most replies had, the smallest of several; `None` without replies.
#[must_use]
pub fn most_frequent(hop_limits: &[(u8, u64)]) -> Option<u8> {
    hop_limits
        .iter()
        .max_by_key(|(hop_limit, count)| (*count, Reverse(*hop_limit)))
        .map(|(hop_limit, _)| *hop_limit)
}

fn entry(text: &str) -> Option<(u8, u64)> {
    let (hop_limit, count) = text.split_once(':')?;
    Some((hop_limit.parse().ok()?, count.parse().ok()?))
}
