//! Adds up what a store streams, subject by subject and point by point; no question to a store.

mod state;

use std::collections::{BTreeMap, BTreeSet};

use ippm::UnixTime;
use ippm::cell::{Cell, HOUR};
use ippm::class::maintenance::Calendar;

use crate::plan::history::Expected;
use crate::plan::span::Spans;
use crate::report::accounting::Account;
use crate::report::figures::Figures;
use crate::report::fold::state::State;
use crate::report::ledger::Ledger;
use crate::report::segment::Segment;
use crate::report::selection::{Filter, Step, Subject, Window};
use crate::report::slot::Outlook;
use crate::report::view::View;
use crate::store::cell::shared::SharedCells;
use crate::store::cell::{Resolution, Series};
use crate::store::row::Row;

/// What one point of one subject adds up to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bucket {
    /// Of the results that count.
    pub(super) cell: Option<Cell>,
    /// Hop limits of their replies; only of single results.
    pub(super) hop_limits: BTreeMap<u8, u64>,
    /// Of the slots.
    pub(super) account: Account,
    /// Start of the youngest round or cell.
    pub(super) latest: Option<UnixTime>,
}

impl Bucket {
    const EMPTY: Self = Self {
        cell: None,
        hop_limits: BTreeMap::new(),
        account: Account::NOTHING,
        latest: None,
    };

    /// What was measured; `None` if nothing was.
    pub(super) fn figures(&self) -> Option<Figures> {
        self.cell.as_ref().map(|cell| Figures::of(cell, &self.hop_limits))
    }
}

/// The points of every subject, by their starts.
pub(super) type Buckets = BTreeMap<UnixTime, Bucket>;

/// A part of the window of one subject that has to be read from something finer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finer {
    pub(super) subject: Subject,
    pub(super) segment: Segment,
}

/// Into which points a window is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) window: Window,
    /// `None`: the window is one point.
    pub(super) step: Option<Step>,
}

impl Grid {
    fn key(&self, time: UnixTime) -> UnixTime {
        self.step.map_or(self.window.from(), |step| step.floor(time))
    }
}

/// The sums of one window.
pub(super) struct Fold<'a> {
    view: &'a View<'a>,
    filter: &'a Filter,
    grid: Grid,
    places: BTreeMap<Subject, usize>,
    states: Vec<(Subject, State)>,
    finer: Vec<Finer>,
}

/// What of cells goes into figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    /// The numbers alone.
    Numbers,
    /// The delays' distribution too.
    Distribution,
}

/// The place of a subject in a [`Fold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

impl<'a> Fold<'a> {
    pub(super) fn new(
        view: &'a View<'a>,
        filter: &'a Filter,
        grid: Grid,
        expected: Vec<Expected>,
        calendar: &Calendar,
    ) -> Self {
        let mut of: BTreeMap<Subject, Vec<Expected>> = BTreeMap::new();
        for expected in expected {
            let subject = Subject::from(expected.expectation.pair());
            of.entry(subject).or_default().push(expected);
        }
        let mut fold = Self {
            view,
            filter,
            grid,
            places: BTreeMap::new(),
            states: Vec::with_capacity(of.len()),
            finer: Vec::new(),
        };
        for (subject, expected) in of {
            fold.insert(subject, Outlook::new(expected, calendar, view));
        }
        fold
    }

    /// The place of the subject of a stored series; `None` if it was not asked for.
    pub(super) fn place_of(&mut self, series: &Series) -> Option<Place> {
        let directory = self.view.directory;
        let subject = Subject {
            source: directory.resolve(&series.source).clone(),
            target: directory.resolve(&series.target).clone(),
            family: series.family,
            test: series.test.clone(),
        };
        if !self.filter.matches(&subject, directory) {
            return None;
        }
        Some(match self.places.get(&subject) {
            Some(place) => Place(*place),
            None => self.insert(subject, Outlook::NOTHING),
        })
    }

    /// The place of a subject that is known already.
    pub(super) fn find(&self, subject: &Subject) -> Option<Place> {
        self.places.get(subject).copied().map(Place)
    }

    /// Takes the cell at `time` of the segment that is being read; with what `figures` say it goes into the figures
    /// too.
    pub(super) fn take_cell(&mut self, place: Place, time: UnixTime, cell: &Cell, figures: Option<With>) {
        let (_, state) = &mut self.states[place.0];
        let figures = figures.map(|with| (self.grid.key(time), with));
        state.take_cell(time, cell, figures, self.view);
    }

    /// Takes the cells of the series at `at` in `shared`, as [`Fold::take_cell`] takes each of them.
    pub(super) fn take_shared(
        &mut self,
        place: Place,
        shared: &SharedCells,
        at: usize,
        figures: Option<With>,
    ) {
        let (_, state) = &mut self.states[place.0];
        let point = self.grid.key(self.grid.window.from());
        match figures {
            // The whole window is one point.
            Some(with) if self.grid.step.is_none() && state.is_empty(point) => {
                state.take_sum(point, shared, at, with, self.view);
            }
            _ => {
                for (time, cell) in shared.cells(at) {
                    self.take_cell(place, time, cell, figures);
                }
            }
        }
    }

    /// Takes all results of a subject in `segment`, in any order. With `figures` they go into the figures too.
    pub(super) fn take_rows(
        &mut self,
        place: Place,
        segment: Segment,
        rows: Vec<Row>,
        ledger: &Ledger,
        figures: bool,
    ) {
        let (subject, state) = &mut self.states[place.0];
        let rows = state.judge(segment, rows, ledger, (self.view, self.grid));
        if figures {
            state.sum_up(&subject.source, rows, ledger, (self.view, self.grid));
        }
    }

    /// Ends a segment that was read from single results for the subjects that `is_read` accepts: of whom nothing came
    /// is silent.
    pub(super) fn end_rows(
        &mut self,
        segment: Segment,
        taken: &BTreeSet<Place>,
        ledger: &Ledger,
        is_read: &dyn Fn(&Subject) -> bool,
    ) {
        for (place, (subject, state)) in self.states.iter_mut().enumerate() {
            if is_read(subject) && !taken.contains(&Place(place)) {
                state.judge(segment, Vec::new(), ledger, (self.view, self.grid));
            }
        }
    }

    /// Ends a segment that was read from cells for the subjects that `is_read` accepts.
    pub(super) fn end_cells(&mut self, segment: Segment, is_read: &dyn Fn(&Subject) -> bool) {
        for place in 0..self.states.len() {
            if is_read(self.subject(Place(place))) {
                self.end_cells_of(Place(place), segment);
            }
        }
    }

    /// Of whom the sums at a place are.
    pub(super) fn subject(&self, place: Place) -> &Subject {
        &self.states[place.0].0
    }

    /// As [`Fold::end_cells`], of one subject.
    pub(super) fn end_cells_of(&mut self, place: Place, segment: Segment) {
        let (subject, state) = &mut self.states[place.0];
        let unclear = state.judge_cells(segment, self.view, self.grid);
        self.finer
            .extend(unclear.into_iter().map(|unit| Finer::within(unit, subject)));
    }

    /// The hours of which the ledger has to tell who reported, ascending.
    pub(super) fn hours_in_question(&self) -> BTreeSet<UnixTime> {
        let open = self.states.iter().flat_map(|(_, state)| state.open());
        hours_of(open.map(|slot| slot.start))
    }

    /// The times of which the ledger also has to tell who listened before [`Fold::settle`]: those in which the reports
    /// of slots were due of which it knows none.
    pub(super) fn unreported(&self, ledger: &Ledger) -> Spans {
        let mut unreported = BTreeSet::new();
        let mut last = None;
        for span in self.states.iter().flat_map(|(_, state)| state.unreported(ledger)) {
            // Neighbors mostly have the same.
            if last.replace(span) != Some(span) {
                unreported.insert(span);
            }
        }
        Spans::of(unreported)
    }

    /// Judges what only the ledger can judge, and says what has to be read from something finer.
    pub(super) fn settle(&mut self, ledger: &Ledger) -> Vec<Finer> {
        let mut finer = std::mem::take(&mut self.finer);
        for (subject, state) in &mut self.states {
            let unclear = state.settle(ledger, self.view, self.grid);
            finer.extend(unclear.into_iter().map(|unit| Finer::within(unit, subject)));
        }
        finer
    }

    /// The sums, by subject and start of the point. Of whom nothing was expected or measured is not among them.
    pub(super) fn finish(self) -> BTreeMap<Subject, Buckets> {
        let states = self.states.into_iter();
        let sums = states.map(|(subject, state)| (subject, state.finish()));
        sums.filter(|(_, buckets)| !buckets.is_empty()).collect()
    }

    fn insert(&mut self, subject: Subject, outlook: Outlook) -> Place {
        let place = self.states.len();
        self.places.insert(subject.clone(), place);
        self.states.push((subject, State::new(outlook)));
        Place(place)
    }
}

/// The hours in which `times` lie. Neighbors of one hour come one after the other, and are looked up once.
fn hours_of(times: impl Iterator<Item = UnixTime>) -> BTreeSet<UnixTime> {
    let mut hours = BTreeSet::new();
    let mut last = None;
    for hour in times.map(|time| time.floor(HOUR)) {
        if last.replace(hour) != Some(hour) {
            hours.insert(hour);
        }
    }
    hours
}

impl Finer {
    fn within(unit: Segment, subject: &Subject) -> Self {
        let resolution = match unit.resolution {
            Some(Resolution::Day) => Some(Resolution::Hour),
            Some(Resolution::Hour) | None => None,
        };
        Self {
            subject: subject.clone(),
            segment: Segment { resolution, ..unit },
        }
    }
}
