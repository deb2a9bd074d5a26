//! The sums of one subject.

use std::collections::BTreeMap;

use ippm::cell::Cell;
use ippm::cell::row::CellRow;
use ippm::class::result::SlotResult;
use ippm::{ProbeName, UnixTime};

use crate::plan::span::Span;
use crate::report::accounting::{Account, Slots};
use crate::report::fold::{Bucket, Buckets, Grid, With};
use crate::report::ledger::Ledger;
use crate::report::segment::{Segment, kept_since};
use crate::report::slot::{Outlook, SlotAt, result_of, start_of};
use crate::report::tally::{Tally, Verdict, verdict};
use crate::report::view::View;
use crate::store::cell::shared::SharedCells;
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

    /// Takes the cell at `time`; into the figures of the point that `figures` name, with what they say.
    pub(super) fn take_cell(
        &mut self,
        time: UnixTime,
        cell: &Cell,
        figures: Option<(UnixTime, With)>,
        view: &View<'_>,
    ) {
        self.tallies.push((time, Tally::of(cell, view.limit)));
        if let Some((key, with)) = figures {
            let bucket = self.bucket(key);
            bucket.latest = bucket.latest.max(Some(time));
            merge(&mut bucket.cell, cell, with);
        }
    }

    /// Whether nothing is in the figures of the point `key` yet.
    pub(super) fn is_empty(&self, key: UnixTime) -> bool {
        self.buckets.get(&key).is_none_or(|bucket| bucket.cell.is_none())
    }

    /// Takes all cells of a series into the figures of the point `key`, of which nothing is there yet: their sum.
    pub(super) fn take_sum(
        &mut self,
        key: UnixTime,
        shared: &SharedCells,
        at: usize,
        with: With,
        view: &View<'_>,
    ) {
        let Some(sum) = shared.sum(at) else { return };
        self.tallies.reserve(shared.hours());
        for (time, cell) in shared.cells(at) {
            self.tallies.push((time, Tally::of(cell, view.limit)));
        }
        let latest = self.tallies.last().map(|(time, _)| *time);
        let bucket = self.bucket(key);
        bucket.latest = bucket.latest.max(latest);
        merge(&mut bucket.cell, sum, with);
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
                merge(&mut self.bucket(key).cell, &cell, With::Distribution);
            }
        }
    }

    /// Judges the cells of a segment that was read. What has no cell becomes silent; gives back the units of which
    /// the cells say too little.
    pub(super) fn judge_cells(&mut self, segment: Segment, view: &View<'_>, grid: Grid) -> Vec<Segment> {
        let mut tallies = std::mem::take(&mut self.tallies);
        tallies.sort_by_key(|(time, _)| *time);
        let (mut unclear, mut known) = (Vec::new(), None);
        for (from, to) in segment.units() {
            let unit = Segment { from, to, ..segment };
            let first = tallies.partition_point(|(time, _)| *time < from);
            let own = &tallies[first..];
            let own = &own[..own.partition_point(|(time, _)| *time < to)];
            let (slots, announced) = self.outlook.count(from, to);
            match verdict(own, slots, announced) {
                Verdict::Nothing => {}
                _ if from < kept_since(segment.resolution, view) => {
                    self.bucket(grid.key(from)).account.expired += slots;
                }
                Verdict::Silent => self.silent.extend(self.outlook.slots(from, to)),
                Verdict::Known { account, missing: 0 } => {
                    let key = grid.key(from);
                    match &mut known {
                        Some((of, sum)) if *of == key => Account::merge(sum, &account),
                        _ => self.account(known.replace((key, account))),
                    }
                }
                Verdict::Known { account, missing } => self.partial.push(Partial {
                    unit,
                    account,
                    missing,
                }),
                Verdict::Unclear => unclear.push(unit),
            }
        }
        self.account(known);
        unclear
    }

    /// Adds what is known of a point.
    fn account(&mut self, known: Option<(UnixTime, Account)>) {
        if let Some((key, account)) = known {
            self.bucket(key).account.merge(&account);
        }
    }

    /// The slots of which the ledger has to tell.
    pub(super) fn open(&self) -> impl Iterator<Item = SlotAt> + '_ {
        let of_partial = |partial: &Partial| self.outlook.slots(partial.unit.from, partial.unit.to);
        let partial = self.partial.iter().flat_map(of_partial);
        self.silent.iter().copied().chain(partial)
    }

    /// Of those of them of which it knows no report: from when until when that is due.
    pub(super) fn unreported<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = Span> + 'a {
        self.open()
            .filter(|slot| !self.outlook.is_reported(*slot, ledger))
            .map(|slot| self.outlook.until_due(slot))
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

fn merge(sum: &mut Option<Cell>, later: &Cell, with: With) {
    match (sum, with) {
        (Some(sum), With::Distribution) => sum.merge(later),
        (Some(sum), With::Numbers) => sum.merge_numbers(later),
        (sum, With::Distribution) => {
            *sum = Some(Cell {
                hist: later.hist.clone(),
                ..later.without_lists()
            });
        }
        (sum, With::Numbers) => *sum = Some(later.without_lists()),
    }
}
