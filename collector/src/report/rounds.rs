//! The single rounds of one subject, down to slices of ten seconds.

use std::collections::BTreeMap;

use ippm::class::result::SlotResult;
use ippm::class::slot::GRACE;
use ippm::plan::MAX_PERIOD;
use ippm::{ProbeName, UnixTime};

use crate::plan::history::Pair;
use crate::report::accounting::SlotClass;
use crate::report::choice::choices;
use crate::report::known::Known;
use crate::report::ledger::Ledger;
use crate::report::segment::kept_since;
use crate::report::selection::{Filter, MAX_ROUNDS, MAX_ROUNDS_WINDOW, SelectionError, Subject, Window};
use crate::report::slot::{Outlook, SlotAt, result_of, start_of};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;
use crate::store::ledger::{ProbeRun, Reported};
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundsQuestion {
    /// Of what.
    pub subject: Subject,
    /// Over which time, at most [`super::selection::MAX_ROUNDS_WINDOW`].
    pub window: Window,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounds {
    /// Of what.
    pub subject: Subject,
    /// What it covers.
    pub window: Window,
    /// Every stored result, also those that do not count, ascending in time.
    pub rounds: Vec<Round>,
    /// Expected slots without a result, ascending.
    pub silent: Vec<SlotClass>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One stored result.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The result, with every part, under the names with which it came.
    pub row: Row,
    /// Start of its slot, by its own period.
    pub slot_start: UnixTime,
    /// The expected slot for which it counts; `None` if another result counts there, or none was expected.
    pub slot: Option<SlotClass>,
    /// What the report said about the probe; `None` of a point of the original collector.
    pub run: Option<ProbeRun>,
}

/// The single rounds of one subject whose slots begin in a window.
///
/// # Errors
///
/// [`SelectionError::TooLongForRounds`] above [`MAX_ROUNDS_WINDOW`], [`SelectionError::TooManyRounds`] above
/// [`MAX_ROUNDS`], and the store's.
pub async fn read(
    store: &dyn Store,
    view: &View<'_>,
    question: &RoundsQuestion,
) -> Result<Rounds, ReportError> {
    let window = question.window;
    let length = window.length();
    if MAX_ROUNDS_WINDOW < length {
        return Err(SelectionError::TooLongForRounds { length }.into());
    }
    let subject = question.subject.present(view.directory);
    let rows = rows(store, view, &subject, window).await?;
    let runs = runs(store, view, &subject.source, window).await?;
    let mut ledger = Ledger::empty();
    ledger.add_runs(runs.values().map(Reported::from), view.directory);
    let until = window.to().saturating_add(MAX_PERIOD + GRACE);
    ledger.read_beats(store, (window.from(), until)).await?;
    let known = Known::read(store, view, Some(&subject.source), window.to()).await?;
    let is_wanted = |pair: &Pair<'_>| Subject::from(*pair) == subject;
    let expected = known.history.expected(window.from(), window.to(), &is_wanted);
    let outlook = Outlook::new(expected, &known.calendar, view);
    let judged = judge(&outlook, &rows, &ledger, (view, window));
    let latest = rows.iter().map(|row| row.time).max();
    let round = |(row, slot): (Row, Option<SlotClass>)| Round {
        slot_start: start_of(&row, view.legacy_period),
        run: runs.get(&(row.time, row.source.clone())).cloned(),
        row,
        slot,
    };
    Ok(Rounds {
        subject,
        window,
        rounds: rows.into_iter().zip(judged.slots).map(round).collect(),
        silent: judged.silent,
        freshness: Freshness {
            read_at: view.now,
            latest,
        },
    })
}

/// The rows whose slots begin in `window`, ascending in time, measured ones first.
async fn rows(
    store: &dyn Store,
    view: &View<'_>,
    subject: &Subject,
    window: Window,
) -> Result<Vec<Row>, ReportError> {
    let filter = Filter::of(subject);
    let mut rows = Vec::new();
    for choice in choices(&filter, None, view) {
        let query = RowQuery {
            source: choice.source,
            target: choice.target,
            family: choice.family,
            test: choice.test,
            from: window.from(),
            to: window.to().saturating_add(MAX_PERIOD),
            parts: Parts::ALL,
        };
        let mut stream = store.rows(query);
        while let Some(row) = stream.next().await? {
            if window.contains(start_of(&row, view.legacy_period)) {
                rows.push(row);
            }
            if MAX_ROUNDS < rows.len() {
                return Err(SelectionError::TooManyRounds.into());
            }
        }
    }
    rows.sort_by(|a, b| (a.time, !a.measured, &a.source).cmp(&(b.time, !b.measured, &b.source)));
    Ok(rows)
}

/// The reports of `source` around `window`, by time and stored name.
async fn runs(
    store: &dyn Store,
    view: &View<'_>,
    source: &ProbeName,
    window: Window,
) -> Result<BTreeMap<(UnixTime, ProbeName), ProbeRun>, ReportError> {
    let to = window.to().saturating_add(MAX_PERIOD);
    let mut runs = BTreeMap::new();
    for name in view.directory.names_of(source) {
        for run in store.probe_runs(Some(name), window.from(), to).await? {
            runs.insert((run.time, run.source.clone()), run);
        }
    }
    Ok(runs)
}

struct Judged {
    /// For each row the slot for which it counts.
    slots: Vec<Option<SlotClass>>,
    silent: Vec<SlotClass>,
}

fn judge(outlook: &Outlook, rows: &[Row], ledger: &Ledger, (view, window): (&View<'_>, Window)) -> Judged {
    let results = rows.iter().map(|row| result_of(row, view.legacy_period));
    let results: Vec<SlotResult<'_>> = results.collect();
    let mut judged = Judged {
        slots: vec![None; rows.len()],
        silent: Vec::new(),
    };
    let mut expected: Vec<SlotAt> = outlook.slots(window.from(), window.to()).collect();
    expected.sort_by_key(|slot| slot.start);
    for slot in expected {
        match outlook.class_of_result(slot, &results, ledger, view) {
            Some((class, counting)) => {
                let at = results.iter().position(|result| std::ptr::eq(result, counting));
                if let Some(place) = at.and_then(|at| judged.slots.get_mut(at)) {
                    *place = Some(outlook.described(slot, Some(class)));
                }
            }
            None if slot.start < kept_since(None, view) => {}
            None => {
                let class = outlook.class_of_silence(slot, ledger, view);
                judged.silent.push(outlook.described(slot, class));
            }
        }
    }
    judged
}
