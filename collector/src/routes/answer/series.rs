//! One subject over time.

use serde::Serialize;
use utoipa::ToSchema;

use super::account::{self, AccountAnswer};
use super::figures::{self, FiguresAnswer};
use super::{SubjectAnswer, WindowAnswer, time};
use crate::csv::{Cell, Table};
use crate::report::series::{Point, Series};

/// `GET /api/v2/series`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeriesAnswer {
    /// Of what.
    subject: SubjectAnswer,
    /// What it covers: the range that was asked for, widened to whole points.
    window: WindowAnswer,
    /// How far apart points begin.
    step_ns: u64,
    /// Start of the youngest round in it; null if nothing is in it.
    latest: Option<String>,
    /// Points of which anything was expected or measured, ascending. Nothing is interpolated.
    points: Vec<PointAnswer>,
}

/// What became of the slots that begin in one step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PointAnswer {
    /// Its first instant.
    start: String,
    /// What was measured; null if nothing was.
    figures: Option<FiguresAnswer>,
    /// What was expected, by class.
    account: AccountAnswer,
}

impl From<&Series> for SeriesAnswer {
    fn from(series: &Series) -> Self {
        Self {
            subject: SubjectAnswer::from(&series.subject),
            window: series.window.into(),
            step_ns: u64::try_from(series.step.length().as_nanos()).unwrap_or(u64::MAX),
            latest: series.freshness.latest.map(time),
            points: series.points.iter().map(PointAnswer::from).collect(),
        }
    }
}

impl From<&Point> for PointAnswer {
    fn from(point: &Point) -> Self {
        Self {
            start: time(point.start),
            figures: point.figures.as_ref().map(FiguresAnswer::from),
            account: AccountAnswer::from(&point.account),
        }
    }
}

/// The series as a table, a row for each point.
pub(crate) fn table(series: &Series) -> Table {
    let columns: Vec<&str> = ["start", "source", "target", "family", "test"]
        .into_iter()
        .chain(figures::COLUMNS)
        .chain(account::COLUMNS)
        .collect();
    let mut table = Table::new(&columns);
    let subject = &series.subject;
    for point in &series.points {
        let head = [
            Cell::plain(time(point.start)),
            Cell::text(subject.source.as_str()),
            Cell::text(subject.target.as_str()),
            Cell::plain(subject.family),
            Cell::text(subject.test.as_str()),
        ];
        table.row(
            head.into_iter()
                .chain(figures::cells(point.figures.as_ref()))
                .chain(account::cells(&point.account)),
        );
    }
    table
}
