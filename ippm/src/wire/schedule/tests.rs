mod faults;

use std::time::Duration;

use super::*;
use crate::class::maintenance::Scope;
use crate::roster::Roster;
use crate::schedule::TestSpec;
use crate::schedule::selection::{Pair, Selection};
use crate::wire::file::Fault;
use crate::wire::roster;
use crate::{Bandwidth, Family, Params, UnixTime};

#[track_caller]
fn check(faults: &[Fault], expected: &[(usize, &str, &str)]) {
    let found: Vec<(usize, &str)> = faults.iter().map(|f| (f.line, f.path.as_str())).collect();
    let places: Vec<(usize, &str)> = expected.iter().map(|(line, path, _)| (*line, *path)).collect();
    assert_eq!(found, places, "{faults:#?}");
    for (Fault { problem, .. }, (_, path, begins)) in faults.iter().zip(expected) {
        assert!(
            problem.starts_with(begins),
            "{path}: {problem:?} should begin with {begins:?}"
        );
    }
}

/// Reads `text` and compares what is wrong with it: line, key and the beginning of the problem.
#[track_caller]
fn check_faults(text: &str, expected: &[(usize, &str, &str)]) {
    match parse(text.as_bytes()) {
        Err(FileError::Faults(faults)) => check(&faults, expected),
        other => panic!("{text}: expected faults, got {other:?}"),
    }
}

/// The schedule with one test on line 2 that has these keys too.
fn with(keys: &str) -> String {
    let comma = if keys.is_empty() { "" } else { "," };
    format!("{{\"tests\":[\n{{\"name\":\"voice\"{comma}{keys}}}]}}")
}

#[track_caller]
fn test(keys: &str) -> TestSpec {
    parse(with(keys).as_bytes()).unwrap().tests.remove(0)
}

fn names(text: &str) -> BTreeSet<crate::ProbeName> {
    text.split(' ').map(|name| name.parse().unwrap()).collect()
}

#[test]
fn an_empty_schedule_means_what_none_means_and_an_empty_list_means_nothing() {
    assert_eq!(parse(b"{}").unwrap(), Schedule::everybody());
    let schedule = parse(br#"{"measure":false,"tests":[]}"#).unwrap();
    assert!(!schedule.measure && schedule.tests.is_empty());
}

#[test]
fn every_key_of_a_test_is_read() {
    let spec = test(
        r#""kind":"icmp","groups":["core","metro"],"include":{"metro":{"a":["b","c"]}},"exclude":{"core":{"a":["c"]}},
        "family":6,"period":"30m","windows":["mon-fri 08:00-18:00 Europe/Amsterdam","22:00-04:00 UTC"],"profile":"voip-g711",
        "params":{"spread":"60s","timeout":"1500ms","dscp":0,"dont_fragment":true},
        "limits":{"pair":{"pps":50},"probe":{"pps":500,"bandwidth":"1Mbit/s"},"site":{"bandwidth":"2Mbit/s"},"target":{"pps":1000}}"#,
    );
    let budget = |pps, bits| Budget {
        pps,
        bandwidth: Bandwidth::from_bits(bits),
    };
    let Selection::Groups(rules) = &spec.selection else {
        panic!("expected groups")
    };
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].exclude[&"a".parse().unwrap()], names("c"));
    assert!(rules[0].include.is_empty() && rules[1].exclude.is_empty());
    assert_eq!(rules[1].include[&"a".parse().unwrap()], names("b c"));
    assert_eq!(spec.family, Some(Family::V6));
    assert_eq!(spec.period, Some(Duration::from_mins(30)));
    assert_eq!(
        spec.windows.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["mon-fri 08:00-18:00 Europe/Amsterdam", "22:00-04:00 UTC"]
    );
    assert_eq!(
        spec.params,
        Params {
            spread: Some(Duration::from_mins(1)),
            timeout: Some(Duration::from_millis(1500)),
            dscp: Some(0),
            dont_fragment: Some(true),
            ..Params::NONE
        }
    );
    assert_eq!(
        spec.limits,
        Limits {
            pair: budget(Some(50), 0),
            probe: budget(Some(500), 1_000_000),
            site: budget(None, 2_000_000),
            target: budget(Some(1000), 0),
        }
    );
    let pairs = test(r#""pairs":[{"source":"a","target":"b"},{"source":"b","target":"a"}]"#);
    let pair = |source: &str, target: &str| Pair {
        source: source.parse().unwrap(),
        target: target.parse().unwrap(),
    };
    assert_eq!(
        pairs.selection,
        Selection::Pairs(vec![pair("a", "b"), pair("b", "a")])
    );
}

#[test]
fn announced_work_is_read_with_its_offset() {
    let text = br#"{"maintenance":[{"id":"CHG-1","from":"2026-11-21T22:00:00+01:00","to":"2026-11-21T21:00:00.000000001Z",
        "scope":{"probe":"a","source":"b","target":"c","site":"AMS","test":"icmp"},"reason":"line card"},
        {"id":"CHG-2","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","scope":{}}]}"#;
    let entries = parse(text).unwrap().maintenance;
    assert_eq!(entries[0].from, UnixTime::from_ns(1_795_294_800_000_000_000));
    assert_eq!(entries[0].to, UnixTime::from_ns(1_795_294_800_000_000_001));
    assert_eq!(
        entries[0].scope,
        Scope {
            probe: "a".parse().ok(),
            source: "b".parse().ok(),
            target: "c".parse().ok(),
            site: Some("AMS".to_owned()),
            test: "icmp".parse().ok(),
        }
    );
    assert_eq!(entries[0].reason, "line card");
    assert_eq!(
        (entries[1].scope.clone(), entries[1].reason.as_str()),
        (Scope::ALL, "")
    );
}

#[test]
fn a_profile_of_the_file_counts_before_a_built_in_one() {
    let text = br#"{"profiles":{"video":{"size_bytes":1000,"bandwidth":"800kbit/s","dscp":34},"game":{"pps":30,"bandwidth":"48kbit/s"}},
        "tests":[{"name":"v","profile":"video"},{"name":"g","profile":"game"}]}"#;
    let schedule = parse(text).unwrap();
    let defaults = crate::plan::default_params(Duration::from_mins(5));
    let params: Vec<Params> = schedule
        .tests
        .iter()
        .map(|test| schedule.params(test, defaults))
        .collect();
    // 800,000 ÷ 8 ÷ 1000 = 100 packets/s over 280 s; 48,000 ÷ 8 ÷ 30 = 200 bytes.
    assert_eq!(
        (params[0].count, params[0].payload_bytes, params[0].dscp),
        (Some(28_000), Some(954), Some(34))
    );
    assert_eq!(
        (params[1].count, params[1].payload_bytes, params[1].dscp),
        (Some(8_400), Some(154), Some(0))
    );
    assert!(schedule.profiles.contains_key(&"voip-g711".parse().unwrap()));
}

fn roster() -> Roster {
    roster::parse(
        br#"{"probes":[
        {"name":"a","proto":4,"address":"192.0.2.1","groups":["g"],"site":"AMS","alias":["a-old"]},
        {"name":"b","proto":4,"address":"192.0.2.2","groups":["g"],"role":"source"},
        {"name":"c","proto":4,"address":"192.0.2.3","role":"target"}]}"#,
    )
    .unwrap()
}

#[test]
fn announced_work_on_what_is_not_known_is_worth_a_warning() {
    let entry = |id: usize, scope: &str| {
        format!(
            r#"{{"id":"m{id}","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","scope":{scope}}}"#
        )
    };
    let entries = [
        entry(0, r#"{"probe":"a-old","site":"AMS","test":"icmp"}"#),
        entry(1, r#"{"source":"x"}"#),
        entry(2, r#"{"site":"ams"}"#),
        entry(3, r#"{"test":"voice"}"#),
    ];
    let text = format!("{{\"maintenance\":[{}]}}", entries.join(",\n"));
    let schedule = parse(text.as_bytes()).unwrap();
    check(
        &names::unknown(&schedule, &roster(), text.as_bytes()),
        &[
            (2, "maintenance[1].scope.source", "x is not known today"),
            (3, "maintenance[2].scope.site", "ams is not known today"),
            (4, "maintenance[3].scope.test", "voice is not known today"),
        ],
    );
}
