//! What the published cases leave open: foreign results among the evidence, overlays, tests that skip rounds.

use std::time::Duration;

use super::*;
use crate::{Family, ProbeName, TestName};

/// The slot 00:10 to 00:20 of a test every ten minutes, in a plan of five, and one result that fits it.
struct Scene {
    source: ProbeName,
    target: ProbeName,
    stranger: ProbeName,
    test: TestName,
    other_test: TestName,
}

impl Scene {
    fn new() -> Self {
        Self {
            source: "ams1".parse().unwrap(),
            target: "lon1".parse().unwrap(),
            stranger: "fra1".parse().unwrap(),
            test: TestName::icmp(),
            other_test: "voice".parse().unwrap(),
        }
    }

    fn expected(&self) -> Expected<'_> {
        Expected {
            source: &self.source,
            source_site: None,
            target: &self.target,
            target_site: None,
            family: Family::V4,
            test: &self.test,
            period: Duration::from_mins(10),
            plan_period: Duration::from_mins(5),
            spread: Duration::from_secs(280),
            count: 280,
            slot_start: at(600),
        }
    }

    fn result(&self) -> SlotResult<'_> {
        SlotResult {
            source: &self.source,
            target: &self.target,
            family: Family::V4,
            test: &self.test,
            period: Duration::from_mins(10),
            time: at(601),
            finding: Finding::Counted {
                sent: 280,
                received: 280,
            },
        }
    }

    fn run(&self, time: UnixTime) -> Run<'_> {
        Run {
            source: &self.source,
            time,
            is_suspect: false,
        }
    }

    /// Long after the slot, beats all the time.
    #[track_caller]
    fn check(&self, results: &[SlotResult<'_>], runs: &[Run<'_>], class: Class) {
        let evidence = Evidence {
            results,
            runs,
            beats: &(0..200).map(|beat| at(10 * beat)).collect(),
            aliases: &Aliases::NONE,
            calendar: &Calendar::EMPTY,
            is_loaded: true,
            limit: LossLimit::DISPLAY_DEFAULT,
            now: at(86_400),
        };
        let found = classify(&self.expected(), &evidence).unwrap();
        assert_eq!(found.class, class);
        assert!(found.is_loaded && !found.in_maintenance);
    }
}

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_ns(seconds * 1_000_000_000)
}

#[test]
fn a_result_of_something_else_does_not_fill_the_slot() {
    let scene = Scene::new();
    let fits = scene.result();
    scene.check(&[fits], &[], Class::Ok);
    for other in [
        SlotResult {
            source: &scene.stranger,
            ..fits
        },
        SlotResult {
            target: &scene.stranger,
            ..fits
        },
        SlotResult {
            family: Family::V6,
            ..fits
        },
        SlotResult {
            test: &scene.other_test,
            ..fits
        },
        SlotResult {
            period: Duration::from_mins(5),
            ..fits
        },
        SlotResult {
            time: at(1200),
            ..fits
        },
    ] {
        scene.check(&[other], &[], Class::ProbeMissing);
    }
}

#[test]
fn only_the_round_in_which_a_test_was_due_can_have_left_it_out() {
    let scene = Scene::new();
    scene.check(&[], &[scene.run(at(899))], Class::Error);
    scene.check(&[], &[scene.run(at(900))], Class::ProbeMissing);
}

#[test]
fn of_two_equal_results_the_smaller_name_counts() {
    let scene = Scene::new();
    let (own, strange) = (
        scene.result(),
        SlotResult {
            source: &scene.stranger,
            ..scene.result()
        },
    );
    let aliases = [(scene.stranger.clone(), scene.source.clone())]
        .into_iter()
        .collect();
    for results in [[own, strange], [strange, own]] {
        assert_eq!(
            result::counting(&scene.expected(), &results, &aliases),
            Some(&own)
        );
    }
}

#[test]
fn classes_are_listed_in_the_order_in_which_they_apply() {
    assert!(Class::ALL.is_sorted());
    assert_eq!(
        Class::ALL.map(Class::as_str).join(" "),
        "collector-gap probe-missing error suspect down degraded ok"
    );
}
