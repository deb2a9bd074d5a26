//! ICMP errors (RFC 792, RFC 4443): `3/1@192.0.2.1:1` is one message of type 3, code 1.

use super::{CodecError, list};
use crate::IcmpErrorCount;

/// `type/code@address:count`; the count stands behind the last colon, also behind an IPv6 address.
#[must_use]
pub fn encode(icmp_errors: &[IcmpErrorCount]) -> String {
    list::join(icmp_errors.iter().map(
        |IcmpErrorCount {
             kind,
             code,
             from,
             count,
         }| format!("{kind}/{code}@{from}:{count}"),
    ))
}

/// Reads the text of [`encode`].
///
/// Entries come in the order of the report, which a foreign probe may have chosen: it is kept.
///
/// # Errors
///
/// [`CodecError`] for any other text, an address in another form than RFC 5952's included.
pub fn decode(text: &str) -> Result<Vec<IcmpErrorCount>, CodecError> {
    list::parse(text, "type/code@address:count", entry, encode)
}

fn entry(text: &str) -> Option<IcmpErrorCount> {
    let (kind, rest) = text.split_once('/')?;
    let (code, rest) = rest.split_once('@')?;
    let (from, count) = rest.rsplit_once(':')?;
    Some(IcmpErrorCount {
        kind: kind.parse().ok()?,
        code: code.parse().ok()?,
        from: from.parse().ok()?,
        count: count.parse().ok()?,
    })
}
