//! The hour that is running, of everybody: from its cells, as far as they are made of everything that is there.

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::cell::HOUR;
use ippm::plan::MAX_PERIOD;
use ippm::{ProbeName, UnixTime};

use super::Reading;
use super::question::Of;
use crate::report::segment::{Segment, coarsest};
use crate::report::view::ReportError;
use crate::store::StoreError;
use crate::store::cell::{CellTally, Resolution, RowTally};

/// How far behind the end of a window the present may lie for the hour that is running to be taken from its cells.
/// A window of a program ends with the last full minute.
const PRESENT: Duration = Duration::from_mins(1);

impl Reading<'_> {
    /// Whether `segment` is of whole hours up to the present and of everybody: then the cells of those hours are
    /// worth a look, although results still come.
    pub(super) fn is_running(&self, segment: Segment) -> bool {
        let is_of_all = self.is_of_all(Of::All);
        let until = segment.to.saturating_add(PRESENT);
        let is_whole = segment.from == segment.from.floor(HOUR) && self.view.now < until;
        is_of_all && is_whole && coarsest(self.ask.step).is_some()
    }

    /// Reads a segment that [is running](Self::is_running): of the sources whose cells are made of all their results
    /// from these, of the others from single results.
    pub(super) async fn running(&mut self, segment: Segment) -> Result<(), ReportError> {
        let of_hours = Segment {
            resolution: Some(Resolution::Hour),
            ..segment
        };
        let shared = self.store.shared_cells(segment.from, segment.to).await?;
        let made = match &shared {
            Some(shared) => shared.tallies(),
            None => self.cell_tallies(segment).await?,
        };
        let late = self.sources_ahead_of(made, segment).await?;
        match shared {
            Some(shared) => self.shared_cells(of_hours, &shared, Of::AllBut(&late)),
            None => self.cells(segment, Resolution::Hour, Of::AllBut(&late)).await?,
        }
        if late.is_empty() {
            return Ok(());
        }
        self.rows(segment, Of::Sources(&late)).await
    }

    async fn cell_tallies(&self, segment: Segment) -> Result<Vec<CellTally>, StoreError> {
        let (from, to) = (segment.from, segment.to);
        self.store.cell_tallies(Resolution::Hour, None, from, to).await
    }

    /// The sources, by their present names, with results in the hours of `segment` that are in no cell that was
    /// `made`, or that begin behind it.
    async fn sources_ahead_of(
        &self,
        made: Vec<CellTally>,
        segment: Segment,
    ) -> Result<BTreeSet<ProbeName>, StoreError> {
        let behind = (segment.to, self.view.now.saturating_add(MAX_PERIOD));
        let reported = self.store.reported(None, behind.0, behind.1).await?;
        let mut ahead: BTreeSet<&ProbeName> = reported.iter().map(|report| &report.source).collect();
        let rows = self.store.row_tallies(None, segment.from, segment.to).await?;
        // Both come in the order of the series.
        let mut made = made.into_iter().peekable();
        for RowTally { series, hours } in &rows {
            while made.next_if(|tally| tally.series < *series).is_some() {}
            let tally = made.next_if(|tally| tally.series == *series);
            let cells = tally.map_or_else(Vec::new, |tally| tally.cells);
            let is_made = |(hour, rows): &(UnixTime, u64)| {
                let cell = cells.iter().find(|cell| cell.time == *hour);
                cell.is_some_and(|cell| cell.rows == *rows)
            };
            if !hours.iter().all(is_made) {
                ahead.insert(&series.source);
            }
        }
        let ahead = ahead.into_iter();
        Ok(ahead
            .map(|source| self.view.directory.resolve(source).clone())
            .collect())
    }
}
