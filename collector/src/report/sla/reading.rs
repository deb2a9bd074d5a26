//! The pairs of one source on their way through a period.

use std::collections::BTreeMap;

use ippm::cell::{Cell, HOUR};
use ippm::{Family, ProbeName, UnixTime};

use crate::report::directory::Directory;
use crate::report::sla::availability::Window;
use crate::report::sla::digest::Inputs;
use crate::report::sla::gather::{Ground, Question, Record};
use crate::report::sla::pairs::Expectations;
use crate::report::sla::profile::Profile;
use crate::report::sla::raw::{self, CutHour};
use crate::report::sla::site::Sites;
use crate::report::sla::statement::{Accounting, Both, Pair};
use crate::report::sla::tally::{Hour, Tally};
use crate::store::cell::{CellParts, CellQuery, Resolution, StoredCell};
use crate::store::{Store, StoreError};

/// The pairs of one source on their way through the period.
pub(super) struct Reading<'a> {
    question: &'a Question,
    directory: &'a Directory,
    pairs: &'a [Expectations],
    /// The names under which results of the source lie.
    sources: Vec<ProbeName>,
    sums: Vec<PairSums>,
}

/// What was read of one pair so far.
struct PairSums {
    tally: Tally,
    accounting: Accounting,
    cut: BTreeMap<UnixTime, CutHour>,
    inputs: Inputs,
}

impl<'a> Reading<'a> {
    pub(super) async fn begin(
        store: &dyn Store,
        ground: &Ground<'a>,
        question: &'a Question,
        pairs: &'a [Expectations],
        record: &mut (dyn Record + Send),
    ) -> Result<Self, StoreError> {
        let directory = ground.directory;
        let sources: Vec<ProbeName> = directory.names_of(&pairs[0].source.probe).cloned().collect();
        let cut = raw::read(
            store,
            &sources,
            directory.aliases(),
            pairs,
            &question.period,
            &mut |row, suspect| {
                record.row(row, suspect);
            },
        )
        .await?;
        let window = Window {
            length: question.profile.window,
            threshold: question.profile.threshold,
        };
        let sums = pairs
            .iter()
            .zip(cut)
            .map(|(pair, cut)| PairSums {
                tally: Tally::new(window),
                accounting: pair.accounting(),
                cut,
                inputs: Inputs::new(),
            })
            .collect();
        Ok(Self {
            question,
            directory,
            pairs,
            sources,
            sums,
        })
    }

    /// Reads the cells: of a source that was never renamed in one go, else pair by pair.
    pub(super) async fn stream(
        &mut self,
        store: &dyn Store,
        record: &mut (dyn Record + Send),
    ) -> Result<(), StoreError> {
        if self.sources.len() == 1 {
            let mut cells = store.cells(self.query(self.sources[0].clone(), None, self.question.family));
            let mut last = 0;
            while let Some(cell) = cells.next().await? {
                // Cells of one series come together, so the pair is that of the last cell almost always.
                let is_of = |pair: &Expectations| {
                    pair.target.probe == cell.target && pair.family == cell.family && pair.test == cell.test
                };
                let place = if is_of(&self.pairs[last]) {
                    Some(last)
                } else {
                    self.pairs.iter().position(is_of)
                };
                if let Some(place) = place.filter(|place| !self.is_renamed(*place)) {
                    last = place;
                    self.add(place, &cell, record);
                }
            }
        }
        for place in 0..self.pairs.len() {
            if self.sources.len() > 1 || self.is_renamed(place) {
                self.stream_renamed(place, store, record).await?;
            }
            self.sums[place].flush_until(UnixTime::from_ns(i64::MAX));
        }
        Ok(())
    }

    fn is_renamed(&self, place: usize) -> bool {
        self.directory.names_of(&self.pairs[place].target.probe).count() > 1
    }

    /// A renamed probe has cells under several names; of the hour in which it was renamed they are added up.
    async fn stream_renamed(
        &mut self,
        place: usize,
        store: &dyn Store,
        record: &mut (dyn Record + Send),
    ) -> Result<(), StoreError> {
        let pair = &self.pairs[place];
        let targets: Vec<ProbeName> = self.directory.names_of(&pair.target.probe).cloned().collect();
        let mut cells: Vec<StoredCell> = Vec::new();
        for source in &self.sources {
            for target in &targets {
                let query = self.query(source.clone(), Some(target.clone()), Some(pair.family));
                cells.extend(store.cells(query).collect().await?);
            }
        }
        cells.sort_by_key(|cell| cell.time);
        for of_hour in cells.chunk_by(|one, next| one.time == next.time) {
            if let Some(cell) = joined(of_hour) {
                self.add(place, &cell, record);
            }
        }
        Ok(())
    }

    fn query(&self, source: ProbeName, target: Option<ProbeName>, family: Option<Family>) -> CellQuery {
        CellQuery {
            source: Some(source),
            target,
            family,
            test: Some(self.question.test.clone()),
            from: self.question.period.from.floor(HOUR),
            to: self.question.period.to,
            resolution: Resolution::Hour,
            parts: CellParts::ALL,
        }
    }

    fn add(&mut self, place: usize, cell: &StoredCell, record: &mut (dyn Record + Send)) {
        let pair = &self.pairs[place];
        if pair.cut.contains(&cell.time) {
            return;
        }
        let in_maintenance = pair.is_in_maintenance(cell.time);
        record.cell(cell, in_maintenance);
        let sums = &mut self.sums[place];
        sums.flush_until(cell.time);
        sums.add(cell.time, in_maintenance, &cell.cell);
        let rounds = Some(&cell.cell);
        sums.tally.add(Hour {
            outside: rounds.filter(|_| !in_maintenance),
            in_maintenance: rounds.filter(|_| in_maintenance),
        });
    }

    pub(super) fn finish(
        self,
        profile: &Profile,
        inputs: &mut Inputs,
        sites: &mut Sites,
        stated: &mut Vec<Pair>,
    ) {
        for (pair, sums) in self.pairs.iter().zip(self.sums) {
            let totals = sums.tally.finish();
            let accounting = Accounting {
                slices: totals.including.slices,
                ..sums.accounting
            };
            pair.describe(inputs);
            inputs.nested(sums.inputs);
            let pair = Pair {
                source: pair.source.clone(),
                target: pair.target.clone(),
                family: pair.family,
                test: pair.test.clone(),
                figures: Both::of(profile, accounting, &totals),
            };
            sites.add(&pair, &totals);
            stated.push(pair);
        }
    }
}

/// The cells of one hour under several names as one.
fn joined(cells: &[StoredCell]) -> Option<StoredCell> {
    let (first, rest) = cells.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let mut cell = Cell::of_hours(cells.iter().map(|cell| &cell.cell))?;
    for slices in cells.iter().filter_map(|cell| cell.cell.slices.as_ref()) {
        match &mut cell.slices {
            None => cell.slices = Some(slices.clone()),
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
    Some(StoredCell {
        cell,
        ..first.clone()
    })
}

impl PairSums {
    /// Takes the cut hours before `hour`, which lie between the whole ones.
    fn flush_until(&mut self, hour: UnixTime) {
        while let Some(entry) = self.cut.first_entry().filter(|entry| *entry.key() < hour) {
            let (hour, cut) = entry.remove_entry();
            for (cell, in_maintenance) in [(&cut.outside, false), (&cut.in_maintenance, true)] {
                if let Some(cell) = cell {
                    self.add(hour, in_maintenance, cell);
                }
            }
            if let Some(loaded) = &cut.loaded {
                self.accounting.loaded += loaded.rounds;
                let slices = loaded.slices.iter().flat_map(|slices| &slices.sent);
                let with_packets = slices.filter(|sent| **sent > 0).count();
                self.accounting.loaded_slices += u64::try_from(with_packets).unwrap_or(u64::MAX);
                self.accounting.suspect += loaded.rounds_suspect;
                self.accounting.unmeasured += loaded.rounds_error;
                self.accounting.legacy += loaded.rounds_legacy;
            }
            self.tally.add(Hour {
                outside: cut.outside.as_ref(),
                in_maintenance: cut.in_maintenance.as_ref(),
            });
        }
    }

    fn add(&mut self, hour: UnixTime, in_maintenance: bool, cell: &Cell) {
        self.inputs.cell(hour, in_maintenance, cell);
        self.accounting.measured += cell.rounds;
        self.accounting.suspect += cell.rounds_suspect;
        self.accounting.unmeasured += cell.rounds_error;
        self.accounting.legacy += cell.rounds_legacy;
        if in_maintenance {
            self.accounting.measured_in_maintenance += cell.rounds;
        }
    }
}

impl Expectations {
    /// Adds who the pair is and what was expected of it to the inputs.
    fn describe(&self, inputs: &mut Inputs) {
        for end in [&self.source, &self.target] {
            inputs.text(end.probe.as_str());
            inputs.text(end.site.as_deref().unwrap_or_default());
        }
        inputs.number(u64::from(self.family.number()));
        inputs.text(self.test.as_str());
        for expected in &self.expected {
            inputs.number(u64::try_from(expected.slots.period().as_nanos()).unwrap_or(u64::MAX));
            for span in expected.slots.spans().as_slice() {
                inputs.time(span.from());
                inputs.time(span.to());
            }
        }
        for (from, to) in self.maintenance.spans() {
            inputs.time(*from);
            inputs.time(*to);
        }
    }
}
