//! Which pairs are measured, one rule at a time.

use std::collections::BTreeMap;

use ippm::roster::Entry;
use ippm::roster::probe::{Details, Override, Role};
use ippm::schedule::TestSpec;
use ippm::schedule::selection::{GroupRule, Pair, Selection};

use super::*;

/// Defaults of a round of five minutes.
pub(super) fn defaults() -> Defaults {
    let period = Duration::from_mins(5);
    Defaults {
        period,
        params: plan::default_params(period),
        legacy_period: period,
        pps: 2000,
        pps_per_target: 50,
    }
}

/// A roster from `name/families[:group,group]`; `change` sees the details of each probe.
pub(super) fn roster(text: &str, change: impl Fn(&str, &mut Details)) -> Arc<Roster> {
    let (mut entries, mut details) = (Vec::new(), BTreeMap::new());
    for probe in text.split_whitespace() {
        let (probe, groups) = probe.split_once(':').unwrap_or((probe, ""));
        let (name, families) = probe.split_once('/').unwrap();
        for family in families.chars() {
            entries.push(Entry {
                name: name.parse().unwrap(),
                family: Family::from_number(u64::from(family.to_digit(10).unwrap())).unwrap(),
                address: format!("{name}.example").parse().unwrap(),
                site: None,
                description: None,
                legacy: false,
            });
        }
        let mut of_probe = Details {
            groups: groups
                .split(',')
                .filter(|group| !group.is_empty())
                .map(|group| group.parse().unwrap())
                .collect(),
            ..Details::NONE
        };
        change(name, &mut of_probe);
        details.insert(name.parse().unwrap(), of_probe);
    }
    Arc::new(Roster::with(entries, details).unwrap())
}

/// A schedule of tests with these names and selections.
pub(super) fn schedule(tests: &[(&str, Selection)]) -> Schedule {
    let everybody = Schedule::everybody();
    let spec = &everybody.tests[0];
    Schedule {
        tests: tests
            .iter()
            .map(|(name, selection)| TestSpec {
                name: name.parse().unwrap(),
                selection: selection.clone(),
                ..spec.clone()
            })
            .collect(),
        ..everybody
    }
}

fn pair(source: &str, target: &str) -> Pair {
    Pair {
        source: source.parse().unwrap(),
        target: target.parse().unwrap(),
    }
}

fn groups(names: &[&str]) -> Selection {
    let rule = |name: &&str| GroupRule::all_of(name.parse().unwrap());
    Selection::Groups(names.iter().map(rule).collect())
}

fn plans(roster: Arc<Roster>, schedule: Schedule) -> Plans {
    Plans::new(roster, Arc::new(schedule), defaults()).unwrap()
}

/// The plan of `probe` as `test target/family`.
fn told(plans: &Plans, probe: &str) -> String {
    let plan = plans.get(&probe.parse().unwrap()).unwrap();
    let lines: Vec<String> = plan
        .tests
        .iter()
        .flat_map(|test| {
            let line = |target: &Target| format!("{} {}/{}", test.name, target.name, target.family);
            test.targets.iter().map(line)
        })
        .collect();
    lines.join(", ")
}

#[test]
fn without_a_schedule_everyone_measures_everyone_else_over_what_both_have() {
    let plans = plans(roster("a/4 b/46 c/46 d/6", |_, _| {}), Schedule::everybody());
    assert_eq!(told(&plans, "a"), "icmp b/4, icmp c/4");
    assert_eq!(told(&plans, "b"), "icmp a/4, icmp c/4, icmp c/6, icmp d/6");
    assert_eq!(plans.iter().count(), 4);
    assert!(plans.get(&"x".parse().unwrap()).is_none());
}

#[test]
fn nobody_targets_a_source_and_a_target_measures_nothing() {
    let roles = roster("a/4 nat/4 router/4 off/4", |name, details| match name {
        "nat" => details.role = Role::Source,
        "router" => details.role = Role::Target,
        "off" => details.enabled = false,
        _ => {}
    });
    let plans = plans(roles, Schedule::everybody());
    assert_eq!(told(&plans, "a"), "icmp router/4");
    assert_eq!(told(&plans, "nat"), "icmp a/4, icmp router/4");
    assert_eq!(told(&plans, "router"), "");
    assert_eq!(told(&plans, "off"), "");
}

#[test]
fn a_pair_of_two_groups_is_measured_once_and_rules_of_one_group_say_nothing_of_another() {
    let mut one = GroupRule::all_of("g".parse().unwrap());
    one.exclude
        .insert("a".parse().unwrap(), ["b".parse().unwrap()].into());
    let roster = || roster("a/4:g,h b/4:g,h c/4:g d/4:h", |_, _| {});
    let alone = plans(
        roster(),
        schedule(&[("icmp", Selection::Groups(vec![one.clone()]))]),
    );
    assert_eq!(told(&alone, "a"), "icmp c/4");
    assert_eq!(told(&alone, "b"), "icmp c/4");
    assert_eq!(told(&alone, "d"), "");
    let both = Selection::Groups(vec![one, GroupRule::all_of("h".parse().unwrap())]);
    let both = plans(roster(), schedule(&[("icmp", both)]));
    assert_eq!(told(&both, "a"), "icmp b/4, icmp c/4, icmp d/4");
    assert_eq!(told(&both, "b"), "icmp a/4, icmp c/4, icmp d/4");
}

#[test]
fn explicit_pairs_have_a_direction_and_never_lead_to_oneself() {
    let pairs = vec![pair("a", "b"), pair("a", "a"), pair("b", "c"), pair("a", "b")];
    let plans = plans(
        roster("a/4 b/4 c/4", |_, _| {}),
        schedule(&[("icmp", Selection::Pairs(pairs)), ("voice", Selection::Everyone)]),
    );
    assert_eq!(told(&plans, "a"), "icmp b/4, voice b/4, voice c/4");
    assert_eq!(told(&plans, "c"), "voice a/4, voice b/4");
}

#[test]
fn a_test_of_one_family_measures_no_other() {
    let mut only = schedule(&[("icmp", Selection::Everyone)]);
    only.tests[0].family = Some(Family::V6);
    let plans = plans(roster("a/46 b/46 c/4", |_, _| {}), only);
    assert_eq!(told(&plans, "a"), "icmp b/6");
    assert_eq!(told(&plans, "c"), "");
}

#[test]
fn an_observer_reaches_a_target_at_an_address_of_its_own() {
    let roster = roster("a/46 b/46 c/46", |name, details| {
        if name == "a" {
            details.overrides.push(Override {
                target: "b".parse().unwrap(),
                address: "198.51.100.7".parse().unwrap(),
            });
        }
    });
    let plans = plans(roster, Schedule::everybody());
    let addresses = |probe: &str| -> Vec<String> {
        let plan = plans.get(&probe.parse().unwrap()).unwrap();
        let targets = plan.tests[0].targets.iter();
        targets
            .filter(|target| target.name.as_str() == "b")
            .map(|target| target.address.clone())
            .collect()
    };
    assert_eq!(addresses("a"), ["198.51.100.7", "b.example"]);
    assert_eq!(addresses("c"), ["b.example", "b.example"]);
}

#[test]
fn a_former_name_is_understood_in_the_schedule_and_asks_for_the_same_plan() {
    let renamed = roster("a/4:g b/4:g c/4:g", |name, details| {
        if name == "a" {
            details.aliases.push("old".parse().unwrap());
        }
    });
    let mut rule = GroupRule::all_of("g".parse().unwrap());
    rule.exclude
        .insert("old".parse().unwrap(), ["c".parse().unwrap()].into());
    let plans = plans(renamed, schedule(&[("icmp", Selection::Groups(vec![rule]))]));
    assert_eq!(told(&plans, "old"), "icmp b/4");
    assert_eq!(told(&plans, "a"), "icmp b/4");
    assert_eq!(told(&plans, "c"), "icmp b/4");
}

#[test]
fn a_probe_of_the_original_knows_no_schedule() {
    let roster = roster("a/46 old/46 nat/4", |name, details| match name {
        "old" => details.legacy = true,
        "nat" => details.role = Role::Source,
        _ => {}
    });
    let mut other = schedule(&[("voice", Selection::Pairs(vec![pair("a", "old")]))]);
    other.tests[0].family = Some(Family::V6);
    let plans = plans(roster, other);
    assert_eq!(told(&plans, "old"), "icmp a/4");
    let plan = plans.get(&"old".parse().unwrap()).unwrap();
    assert!(plan.legacy);
    assert_eq!(plan.tests[0].params.count, Some(280));
    assert_eq!(told(&plans, "a"), "voice old/6");
}

#[test]
fn the_switch_silences_every_probe() {
    let roster = roster("a/4 b/4 old/4", |name, details| details.legacy = name == "old");
    let off = Schedule {
        measure: false,
        ..Schedule::everybody()
    };
    let plans = plans(roster, off);
    assert!(plans.iter().all(|(_, plan)| plan.tests.is_empty()));
    assert_eq!(
        plans.get(&"a".parse().unwrap()).unwrap().record(),
        "period|300s\n"
    );
    assert_eq!(plans.cost().total.all.packets, 0);
}

#[test]
fn what_the_roster_does_not_know_is_refused_by_its_key() {
    let refused = Plans::new(
        roster("a/4:g b/4:g", |_, _| {}),
        Arc::new(schedule(&[
            ("icmp", groups(&["g", "h"])),
            ("voice", Selection::Pairs(vec![pair("a", "b"), pair("x", "b")])),
        ])),
        defaults(),
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "tests[0].groups[1]: no probe of the roster is in group h; tests[1].pairs[1]: the roster has no probe x"
    );
}

#[test]
fn what_contradicts_a_role_or_a_group_is_refused_by_its_key() {
    let roles = roster("a/4:g b/4:g c/4 r/4 n/4", |name, details| match name {
        "r" => details.role = Role::Target,
        "n" => details.role = Role::Source,
        _ => {}
    });
    let mut rule = GroupRule::all_of("g".parse().unwrap());
    rule.include.insert(
        "a".parse().unwrap(),
        ["b".parse().unwrap(), "c".parse().unwrap()].into(),
    );
    let tests = schedule(&[
        ("icmp", Selection::Groups(vec![rule])),
        (
            "voice",
            Selection::Pairs(vec![pair("a", "r"), pair("r", "a"), pair("a", "n")]),
        ),
    ]);
    let refused = Plans::new(roles, Arc::new(tests), defaults());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "tests[0].groups[0].include.a: c is not in group g; tests[1].pairs[1]: r has the role target and measures nobody; tests[1].pairs[2]: n has the role source and is measured by nobody"
    );
}

#[test]
fn no_probe_is_asked_for_more_results_than_a_report_may_hold() {
    let names = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("p{n}/4")).collect();
        names.join(" ")
    };
    let four = || {
        let mut four = schedule(&["a", "b", "c", "d"].map(|name| (name, Selection::Everyone)));
        for test in &mut four.tests {
            test.params.count = Some(100);
        }
        four
    };
    let plans = plans(roster(&names(513), |_, _| {}), four());
    assert_eq!(
        plans.get(&"p7".parse().unwrap()).unwrap().results(),
        Plan::MAX_RESULTS
    );
    let error = Plans::new(roster(&names(514), |_, _| {}), Arc::new(four()), defaults()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tests[0]: probe p0 would measure 2052 results a round, more than 2048; 513 others too"
    );
}
