//! The cells of one source on their way into its pairs: stored ones, and those that are still to be made.

use ippm::cell::slices::CellSlices;
use ippm::cell::{Cell, DAY, HOUR};
use ippm::{ProbeName, Slices, UnixTime};

use crate::report::sla::fresh::Stale;
use crate::report::sla::gather::Recorder;
use crate::report::sla::opened::Opened;
use crate::report::sla::pairs::Expectations;
use crate::report::sla::reading::Reading;
use crate::store::StoreError;
use crate::store::cell::{CellParts, CellQuery, CellStream, Resolution, StoredCell};

/// From the first hour up to, but without, the second.
type Piece = (UnixTime, UnixTime);

/// Hours of all pairs of a source that are asked for at once, in whole days: three days of sixty pairs. They lie side
/// by side in a store, and are not more than it holds in memory.
const AT_ONCE: usize = 3 * 24 * 60;

impl Reading<'_> {
    /// Reads the cells of the period, day by day where some are still to be made, else in one go.
    pub(super) async fn stream(&mut self, stale: &Stale, record: &Recorder<'_>) -> Result<(), StoreError> {
        let period = &self.source.question.period;
        let end = period.to;
        let mut from = period.from.floor(HOUR);
        for day in stale.days(&self.names) {
            let (first, behind) = (day.max(from), day.saturating_add(DAY).min(end));
            self.read(None, (from, first), record).await?;
            self.read(Some(stale), (first, behind), record).await?;
            from = behind;
        }
        self.read(None, (from, end), record).await?;
        for (sums, book) in self.sums.iter_mut().zip(&mut self.books) {
            sums.flush_until(UnixTime::from_ns(i64::MAX))?;
            book.pass_until(end);
        }
        Ok(())
    }

    /// Reads a piece: of a source that was never renamed in one go, else pair by pair; with cells that are to be made
    /// all together, because then it is a day at most.
    async fn read(
        &mut self,
        stale: Option<&Stale>,
        piece: Piece,
        record: &Recorder<'_>,
    ) -> Result<(), StoreError> {
        if piece.1 <= piece.0 {
            return Ok(());
        }
        if let Some(stale) = stale {
            let mut cells = Vec::new();
            for name in &self.names {
                let stored = self.query(name.clone(), None, piece);
                let stored = self.source.store.cells(stored).collect().await?;
                let is_good = |cell: &StoredCell| !stale.contains(&cell.series(), cell.time);
                cells.extend(stored.into_iter().filter(is_good));
                cells.extend(stale.cells(self.source.store, name, piece).await?);
            }
            self.take(cells, record).await?;
            return Ok(());
        }
        if self.names.len() == 1 {
            self.read_through(piece, record).await?;
        }
        for place in 0..self.source.pairs.len() {
            if self.names.len() > 1 || self.is_renamed(place) {
                self.read_renamed(place, piece, record).await?;
            }
        }
        Ok(())
    }

    /// Reads the pairs with targets that were never renamed.
    async fn read_through(&mut self, piece: Piece, record: &Recorder<'_>) -> Result<(), StoreError> {
        let query = |piece| self.query(self.names[0].clone(), None, piece);
        let mut queries = pieces(piece, self.source.pairs.len())
            .map(query)
            .collect::<Vec<_>>()
            .into_iter();
        let store = self.source.store;
        let mut next = queries.next().map(|query| store.cells(query));
        while let Some(cells) = next {
            // The store looks for the next piece while this one is added up.
            next = queries.next().map(|query| store.cells(query));
            self.take_through(cells, record).await?;
        }
        Ok(())
    }

    async fn take_through(&mut self, mut cells: CellStream, record: &Recorder<'_>) -> Result<(), StoreError> {
        let mut last = 0;
        while let Some(cells) = cells.next_part().await? {
            let mut placed = Vec::with_capacity(cells.len());
            for cell in cells {
                // Cells of one series come together, so the pair is that of the last cell almost always.
                let is_of = |pair: &Expectations| {
                    pair.target.probe == cell.target && pair.family == cell.family && pair.test == cell.test
                };
                let place = if is_of(&self.source.pairs[last]) {
                    Some(last)
                } else {
                    self.source.pairs.iter().position(is_of)
                };
                if let Some(place) = place.filter(|place| !self.is_renamed(*place)) {
                    last = place;
                    placed.push((place, cell));
                }
            }
            self.add(placed, record).await?;
        }
        Ok(())
    }

    fn is_renamed(&self, place: usize) -> bool {
        let target = &self.source.pairs[place].target.probe;
        self.source.view.directory.names_of(target).count() > 1
    }

    /// Reads one pair under all names of its ends.
    async fn read_renamed(
        &mut self,
        place: usize,
        piece: Piece,
        record: &Recorder<'_>,
    ) -> Result<(), StoreError> {
        let pair = &self.source.pairs[place];
        let mut cells = Vec::new();
        for source in &self.names {
            for target in self.source.view.directory.names_of(&pair.target.probe) {
                let query = CellQuery {
                    family: Some(pair.family),
                    ..self.query(source.clone(), Some(target.clone()), piece)
                };
                cells.extend(self.source.store.cells(query).collect().await?);
            }
        }
        self.take(cells, record).await
    }

    /// Takes cells in any order. A renamed probe has some under several names; of the hour in which it was renamed
    /// they are added up.
    async fn take(&mut self, cells: Vec<StoredCell>, record: &Recorder<'_>) -> Result<(), StoreError> {
        let source = self.source;
        let placed = cells.into_iter().filter_map(|cell| {
            let place = source.place_of(&cell.target, cell.family, &cell.test)?;
            Some((place, cell))
        });
        let mut placed: Vec<(usize, StoredCell)> = placed.collect();
        placed.sort_by_cached_key(|(place, cell)| (*place, cell.time, cell.series()));
        let is_same =
            |(a, one): &(usize, StoredCell), (b, next): &(usize, StoredCell)| a == b && one.time == next.time;
        let mut by_hour = Vec::with_capacity(placed.len());
        for of_hour in placed.chunk_by(is_same) {
            let place = of_hour[0].0;
            let cells: Vec<&StoredCell> = of_hour.iter().map(|(_, cell)| cell).collect();
            by_hour.extend(joined(&cells)?.map(|cell| (place, cell)));
        }
        self.add(by_hour, record).await
    }

    fn query(&self, source: ProbeName, target: Option<ProbeName>, (from, to): Piece) -> CellQuery {
        let question = self.source.question;
        CellQuery {
            source: Some(source),
            target,
            family: question.family,
            test: Some(question.test.clone()),
            from,
            to,
            resolution: Resolution::Hour,
            parts: CellParts::ALL,
        }
    }

    /// Adds cells with the places of their pairs, those of each pair in ascending order of time: on a thread where it
    /// may take its time.
    async fn add(
        &mut self,
        cells: Vec<(usize, StoredCell)>,
        record: &Recorder<'_>,
    ) -> Result<(), StoreError> {
        let mut whole = Vec::with_capacity(cells.len());
        for (place, cell) in cells {
            let pair = &self.source.pairs[place];
            if !pair.cut.contains(&cell.time) {
                let in_maintenance = pair.is_in_maintenance(cell.time);
                record.cell(&cell, in_maintenance);
                self.books[place].take_cell(cell.time, in_maintenance, &cell.cell);
                whole.push((place, in_maintenance, cell));
            }
        }
        let mut sums = std::mem::take(&mut self.sums);
        let added = tokio::task::spawn_blocking(move || {
            let added = whole.iter().try_for_each(|(place, in_maintenance, cell)| {
                sums[*place].add(cell.time, *in_maintenance, &cell.cell)
            });
            added.map(|()| sums)
        });
        let stopped = |_| {
            Err(StoreError::Unavailable {
                reason: "the collector is shutting down".to_owned(),
                retry_after: None,
            })
        };
        self.sums = added.await.unwrap_or_else(stopped)?;
        Ok(())
    }
}

/// `piece` in pieces of whole days, a day at least, in which `pairs` have at most [`AT_ONCE`] hours.
fn pieces((from, to): Piece, pairs: usize) -> impl Iterator<Item = Piece> {
    let days = AT_ONCE / (24 * pairs.max(1));
    let length = DAY * u32::try_from(days).unwrap_or(u32::MAX).max(1);
    std::iter::successors(Some(from), move |from| Some(from.saturating_add(length)))
        .take_while(move |from| *from < to)
        .map(move |from| (from, from.saturating_add(length).min(to)))
}

/// The cells of one hour under several names as one.
fn joined(cells: &[&StoredCell]) -> Result<Option<StoredCell>, StoreError> {
    let Some((first, rest)) = cells.split_first() else {
        return Ok(None);
    };
    if rest.is_empty() {
        return Ok(Some((*first).clone()));
    }
    let Some(mut cell) = Cell::of_hours(cells.iter().map(|cell| &cell.cell)) else {
        return Ok(None);
    };
    let mut sum: Option<Slices> = None;
    for cell in cells {
        let Some(slices) = Opened::of(&cell.cell)?.slices.map(|slices| slices.to_slices()) else {
            continue;
        };
        match &mut sum {
            None => sum = Some(slices),
            Some(sum) => {
                for (sum, list) in [
                    (&mut sum.sent, &slices.sent),
                    (&mut sum.lost, &slices.lost),
                    (&mut sum.rtt_count, &slices.rtt_count),
                    (&mut sum.rtt_sum_ns, &slices.rtt_sum_ns),
                ] {
                    for (sum, value) in sum.iter_mut().zip(list) {
                        *sum = sum.saturating_add(*value);
                    }
                }
            }
        }
    }
    cell.slices = sum.as_ref().map(|sum| CellSlices::from(sum).pack());
    Ok(Some(StoredCell {
        cell,
        ..(*first).clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_meet_and_are_shorter_for_more_pairs() {
        let from = UnixTime::from_ns(0);
        let to = from.saturating_add(DAY * 31);
        for (pairs, number) in [(0, 1), (1, 1), (2, 1), (58, 11), (60, 11), (61, 16), (10_000, 31)] {
            let found: Vec<Piece> = pieces((from, to), pairs).collect();
            assert_eq!(found.len(), number, "{pairs} pairs");
            assert_eq!((found[0].0, found[number - 1].1), (from, to));
            assert!(found.windows(2).all(|two| two[0].1 == two[1].0), "{pairs} pairs");
        }
        assert_eq!(pieces((to, to), 2).count(), 0);
    }
}
