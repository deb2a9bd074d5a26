//! Code points of the replies (RFC 2474): `0:1,46:9`.

use super::{CodecError, list};
use crate::Params;

/// (code point, number of replies), code points ascending.
#[must_use]
pub fn encode(dscp_received: &[(u8, u64)]) -> String {
    list::join(
        dscp_received
            .iter()
            .map(|(dscp, count)| format!("{dscp}:{count}")),
    )
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text, for code points above [`Params::MAX_DSCP`] or that do not
/// ascend, and for a zero count.
pub fn decode(text: &str) -> Result<Vec<(u8, u64)>, CodecError> {
    let dscp_received = list::parse(text, "code point:number", entry, encode)?;
    list::check_counts(&dscp_received)?;
    Ok(dscp_received)
}

fn entry(text: &str) -> Option<(u8, u64)> {
    let (dscp, count) = text.split_once(':')?;
    let dscp = dscp.parse().ok().filter(|dscp| *dscp <= Params::MAX_DSCP)?;
    Some((dscp, count.parse().ok()?))
}
