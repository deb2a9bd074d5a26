//! Asks a store for everything that a window needs, from the coarsest cells that will do.

mod question;
mod running;

use std::collections::{BTreeMap, BTreeSet};

use ippm::UnixTime;
use ippm::plan::MAX_PERIOD;

use self::question::{Of, due, parts, straddle, watched};
use crate::plan::history::Pair;
use crate::plan::span::Spans;
use crate::report::choice::choices;
use crate::report::fold::{Buckets, Finer, Fold, Grid, Place, With};
use crate::report::known::Known;
use crate::report::ledger::Ledger;
use crate::report::segment::{Segment, coarsest, segments};
use crate::report::selection::{Filter, Step, Subject, Window};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;
use crate::store::cell::shared::SharedCells;
use crate::store::cell::{CellParts, CellQuery, Resolution};
use crate::store::query::RowQuery;
use crate::store::row::Row;

/// What is wanted of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) filter: &'a Filter,
    pub(super) window: Window,
    /// `None`: the window is one point.
    pub(super) step: Option<Step>,
    pub(super) wanted: Wanted,
}

/// What is wanted beside the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    /// Nothing.
    Account,
    /// Figures without percentiles.
    Figures,
    /// Figures with percentiles.
    Percentiles,
}

/// The sums of a window.
pub(super) struct Gathered {
    pub(super) subjects: BTreeMap<Subject, Buckets>,
    pub(super) freshness: Freshness,
}

/// Reads and adds up.
pub(super) async fn gather(
    store: &dyn Store,
    view: &View<'_>,
    ask: Ask<'_>,
) -> Result<Gathered, ReportError> {
    let known = Known::read(store, view, ask.filter.source.as_ref(), ask.window.to()).await?;
    gather_by(store, view, ask, &known).await
}

/// Reads and adds up what `known` expects, which was read to the end of the window or further.
pub(super) async fn gather_by(
    store: &dyn Store,
    view: &View<'_>,
    ask: Ask<'_>,
    known: &Known,
) -> Result<Gathered, ReportError> {
    let (from, to) = (ask.window.from(), ask.window.to());
    let is_wanted = |pair: &Pair<'_>| ask.filter.matches(&Subject::from(*pair), view.directory);
    let expected = known.history.expected(from, to, &is_wanted);
    let grid = Grid {
        window: ask.window,
        step: ask.step,
    };
    let fold = Fold::new(view, ask.filter, grid, expected, &known.calendar);
    let mut reading = Reading {
        store,
        view,
        ask,
        fold,
        ledger: Ledger::empty(),
    };
    for segment in begun(ask.window, view.now)
        .map_or_else(Vec::new, |window| segments(window, coarsest(ask.step), view.now))
    {
        match segment.resolution {
            None if reading.is_running(segment) => reading.running(segment).await?,
            None => reading.rows(segment, Of::All).await?,
            Some(resolution) => reading.cells(segment, resolution, Of::All).await?,
        }
    }
    reading.settle().await?;
    let subjects = reading.fold.finish();
    let buckets = subjects.values().flat_map(BTreeMap::values);
    let latest = buckets.filter_map(|bucket| bucket.latest).max();
    Ok(Gathered {
        subjects,
        freshness: Freshness {
            read_at: view.now,
            latest,
        },
    })
}

/// As much of `window` as a result can lie in; `None` if it has not begun.
///
/// A slot that has not begun has neither a result nor a class, so to ask for those of years to come is work for
/// nothing. A probe's clock may be ahead, by far less than this.
fn begun(window: Window, now: UnixTime) -> Option<Window> {
    let end = window.to().min(now.saturating_add(MAX_PERIOD));
    Window::new(window.from(), end).ok()
}

struct Reading<'a> {
    store: &'a dyn Store,
    view: &'a View<'a>,
    ask: Ask<'a>,
    fold: Fold<'a>,
    ledger: Ledger,
}

impl Reading<'_> {
    /// Reads a segment from single results.
    async fn rows(&mut self, segment: Segment, of: Of<'_>) -> Result<(), ReportError> {
        let (from, to) = (
            segment.from,
            segment.to.saturating_add(straddle(segment, self.view)),
        );
        let mut read: BTreeMap<Place, Vec<Row>> = BTreeMap::new();
        for choice in choices(self.ask.filter, of.sources(), self.view) {
            let span = (from, to.saturating_add(MAX_PERIOD));
            self.ledger
                .read_runs(self.store, self.view.directory, choice.present.as_ref(), span)
                .await?;
            let mut stream = self.store.rows(RowQuery {
                source: choice.source,
                target: choice.target,
                family: choice.family,
                test: choice.test,
                from,
                to,
                parts: parts(self.ask.wanted, of.is_account()),
            });
            let mut current = None;
            while let Some(row) = stream.next().await? {
                let series = row.series();
                let place = match &current {
                    Some((known, place)) if *known == series => *place,
                    _ => {
                        let place = self.fold.place_of(&series);
                        current = Some((series, place));
                        place
                    }
                };
                if let Some(place) = place {
                    read.entry(place).or_default().push(row);
                }
            }
        }
        let wanted = self.places(of);
        let taken = match &wanted {
            Some(wanted) => wanted.clone(),
            None => read.keys().copied().collect(),
        };
        let figures = self.wants_figures(of);
        for place in &taken {
            let rows = read.remove(place).unwrap_or_default();
            self.fold
                .take_rows(*place, segment, rows, &self.ledger, figures.is_some());
        }
        if wanted.is_none() {
            let is_read = |subject: &Subject| of.reads(subject);
            self.fold.end_rows(segment, &taken, &self.ledger, &is_read);
        }
        Ok(())
    }

    /// Reads a segment from cells.
    async fn cells(
        &mut self,
        segment: Segment,
        resolution: Resolution,
        of: Of<'_>,
    ) -> Result<(), ReportError> {
        let segment = Segment {
            resolution: Some(resolution),
            ..segment
        };
        if resolution == Resolution::Hour
            && self.is_of_all(of)
            && let Some(shared) = self.store.shared_cells(segment.from, segment.to).await?
        {
            self.shared_cells(segment, &shared, of);
            return Ok(());
        }
        let wanted = self.places(of);
        let figures = self.wants_figures(of);
        for choice in choices(self.ask.filter, of.sources(), self.view) {
            let mut stream = self.store.cells(CellQuery {
                source: choice.source,
                target: choice.target,
                family: choice.family,
                test: choice.test,
                from: segment.from,
                to: segment.to,
                resolution,
                parts: CellParts {
                    hist: figures == Some(With::Distribution),
                    slices: false,
                },
            });
            let mut current = None;
            while let Some(stored) = stream.next().await? {
                let place = match &current {
                    Some((known, place)) if stored.is_of(known) => *place,
                    _ => {
                        let series = stored.series();
                        let place = self.fold.place_of(&series);
                        let place = place.filter(|place| {
                            let is_wanted = wanted.as_ref().is_none_or(|wanted| wanted.contains(place));
                            is_wanted && of.reads(self.fold.subject(*place))
                        });
                        current = Some((series, place));
                        place
                    }
                };
                if let Some(place) = place {
                    self.fold.take_cell(place, stored.time, &stored.cell, figures);
                }
            }
        }
        match wanted {
            None => self.fold.end_cells(segment, &|subject| of.reads(subject)),
            Some(wanted) => {
                for place in wanted {
                    self.fold.end_cells_of(place, segment);
                }
            }
        }
        Ok(())
    }

    /// Takes a segment from the hours that the store has in memory.
    fn shared_cells(&mut self, segment: Segment, shared: &SharedCells, of: Of<'_>) {
        let figures = self.wants_figures(of);
        for (at, series) in shared.series().enumerate() {
            let place = self.fold.place_of(series);
            if let Some(place) = place.filter(|place| of.reads(self.fold.subject(*place))) {
                self.fold.take_shared(place, shared, at, figures);
            }
        }
        self.fold.end_cells(segment, &|subject| of.reads(subject));
    }

    /// Whether the store is asked for everybody.
    fn is_of_all(&self, of: Of<'_>) -> bool {
        of.sources().is_none() && self.ask.filter.source.is_none() && self.ask.filter.target.is_none()
    }

    /// The places of which only the account is wanted; `None` if it is everybody's.
    fn places(&self, of: Of<'_>) -> Option<BTreeSet<Place>> {
        match of {
            Of::Account(subjects) => {
                let places = subjects.iter().filter_map(|subject| self.fold.find(subject));
                Some(places.collect())
            }
            Of::All | Of::AllBut(_) | Of::Sources(_) => None,
        }
    }

    /// With what cells go into the figures, if they do.
    fn wants_figures(&self, of: Of<'_>) -> Option<With> {
        match self.ask.wanted {
            _ if of.is_account() => None,
            Wanted::Account => None,
            Wanted::Figures => Some(With::Numbers),
            Wanted::Percentiles => Some(With::Distribution),
        }
    }

    /// Lets the ledger judge what is silent, and reads from something finer what cells leave open, down to single
    /// results.
    async fn settle(&mut self) -> Result<(), ReportError> {
        let (mut asked, mut listened) = (BTreeSet::new(), Spans::of([]));
        loop {
            let hours = self.fold.hours_in_question();
            for span in watched(hours.difference(&asked)) {
                self.read_runs(span).await?;
            }
            asked.extend(hours);
            let unreported = self.fold.unreported(&self.ledger);
            for span in due(&unreported.without(&listened)) {
                self.ledger.read_beats(self.store, span).await?;
            }
            listened = listened.union(&unreported);
            let mut finer = self.fold.settle(&self.ledger);
            if finer.is_empty() {
                return Ok(());
            }
            let key = |finer: &Finer| (finer.segment, finer.subject.source.clone());
            finer.sort_unstable_by_key(key);
            for part in finer.chunk_by(|a, b| key(a) == key(b)) {
                let segment = part[0].segment;
                let subjects: Vec<Subject> = part.iter().map(|finer| finer.subject.clone()).collect();
                let of = Of::Account(&subjects);
                match segment.resolution {
                    None => self.rows(segment, of).await?,
                    Some(resolution) => self.cells(segment, resolution, of).await?,
                }
            }
        }
    }

    async fn read_runs(&mut self, span: (UnixTime, UnixTime)) -> Result<(), ReportError> {
        let source = self.ask.filter.source.as_ref();
        let source = source.map(|source| self.view.directory.resolve(source));
        let read = self
            .ledger
            .read_runs(self.store, self.view.directory, source, span);
        Ok(read.await?)
    }
}
