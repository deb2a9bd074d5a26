//! The latest of every pair, and how it stands now.

use ippm::UnixTime;
use ippm::class::Class;
use serde::Serialize;
use utoipa::ToSchema;

use super::rounds::{self, ResultAnswer};
use super::{SubjectAnswer, time};
use crate::csv::{Cell, Table};
use crate::report::latest::{Latest, LatestEntry, Standing};

/// `GET /api/v2/results?view=latest`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestAnswer {
    /// Start of the youngest round in it; null if nothing is in it.
    latest: Option<String>,
    /// One for each subject that is expected now, or was measured within the range.
    entries: Vec<LatestEntryAnswer>,
}

/// One subject.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LatestEntryAnswer {
    /// Which one.
    subject: SubjectAnswer,
    /// The latest result as it is stored; null if there is none within the range.
    result: Option<ResultAnswer>,
    /// How it stands now.
    standing: StandingAnswer,
}

/// How a subject stands now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StandingAnswer {
    /// Class of the latest expected slot that has one; null if nothing is expected of the subject now.
    class: Option<&'static str>,
    /// Start of that slot.
    slot_start: Option<String>,
    /// Whether announced work touched it.
    in_maintenance: bool,
    /// Start of the latest round that measured it.
    last_measured: Option<String>,
    /// Whether that is longer ago than two periods and a minute, or never was.
    stale: bool,
}

impl StandingAnswer {
    pub(crate) fn new(standing: &Standing, now: UnixTime) -> Self {
        Self {
            class: standing.class.map(Class::as_str),
            slot_start: standing.slot_start.map(time),
            in_maintenance: standing.in_maintenance,
            last_measured: standing.last_measured.map(time),
            stale: standing.is_stale(now),
        }
    }
}

impl From<&Latest> for LatestAnswer {
    fn from(latest: &Latest) -> Self {
        let now = latest.freshness.read_at;
        let entry = |entry: &LatestEntry| LatestEntryAnswer {
            subject: SubjectAnswer::from(&entry.subject),
            result: entry.row.as_ref().map(ResultAnswer::from),
            standing: StandingAnswer::new(&entry.standing, now),
        };
        Self {
            latest: latest.freshness.latest.map(time),
            entries: latest.entries.iter().map(entry).collect(),
        }
    }
}

/// The latest results as a table, a row for each subject.
pub(crate) fn table(latest: &Latest) -> Table {
    let columns: Vec<&str> = ["source", "target", "family", "test", "class", "stale"]
        .into_iter()
        .chain(rounds::COLUMNS)
        .collect();
    let mut table = Table::new(&columns);
    for entry in &latest.entries {
        let (subject, standing) = (&entry.subject, &entry.standing);
        let head = [
            Cell::text(subject.source.as_str()),
            Cell::text(subject.target.as_str()),
            Cell::plain(subject.family),
            Cell::text(subject.test.as_str()),
            Cell::maybe(standing.class),
            Cell::plain(standing.is_stale(latest.freshness.read_at)),
        ];
        table.row(head.into_iter().chain(rounds::cells(entry.row.as_ref())));
    }
    table
}
