//! What a ledger of records expects, derived by hand, and slot by slot.

use ippm::wire::time;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Midnight of a Saturday in November, UTC; Rome is one hour ahead.
const DAY: i64 = 1_795_219_200_000_000_000;

const MINUTE: i64 = 60_000_000_000;

fn minute(minutes: i64) -> UnixTime {
    UnixTime::from_ns(DAY + minutes * MINUTE)
}

/// A version of the plan of `probe`, loaded `minutes` after midnight: a plan period, and tests as
/// `test target family period windows`.
fn version(probe: &str, minutes: i64, period: &str, lines: &[&str]) -> PlanVersion {
    let line = |line: &&str| {
        let parts: Vec<&str> = line.splitn(5, ' ').collect();
        let [test, target, family, period, windows] = parts[..] else {
            panic!("{line}")
        };
        format!("{test}|icmp|{target}|{family}|{target}.example|{period}|count=2;spread=30s|{windows}\n")
    };
    let record = format!("period|{period}\n{}", lines.iter().map(line).collect::<String>());
    PlanVersion {
        probe: probe.parse().unwrap(),
        time: minute(minutes),
        version: ippm::plan::version_of(&record),
        record,
    }
}

/// What is expected in the first `to` minutes of the day: `source target/family/test period: minutes`.
fn told(history: &History, to: i64) -> Vec<String> {
    history
        .expected(minute(0), minute(to), &|_| true)
        .iter()
        .map(|expected| {
            let how = &expected.expectation;
            let starts: Vec<String> = expected
                .slots
                .iter()
                .map(|slot| ((slot.as_ns() - DAY) / MINUTE).to_string())
                .collect();
            assert_eq!(expected.slots.count(), starts.len() as u64);
            format!(
                "{} {}/{}/{} {}s: {}",
                how.source,
                how.target,
                how.family,
                how.test,
                how.period.as_secs(),
                starts.join(" ")
            )
        })
        .collect()
}

#[test]
fn nothing_is_expected_before_the_first_record_and_a_slot_belongs_to_the_plan_in_which_it_began() {
    let history = History::new(vec![
        version("a", 7, "300s", &["icmp b 4 300s "]),
        version("a", 22, "60s", &["icmp b 4 60s "]),
    ])
    .unwrap();
    // Slot 5 began before the first record. Slot 20 began under the first plan and is expected by it to its end.
    assert_eq!(
        told(&history, 25),
        ["a b/4/icmp 60s: 22 23 24", "a b/4/icmp 300s: 10 15 20"]
    );
}

#[test]
fn a_plan_that_went_and_came_back_counts_for_as_long_as_it_was_there() {
    let a = |time| version("a", time, "300s", &["icmp b 4 300s ", "icmp c 4 300s "]);
    let history = History::new(vec![a(0), version("a", 10, "300s", &["icmp b 4 300s "]), a(20)]).unwrap();
    assert_eq!(
        told(&history, 30),
        ["a b/4/icmp 300s: 0 5 10 15 20 25", "a c/4/icmp 300s: 0 5 20 25"]
    );
}

#[test]
fn a_record_that_is_as_old_as_the_slot_is_in_force_for_it() {
    let history = History::new(vec![
        version("a", 5, "300s", &["icmp b 4 300s "]),
        version("a", 10, "300s", &[]),
    ])
    .unwrap();
    assert_eq!(told(&history, 60), ["a b/4/icmp 300s: 5"]);
    let a = "a".parse().unwrap();
    assert!(history.in_force(&a, minute(4)).is_none());
    assert_eq!(history.in_force(&a, minute(5)).unwrap().results(), 1);
    assert_eq!(history.in_force(&a, minute(10)).unwrap().results(), 0);
}

#[test]
fn a_window_expects_the_slots_that_begin_while_it_is_open() {
    let history = History::new(vec![version(
        "a",
        -60,
        "300s",
        &["voice b 6 600s sat 01:02-01:30 Europe/Rome;00:45-00:55 UTC"],
    )])
    .unwrap();
    // 01:02 to 01:30 in Rome is 00:02 to 00:30 UTC; the plan is the same on any other day but has no Saturday there.
    assert_eq!(told(&history, 120), ["a b/6/voice 600s: 10 20 50"]);
}

#[test]
fn a_renamed_probe_is_one_probe() {
    let renamed: Aliases = [("old".parse().unwrap(), "new".parse().unwrap())]
        .into_iter()
        .collect();
    let history = History::new(vec![
        version("old", 0, "300s", &["icmp b 4 300s "]),
        version("b", 0, "300s", &["icmp old 4 300s "]),
        // The collector that was reloaded last wrote down that the former name is gone.
        version("old", 11, "300s", &[]),
        version("new", 10, "300s", &["icmp b 4 300s "]),
        version("b", 10, "300s", &["icmp new 4 300s "]),
    ])
    .unwrap()
    .renamed(renamed);
    // Slot 10 is in both plans and expected once.
    assert_eq!(
        told(&history, 20),
        ["b new/4/icmp 300s: 0 5 10 15", "new b/4/icmp 300s: 0 5 10 15"]
    );
}

#[test]
fn only_wanted_pairs_are_told() {
    let history = History::new(vec![version(
        "a",
        0,
        "300s",
        &["icmp b 4 300s ", "icmp b 6 300s ", "icmp c 4 300s "],
    )])
    .unwrap();
    let six = history.expected(minute(0), minute(5), &|pair| pair.family == Family::V6);
    assert_eq!(six.len(), 1);
    let expected = six[0].expectation.at(minute(0), Some("x"), None);
    assert_eq!((expected.spread, expected.count), (Duration::from_secs(30), 2));
    assert_eq!(expected.slot_end(), minute(5));
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let mut bad = version("a", 0, "300s", &["icmp b 4 300s mon 01:00-02:00 Mars/Phobos"]);
    let error = History::new(vec![bad.clone()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the plan of probe a of {} is unreadable: \"Mars/Phobos\" is no time zone that this release knows, like \"Europe/Rome\" or \"UTC\"",
            time::format(minute(0))
        )
    );
    bad.record = "?".to_owned();
    assert!(History::new(vec![bad]).is_err());
}

const WINDOWS: [&str; 5] = [
    "",
    "00:07-01:31 UTC",
    "sat 23:00-00:20 Europe/Rome",
    "sat,sun 00:30-00:50 Europe/Rome;01:10-01:15 UTC",
    "sun 12:00-13:00 UTC",
];

fn versions() -> impl Strategy<Value = Vec<PlanVersion>> {
    let line = (
        select(vec!["icmp", "voice"]),
        select(vec!["b", "c", "d"]),
        select(vec![4, 6]),
        1..4,
        select(WINDOWS.to_vec()),
    );
    let plan = (
        select(vec!["a", "b"]),
        -30_i64..150,
        select(vec![60, 300]),
        vec(line, 0..4),
    );
    vec(plan, 0..5).prop_map(|plans| {
        plans
            .into_iter()
            .map(|(probe, time, period, lines)| {
                let lines: BTreeMap<String, String> = lines
                    .into_iter()
                    .map(|(test, target, family, times, windows)| {
                        let key = format!("{test} {target} {family}");
                        (key.clone(), format!("{key} {}s {windows}", period * times))
                    })
                    .collect();
                let lines: Vec<&str> = lines.values().map(String::as_str).collect();
                version(probe, time, &format!("{period}s"), &lines)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn what_was_expected_is_what_each_slot_was_asked_for(versions in versions(), from in -40_i64..100, length in 0_i64..90) {
        let history = History::new(versions).unwrap();
        let mut found = Vec::new();
        for expected in history.expected(minute(from), minute(from + length), &|_| true) {
            let how = &expected.expectation;
            for slot in expected.slots.iter() {
                found.push((how.source.clone(), how.target.clone(), how.family, how.test.clone(), how.period, slot));
            }
        }
        let mut asked = Vec::new();
        for minutes in from..from + length {
            for probe in ["a", "b"] {
                let probe: ProbeName = probe.parse().unwrap();
                let Some(plan) = history.in_force(&probe, minute(minutes)) else { continue };
                let plan = Resolved::new(plan.clone()).unwrap();
                for test in plan.due(minute(minutes)) {
                    for target in test.targets.iter().filter(|target| target.name != probe) {
                        asked.push((probe.clone(), target.name.clone(), target.family, test.name.clone(), test.period, minute(minutes)));
                    }
                }
            }
        }
        found.sort();
        asked.sort();
        prop_assert_eq!(found, asked);
    }
}
