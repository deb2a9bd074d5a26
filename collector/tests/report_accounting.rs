//! Every expected slot is in exactly one class, from cells as from single results, and as the definition has it.

#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod reports;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod rows;
    pub(crate) mod world;
}

use std::path::Path;

use collector::report::accounting::{self, Account, AccountingQuestion, Slots};
use collector::report::selection::{Filter, Subject, Window};
use collector::store::embedded::{self, Embedded};
use collector::store::row::Row;
use ippm::class::maintenance::{Calendar, Scope};
use ippm::class::result::{Finding, Run, SlotResult};
use ippm::class::slot::Expected;
use ippm::class::watch::Beats;
use ippm::class::{Class, Evidence, classify};
use ippm::limit::LossLimit;
use ippm::{Family, TestName, UnixTime, plan};
use proptest::prelude::*;

use support::reports::{PERIOD, name};
use support::world::{Delivery, Fate, SLOTS, World, at_slot, subject, subjects};

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap()
}

/// The midnight with which a day cell begins.
fn start() -> UnixTime {
    UnixTime::from_ns(1_795_219_200_000_000_000)
}

/// The account of `subject` by the definition: each slot is held against everything that is stored.
fn by_definition(world: &World, rows: &[Row], subject: &Subject, window: Window) -> Account {
    let results: Vec<SlotResult<'_>> = rows
        .iter()
        .map(|row| SlotResult {
            source: &row.source,
            target: &row.target,
            family: row.family,
            test: &row.test,
            period: row.period.unwrap(),
            time: row.time,
            finding: match row.counts {
                Some(counts) => Finding::Counted {
                    sent: counts.sent,
                    received: counts.received,
                },
                None => Finding::Unmeasured,
            },
        })
        .collect();
    let runs: Vec<Run<'_>> = world
        .runs()
        .map(|run| Run {
            source: &run.source,
            time: run.time,
            is_suspect: !run.native.as_ref().unwrap().suspect.is_empty(),
        })
        .collect();
    let beats: Beats = world.beats.iter().map(|beat| beat.time).collect();
    let calendar: Calendar = world
        .maintenance
        .iter()
        .map(|version| version.entry.clone())
        .collect();
    let params = plan::default_params(PERIOD);
    let mut account = Account::NOTHING;
    for slot in 0..=SLOTS {
        let slot_start = at_slot(world.start, slot);
        if !window.contains(slot_start) {
            continue;
        }
        let near = |time: UnixTime| slot_start <= time && time < slot_start.saturating_add(PERIOD);
        let own: Vec<_> = results
            .iter()
            .filter(|result| near(result.time))
            .copied()
            .collect();
        let reports: Vec<_> = runs.iter().filter(|run| near(run.time)).copied().collect();
        let expected = Expected {
            source: &subject.source,
            source_site: world.directory.site(&subject.source),
            target: &subject.target,
            target_site: world.directory.site(&subject.target),
            family: subject.family,
            test: &TestName::icmp(),
            period: PERIOD,
            plan_period: PERIOD,
            spread: params.spread.unwrap(),
            count: params.count.unwrap(),
            slot_start,
        };
        let evidence = Evidence {
            results: &own,
            runs: &reports,
            beats: &beats,
            aliases: world.directory.aliases(),
            calendar: &calendar,
            is_loaded: false,
            limit: LossLimit::DISPLAY_DEFAULT,
            now: world.now,
        };
        match classify(&expected, &evidence) {
            Some(classified) => account.add(classified.class, Slots::counted(1, classified.in_maintenance)),
            None => account.pending += 1,
        }
    }
    account
}

/// Compares the accounts of `windows`, in minutes from the start, with the definition.
async fn check(world: &World, windows: &[(u64, u64)]) -> Vec<Vec<(Subject, Account)>> {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    world.store_in(&store).await;
    let rows = world.rows(&store).await;
    let mut answers = Vec::new();
    for (from, to) in windows {
        let window = Window::new(world.at(*from), world.at(*to)).unwrap();
        let question = AccountingQuestion {
            window,
            filter: Filter::default(),
        };
        let found = accounting::read(&store, &world.view(), &question).await.unwrap();
        let expected: Vec<(Subject, Account)> = subjects()
            .into_iter()
            .map(|subject| {
                let account = by_definition(world, &rows, &subject, window);
                (subject, account)
            })
            .filter(|(_, account)| *account != Account::NOTHING)
            .collect();
        for (found, expected) in found.subjects.iter().zip(&expected) {
            assert_eq!(found, expected, "minutes {from} to {to}");
        }
        assert_eq!(found.subjects.len(), expected.len());
        answers.push(found.subjects);
    }
    answers
}

/// 03:00 to 03:25 no collector; 05:00 to 06:10 fra1 dead; 07:00 to 07:30 ams1 doubts itself; ams1 → fra1 not
/// resolved 08:00 to 08:15 and left out 09:00 to 09:20; ams1 → lon1 down 11:00 to 11:25; fra1 → ams1 lossy all of
/// 12 h; lon1 → fra1 twice at 13:00; work at hall fra 13:02 to 16:00.
fn story() -> World {
    let delivery = |source: &str, slot: u32| match slot {
        36..41 => Delivery::Missing,
        60..74 if source == "fra1" => Delivery::Missing,
        84..90 if source == "ams1" => Delivery::Doubted,
        // The last round has not arrived yet.
        slot if slot == SLOTS - 1 => Delivery::Missing,
        _ => Delivery::Arrives,
    };
    let fate = |source: &str, target: &str, slot: u32| match (source, target, slot) {
        ("ams1", "fra1", 96..99) => Fate::Marker,
        ("ams1", "fra1", 108..112) => Fate::LeftOut,
        ("ams1", "lon1", 132..137) => Fate::Down,
        ("fra1", "ams1", 144..156) => Fate::Lossy,
        ("lon1", "fra1", 156) => Fate::Twice,
        _ => Fate::Good,
    };
    let hall = Scope {
        site: Some("hall fra".to_owned()),
        ..Scope::ALL
    };
    World::new(start(), delivery, fate)
        .with_beats(&[(180, 205)])
        .with_work("optics", hall, (782, 960))
}

#[tokio::test]
async fn every_slot_of_the_story_has_the_class_that_the_definition_gives_it() {
    let windows = [
        (0, 1440),
        (0, 1561),
        (7, 1337),
        (180, 240),
        (181, 204),
        (600, 1500),
        (1380, 1561),
    ];
    let answers = check(&story(), &windows).await;
    let of = |source, target| {
        let subject = subject(source, target);
        let (_, account) = answers[0].iter().find(|(of, _)| *of == subject).unwrap();
        Class::ALL.map(|class| account.of(class).count)
    };
    // collector-gap, probe-missing, error, suspect, down, degraded, ok: 288 slots in all.
    assert_eq!(of("ams1", "fra1"), [5, 0, 3 + 4, 6, 0, 0, 270]);
    assert_eq!(of("ams1", "lon1"), [5, 0, 0, 6, 5, 0, 272]);
    assert_eq!(of("fra1", "ams1"), [5, 14, 0, 0, 0, 12, 257]);
    assert_eq!(of("lon1", "fra1"), [5, 0, 0, 0, 0, 1, 282]);
}

#[tokio::test]
async fn a_probe_that_never_came_up_is_missing_in_every_slot() {
    let delivery = |source: &str, _: u32| match source {
        "fra1" => Delivery::Missing,
        _ => Delivery::Arrives,
    };
    let world = World::new(start(), delivery, |_, _, _| Fate::Good).with_beats(&[]);
    let answers = check(&world, &[(0, 1440)]).await;
    let missing = answers[0]
        .iter()
        .filter(|(subject, _)| subject.source == name("fra1"));
    let missing: Vec<u64> = missing
        .map(|(_, account)| account.of(Class::ProbeMissing).count)
        .collect();
    assert_eq!(missing, [288, 288]);
    let others = answers[0]
        .iter()
        .filter(|(subject, _)| subject.source != name("fra1"));
    assert!(
        others.clone().count() > 0
            && others
                .clone()
                .all(|(_, account)| account.of(Class::Ok).count == 288)
    );
}

#[tokio::test]
async fn the_sums_are_what_was_expected() {
    let answers = check(&story(), &[(0, 1440), (0, 1561)]).await;
    for (_, account) in &answers[0] {
        assert_eq!((account.expected(), account.pending), (288, 0));
    }
    for (_, account) in &answers[1] {
        // The slot that has begun, and none before it: the last one is 90 s past, and due.
        assert_eq!((account.expected(), account.pending), (312, 1));
    }
}

#[tokio::test]
async fn a_filter_leaves_the_others_out() {
    let world = story();
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    world.store_in(&store).await;
    let question = |filter: Filter| AccountingQuestion {
        window: Window::new(world.at(0), world.at(1440)).unwrap(),
        filter,
    };
    let from_hall = Filter {
        source_site: Some("hall fra".to_owned()),
        ..Filter::default()
    };
    let by_old_name = Filter {
        source: Some(name("lon-old")),
        target: Some(name("ams1")),
        ..Filter::default()
    };
    let view = world.view();
    for (filter, expected) in [
        (from_hall, vec![subject("fra1", "ams1"), subject("fra1", "lon1")]),
        (by_old_name, vec![subject("lon1", "ams1")]),
    ] {
        let found = accounting::read(&store, &view, &question(filter)).await.unwrap();
        let subjects: Vec<Subject> = found
            .subjects
            .iter()
            .map(|(subject, _)| subject.clone())
            .collect();
        assert_eq!(subjects, expected);
        assert!(
            found
                .subjects
                .iter()
                .all(|(_, account)| account.expected() == 288)
        );
    }
}

/// A fate for each number.
fn any_fate(number: u8) -> Fate {
    match number {
        0..4 => Fate::Lossy,
        4..7 => Fate::Down,
        7..10 => Fate::Marker,
        10..13 => Fate::LeftOut,
        13..16 => Fate::Twice,
        _ => Fate::Good,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn cells_and_single_results_account_alike_whatever_happened(
        fates in proptest::collection::vec(0..60_u8, 64),
        deliveries in proptest::collection::vec(0..20_u8, 48),
        gap in (0..1400_i64, 1..90_i64),
        work in (0..1400_u64, 1..300_u64),
        window in (0..1560_u64, 1..1560_u64),
    ) {
        let pick = |list: &[u8], a: &str, b: &str, slot: u32| {
            let seed = a.bytes().chain(b.bytes()).map(u32::from).sum::<u32>() + slot / 2;
            list[usize::try_from(seed).unwrap() % list.len()]
        };
        let delivery = |source: &str, slot: u32| match pick(&deliveries, source, "", slot) {
            0 => Delivery::Missing,
            1 => Delivery::Doubted,
            _ => Delivery::Arrives,
        };
        let fate = |source: &str, target: &str, slot: u32| any_fate(pick(&fates, source, target, slot));
        let probe = Scope { probe: Some(name("lon-old")), ..Scope::ALL };
        let world = World::new(start(), delivery, fate)
            .with_beats(&[(gap.0, gap.0 + gap.1)])
            .with_work("w", probe, (work.0, work.0 + work.1));
        let (from, to) = (window.0, (window.0 + window.1).min(1561));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&world, &[(from, to), (0, 1440)]));
    }
}
