//! `schedule.json`: who measures whom, when and with which packets, as people write it.
//!
//! # Layout
//!
//! * [`parse`], [`schema`]: the file
//! * [`names`]: whether the roster knows what announced work names
//! * `shape`, `test`, `maintenance`: its keys, one test, announced work

mod maintenance;
pub mod names;
mod shape;
mod test;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Label;
use crate::schedule::Schedule;
use crate::schedule::limits::{Budget, Limits};
use crate::schedule::profile::Profile;
use crate::wire::file::place::Path;
use crate::wire::file::shape::Found;
use crate::wire::file::{self, FileError};

/// The JSON Schema of the schedule, made from what [`parse`] reads.
#[must_use]
pub fn schema() -> String {
    file::schema::document("Schedule of IXPQoS (schedule.json)", &shape::FILE)
}

/// Reads `schedule.json`. Without the key `tests` the test `icmp` of everyone with everyone stays; an empty list
/// means that nothing is measured.
///
/// # Errors
///
/// [`FileError`]; first every value that is wrong by itself, all at once; of a file without such, everything that
/// contradicts itself.
pub fn parse(text: &[u8]) -> Result<Schedule, FileError> {
    let (value, mut found) = file::read(text, &shape::FILE)?;
    if !found.is_empty() {
        return Err(FileError::found(text, found));
    }
    let schedule = schedule(&value, &mut found);
    if found.is_empty() {
        Ok(schedule)
    } else {
        Err(FileError::found(text, found))
    }
}

fn schedule(value: &Value, found: &mut Found) -> Schedule {
    let everybody = Schedule::everybody();
    let top = Path::Top;
    let mut profiles = everybody.profiles;
    profiles.extend(self::profiles(value, found));
    let tests = match value.get("tests").and_then(Value::as_array) {
        None => everybody.tests,
        Some(items) => {
            let list = Path::Key(&top, "tests");
            let tests = items.iter().enumerate();
            tests
                .filter_map(|(index, item)| test::read(item, &Path::Item(&list, index), &profiles, found))
                .collect()
        }
    };
    let maintenance = maintenance::read(value, found);
    let mut names = BTreeSet::new();
    for (index, test) in tests.iter().enumerate() {
        if !names.insert(test.name.as_str()) {
            found.add(
                format_args!("tests[{index}].name"),
                format_args!("an earlier test is called {} too", test.name),
            );
        }
    }
    Schedule {
        measure: value.get("measure").and_then(Value::as_bool).unwrap_or(true),
        limits: limits(value),
        tests,
        profiles,
        maintenance,
    }
}

fn profiles(value: &Value, found: &mut Found) -> BTreeMap<Label, Profile> {
    let mut profiles = BTreeMap::new();
    let all = Path::Key(&Path::Top, "profiles");
    for (name, value) in value
        .get("profiles")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let bandwidth = parsed(value, "bandwidth");
        let dscp = whole(value, "dscp").unwrap_or(0);
        match Profile::new(whole(value, "pps"), whole(value, "size_bytes"), bandwidth, dscp) {
            Ok(profile) => profiles.extend(name.parse().ok().map(|name: Label| (name, profile))),
            Err(error) => found.add(Path::Key(&all, name), error),
        }
    }
    profiles
}

/// The key `limits` of the file or of a test.
fn limits(value: &Value) -> Limits {
    let limits = value.get("limits");
    let budget = |key| match limits.and_then(|limits| limits.get(key)) {
        None => Budget::NONE,
        Some(budget) => Budget {
            pps: whole(budget, "pps"),
            bandwidth: parsed(budget, "bandwidth"),
        },
    };
    Limits {
        pair: budget("pair"),
        probe: budget("probe"),
        site: budget("site"),
        target: budget("target"),
    }
}

/// The text of `key`, read again; its shape was checked.
fn parsed<T: std::str::FromStr>(item: &Value, key: &str) -> Option<T> {
    item.get(key)
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
}

fn whole(item: &Value, key: &str) -> Option<u64> {
    item.get(key).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests;
