//! What a collector, or whatever answers in its place, says to a probe: one line for the operator comes of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xprobe::fuzzing;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[low, high], body)) = bytes.split_first_chunk() else {
        return;
    };
    let (rejected, refusal) = fuzzing::answer(u16::from_le_bytes([low, high]), body);
    for line in rejected.iter().chain([&refusal]) {
        assert!(!line.contains(char::is_control), "{line:?}");
        // Two shortened texts and our own words around them.
        assert!(line.chars().count() < 1000, "{line:?}");
    }
    if let Ok(text) = str::from_utf8(body) {
        let _ = fuzzing::http_date(text);
        let [chrony, ntpd, systemd] = fuzzing::clock_daemon(text);
        for (synchronised, offset_ns) in [chrony, ntpd, systemd].into_iter().flatten() {
            // An offset is stated by a clock that follows something.
            assert!(offset_ns.is_none() || synchronised == Some(true));
        }
    }
});
