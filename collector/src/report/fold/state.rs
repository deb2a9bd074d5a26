//! The sums of one subject.

use std::collections::BTreeMap;

use ippm::cell::Cell;
use ippm::cell::row::CellRow;
use ippm::class::result::SlotResult;
use ippm::{ProbeName, UnixTime};

use crate::report::accounting::{Account, Slots};
use crate::report::fold::{Bucket, Buckets, Grid};
use crate::report::ledger::Ledger;
use crate::report::segment::{Segment, kept_since};
use crate::report::slot::{Outlook, SlotAt, result_of, start_of};
use crate::report::tally::{Tally, Verdict, verdict};
use crate::report::view::View;
use crate::store::cell::StoredCell;
use crate::store::row::Row;

pub(super) struct State {
    outlook: Outlook,
    buckets: Buckets,
    /// Cells of the segment that is being read.
    tallies: Vec<(UnixTime, Tally)>,
    /// Slots without a result, which only the ledger can judge.
    silent: Vec<SlotAt>,
    /// Cells with fewer results than slots.
    partial: Vec<Partial>,
}

/// A cell with fewer results than slots: what its results say, and how many slots lack one.
#[derive(Debug, Clone, Copy)]
struct Partial {
    unit: Segment,
    account: Account,
    missing: u64,
}

impl State {
    pub(super) fn new(outlook: Outlook) -> Self {
        Self {
            outlook,
            buckets: BTreeMap::new(),
            tallies: Vec::new(),
            silent: Vec::new(),
            partial: Vec::new(),
        }
    }

    /// Takes a cell; into the figures of the point `figures`.
    pub(super) fn take_cell(&mut self, stored: &StoredCell, figures: Option<UnixTime>, view: &View<'_>) {
        self.tallies
            .push((stored.time, Tally::of(&stored.cell, view.limit)));
        if let Some(key) = figures {
            let bucket = self.bucket(key);
            bucket.latest = bucket.latest.max(Some(stored.time));
            merge(&mut bucket.cell, &stored.cell);
        }
    }

    /// The class of each expected slot of `segment` for which one of `rows` counts; the others become silent.
    /// Gives back the rows whose slots begin in the segment, ascending in time.
    pub(super) fn judge(
        &mut self,
        segment: Segment,
        mut rows: Vec<Row>,
        ledger: &Ledger,
        (view, grid): (&View<'_>, Grid),
    ) -> Vec<Row> {
        rows.retain(|row| {
            let start = start_of(row, view.legacy_period);
            segment.from <= start && start < segment.to
        });
        rows.sort_by(|a, b| (a.time, !a.measured, &a.source).cmp(&(b.time, !b.measured, &b.source)));
        let results = rows.iter().map(|row| result_of(row, view.legacy_period));
        let results: Vec<SlotResult<'_>> = results.collect();
        let slots: Vec<SlotAt> = self.outlook.slots(segment.from, segment.to).collect();
        for slot in slots {
            let class = self.outlook.class_of_result(slot, &results, ledger, view);
            let is_announced = self.outlook.is_announced(slot);
            let bucket = self.bucket(grid.key(slot.start));
            if slot.start < kept_since(None, view) {
                bucket.account.expired += 1;
            } else if let Some((class, _)) = class {
                bucket.account.add(class, Slots::counted(1, is_announced));
            } else {
                self.silent.push(slot);
            }
        }
        rows
    }

    /// Adds `rows`, ascending in time, to the figures. Rows of a point are added hour by hour, as into cells.
    pub(super) fn sum_up(
        &mut self,
        source: &ProbeName,
        rows: Vec<Row>,
        ledger: &Ledger,
        (view, grid): (&View<'_>, Grid),
    ) {
        let mut hours: BTreeMap<(UnixTime, UnixTime), Vec<CellRow>> = BTreeMap::new();
        for row in rows {
            let key = grid.key(start_of(&row, view.legacy_period));
            let bucket = self.bucket(key);
            bucket.latest = bucket.latest.max(Some(row.time));
            for (hop_limit, count) in &row.hop_limits {
                *bucket.hop_limits.entry(*hop_limit).or_default() += count;
            }
            let is_suspect = ledger.is_suspect(source, row.time);
            let row = row.into_cell_row(is_suspect);
            hours.entry((key, row.hour())).or_default().push(row);
        }
        for ((key, hour), rows) in hours {
            if let Some(cell) = Cell::of_rows(hour, rows) {
                merge(&mut self.bucket(key).cell, &cell);
            }
        }
    }

    /// Judges the cells of a segment that was read. What has no cell becomes silent; gives back the units of which
    /// the cells say too little.
    pub(super) fn judge_cells(&mut self, segment: Segment, view: &View<'_>, grid: Grid) -> Vec<Segment> {
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.sort_by_key(|(time, _)| *time);
        let mut unclear = Vec::new();
        for (from, to) in segment.units() {
            let unit = Segment { from, to, ..segment };
            let first = tallies.partition_point(|(time, _)| *time < from);
            let own = tallies.iter().skip(first).take_while(|(time, _)| *time < to);
            let own: Vec<Tally> = own.map(|(_, tally)| *tally).collect();
            let (slots, announced) = self.slots_of(unit);
            match verdict(&own, slots, announced) {
                Verdict::Nothing => {}
                _ if from < kept_since(segment.resolution, view) => {
                    self.bucket(grid.key(from)).account.expired += slots;
                }
                Verdict::Silent => self.silent.extend(self.outlook.slots(from, to)),
                Verdict::Known { account, missing: 0 } => {
                    self.bucket(grid.key(from)).account.merge(&account);
                }
                Verdict::Known { account, missing } => self.partial.push(Partial {
                    unit,
                    account,
                    missing,
                }),
                Verdict::Unclear => unclear.push(unit),
            }
        }
        unclear
    }

    /// How many slots are expected in `unit`, and how many of them announced work touches.
    fn slots_of(&self, unit: Segment) -> (u64, u64) {
        let slots = self.outlook.slots(unit.from, unit.to);
        slots.fold((0, 0), |(slots, announced), slot| {
            (slots + 1, announced + u64::from(self.outlook.is_announced(slot)))
        })
    }

    /// The slots of which the ledger has to tell.
    pub(super) fn open(&self) -> impl Iterator<Item = SlotAt> + '_ {
        let of_partial = |partial: &Partial| self.outlook.slots(partial.unit.from, partial.unit.to);
        let partial = self.partial.iter().flat_map(of_partial);
        self.silent.iter().copied().chain(partial)
    }

    /// Those of them of which it knows no report.
    pub(super) fn unreported<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = SlotAt> + 'a {
        self.open()
            .filter(|slot| !self.outlook.is_reported(*slot, ledger))
    }

    /// Judges what is silent; gives back the units of which too little is known.
    pub(super) fn settle(&mut self, ledger: &Ledger, view: &View<'_>, grid: Grid) -> Vec<Segment> {
        for slot in std::mem::take(&mut self.silent) {
            let account = self.account_of_silence(slot, ledger, view);
            self.bucket(grid.key(slot.start)).account.merge(&account);
        }
        let mut unclear = Vec::new();
        for partial in std::mem::take(&mut self.partial) {
            let Partial { unit, missing, .. } = partial;
            let span = (unit.from, unit.to);
            match self.outlook.account_of_missing(span, missing, ledger, view) {
                Some(account) => {
                    let bucket = self.bucket(grid.key(unit.from));
                    bucket.account.merge(&partial.account);
                    bucket.account.merge(&account);
                }
                None => unclear.push(unit),
            }
        }
        unclear
    }

    fn account_of_silence(&self, slot: SlotAt, ledger: &Ledger, view: &View<'_>) -> Account {
        let mut account = Account::NOTHING;
        match self.outlook.class_of_silence(slot, ledger, view) {
            Some(class) => account.add(class, Slots::counted(1, self.outlook.is_announced(slot))),
            None => account.pending += 1,
        }
        account
    }

    pub(super) fn finish(self) -> Buckets {
        self.buckets
    }

    fn bucket(&mut self, key: UnixTime) -> &mut Bucket {
        self.buckets.entry(key).or_insert(Bucket::EMPTY)
    }
}

fn merge(sum: &mut Option<Cell>, later: &Cell) {
    match sum {
        Some(sum) => sum.merge(later),
        None => {
            *sum = Some(Cell {
                slices: None,
                ..later.clone()
            });
        }
    }
}
