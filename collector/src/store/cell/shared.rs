//! Hours of everybody that a store keeps in memory.

use std::sync::{Arc, OnceLock};

use ippm::UnixTime;
use ippm::cell::Cell;

use crate::store::cell::{CellCount, CellTally, Series};

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
