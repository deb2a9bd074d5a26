//! What became of every slot of one pair: each expected one ends in exactly one class.

use std::collections::BTreeSet;

use ippm::UnixTime;
use ippm::cell::{Cell, HOUR};
use ippm::class::Class;
use ippm::class::maintenance::Calendar;
use ippm::class::result::{Finding, SlotResult};

use crate::plan::history::Expectation;
use crate::plan::span::Span;
use crate::report::accounting::Slots;
use crate::report::ledger::Ledger;
use crate::report::sla::account::{Accounting, Rounds};
use crate::report::sla::overlay::Overlay;
use crate::report::sla::pairs::Expectations;
use crate::report::slot::{Outlook, SlotAt, result_of, start_of};
use crate::report::view::View;
use crate::store::row::Row;

/// The slots of one pair, fed hour by hour in the order of time, and what only the ledger can say of them.
pub(super) struct Book {
    outlook: Outlook,
    loaded: Overlay,
    accounting: Accounting,
    /// The first hour that was not yet looked at.
    next: UnixTime,
    /// Hours that were judged slot by slot.
    judged: BTreeSet<UnixTime>,
    /// Slots of which nothing came.
    silent: Vec<SlotAt>,
    /// Hours with fewer results than slots.
    partial: Vec<Partial>,
    /// Hours of which cells and ledger say too little, with the results that they hold.
    unclear: BTreeSet<UnixTime>,
}

/// An hour with fewer results than slots, and what they say.
#[derive(Debug, Clone, Copy)]
struct Partial {
    hour: UnixTime,
    came: Rounds,
    in_maintenance: bool,
    missing: u64,
}

impl Book {
    /// Nothing was read yet of `pair`, from the hour of `from` on.
    pub(super) fn new(pair: &Expectations, calendar: &Calendar, view: &View<'_>, from: UnixTime) -> Self {
        Self {
            outlook: Outlook::new(pair.expected.clone(), calendar, view),
            loaded: pair.loaded.clone(),
            accounting: pair.accounting(),
            next: from.floor(HOUR),
            judged: BTreeSet::new(),
            silent: Vec::new(),
            partial: Vec::new(),
            unclear: BTreeSet::new(),
        }
    }

    /// Takes the cell of `hour`, all slots of which announced work touches, or none.
    pub(super) fn take_cell(&mut self, hour: UnixTime, in_maintenance: bool, cell: &Cell) {
        self.pass_until(hour);
        self.next = end(hour);
        let came = Rounds {
            measured: cell.rounds,
            legacy: cell.rounds_legacy,
            suspect: cell.rounds_suspect,
            unmeasured: cell.rounds_error,
            ..Rounds::NONE
        };
        let results = cell.rounds + cell.rounds_legacy + cell.rounds_suspect + cell.rounds_error;
        let slots = self.slots_in(hour);
        match slots.checked_sub(results) {
            Some(0) => self.accounting.add(&came, in_maintenance),
            Some(missing) => self.partial.push(Partial {
                hour,
                came,
                in_maintenance,
                missing,
            }),
            None if slots == 0 => self.accounting.all.unplanned += results,
            // More results than slots: some are of a plan that was not in force.
            None => drop(self.unclear.insert(hour)),
        }
    }

    /// Takes all results of `hour`, slot by slot: the hours may come in any order.
    pub(super) fn take_rows(&mut self, hour: UnixTime, rows: &[Row], ledger: &Ledger, view: &View<'_>) {
        self.judged.insert(hour);
        let mut results: Vec<SlotResult<'_>> = rows
            .iter()
            .map(|row| result_of(row, view.legacy_period))
            .collect();
        results.sort_by_key(|result| result.time);
        let slots: Vec<SlotAt> = self.outlook.slots(hour, end(hour)).collect();
        let mut planned = BTreeSet::new();
        for slot in slots {
            let period = self.outlook.period(slot);
            let Some((class, result)) = self.outlook.class_of_result(slot, &results, ledger, view) else {
                self.silent.push(slot);
                continue;
            };
            planned.insert((slot.start, period));
            let is_loaded = self.loaded.meets(slot.start, slot.start.saturating_add(period));
            let mut rounds = Rounds::NONE;
            match (class, result.finding) {
                (Class::Error, _) => rounds.unmeasured = 1,
                (Class::Suspect, _) => rounds.suspect = 1,
                (_, Finding::Ratio { .. }) => rounds.legacy = 1,
                _ if is_loaded => rounds.loaded = 1,
                _ => rounds.measured = 1,
            }
            self.accounting.add(&rounds, self.outlook.is_announced(slot));
        }
        let unplanned: BTreeSet<_> = rows
            .iter()
            .map(|row| {
                let period = row.period.unwrap_or(view.legacy_period);
                (start_of(row, view.legacy_period), period)
            })
            .filter(|slot| !planned.contains(slot))
            .collect();
        self.accounting.all.unplanned += u64::try_from(unplanned.len()).unwrap_or(u64::MAX);
    }

    /// In the hours before `hour` that were not looked at, nothing came.
    pub(super) fn pass_until(&mut self, hour: UnixTime) {
        while self.next < hour {
            let missing = self.slots_in(self.next);
            if missing > 0 && !self.judged.contains(&self.next) {
                self.partial.push(Partial {
                    hour: self.next,
                    came: Rounds::NONE,
                    in_maintenance: false,
                    missing,
                });
            }
            self.next = end(self.next);
        }
    }

    /// The hours of which the ledger has to tell.
    pub(super) fn open(&self) -> impl Iterator<Item = UnixTime> + '_ {
        let silent = self.silent.iter().map(|slot| slot.start.floor(HOUR));
        silent.chain(self.partial.iter().map(|partial| partial.hour))
    }

    /// The slots that begin in `hour`, with how they were to be measured.
    pub(super) fn slots(&self, hour: UnixTime) -> impl Iterator<Item = (SlotAt, &Expectation)> + '_ {
        let slots = self.outlook.slots(hour, end(hour));
        slots.map(|slot| (slot, &self.outlook.expected[slot.index].expectation))
    }

    /// The class that `slot` has if no result of it is there.
    pub(super) fn class_of_silence(&self, slot: SlotAt, ledger: &Ledger, view: &View<'_>) -> Option<Class> {
        self.outlook.class_of_silence(slot, ledger, view)
    }

    /// Judges what only the ledger can judge; gives back the hours of which too little is known.
    pub(super) fn settle(&mut self, ledger: &Ledger, view: &View<'_>) -> BTreeSet<UnixTime> {
        for slot in std::mem::take(&mut self.silent) {
            let announced = self.outlook.is_announced(slot);
            match self.outlook.class_of_silence(slot, ledger, view) {
                Some(class) => self.missing(class, Slots::counted(1, announced)),
                None => self.may_still_come(slot, announced),
            }
        }
        for partial in std::mem::take(&mut self.partial) {
            let span = (partial.hour, end(partial.hour));
            match self
                .outlook
                .account_of_missing(span, partial.missing, ledger, view)
            {
                Some(account) => {
                    self.accounting.add(&partial.came, partial.in_maintenance);
                    for (class, slots) in account.iter() {
                        self.missing(class, slots);
                    }
                }
                None => drop(self.unclear.insert(partial.hour)),
            }
        }
        std::mem::take(&mut self.unclear)
    }

    /// The sums, after everything was settled.
    pub(super) fn finish(self) -> Accounting {
        self.accounting
    }

    fn slots_in(&self, hour: UnixTime) -> u64 {
        let span = Span::new(hour, end(hour));
        let expected = self.outlook.expected.iter();
        expected.map(|expected| expected.slots.count_in(span)).sum()
    }

    fn missing(&mut self, class: Class, slots: Slots) {
        for (rounds, count) in [
            (&mut self.accounting.all, slots.count),
            (&mut self.accounting.in_maintenance, slots.in_maintenance),
        ] {
            match class {
                Class::CollectorGap => rounds.collector_gap += count,
                Class::ProbeMissing => rounds.probe_missing += count,
                // The classes behind it are those of results, of which there is none.
                _ => rounds.left_out += count,
            }
        }
    }

    /// A slot whose result may still come is in no sum.
    fn may_still_come(&mut self, slot: SlotAt, in_maintenance: bool) {
        let slices = self.outlook.period(slot).as_secs() / ippm::Slices::LENGTH.as_secs();
        let accounting = &mut self.accounting;
        accounting.all.expected = accounting.all.expected.saturating_sub(1);
        accounting.slices_expected = accounting.slices_expected.saturating_sub(slices);
        if in_maintenance {
            let announced = &mut accounting.in_maintenance.expected;
            *announced = announced.saturating_sub(1);
        }
    }
}

fn end(hour: UnixTime) -> UnixTime {
    hour.saturating_add(HOUR)
}
