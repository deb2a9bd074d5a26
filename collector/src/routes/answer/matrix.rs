//! Every pair at a glance.

use serde::Serialize;
use utoipa::ToSchema;

use super::account::{self, AccountAnswer};
use super::figures::{self, FiguresAnswer};
use super::latest::StandingAnswer;
use super::{SubjectAnswer, WindowAnswer, time};
use crate::csv::{Cell, Table};
use crate::report::matrix::{Matrix, MatrixEntry};

/// `GET /api/v2/matrix`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MatrixAnswer {
    /// What it covers.
    window: WindowAnswer,
    /// Start of the youngest round in it; null if nothing is in it.
    latest: Option<String>,
    /// One for each subject that was expected or measured: a silent pair is there too.
    entries: Vec<EntryAnswer>,
}

/// One subject of a matrix.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryAnswer {
    /// Which one.
    subject: SubjectAnswer,
    /// What was measured in the window; null if nothing was.
    figures: Option<FiguresAnswer>,
    /// What was expected in the window, by class.
    account: AccountAnswer,
    /// How it stands now.
    standing: StandingAnswer,
}

impl From<&Matrix> for MatrixAnswer {
    fn from(matrix: &Matrix) -> Self {
        let now = matrix.freshness.read_at;
        let entry = |entry: &MatrixEntry| EntryAnswer {
            subject: SubjectAnswer::from(&entry.subject),
            figures: entry.figures.as_ref().map(FiguresAnswer::from),
            account: AccountAnswer::from(&entry.account),
            standing: StandingAnswer::new(&entry.standing, now),
        };
        Self {
            window: matrix.window.into(),
            latest: matrix.freshness.latest.map(time),
            entries: matrix.entries.iter().map(entry).collect(),
        }
    }
}

/// The matrix as a table, a row for each subject.
pub(crate) fn table(matrix: &Matrix) -> Table {
    let columns: Vec<&str> = [
        "source",
        "target",
        "family",
        "test",
        "class",
        "stale",
        "last_measured",
    ]
    .into_iter()
    .chain(figures::COLUMNS)
    .chain(account::COLUMNS)
    .collect();
    let mut table = Table::new(&columns);
    for entry in &matrix.entries {
        let (subject, standing) = (&entry.subject, &entry.standing);
        let head = [
            Cell::text(subject.source.as_str()),
            Cell::text(subject.target.as_str()),
            Cell::plain(subject.family),
            Cell::text(subject.test.as_str()),
            Cell::maybe(standing.class),
            Cell::plain(standing.is_stale(matrix.freshness.read_at)),
            Cell::maybe(standing.last_measured.map(time)),
        ];
        table.row(
            head.into_iter()
                .chain(figures::cells(entry.figures.as_ref()))
                .chain(account::cells(&entry.account)),
        );
    }
    table
}
