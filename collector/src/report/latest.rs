//! The latest of every pair, and how it stands now.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::class::slot::GRACE;
use ippm::class::{self, Class};
use ippm::plan::MAX_PERIOD;
use ippm::{ProbeName, UnixTime};

use crate::plan::history::{Expected, Pair};
use crate::report::choice::choices;
use crate::report::known::Known;
use crate::report::ledger::Ledger;
use crate::report::selection::{Filter, Subject};
use crate::report::slot::{Outlook, result_of};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};
use crate::store::{Store, StoreError};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestQuestion {
    /// Of whom.
    pub filter: Filter,
    /// How far back a result is looked for.
    pub within: Duration,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// One for each subject that is expected now or was measured within the time asked for, ascending.
    pub entries: Vec<LatestEntry>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One subject.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestEntry {
    /// Which one.
    pub subject: Subject,
    /// The latest result as it is stored; `None` if there is none within the time asked for.
    pub row: Option<Row>,
    /// How it stands now.
    pub standing: Standing,
}

/// How a subject stands now: its latest slot that has a class, and its latest result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Class of the latest expected slot that has one; `None` if nothing is expected of the subject now.
    pub class: Option<Class>,
    /// Start of that slot.
    pub slot_start: Option<UnixTime>,
    /// Whether announced work touched it.
    pub in_maintenance: bool,
    /// The period in which a result is expected now; of one that is not expected, the period of its latest result.
    pub period: Option<Duration>,
    /// Start of the latest round that measured it; `None` if none did lately.
    pub last_measured: Option<UnixTime>,
}

impl Standing {
    /// Of a subject that is not expected now and was not measured lately.
    pub const UNEXPECTED: Self = Self {
        class: None,
        slot_start: None,
        in_maintenance: false,
        period: None,
        last_measured: None,
    };

    /// Whether its latest slot brought nothing: no report, or one without it.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(
            self.class,
            Some(Class::CollectorGap | Class::ProbeMissing | Class::Error)
        )
    }

    /// How long ago the latest round that measured it began; `None` if there is none.
    #[must_use]
    pub fn age(&self, now: UnixTime) -> Option<Duration> {
        Some(now.since(self.last_measured?).unwrap_or(Duration::ZERO))
    }

    /// Whether the latest measurement is older than two periods and the grace of a slot, or there is none.
    #[must_use]
    pub fn is_stale(&self, now: UnixTime) -> bool {
        match (self.age(now), self.period) {
            (Some(age), Some(period)) => 2 * period + class::slot::GRACE < age,
            _ => true,
        }
    }
}

/// The latest result of every subject, and how each stands now.
///
/// # Errors
///
/// [`ReportError`] of the store.
pub async fn read(
    store: &dyn Store,
    view: &View<'_>,
    question: &LatestQuestion,
) -> Result<Latest, ReportError> {
    let since = view.now.saturating_sub(question.within);
    let mut rows = latest_rows(store, view, &question.filter, since, Parts::ALL).await?;
    let known = Known::read(store, view, question.filter.source.as_ref(), view.now).await?;
    let standings = standings(store, view, &question.filter, &known, since).await?;
    let entries = standings.into_iter().map(|(subject, standing)| LatestEntry {
        row: rows.remove(&subject),
        subject,
        standing,
    });
    let entries: Vec<LatestEntry> = entries.collect();
    let times = entries.iter().filter_map(|entry| entry.row.as_ref());
    Ok(Latest {
        freshness: Freshness {
            read_at: view.now,
            latest: times.map(|row| row.time).max(),
        },
        entries,
    })
}

/// The latest row of every subject since `since`, with `parts` of it; of two names of one probe the later one's.
pub(super) async fn latest_rows(
    store: &dyn Store,
    view: &View<'_>,
    filter: &Filter,
    since: UnixTime,
    parts: Parts,
) -> Result<BTreeMap<Subject, Row>, StoreError> {
    let names: Vec<Option<ProbeName>> = match &filter.source {
        None => vec![None],
        Some(source) => {
            let names = view.directory.names_of(source);
            names.map(|name| Some(name.clone())).collect()
        }
    };
    let mut rows: BTreeMap<Subject, Row> = BTreeMap::new();
    for name in names {
        for row in store.latest(name.as_ref(), since, parts).await? {
            let subject = subject_of(&row).present(view.directory);
            if !filter.matches(&subject, view.directory) {
                continue;
            }
            let is_older = rows.get(&subject).is_some_and(|known| row.time <= known.time);
            if !is_older {
                rows.insert(subject, row);
            }
        }
    }
    Ok(rows)
}

fn subject_of(row: &Row) -> Subject {
    Subject {
        source: row.source.clone(),
        target: row.target.clone(),
        family: row.family,
        test: row.test.clone(),
    }
}

/// How every subject stands that is expected now by what is `known`, or was measured since `since`.
pub(super) async fn standings(
    store: &dyn Store,
    view: &View<'_>,
    filter: &Filter,
    known: &Known,
    since: UnixTime,
) -> Result<BTreeMap<Subject, Standing>, ReportError> {
    let is_wanted = |pair: &Pair<'_>| filter.matches(&Subject::from(*pair), view.directory);
    let from = view.now.saturating_sub(look_back(MAX_PERIOD));
    let expected = known.history.expected(from, view.now, &is_wanted);
    let longest = expected.iter().map(|expected| expected.expectation.period).max();
    let from = view.now.saturating_sub(look_back(longest.unwrap_or_default()));
    let (rows, ledger) = recent(store, view, filter, (from, since)).await?;
    let mut outlooks: BTreeMap<Subject, Vec<Expected>> = BTreeMap::new();
    for expected in expected {
        let subject = Subject::from(expected.expectation.pair());
        outlooks.entry(subject).or_default().push(expected);
    }
    let mut standings = BTreeMap::new();
    for (subject, expected) in outlooks {
        let outlook = Outlook::new(expected, &known.calendar, view);
        let own = rows.get(&subject).map_or(&[][..], Vec::as_slice);
        let mut standing = stand(&outlook, own, &ledger, (view, from));
        let measured = own.iter().rfind(|row| row.measured);
        standing.last_measured = measured.map(|row| row.time);
        standings.insert(subject, standing);
    }
    for (subject, rows) in rows {
        let latest = rows.iter().rev().max_by_key(|row| (row.time, row.measured));
        if let Some(row) = latest.filter(|row| since <= row.time)
            && !standings.contains_key(&subject)
        {
            let standing = Standing {
                period: Some(row.period.unwrap_or(view.legacy_period)),
                last_measured: row.measured.then_some(row.time),
                ..Standing::UNEXPECTED
            };
            standings.insert(subject, standing);
        }
    }
    Ok(standings)
}

/// How far back the latest slot that has a class can begin.
fn look_back(period: Duration) -> Duration {
    2 * period + GRACE
}

/// The rows since `from`, by subject and ascending in time, and the ledger of that time. Of a subject of which nothing
/// was measured since then the latest row since `since` is among them.
async fn recent(
    store: &dyn Store,
    view: &View<'_>,
    filter: &Filter,
    (from, since): (UnixTime, UnixTime),
) -> Result<(BTreeMap<Subject, Vec<Row>>, Ledger), ReportError> {
    let mut ledger = Ledger::empty();
    let until = view.now.saturating_add(MAX_PERIOD);
    ledger
        .read_runs(store, view.directory, filter.source.as_ref(), (from, until))
        .await?;
    ledger.read_beats(store, (from, until)).await?;
    let mut rows: BTreeMap<Subject, Vec<Row>> = BTreeMap::new();
    for choice in choices(filter, None, view) {
        let query = RowQuery {
            source: choice.source,
            target: choice.target,
            family: choice.family,
            test: choice.test,
            from,
            to: until,
            parts: Parts {
                counts: true,
                ..Parts::NONE
            },
        };
        for row in store.lately(query, since).await? {
            let subject = subject_of(&row).present(view.directory);
            if filter.matches(&subject, view.directory) {
                rows.entry(subject).or_default().push(row);
            }
        }
    }
    for rows in rows.values_mut() {
        rows.sort_by_key(|row| row.time);
    }
    Ok((rows, ledger))
}

/// The latest slot since `from` that has a class.
fn stand(outlook: &Outlook, rows: &[Row], ledger: &Ledger, (view, from): (&View<'_>, UnixTime)) -> Standing {
    let results = rows.iter().map(|row| result_of(row, view.legacy_period));
    let results: Vec<_> = results.collect();
    let mut slots: Vec<_> = outlook.slots(from, view.now).collect();
    slots.sort_by_key(|slot| slot.start);
    let classified = slots.iter().rev().find_map(|slot| {
        let measured = outlook.class_of_result(*slot, &results, ledger, view);
        let class = match measured {
            Some((class, _)) => class,
            None => outlook.class_of_silence(*slot, ledger, view)?,
        };
        Some((class, *slot))
    });
    Standing {
        class: classified.map(|(class, _)| class),
        slot_start: classified.map(|(_, slot)| slot.start),
        in_maintenance: classified.is_some_and(|(_, slot)| outlook.is_announced(slot)),
        period: slots.last().map(|slot| outlook.period(*slot)),
        last_measured: None,
    }
}
