//! Durations and test parameters as text.

use std::time::Duration;

use crate::Params;

/// `duration` as an integer and the largest of s, ms, us, ns that divides it; zero is `0s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    let (unit, name) = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")]
        .into_iter()
        .find(|(unit, _)| ns.is_multiple_of(*unit))
        .unwrap_or((1, "ns"));
    format!("{}{name}", ns / unit)
}

/// `params` as `count=280;df=0;dscp=0;payload=56;spread=280s;timeout=2s`; absent ones are left out,
/// without any the text is empty.
#[must_use]
pub fn params(params: &Params) -> String {
    let parts = [
        params.count.map(|count| format!("count={count}")),
        params.dont_fragment.map(|df| format!("df={}", u8::from(df))),
        params.dscp.map(|dscp| format!("dscp={dscp}")),
        params.payload_bytes.map(|bytes| format!("payload={bytes}")),
        params.spread.map(|spread| format!("spread={}", duration(spread))),
        params
            .timeout
            .map(|timeout| format!("timeout={}", duration(timeout))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(";")
}
