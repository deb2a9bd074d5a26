//! Test parameters: `count=280;df=0;dscp=0;payload=56;spread=280s;timeout=2s`.

use super::{CodecError, duration};
use crate::Params;

/// `params` as `key=value` in the order of the keys; absent ones are left out, without any the text is empty.
#[must_use]
pub fn encode(params: &Params) -> String {
    let parts = [
        params.count.map(|count| format!("count={count}")),
        params.dont_fragment.map(|df| format!("df={}", u8::from(df))),
        params.dscp.map(|dscp| format!("dscp={dscp}")),
        params.payload_bytes.map(|bytes| format!("payload={bytes}")),
        params
            .spread
            .map(|spread| format!("spread={}", duration::encode(spread))),
        params
            .timeout
            .map(|timeout| format!("timeout={}", duration::encode(timeout))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(";")
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`CodecError`] for any other text: an unknown key, a repeated one, another order.
pub fn decode(text: &str) -> Result<Params, CodecError> {
    let mut params = Params::NONE;
    for part in text.split(';').filter(|_| !text.is_empty()) {
        let (key, value) = part.split_once('=').ok_or(MALFORMED)?;
        match key {
            "count" => params.count = Some(integer(value)?),
            "df" => params.dont_fragment = Some(integer(value)? == 1),
            "dscp" => params.dscp = Some(integer(value)?),
            "payload" => params.payload_bytes = Some(integer(value)?),
            "spread" => params.spread = Some(duration::decode(value)?),
            "timeout" => params.timeout = Some(duration::decode(value)?),
            _ => return Err(MALFORMED),
        }
    }
    if encode(&params) == text {
        Ok(params)
    } else {
        Err(CodecError::NotCanonical)
    }
}

const MALFORMED: CodecError = CodecError::Part {
    expected: "a known key, '=' and its value",
};

fn integer(text: &str) -> Result<u64, CodecError> {
    text.parse().map_err(|_| MALFORMED)
}
