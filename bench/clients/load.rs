//! What is written: the same points for every client.

use std::time::{Duration, SystemTime};

use collector::store::Report;
use collector::store::cell::{Resolution, StoredCell};
use collector::store::ledger::MaintenanceVersion;
use collector::store::point::{Point, points_of};
use ippm::class::maintenance::{Maintenance, Scope};
use ippm::{Family, UnixTime};

use crate::mesh::{Mesh, starting};
use crate::reports;
use crate::size::{Size, end};

/// Sources of reports; each of them sends one in every round.
const SOURCES: usize = 40;
/// Announcements of which there are versions; each is a series.
const ANNOUNCEMENTS: usize = 50;
/// Probes of the mesh whose hours are written: 1984 series.
const PROBES: u16 = 32;

/// A kind of point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Results of native reports.
    Results,
    /// Hours, computed from results.
    Hours,
    /// Announced work: five fields.
    Small,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Results, Self::Hours, Self::Small];

    /// What the table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Hours => "hours",
            Self::Small => "small",
        }
    }

    /// The end of the name of its bucket, and a field that each of its points has.
    pub(crate) fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Results => ("", "measured"),
            Self::Hours => ("_1h", "rows"),
            Self::Small => ("_ledger", "deleted"),
        }
    }
}

/// Points that are written with one call.
pub(crate) enum Batch {
    /// A report: its results, and with a request of its own its entry in the ledger.
    Results(Box<Report>),
    /// Written with one request.
    Hours(Vec<StoredCell>),
    /// Written with one request.
    Small(Vec<MaintenanceVersion>),
}

impl Batch {
    /// The points as the store makes them, request by request with the end of the bucket's name.
    pub(crate) fn points(&self) -> Vec<(&'static str, Vec<Point>)> {
        match self {
            Self::Results(report) => {
                let mut results = points_of(report, Family::V4);
                let run = results.pop();
                vec![("", results), ("_ledger", run.into_iter().collect())]
            }
            Self::Hours(cells) => vec![("_1h", cells.iter().map(Point::from).collect())],
            Self::Small(versions) => vec![("_ledger", versions.iter().map(Point::from).collect())],
        }
    }

    /// How many it holds; the entry of a report is none of them.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Results(report) => report.entries.len(),
            Self::Hours(cells) => cells.len(),
            Self::Small(versions) => versions.len(),
        }
    }
}

/// Midnight before so many whole days.
pub(crate) fn days_ago(days: usize) -> UnixTime {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock");
    let day = Duration::from_hours(24);
    UnixTime::from_ns(i64::try_from(now.as_nanos()).expect("before 2262"))
        .floor(day)
        .saturating_sub(day * number(days))
}

/// `points` points in batches of `size`, from `start` on.
pub(crate) fn batches(kind: Kind, points: usize, size: usize, start: UnixTime) -> Vec<Batch> {
    let batches = points / size;
    match kind {
        Kind::Results => (0..batches).map(|at| report(at, size, start)).collect(),
        Kind::Hours => {
            let mesh = Mesh::new(&Size {
                probes: PROBES,
                raw_days: 0,
                hour_days: 0,
                day_days: 0,
                silent: 0,
            });
            let hour = |at| start.saturating_add(Resolution::Hour.length() * number(at));
            // The mesh reports up to a time of its own; its last day is written as often as is needed.
            let day = end().floor(Resolution::Day.length());
            let of_mesh = |at: usize| day.saturating_sub(Resolution::Hour.length() * number(1 + at % 24));
            let moved = |at: usize| {
                let (cells, time) = (mesh.cells(of_mesh(at), Resolution::Hour), hour(at));
                cells.into_iter().map(move |mut stored| {
                    stored.time = time;
                    stored.cell.slices = stored.cell.slices.map(|slices| starting(&slices, time));
                    stored
                })
            };
            let cells: Vec<_> = (0..).flat_map(moved).take(batches * size).collect();
            cells
                .chunks(size)
                .map(|some| Batch::Hours(some.to_vec()))
                .collect()
        }
        Kind::Small => (0..batches)
            .map(|at| {
                Batch::Small(
                    (at * size..(at + 1) * size)
                        .map(|at| version(at, start))
                        .collect(),
                )
            })
            .collect(),
    }
}

fn report(at: usize, size: usize, start: UnixTime) -> Batch {
    let source = at % SOURCES;
    let time = start
        .saturating_add(reports::PERIOD * number(at / SOURCES))
        .saturating_add(Duration::from_millis(17 * (1 + source as u64)));
    let body = reports::body(source, time, size);
    Batch::Results(Box::new(reports::report(&body, source, time)))
}

fn version(at: usize, start: UnixTime) -> MaintenanceVersion {
    let loaded = start.saturating_add(Duration::from_secs(1) * number(at));
    MaintenanceVersion {
        entry: Maintenance {
            id: format!("work-{:02}", at % ANNOUNCEMENTS),
            loaded,
            from: loaded.saturating_add(Duration::from_hours(2)),
            to: loaded.saturating_add(Duration::from_hours(4)),
            scope: Scope {
                site: Some("north".to_owned()),
                ..Scope::ALL
            },
            is_deleted: at.is_multiple_of(7),
        },
        reason: "exchange of a line card".to_owned(),
    }
}

pub(crate) fn number(number: usize) -> u32 {
    u32::try_from(number).expect("few")
}
