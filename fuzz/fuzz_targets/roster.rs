//! `probes.json`: an accepted roster, given to probes, is read back as the same roster.

#![no_main]

use ippm::roster::Roster;
use ippm::wire::roster::{ProbeListV1, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(roster) = parse(bytes) else { return };
    assert!(roster.entries().len() <= Roster::MAX_ENTRIES);
    for entry in roster.entries() {
        assert!(entry.address.fits(entry.family));
        assert!(roster.contains(&entry.name));
    }
    let list = serde_json::to_vec(&ProbeListV1::new(&roster, true)).unwrap();
    // Unwrapping shows the faults of a list that we wrote ourselves.
    assert_eq!(parse(&list).unwrap(), roster);
});
