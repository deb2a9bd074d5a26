//! Times on the wire: RFC 3339 with nine decimals.
//!
//! Nanoseconds since the epoch exceed 2^53, and many readers of JSON would round the identity of
//! a report away.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use thiserror::Error;

use crate::UnixTime;

/// A text is not a time of RFC 3339 with at most nine decimals between the years 1678 and 2261.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a time of RFC 3339 with at most nine decimals")]
pub struct TimeError;

/// Reads any spelling of RFC 3339 with up to nine decimals; no leap second.
///
/// # Errors
///
/// [`TimeError`] for anything else, also what only ISO 8601 allows.
pub fn parse(text: &str) -> Result<UnixTime, TimeError> {
    if !is_rfc3339(text.as_bytes()) {
        return Err(TimeError);
    }
    let timestamp: Timestamp = text.parse().map_err(|_| TimeError)?;
    i64::try_from(timestamp.as_nanosecond())
        .map(UnixTime::from_ns)
        .map_err(|_| TimeError)
}

/// Writes the time with nine decimals and `Z`.
#[must_use]
pub fn format(time: UnixTime) -> String {
    // Every i64 of nanoseconds lies between 1677 and 2262, inside what a Timestamp holds.
    let timestamp = Timestamp::from_nanosecond(i128::from(time.as_ns())).unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new()
        .precision(Some(9))
        .timestamp_to_string(&timestamp)
}

/// The grammar of RFC 3339 §5.6, without the leap second that a Unix time cannot hold.
fn is_rfc3339(text: &[u8]) -> bool {
    let digits = |from: usize, to: usize| {
        text.get(from..to)
            .is_some_and(|t| t.iter().all(u8::is_ascii_digit))
    };
    let is = |at: usize, one_of: &[u8]| text.get(at).is_some_and(|byte| one_of.contains(byte));
    let date = digits(0, 4) && is(4, b"-") && digits(5, 7) && is(7, b"-") && digits(8, 10);
    let clock =
        is(10, b"Tt") && digits(11, 13) && is(13, b":") && digits(14, 16) && is(16, b":") && digits(17, 19);
    if !(date && clock) || text.get(17..19) == Some(b"60") {
        return false;
    }
    let rest = &text[19..];
    let zone = match rest.strip_prefix(b".") {
        Some(rest) => {
            let decimals = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=9).contains(&decimals) {
                return false;
            }
            &rest[decimals..]
        }
        None => rest,
    };
    match zone {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) && *h1 < b'3' && *m1 < b'6'
        }
        _ => false,
    }
}
