//! `probes.json`: an accepted roster keeps its invariants, and what probes of the original get of it is read back as
//! a roster of the same hosts; of a refused one every fault lies on a line of the file.

#![no_main]

use ippm::roster::Roster;
use ippm::roster::probe::{Details, Probe};
use ippm::wire::file::{FileError, MAX_FAULTS};
use ippm::wire::roster::legacy::ProbeListV1;
use ippm::wire::roster::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let roster = match parse(bytes) {
        Ok(roster) => roster,
        Err(FileError::Faults(faults)) => {
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!(!faults.is_empty() && faults.len() <= MAX_FAULTS + 1);
            assert!(faults.iter().all(|fault| (1..=lines).contains(&fault.line)));
            return;
        }
        Err(FileError::TooLarge { .. } | FileError::Json(_)) => return,
    };
    // An entry may hold an address of either family.
    assert!(roster.entries().len() <= 2 * Roster::MAX_ENTRIES);
    for entry in roster.entries() {
        assert!(entry.address.fits(entry.family));
        let probe = roster.probe(&entry.name).unwrap();
        assert_eq!(probe.address(entry.family), Some(&entry.address));
    }
    let aliases = roster.aliases();
    for probe in roster.probes() {
        check(probe, &roster);
        assert!(
            probe
                .details
                .aliases
                .iter()
                .all(|former| aliases.resolve(former) == &probe.name)
        );
        assert_eq!(aliases.resolve(&probe.name), &probe.name);
    }
    let list = ProbeListV1::new(&roster, true);
    if list.probes.len() > Roster::MAX_ENTRIES {
        return;
    }
    let text = serde_json::to_vec(&list).unwrap();
    // Unwrapping shows the faults of a list that we wrote ourselves.
    let read = parse(&text).unwrap();
    assert_eq!(ProbeListV1::new(&read, true), list);
    assert_eq!(
        read.names().count(),
        roster.probes().iter().filter(|probe| probe.is_target()).count()
    );
});

fn check(probe: &Probe, roster: &Roster) {
    let details = &probe.details;
    assert!(probe.v4.is_some() || probe.v6.is_some());
    assert!(details.groups.len() <= Details::MAX_GROUPS && details.aliases.len() <= Details::MAX_ALIASES);
    for way in &details.overrides {
        let target = roster.probe(&way.target).unwrap();
        let families = [ippm::Family::V4, ippm::Family::V6];
        assert!(
            families
                .into_iter()
                .any(|family| probe.reaches(target, family) == Some(&way.address))
        );
    }
}
