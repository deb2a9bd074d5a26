//! Asks a store for everything that a window needs, from the coarsest cells that will do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ippm::class::maintenance::Calendar;
use ippm::class::slot::GRACE;
use ippm::plan::MAX_PERIOD;
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::plan::history::{History, Pair};
use crate::report::fold::{Buckets, Finer, Fold, Grid, Place};
use crate::report::ledger::Ledger;
use crate::report::segment::{Segment, coarsest, segments};
use crate::report::selection::{Filter, Step, Subject, Window};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::cell::{CellParts, CellQuery, Resolution};
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};
use crate::store::{Store, StoreError};

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
    let (from, to) = (ask.window.from(), ask.window.to());
    let history = history(store, view, to).await?;
    let calendar = calendar(store, view).await?;
    let is_wanted = |pair: &Pair<'_>| ask.filter.matches(&Subject::from(*pair), view.directory);
    let expected = history.expected(from, to, &is_wanted);
    let grid = Grid {
        window: ask.window,
        step: ask.step,
    };
    let fold = Fold::new(view, ask.filter, grid, expected, &calendar);
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
            None => reading.rows(segment, None).await?,
            Some(resolution) => reading.cells(segment, resolution, None).await?,
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

/// Every plan that was in force before `to`, with today's names.
pub(super) async fn history(
    store: &dyn Store,
    view: &View<'_>,
    to: UnixTime,
) -> Result<History, ReportError> {
    let versions = store.plan_versions(None, to).await?;
    let unreadable = |error: crate::plan::history::HistoryError| StoreError::Unreadable {
        reason: error.to_string(),
    };
    let history = History::new(versions).map_err(unreadable)?;
    Ok(history.renamed(view.directory.aliases().clone()))
}

/// Everything that was announced, whenever it was.
pub(super) async fn calendar(store: &dyn Store, view: &View<'_>) -> Result<Calendar, ReportError> {
    let until = view.now.saturating_add(Duration::from_nanos(1));
    let versions = store.maintenance_versions(until).await?;
    Ok(versions.into_iter().map(|version| version.entry).collect())
}

struct Reading<'a> {
    store: &'a dyn Store,
    view: &'a View<'a>,
    ask: Ask<'a>,
    fold: Fold<'a>,
    ledger: Ledger,
}

impl Reading<'_> {
    /// Reads a segment from single results: of all that was asked for, or of `only` for its account.
    async fn rows(&mut self, segment: Segment, only: Option<&[Subject]>) -> Result<(), ReportError> {
        let (from, to) = (
            segment.from,
            segment.to.saturating_add(straddle(segment, self.view)),
        );
        let sources = only.map(|only| {
            only.iter()
                .map(|subject| &subject.source)
                .collect::<BTreeSet<_>>()
        });
        let mut read: BTreeMap<Place, Vec<Row>> = BTreeMap::new();
        for choice in choices(self.ask.filter, sources, self.view) {
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
                parts: parts(self.ask.wanted, only.is_some()),
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
        let wanted = only.map(|only| only.iter().filter_map(|subject| self.fold.find(subject)));
        let wanted: Option<BTreeSet<Place>> = wanted.map(Iterator::collect);
        let taken = match &wanted {
            Some(wanted) => wanted.clone(),
            None => read.keys().copied().collect(),
        };
        let figures = wanted.is_none() && self.ask.wanted != Wanted::Account;
        for place in &taken {
            let rows = read.remove(place).unwrap_or_default();
            self.fold.take_rows(*place, segment, rows, &self.ledger, figures);
        }
        if wanted.is_none() {
            self.fold.end_rows(segment, &taken, &self.ledger);
        }
        Ok(())
    }

    /// Reads a segment from cells: of all that was asked for, or of `only` for its account.
    async fn cells(
        &mut self,
        segment: Segment,
        resolution: Resolution,
        only: Option<&[Subject]>,
    ) -> Result<(), ReportError> {
        let sources = only.map(|only| {
            only.iter()
                .map(|subject| &subject.source)
                .collect::<BTreeSet<_>>()
        });
        let wanted = only.map(|only| only.iter().filter_map(|subject| self.fold.find(subject)));
        let wanted: Option<BTreeSet<Place>> = wanted.map(Iterator::collect);
        let figures = wanted.is_none() && self.ask.wanted != Wanted::Account;
        for choice in choices(self.ask.filter, sources, self.view) {
            let mut stream = self.store.cells(CellQuery {
                source: choice.source,
                target: choice.target,
                family: choice.family,
                test: choice.test,
                from: segment.from,
                to: segment.to,
                resolution,
                parts: CellParts {
                    hist: figures && self.ask.wanted == Wanted::Percentiles,
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
                        current = Some((series, place));
                        place
                    }
                };
                let is_wanted = |place: &Place| wanted.as_ref().is_none_or(|wanted| wanted.contains(place));
                if let Some(place) = place.filter(is_wanted) {
                    self.fold.take_cell(place, &stored, figures);
                }
            }
        }
        match wanted {
            None => self.fold.end_cells(segment),
            Some(wanted) => {
                for place in wanted {
                    self.fold.end_cells_of(place, segment);
                }
            }
        }
        Ok(())
    }

    /// Lets the ledger judge what is silent, and reads from something finer what cells leave open, down to single
    /// results.
    async fn settle(&mut self) -> Result<(), ReportError> {
        let mut asked = BTreeSet::new();
        loop {
            let days = self.fold.days_in_question();
            self.read_ledger(days.difference(&asked)).await?;
            asked.extend(days);
            let mut finer = self.fold.settle(&self.ledger);
            if finer.is_empty() {
                return Ok(());
            }
            let key = |finer: &Finer| (finer.segment, finer.subject.source.clone());
            finer.sort_unstable_by_key(key);
            for part in finer.chunk_by(|a, b| key(a) == key(b)) {
                let segment = part[0].segment;
                let subjects: Vec<Subject> = part.iter().map(|finer| finer.subject.clone()).collect();
                match segment.resolution {
                    None => self.rows(segment, Some(&subjects)).await?,
                    Some(resolution) => self.cells(segment, resolution, Some(&subjects)).await?,
                }
            }
        }
    }

    /// Reads the ledger of `days`, ascending; days that follow each other at once.
    async fn read_ledger(&mut self, days: impl Iterator<Item = &UnixTime>) -> Result<(), ReportError> {
        let day = Resolution::Day.length();
        let mut spans: Vec<(UnixTime, UnixTime)> = Vec::new();
        for from in days {
            match spans.last_mut() {
                Some((_, to)) if *to == *from => *to = from.saturating_add(day),
                _ => spans.push((*from, from.saturating_add(day))),
            }
        }
        let source = self.ask.filter.source.as_ref();
        let source = source.map(|source| self.view.directory.resolve(source));
        for (from, to) in spans {
            // A slot that begins before midnight is watched until after its end.
            let to = to.saturating_add(MAX_PERIOD + GRACE);
            self.ledger
                .read_runs(self.store, self.view.directory, source, (from, to))
                .await?;
            self.ledger.read_beats(self.store, (from, to)).await?;
        }
        Ok(())
    }
}

/// One question to a store.
pub(super) struct Choice {
    /// The present name behind `source`.
    present: Option<ProbeName>,
    pub(super) source: Option<ProbeName>,
    pub(super) target: Option<ProbeName>,
    pub(super) family: Option<Family>,
    pub(super) test: Option<TestName>,
}

/// The questions that bring everything that `filter` wants of `sources`: one for each name under which it may lie.
pub(super) fn choices(
    filter: &Filter,
    sources: Option<BTreeSet<&ProbeName>>,
    view: &View<'_>,
) -> Vec<Choice> {
    let directory = view.directory;
    let names = |name: Option<&ProbeName>| match name {
        None => vec![None],
        Some(name) => directory.names_of(name).map(|name| Some(name.clone())).collect(),
    };
    let sources: Vec<Option<&ProbeName>> = match sources {
        Some(sources) => sources.into_iter().map(Some).collect(),
        None => vec![filter.source.as_ref()],
    };
    let mut choices = Vec::new();
    for wanted in sources {
        for source in names(wanted) {
            for target in names(filter.target.as_ref()) {
                choices.push(Choice {
                    present: wanted.map(|name| directory.resolve(name).clone()),
                    source: source.clone(),
                    target,
                    family: filter.family,
                    test: filter.test.clone(),
                });
            }
        }
    }
    choices
}

/// How far behind a segment a round may begin whose slot begins in it: no further than the present.
fn straddle(segment: Segment, view: &View<'_>) -> Duration {
    let is_whole = segment.to == segment.to.floor(MAX_PERIOD);
    let left = view.now.since(segment.to).unwrap_or(Duration::ZERO);
    if is_whole {
        Duration::ZERO
    } else {
        left.min(MAX_PERIOD)
    }
}

fn parts(wanted: Wanted, account_only: bool) -> Parts {
    let figures = !account_only && wanted != Wanted::Account;
    Parts {
        counts: true,
        delay: figures,
        hist: figures && wanted == Wanted::Percentiles,
        slices: false,
        icmp: figures && wanted == Wanted::Percentiles,
        meta: false,
    }
}
