//! Hours and days of results, as a store keeps them, and the questions for them; [`shared`]: hours in memory.

pub mod shared;

use std::time::Duration;

use ippm::cell::row::{CellRow, Counted, RowFinding};
use ippm::cell::{self, Cell, CellDelay};
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::store::query::AnswerStream;
use crate::store::row::Row;

/// How much time a cell covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// One hour, made of rows.
    Hour,
    /// One day (UTC), made of its hours.
    Day,
}

impl Resolution {
    /// The time that a cell covers.
    #[must_use]
    pub const fn length(self) -> Duration {
        match self {
            Self::Hour => cell::HOUR,
            Self::Day => cell::DAY,
        }
    }

    /// The word for it in a metric's label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }
}

/// What is kept for a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// Results as they came.
    Rows,
    /// Cells.
    Cells(Resolution),
}

/// Results of one (source, target, family, test) over time, in the order of a store's answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// The probe that measured, as its reports named it.
    pub source: ProbeName,
    /// The probe that was measured, as the reports named it.
    pub target: ProbeName,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
}

/// One stored cell.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCell {
    /// The probe that measured, as its reports named it.
    pub source: ProbeName,
    /// The probe that was measured, as the reports named it.
    pub target: ProbeName,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// Start of the hour or of the day.
    pub time: UnixTime,
    /// What its results add up to.
    pub cell: Cell,
}

/// Which cells, of which time, with which parts. An absent choice means all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellQuery {
    /// Only this source.
    pub source: Option<ProbeName>,
    /// Only this target.
    pub target: Option<ProbeName>,
    /// Only this family.
    pub family: Option<Family>,
    /// Only this test.
    pub test: Option<TestName>,
    /// Cells that start at this time or later.
    pub from: UnixTime,
    /// Cells that start before this time.
    pub to: UnixTime,
    /// Hours or days.
    pub resolution: Resolution,
    /// What of each cell.
    pub parts: CellParts,
}

/// Which parts of a cell are wanted beside its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellParts {
    /// The delays' distribution.
    pub hist: bool,
    /// The slices of an hour: many times as much as all the rest.
    pub slices: bool,
}

impl CellParts {
    /// Everything that is stored.
    pub const ALL: Self = Self {
        hist: true,
        slices: true,
    };
    /// The numbers alone.
    pub const NUMBERS: Self = Self {
        hist: false,
        slices: false,
    };
}

/// Cells on their way from a store, ordered by (source, target, family, test, time), a bounded number at a time.
pub type CellStream = AnswerStream<StoredCell>;

/// How many results of one series a store holds, hour by hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowTally {
    /// The series.
    pub series: Series,
    /// The hours that hold a result, ascending, each with the number of its results. A result belongs to the hour
    /// in which its slot starts.
    pub hours: Vec<(UnixTime, u64)>,
}

/// Of how many results the cells of one series were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellTally {
    /// The series.
    pub series: Series,
    /// The cells, ascending.
    pub cells: Vec<CellCount>,
}

/// Of how many results a cell was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellCount {
    /// Start of the cell.
    pub time: UnixTime,
    /// Results.
    pub rows: u64,
    /// Rounds: those of them that count and are not suspect.
    pub rounds: u64,
    /// Slots whose counting result was suspect.
    pub rounds_suspect: u64,
}

impl StoredCell {
    /// The cell `cell` of `series` at `time`.
    #[must_use]
    pub fn new(series: Series, time: UnixTime, cell: Cell) -> Self {
        Self {
            source: series.source,
            target: series.target,
            family: series.family,
            test: series.test,
            time,
            cell,
        }
    }

    /// The series.
    #[must_use]
    pub fn series(&self) -> Series {
        Series {
            source: self.source.clone(),
            target: self.target.clone(),
            family: self.family,
            test: self.test.clone(),
        }
    }

    /// Whether the cell is one of `series`.
    #[must_use]
    pub fn is_of(&self, series: &Series) -> bool {
        self.target == series.target
            && self.source == series.source
            && self.family == series.family
            && self.test == series.test
    }
}

impl Row {
    /// The series.
    #[must_use]
    pub fn series(&self) -> Series {
        Series {
            source: self.source.clone(),
            target: self.target.clone(),
            family: self.family,
            test: self.test.clone(),
        }
    }

    /// What the row gives to its cell; `is_suspect` is what its `ProbeRun` says.
    ///
    /// A cell needs the parts `counts`, `delay`, `hist` and `slices`.
    #[must_use]
    pub fn into_cell_row(self, is_suspect: bool) -> CellRow {
        CellRow {
            time: self.time,
            period: self.period,
            is_suspect,
            finding: self.into_finding(),
        }
    }

    fn into_finding(self) -> RowFinding {
        if !self.measured {
            return RowFinding::Unmeasured;
        }
        let Some(counts) = self.counts else {
            return match self.legacy {
                Some(values) => RowFinding::Legacy {
                    loss: values.loss,
                    avg_ns: values.avg_ns,
                },
                None => RowFinding::Unmeasured,
            };
        };
        RowFinding::Counted(Box::new(Counted {
            sent: counts.sent,
            received: counts.received,
            late: counts.late,
            duplicates: counts.duplicates,
            reordered: counts.reordered,
            unsent: counts.unsent,
            delay: self.delay.and_then(|delay| {
                Some(CellDelay {
                    moments: delay.moments()?,
                    min_ns: delay.min_ns,
                    max_ns: delay.max_ns,
                })
            }),
            hist: self.hist,
            ipdv_pairs: self.ipdv.map_or(0, |ipdv| ipdv.pairs),
            ipdv_abs_sum_ns: self.ipdv.map_or(0, |ipdv| ipdv.abs_sum_ns),
            slices: self.slices,
        }))
    }
}
