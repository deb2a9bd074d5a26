//! RFC 3339 times: what is read is written in one spelling, which is read as the same time.

#![no_main]

use ippm::UnixTime;
use ippm::wire::time::{format, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(time) = parse(text)
    {
        check(time);
    }
    if let Some(ns) = bytes.first_chunk() {
        check(UnixTime::from_ns(i64::from_le_bytes(*ns)));
    }
});

fn check(time: UnixTime) {
    let text = format(time);
    assert_eq!(text.len(), "2026-11-21T10:05:00.123456789Z".len(), "{text}");
    assert!(text.ends_with('Z'));
    assert_eq!(parse(&text), Ok(time), "{text}");
}
