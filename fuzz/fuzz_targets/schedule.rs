//! `schedule.json`: of an accepted schedule every window is read back as it was written, every test has complete
//! parameters, rules are mutual; of a refused one every fault lies on a line of the file.

#![no_main]

use std::time::Duration;

use ippm::plan::default_params;
use ippm::schedule::selection::Selection;
use ippm::schedule::window::Window;
use ippm::schedule::{Schedule, TestSpec};
use ippm::wire::file::place::Places;
use ippm::wire::file::{FileError, MAX_FAULTS};
use ippm::wire::schedule::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse(bytes) {
        Ok(schedule) => check(&schedule),
        Err(FileError::Faults(faults)) => {
            let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
            assert!(!faults.is_empty() && faults.len() <= MAX_FAULTS + 1);
            for fault in faults {
                assert!((1..=lines).contains(&fault.line), "{fault}");
                assert!(!fault.path.chars().any(char::is_control), "{fault:?}");
            }
        }
        Err(FileError::TooLarge { .. } | FileError::Json(_)) => {}
    }
    let _ = Places::of(bytes);
});

fn check(schedule: &Schedule) {
    assert!(schedule.tests.len() <= Schedule::MAX_TESTS);
    assert!(schedule.maintenance.iter().all(|entry| entry.from < entry.to));
    let defaults = default_params(Duration::from_secs(300));
    for test in &schedule.tests {
        let params = schedule.params(test, defaults);
        assert!(
            params
                .count
                .is_some_and(|count| (1..=TestSpec::MAX_COUNT).contains(&count))
        );
        assert!(params.spread.is_some_and(|spread| !spread.is_zero()));
        for window in &test.windows {
            let text = window.to_string();
            // It stands in the record of a plan, between such characters.
            assert!(!text.contains([';', '|', '%', '\n']));
            assert_eq!(text.parse::<Window>().as_ref(), Ok(window));
        }
        if let Selection::Groups(rules) = &test.selection {
            for rule in rules {
                for (one, partners) in rule.include.iter().chain(&rule.exclude).take(64) {
                    for other in partners.iter().take(64) {
                        assert_eq!(rule.keeps(one, other), rule.keeps(other, one));
                        let is_included = rule.include.get(one).is_some_and(|list| list.contains(other));
                        assert_eq!(rule.keeps(one, other), is_included, "no pair is both");
                    }
                }
            }
        }
    }
}
