//! What reports say of a story whose truth is known, and that both stores say the same.

#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod reports;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod rows;
    pub(crate) mod world;
}

use std::path::Path;
use std::time::Duration;

use collector::report::accounting::{self, Account, AccountingQuestion};
use collector::report::figures::{Confidence, Figures};
use collector::report::latest::{self, LatestQuestion};
use collector::report::liveness::{self, ProbeState};
use collector::report::matrix::{self, Matrix, MatrixEntry, MatrixQuestion, Metric};
use collector::report::rounds::{self, RoundsQuestion};
use collector::report::selection::{Filter, MAX_POINTS, SelectionError, Step, Window};
use collector::report::series::{self, Series, SeriesQuestion};
use collector::report::view::ReportError;
use collector::store::Store;
use collector::store::cell::{CellParts, CellQuery, Kept, Resolution};
use collector::store::embedded::{self, Embedded};
use collector::store::influx::setup::Retention;
use collector::store::influx::{self, Influx};
use ippm::class::Class;
use ippm::class::maintenance::Scope;
use ippm::{Family, UnixTime};

use support::influxd::Influxd;
use support::reports::name;
use support::world::{Delivery, Fate, SLOTS, World, at_slot, subject, subjects};

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap()
}

/// A midnight in 2026; a day of which nothing has expired.
fn start() -> UnixTime {
    UnixTime::from_ns(1_795_219_200_000_000_000)
}

/// A midnight that InfluxDB still takes, whatever today is.
fn three_days_ago() -> UnixTime {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    UnixTime::from_ns(now)
        .floor(Duration::from_hours(24))
        .saturating_sub(Duration::from_hours(72))
}

/// fra1 is silent since 25:00; lon1 → ams1 not resolved 16:40 to 16:55, and left out until 17:10; no collector 03:00 to 03:25; ams1 → lon1 down 11:00 to 11:25; fra1 → ams1 lossy all
/// of 12 h; lon1 → fra1 measured twice in the slot of 13:00; work at hall fra 13:02 to 16:00.
fn story(start: UnixTime) -> World {
    let delivery = |source: &str, slot: u32| match slot {
        36..41 => Delivery::Missing,
        84..90 if source == "ams1" => Delivery::Doubted,
        300.. if source == "fra1" => Delivery::Missing,
        _ => Delivery::Arrives,
    };
    let fate = |source: &str, target: &str, slot: u32| match (source, target, slot) {
        ("ams1", "lon1", 132..137) => Fate::Down,
        ("fra1", "ams1", 144..156) => Fate::Lossy,
        ("lon1", "fra1", 156) => Fate::Twice,
        ("lon1", "ams1", 200..203) => Fate::Marker,
        ("lon1", "ams1", 203..206) => Fate::LeftOut,
        _ => Fate::Good,
    };
    let hall = Scope {
        site: Some("hall fra".to_owned()),
        ..Scope::ALL
    };
    World::new(start, delivery, fate)
        .with_beats(&[(180, 205)])
        .with_work("optics", hall, (782, 960))
}

fn window(world: &World, (from, to): (u64, u64)) -> Window {
    Window::new(world.at(from), world.at(to)).unwrap()
}

async fn series(store: &dyn Store, world: &World, minutes: (u64, u64), step: u64) -> Series {
    let question = SeriesQuestion {
        subject: subject("fra1", "ams1"),
        window: window(world, minutes),
        step: Some(Step::new(Duration::from_mins(step)).unwrap()),
    };
    series::read(store, &world.view(), &question).await.unwrap()
}

async fn matrix(store: &dyn Store, world: &World, minutes: (u64, u64)) -> Matrix {
    let question = MatrixQuestion {
        window: window(world, minutes),
        filter: Filter::default(),
        with_percentiles: true,
    };
    matrix::read(store, &world.view(), &question).await.unwrap()
}

fn entry<'a>(matrix: &'a Matrix, source: &str, target: &str) -> &'a MatrixEntry {
    let subject = subject(source, target);
    matrix
        .entries
        .iter()
        .find(|entry| entry.subject == subject)
        .unwrap()
}

/// Counts, the account, and whether the spread is the same within rounding.
#[track_caller]
fn assert_same(a: (&Figures, &Account), b: (&Figures, &Account)) {
    assert_eq!(a.1, b.1);
    let counts = |figures: &Figures| {
        let delay = figures.delay.as_ref().unwrap();
        (
            (
                figures.rounds,
                figures.rounds_lossy,
                figures.sent,
                figures.received,
            ),
            (delay.count, delay.min, delay.max, delay.mean, delay.percentiles),
            (figures.loss, figures.ipdv_mean_ns, figures.rounds_suspect),
        )
    };
    assert_eq!(counts(a.0), counts(b.0));
    let spread = |figures: &Figures| figures.delay.as_ref().unwrap().stddev_ns;
    assert!((spread(a.0) - spread(b.0)).abs() <= spread(a.0) * 1e-9);
}

/// The day of the story in an embedded store, which lies in the folder.
async fn stored() -> (World, Embedded, tempfile::TempDir) {
    let world = story(start());
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    world.store_in(&store).await;
    (world, store, folder)
}

#[tokio::test]
async fn a_series_shows_what_happened_when_it_happened() {
    let (world, store, _folder) = stored().await;
    let found = series(&store, &world, (0, 1440), 60).await;
    assert_eq!(found.points.len(), 24);
    let noon = &found.points[12];
    assert_eq!(noon.start, world.at(720));
    let figures = noon.figures.as_ref().unwrap();
    // Twelve rounds of ten packets, each of which lost one.
    assert_eq!((figures.rounds, figures.sent, figures.received), (12, 120, 108));
    let loss = figures.loss.unwrap();
    assert!((loss.ratio.get() - 0.1).abs() < 1e-12);
    assert!(matches!(
        loss.confidence,
        Confidence::Clustered {
            has_few_events: true,
            ..
        }
    ));
    assert_eq!(noon.account.of(Class::Degraded).count, 12);
    let quiet = found.points[10].figures.as_ref().unwrap().loss.unwrap();
    assert!(matches!(quiet.confidence, Confidence::NothingLost { .. }));
    let night = &found.points[3];
    assert_eq!(night.account.of(Class::CollectorGap).count, 5);
    assert_eq!(night.figures.as_ref().unwrap().rounds, 7);
    // 13:02 to 16:00 touches the slot of 13:00 too, and none of 16:00.
    let maintained = found.points.iter().map(|point| point.account.in_maintenance());
    assert_eq!(maintained.filter(|slots| *slots == 12).count(), 3);
}

#[tokio::test]
async fn two_points_make_one_of_twice_the_step_whatever_they_are_read_from() {
    let (world, store, _folder) = stored().await;
    let steps = [(30, 60), (60, 120), (720, 1440)];
    for (short, long) in steps {
        let (fine, coarse) = (
            series(&store, &world, (0, 1440), short).await,
            series(&store, &world, (0, 1440), long).await,
        );
        assert_eq!(fine.points.len(), 2 * coarse.points.len());
        for (pair, whole) in fine.points.chunks(2).zip(&coarse.points) {
            let sum = |count: fn(&Figures) -> u64| -> u64 {
                pair.iter()
                    .filter_map(|point| point.figures.as_ref())
                    .map(count)
                    .sum()
            };
            let figures = whole.figures.as_ref().unwrap();
            assert_eq!(sum(|figures| figures.sent), figures.sent);
            assert_eq!(sum(|figures| figures.received), figures.received);
            assert_eq!(sum(|figures| figures.rounds), figures.rounds);
            let mut account = pair[0].account;
            account.merge(&pair[1].account);
            assert_eq!(account, whole.account);
        }
    }
}

#[tokio::test]
async fn a_matrix_of_cells_is_that_of_single_results() {
    let (world, store, _folder) = stored().await;
    // Just after the day nothing of it has settled: the last hour is read from single results, then from its cell.
    let of_cells = matrix(&store, &world, (0, 1440)).await;
    let early = World {
        now: world.at(1440),
        ..story(start())
    };
    let of_results = matrix(&store, &early, (1380, 1440)).await;
    let settled = matrix(&store, &world, (1380, 1440)).await;
    assert_eq!(of_cells.entries.len(), subjects().len());
    for (results, cells) in of_results.entries.iter().zip(&settled.entries) {
        let figures = |entry: &MatrixEntry| entry.figures.clone().unwrap();
        let mut account = results.account;
        // The last slot is not due yet at midnight, but its result is there.
        assert_eq!(std::mem::take(&mut account.pending), 0);
        assert_same((&figures(results), &account), (&figures(cells), &cells.account));
    }
}

/// The matrix of the hours from noon on, in the middle of which a probe was renamed, from the store that writes the
/// file, which remembers hours, and from one that only reads it, which remembers none; they are the same.
async fn remembered(store: &Embedded, read: &Embedded, world: &World) -> Matrix {
    let hours = (720, 1560);
    let remembered = matrix(store, world, hours).await;
    assert_eq!(remembered, matrix(read, world, hours).await);
    remembered
}

#[tokio::test]
async fn a_matrix_from_memory_is_that_of_the_file_whatever_is_written() {
    let (world, store, folder) = stored().await;
    let read = Embedded::open_to_read(&embedded::Options {
        path: folder.path().join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap();
    let first = remembered(&store, &read, &world).await;
    assert_eq!(remembered(&store, &read, &world).await, first);
    // The cell of an hour is computed anew.
    let mut cells = store.cells(CellQuery {
        source: Some(name("ams1")),
        target: Some(name("fra1")),
        family: None,
        test: None,
        from: world.at(900),
        to: world.at(960),
        resolution: Resolution::Hour,
        parts: CellParts::ALL,
    });
    let mut cell = cells.next().await.unwrap().unwrap();
    cell.cell.sent += 7;
    store.put_cells(Resolution::Hour, &[cell]).await.unwrap();
    let sent = |matrix: &Matrix| entry(matrix, "ams1", "fra1").figures.as_ref().unwrap().sent;
    let second = remembered(&store, &read, &world).await;
    assert_eq!(sent(&second), sent(&first) + 7);
    // The first two hours go.
    let before = world.at(840);
    assert!(store.expire(Kept::Cells(Resolution::Hour), before).await.unwrap() > 0);
    let third = remembered(&store, &read, &world).await;
    assert!(sent(&third) < sent(&second));
}

#[tokio::test]
async fn a_result_behind_the_window_is_not_in_it_although_it_is_in_the_cell_of_its_hour() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    let world = story(start());
    world.store_in(&store).await;
    let world = World {
        now: world.at(1555).saturating_add(Duration::from_secs(30)),
        ..world
    };
    let found = matrix(&store, &world, (1500, 1555)).await;
    let of = entry(&found, "ams1", "lon1");
    // The twelfth round of the hour began a second behind it.
    assert_eq!(of.figures.as_ref().unwrap().rounds, 11);
    assert_eq!(of.account.of(Class::Ok).count, 11);
}

#[tokio::test]
async fn a_silent_pair_is_shown_and_the_worst_is_named() {
    let (world, store, _folder) = stored().await;
    let found = matrix(&store, &world, (0, 1560)).await;
    let dead = entry(&found, "fra1", "lon1");
    assert!(dead.standing.is_silent() && dead.standing.is_stale(world.now));
    assert_eq!(dead.standing.class, Some(Class::ProbeMissing));
    assert_eq!(
        dead.standing.last_measured,
        Some(at_slot(world.start, 299).saturating_add(Duration::from_secs(1)))
    );
    let alive = entry(&found, "ams1", "lon1");
    assert!(!alive.standing.is_silent() && !alive.standing.is_stale(world.now));
    assert_eq!(alive.standing.slot_start, Some(at_slot(world.start, SLOTS - 1)));
    // 5 rounds down of 301: 50 packets; 12 rounds lossy: 12 packets; the doubled slot lost 6.
    let worst: Vec<_> = found
        .worst(Metric::Loss, 3)
        .into_iter()
        .map(|entry| &entry.subject)
        .collect();
    assert_eq!(
        worst,
        [
            &subject("ams1", "lon1"),
            &subject("fra1", "ams1"),
            &subject("lon1", "fra1")
        ]
    );
}

#[tokio::test]
async fn rounds_are_listed_with_the_slot_for_which_they_count() {
    let (world, store, _folder) = stored().await;
    let question = |source: &str, target: &str, minutes| RoundsQuestion {
        subject: subject(source, target),
        window: window(&world, minutes),
    };
    let view = world.view();
    let twice = rounds::read(&store, &view, &question("lon1", "fra1", (780, 785)))
        .await
        .unwrap();
    let counts: Vec<_> = twice
        .rounds
        .iter()
        .map(|round| {
            (
                round.row.counts.unwrap().sent,
                round.slot.and_then(|slot| slot.class),
            )
        })
        .collect();
    assert_eq!(counts, [(5, None), (12, Some(Class::Degraded))]);
    assert!(twice.rounds[1].slot.unwrap().in_maintenance && twice.rounds[1].run.is_some());
    assert!(twice.rounds[1].row.slices.is_some());
    let night = rounds::read(&store, &view, &question("ams1", "fra1", (170, 210)))
        .await
        .unwrap();
    assert_eq!((night.rounds.len(), night.silent.len()), (3, 5));
    assert!(
        night
            .silent
            .iter()
            .all(|slot| slot.class == Some(Class::CollectorGap))
    );
    let long = RoundsQuestion {
        subject: subject("ams1", "fra1"),
        window: Window::new(world.at(0), world.at(60 * 24 * 32)).unwrap(),
    };
    let error = rounds::read(&store, &view, &long).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "single rounds are listed for at most 31 d, not for 32 d"
    );
}

#[tokio::test]
async fn too_many_points_are_refused_before_anything_is_read() {
    let world = story(start());
    let folder = tempfile::tempdir().unwrap();
    let question = SeriesQuestion {
        subject: subject("ams1", "fra1"),
        window: Window::new(world.at(0), world.at(60 * 24 * 365)).unwrap(),
        step: Some(Step::new(Duration::from_mins(5)).unwrap()),
    };
    let error = series::read(&embedded(folder.path()), &world.view(), &question)
        .await
        .unwrap_err();
    let found = 365 * 288;
    assert!(
        matches!(error, ReportError::Selection(SelectionError::TooManyPoints { found: of }) if of == found)
    );
    assert!(error.to_string().contains(&MAX_POINTS.to_string()));
}

#[tokio::test]
async fn probes_are_alive_or_missing() {
    let (world, store, _folder) = stored().await;
    let found = liveness::read(&store, &world.view()).await.unwrap();
    let states: Vec<_> = found
        .probes
        .iter()
        .map(|probe| (probe.probe.as_str(), probe.state))
        .collect();
    assert_eq!(
        states,
        [
            ("ams1", ProbeState::Reporting),
            ("fra1", ProbeState::Missing),
            ("lon1", ProbeState::Reporting),
        ]
    );
    // The slot that has begun ends after five minutes and may be reported one minute longer.
    let next = at_slot(world.start, SLOTS + 1).saturating_add(Duration::from_mins(1));
    assert!(found.probes.iter().all(|probe| probe.expected_next == Some(next)));
    assert_eq!(found.probes[1].last.as_ref().unwrap().source, name("fra1"));
}

#[tokio::test]
async fn an_empty_store_answers_every_question_with_nothing() {
    let world = story(start());
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    assert!(matrix(&store, &world, (0, 1440)).await.entries.is_empty());
    let found = series(&store, &world, (0, 1440), 60).await;
    assert!(found.points.is_empty() && found.freshness.age().is_none());
    assert!(
        liveness::read(&store, &world.view())
            .await
            .unwrap()
            .probes
            .is_empty()
    );
}

/// Everything that can be asked, as one text.
async fn answers(store: &dyn Store, world: &World) -> String {
    let mut text = Vec::new();
    for minutes in [(0, 1440), (7, 1337), (0, 1560)] {
        text.push(format!("{:#?}", matrix(store, world, minutes).await));
        let question = AccountingQuestion {
            window: window(world, minutes),
            filter: Filter::default(),
        };
        let accounting = accounting::read(store, &world.view(), &question).await.unwrap();
        text.push(format!("{accounting:#?}"));
    }
    for step in [10, 60, 1440] {
        text.push(format!("{:#?}", series(store, world, (0, 1560), step).await));
    }
    let question = RoundsQuestion {
        subject: subject("lon1", "fra1"),
        window: window(world, (700, 900)),
    };
    text.push(format!(
        "{:#?}",
        rounds::read(store, &world.view(), &question).await.unwrap()
    ));
    let question = LatestQuestion {
        filter: Filter::default(),
        within: Duration::from_hours(24),
    };
    text.push(format!(
        "{:#?}",
        latest::read(store, &world.view(), &question).await.unwrap()
    ));
    text.push(format!(
        "{:#?}",
        liveness::read(store, &world.view()).await.unwrap()
    ));
    text.concat()
}

#[tokio::test]
async fn both_stores_answer_alike() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let of_influx = Influx::new(&influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: "ixpqos".to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(5),
        request_limit: Duration::from_secs(30),
        append_limit: Duration::from_mins(1),
        concurrency: 4,
        gzip: true,
    })
    .unwrap();
    of_influx.setup(&Retention::DEFAULT).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let of_embedded = embedded(folder.path());
    let world = story(three_days_ago());
    world.store_in(&of_embedded).await;
    world.store_in(&of_influx).await;
    let (ours, theirs) = (
        answers(&of_embedded, &world).await,
        answers(&of_influx, &world).await,
    );
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 10_000);
}
