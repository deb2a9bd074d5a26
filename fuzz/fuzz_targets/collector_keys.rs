//! The key file: the keys of an accepted one, written anew, are the same keys; taking one out leaves the others.

#![no_main]

use collector::key::file::{entry_text, parse, without};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(ring) = parse(bytes) else { return };
    let text: String = ring.entries().iter().map(entry_text).collect();
    assert_eq!(parse(text.as_bytes()).unwrap().entries(), ring.entries());
    let Some(first) = ring.entries().first() else {
        return;
    };
    let left = parse(without(&text, &first.id).unwrap().as_bytes()).unwrap();
    assert_eq!(left.entries(), &ring.entries()[1..]);
});
