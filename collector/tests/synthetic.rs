//! What the reports say about a synthetic history is what was made to happen.

#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod reports;
}

use std::collections::BTreeMap;
use std::time::Duration;

use collector::plan::Defaults;
use collector::report::accounting::{self, Account, AccountingQuestion, Slots};
use collector::report::directory::Directory;
use collector::report::matrix::{self, MatrixQuestion};
use collector::report::selection::{Filter, Step, Subject, Window};
use collector::report::series::{self, SeriesQuestion};
use collector::report::view::View;
use collector::store::Store;
use collector::store::embedded::{self, Embedded};
use collector::store::query::RowQuery;
use collector::store::row::Parts;
use collector::synthetic::incident::{Incident, IncidentKind};
use collector::synthetic::truth::{Delivery, SlotTruth};
use collector::synthetic::{History, Scenario, SyntheticError, VERSION};
use ippm::class::Class;
use ippm::limit::LossLimit;
use ippm::{Family, UnixTime, plan};
use tempfile::TempDir;

use support::reports::{PERIOD, measured, name, report, summary};

const LIMIT: LossLimit = LossLimit::DISPLAY_DEFAULT;

fn defaults() -> Defaults {
    Defaults {
        period: PERIOD,
        params: plan::default_params(PERIOD),
        legacy_period: PERIOD,
        pps: 2_000,
        pps_per_target: 50,
    }
}

/// Six probes, the two days before a midnight.
fn two_days() -> Scenario {
    let end = UnixTime::from_ns(1_795_219_200_000_000_000);
    let start = end.saturating_sub(Duration::from_hours(48));
    Scenario {
        probes: 6,
        start,
        end,
        raw_from: start,
        seed: 7,
    }
}

fn store() -> (TempDir, Embedded) {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&embedded::Options {
        path: folder.path().join("store.sqlite"),
        legacy_family: Family::V4,
    });
    (folder, store.unwrap())
}

fn view<'a>(history: &History, directory: &'a Directory, raw_hours: u64) -> View<'a> {
    View {
        directory,
        limit: LIMIT,
        legacy_period: PERIOD,
        raw_retention: Duration::from_hours(raw_hours),
        hour_retention: Duration::from_hours(730 * 24),
        now: history.scenario().end.saturating_add(Duration::from_secs(90)),
    }
}

fn whole(history: &History) -> Window {
    Window::new(history.scenario().start, history.scenario().end).unwrap()
}

/// The account of some slots, from what was made to happen.
fn account<'a>(truths: impl IntoIterator<Item = &'a SlotTruth>) -> Account {
    let mut account = Account::NOTHING;
    for truth in truths {
        account.add(truth.class(LIMIT), Slots::counted(1, truth.in_maintenance));
    }
    account
}

fn truths(history: &History) -> BTreeMap<Subject, Vec<SlotTruth>> {
    let of = |subject: Subject| {
        let truth = history.truth(&subject).collect();
        (subject, truth)
    };
    history.subjects().map(of).collect()
}

async fn accounts(store: &dyn Store, view: &View<'_>, window: Window) -> Vec<(Subject, Account)> {
    let question = AccountingQuestion {
        window,
        filter: Filter::default(),
    };
    accounting::read(store, view, &question).await.unwrap().subjects
}

/// Checks sums that are given as (what, found, expected).
#[track_caller]
fn check_sums(subject: &Subject, sums: &[(&str, u64, u64)]) {
    for (what, found, expected) in sums {
        assert_eq!(found, expected, "{what} of {subject:?}");
    }
}

fn incident(history: &History, is: impl Fn(&IncidentKind) -> bool) -> Incident {
    let mut incidents = history.incidents().iter().filter(|incident| is(&incident.kind));
    *incidents.next().unwrap()
}

#[tokio::test]
async fn accounting_matrix_and_series_say_what_was_made_to_happen() {
    let history = History::new(two_days(), defaults()).unwrap();
    let (_folder, store) = store();
    let written = history.write(&store).await.unwrap();
    let directory = Directory::of(history.roster());
    let view = view(&history, &directory, 90 * 24);
    let truths = truths(&history);
    assert_eq!(truths.len(), 6 * 5 * 2);
    assert!(truths.values().all(|truth| truth.len() == 48 * 12));

    let expected: Vec<_> = truths
        .iter()
        .map(|(subject, truth)| (subject.clone(), account(truth)))
        .collect();
    let found = accounts(&store, &view, whole(&history)).await;
    assert_eq!(found, expected);
    let stored = truths
        .values()
        .flatten()
        .filter(|truth| truth.delivery.is_stored());
    assert_eq!(written.results, stored.count() as u64);
    let mut total = Account::NOTHING;
    for (_, account) in &found {
        total.merge(account);
    }
    assert_eq!(total.expected(), 60 * 48 * 12, "every slot has one class");
    for class in [
        Class::CollectorGap,
        Class::ProbeMissing,
        Class::Suspect,
        Class::Down,
        Class::Degraded,
        Class::Ok,
    ] {
        assert!(0 < total.of(class).count, "{class:?} occurs");
    }
    assert!(0 < total.in_maintenance());

    let question = MatrixQuestion {
        window: whole(&history),
        filter: Filter::default(),
        with_percentiles: true,
    };
    let matrix = matrix::read(&store, &view, &question).await.unwrap();
    assert_eq!(matrix.entries.len(), truths.len());
    for entry in &matrix.entries {
        let truth = &truths[&entry.subject];
        let rounds: Vec<_> = truth
            .iter()
            .filter(|truth| truth.delivery == Delivery::Stored)
            .collect();
        let figures = entry.figures.as_ref().unwrap();
        let lost: u64 = rounds.iter().map(|round| round.lost).sum();
        check_sums(
            &entry.subject,
            &[
                ("rounds", figures.rounds, rounds.len() as u64),
                (
                    "lossy",
                    figures.rounds_lossy,
                    rounds.iter().filter(|round| 0 < round.lost).count() as u64,
                ),
                (
                    "down",
                    figures.rounds_down,
                    rounds.iter().filter(|round| round.lost == round.sent).count() as u64,
                ),
                (
                    "suspect",
                    figures.rounds_suspect,
                    truth
                        .iter()
                        .filter(|truth| truth.delivery == Delivery::Suspect)
                        .count() as u64,
                ),
                ("sent", figures.sent, rounds.iter().map(|round| round.sent).sum()),
                ("lost", figures.sent - figures.received, lost),
                ("delays", figures.delay.as_ref().unwrap().count, figures.received),
            ],
        );
        assert_eq!(entry.account, account(truth));
    }

    let step = Step::new(Duration::from_hours(1)).unwrap();
    for (subject, truth) in truths.iter().step_by(7) {
        let question = SeriesQuestion {
            subject: subject.clone(),
            window: whole(&history),
            step: Some(step),
        };
        let series = series::read(&store, &view, &question).await.unwrap();
        assert_eq!(series.points.len(), 48);
        for (point, hour) in series.points.iter().zip(truth.chunks(12)) {
            assert_eq!(point.start, hour[0].start);
            assert_eq!(point.account, account(hour));
            let rounds = hour.iter().filter(|truth| truth.delivery == Delivery::Stored);
            let lost: u64 = rounds.map(|round| round.lost).sum();
            let figures = point.figures.as_ref();
            assert_eq!(figures.map_or(0, |figures| figures.sent - figures.received), lost);
        }
    }
}

#[tokio::test]
async fn a_day_of_which_only_cells_are_left_has_the_same_figures_and_every_slot_is_still_counted() {
    let raw = two_days();
    let short = Scenario {
        raw_from: raw.end.saturating_sub(Duration::from_hours(24)),
        ..raw
    };
    let history = History::new(short, defaults()).unwrap();
    let (_folder, store) = store();
    history.write(&store).await.unwrap();
    let rows = RowQuery {
        source: Some(name("ix01")),
        target: None,
        family: None,
        test: None,
        from: raw.start,
        to: short.raw_from,
        parts: Parts::NONE,
    };
    assert!(store.rows(rows).next().await.unwrap().is_none());
    let directory = Directory::of(history.roster());
    let view = view(&history, &directory, 24);
    let question = MatrixQuestion {
        window: whole(&history),
        filter: Filter::default(),
        with_percentiles: false,
    };
    let matrix = matrix::read(&store, &view, &question).await.unwrap();
    let truths = truths(&history);
    assert_eq!(matrix.entries.len(), truths.len());
    let mut unknown = 0;
    for entry in &matrix.entries {
        let truth = &truths[&entry.subject];
        let figures = entry.figures.as_ref().unwrap();
        let rounds = truth.iter().filter(|truth| truth.delivery == Delivery::Stored);
        let (sent, lost) = rounds.fold((0, 0), |(sent, lost), round| {
            (sent + round.sent, lost + round.lost)
        });
        check_sums(
            &entry.subject,
            &[
                ("sent", figures.sent, sent),
                ("lost", figures.sent - figures.received, lost),
                (
                    "slots",
                    entry.account.expected() + entry.account.expired,
                    truth.len() as u64,
                ),
            ],
        );
        let known = account(truth);
        for (class, slots) in entry.account.iter() {
            assert!(slots.count <= known.of(class).count, "{class:?}");
        }
        unknown += entry.account.expired;
    }
    // An hour in which announced work begins or ends cannot be told apart any more.
    assert!(0 < unknown);
}

#[tokio::test]
async fn a_reroute_is_a_step_of_floor_and_hop_limit_and_a_lossy_member_loses_three_in_a_hundred() {
    let history = History::new(
        Scenario {
            end: two_days().start.saturating_add(Duration::from_hours(12)),
            ..two_days()
        },
        defaults(),
    )
    .unwrap();
    let (_folder, store) = store();
    history.write(&store).await.unwrap();
    let reroute = incident(&history, |kind| matches!(kind, IncidentKind::Reroute { .. }));
    // Probes 3 and 5 stand in the second and the third hall.
    let query = RowQuery {
        source: Some(name("ix03")),
        target: Some(name("ix05")),
        family: Some(Family::V4),
        test: None,
        from: history.scenario().start,
        to: history.scenario().end,
        parts: Parts::ALL,
    };
    let rows = store.rows(query).collect().await.unwrap();
    let (during, else_): (Vec<_>, Vec<_>) = rows.iter().partition(|row| reroute.contains(row.time));
    let floor = |rows: &[&collector::store::row::Row]| {
        let delays = rows.iter().filter_map(|row| row.delay.as_ref());
        delays.map(|delay| delay.min_ns).min().unwrap()
    };
    let step = floor(&during) - floor(&else_);
    assert!((4_195_000..=4_205_000).contains(&step), "{step} ns");

    let lossy = incident(&history, |kind| matches!(kind, IncidentKind::LossyMember { .. }));
    let mut lossy_pairs = 0;
    for subject in history.subjects() {
        let (mut sent, mut lost) = (0, 0);
        for truth in history
            .truth(&subject)
            .filter(|truth| lossy.contains(truth.start))
        {
            sent += truth.sent;
            lost += truth.lost;
        }
        // Bursts alone lose about one packet in a thousand.
        if 20 * sent < 1_000 * lost {
            lossy_pairs += 1;
            let sites = [&subject.source, &subject.target].map(|probe| {
                let directory = Directory::of(history.roster());
                directory.site(probe).unwrap().to_owned()
            });
            assert!(sites.contains(&"Hall 1".to_owned()), "{subject:?}");
        }
    }
    // The sums of the places 0+3, 1+2 and 1+5 are multiples of three: both directions and families of each.
    assert_eq!(lossy_pairs, 3 * 2 * 2);
}

#[tokio::test]
async fn the_same_seed_is_the_same_history_and_every_round_says_that_it_is_synthetic() {
    let scenario = Scenario {
        probes: 4,
        end: two_days().start.saturating_add(Duration::from_hours(6)),
        ..two_days()
    };
    let mut stored = Vec::new();
    for _ in 0..2 {
        let history = History::new(scenario, defaults()).unwrap();
        let (_folder, store) = store();
        let first = history.write(&store).await.unwrap();
        assert_eq!(
            history.write(&store).await.unwrap(),
            first,
            "a second call is allowed"
        );
        let runs = store
            .probe_runs(None, scenario.start, scenario.end)
            .await
            .unwrap();
        let versions = runs
            .iter()
            .map(|run| run.native.as_ref().unwrap().version.as_str());
        assert!(versions.clone().all(|version| version == VERSION));
        assert_eq!(versions.count() as u64, first.reports);
        let latest = store.latest(None, scenario.start, Parts::ALL).await.unwrap();
        stored.push((latest, runs));
    }
    assert_eq!(stored[0], stored[1]);
}

#[tokio::test]
async fn a_store_with_measured_results_is_refused() {
    let history = History::new(two_days(), defaults()).unwrap();
    let (_folder, store) = store();
    let time = two_days().start;
    let entry = measured(&name("fra1"), summary(time, "0.5 0.6"));
    store
        .append(&[report(&name("ams1"), time, vec![entry])])
        .await
        .unwrap();
    let error = history.write(&store).await.unwrap_err();
    assert!(
        matches!(&error, SyntheticError::Foreign { source_name } if *source_name == name("ams1")),
        "{error}"
    );
    assert!(
        store
            .plan_versions(None, two_days().end)
            .await
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_history_has_limits_and_they_are_named() {
    let check = |scenario: Scenario, text: &str| {
        let error = History::new(scenario, defaults()).unwrap_err();
        assert_eq!(error.to_string(), text);
    };
    check(
        Scenario {
            probes: 3,
            ..two_days()
        },
        "3 probes are not between 4 and 200",
    );
    let length = "a history begins and ends with an hour and is between 6 h and 3650 d long";
    check(
        Scenario {
            end: two_days().start.saturating_add(Duration::from_hours(5)),
            ..two_days()
        },
        length,
    );
    check(
        Scenario {
            start: two_days().start.saturating_add(PERIOD),
            ..two_days()
        },
        length,
    );
}
