//! Hours and days of results, as a store keeps them, and the questions for them.

use std::sync::{Arc, OnceLock};
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

/// All cells of one hour by the number of their series, ascending, with their distributions and without slices.
pub type HourOfAll = Arc<[(i64, Cell)]>;

/// Hours of everybody that a store keeps in memory: they are looked at where they lie.
#[derive(Debug)]
pub struct SharedCells {
    /// In their order, each with its number.
    series: Vec<(i64, Series)>,
    /// Ascending.
    hours: Vec<(UnixTime, HourOfAll)>,
    /// Of each series, made when somebody asks for one.
    sums: OnceLock<Vec<Option<Cell>>>,
}

impl SharedCells {
    /// The cells of `series`, each with its number in `hours`, which ascend in time.
    #[must_use]
    pub const fn new(series: Vec<(i64, Series)>, hours: Vec<(UnixTime, HourOfAll)>) -> Self {
        Self {
            series,
            hours,
            sums: OnceLock::new(),
        }
    }

    /// How many hours there are.
    #[must_use]
    pub fn hours(&self) -> usize {
        self.hours.len()
    }

    /// The series in their order.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.series.iter().map(|(_, series)| series)
    }

    /// The sum of the cells of the series at `place` among them, as [`Cell::of_hours`] makes it; `None` without a cell.
    #[must_use]
    pub fn sum(&self, place: usize) -> Option<&Cell> {
        let sum = |place| Cell::of_hours(self.cells(place).map(|(_, cell)| cell));
        let sums = self
            .sums
            .get_or_init(|| (0..self.series.len()).map(sum).collect());
        sums.get(place)?.as_ref()
    }

    /// Of how many results the cells were made, as [`cell_tallies`](crate::store::Store::cell_tallies) has it.
    #[must_use]
    pub fn tallies(&self) -> Vec<CellTally> {
        let tally = |(place, series): (usize, &Series)| {
            let cells = self.cells(place).map(|(time, cell)| CellCount::of(time, cell));
            CellTally {
                series: series.clone(),
                cells: cells.collect(),
            }
        };
        let tallies = self.series().enumerate().map(tally);
        tallies.filter(|tally| !tally.cells.is_empty()).collect()
    }

    /// The cells of the series at `place` among them, ascending in time.
    pub fn cells(&self, place: usize) -> impl Iterator<Item = (UnixTime, &Cell)> + Clone {
        // No series has a number below zero.
        let number = self.series.get(place).map_or(-1, |(number, _)| *number);
        let mut near = 0;
        self.hours.iter().filter_map(move |(time, hour)| {
            // From hour to hour the same series have a cell.
            if hour.get(near).is_none_or(|(found, _)| *found != number) {
                near = hour.partition_point(|(found, _)| *found < number);
            }
            let (found, cell) = hour.get(near)?;
            (*found == number).then_some((*time, cell))
        })
    }
}

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

impl CellCount {
    fn of(time: UnixTime, cell: &Cell) -> Self {
        Self {
            time,
            rows: cell.rows,
            rounds: cell.rounds,
            rounds_suspect: cell.rounds_suspect,
        }
    }
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
