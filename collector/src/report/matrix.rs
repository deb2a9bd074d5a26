//! Every pair at a glance, over one window.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::report::accounting::Account;
use crate::report::figures::{Figures, Percentiles};
use crate::report::fold::{Bucket, Buckets};
use crate::report::gather::{Ask, Wanted, gather_by};
use crate::report::known::Known;
use crate::report::latest::{self, Standing};
use crate::report::segment::{coarsest, widened};
use crate::report::selection::{Filter, Subject, Window};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;

/// How far back the latest measurement of a pair is looked for; one that is older is stale in any case.
const LATEST_WITHIN: Duration = Duration::from_hours(24);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixQuestion {
    /// Over which time.
    pub window: Window,
    /// Of whom.
    pub filter: Filter,
    /// Whether percentiles are wanted; without them the answer comes faster.
    pub with_percentiles: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// What it covers.
    pub window: Window,
    /// One for each subject that was expected or measured, ascending: a silent pair is there too.
    pub entries: Vec<MatrixEntry>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One subject in the matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixEntry {
    /// Which one.
    pub subject: Subject,
    /// What was measured in the window; `None` if nothing was.
    pub figures: Option<Figures>,
    /// What was expected in the window, by class.
    pub account: Account,
    /// How it stands now.
    pub standing: Standing,
}

/// By what pairs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Round-trip loss ratio.
    Loss,
    /// Median of the round-trip delay.
    Median,
    /// 95th percentile of the round-trip delay.
    P95,
    /// 99th percentile of the round-trip delay.
    P99,
    /// 99.9th percentile of the packet delay variation.
    Pdv,
    /// Mean absolute round-trip IPDV.
    Ipdv,
}

impl Metric {
    /// The value of the metric: a ratio, or nanoseconds; `None` where nothing was measured.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "delays stay far below 2^53 ns")]
    pub fn of(self, figures: &Figures) -> Option<f64> {
        let percentile = |permille| {
            let percentiles: Percentiles = figures.delay.as_ref()?.percentiles?;
            Some(percentiles.get(permille)?.as_ns() as f64)
        };
        match self {
            Self::Loss => Some(figures.loss?.ratio.get()),
            Self::Median => percentile(500),
            Self::P95 => percentile(950),
            Self::P99 => percentile(990),
            Self::Pdv => Some(figures.delay.as_ref()?.percentiles?.pdv_ns(999)? as f64),
            Self::Ipdv => Some(figures.ipdv_mean_ns? as f64),
        }
    }
}

impl Matrix {
    /// At most `count` entries, those with the largest value of `metric` first; equal ones in their order. An entry
    /// without a value is not among them: it is silent, not good.
    #[must_use]
    pub fn worst(&self, metric: Metric, count: usize) -> Vec<&MatrixEntry> {
        let value = |entry: &MatrixEntry| entry.figures.as_ref().and_then(|figures| metric.of(figures));
        let valued = self
            .entries
            .iter()
            .filter_map(|entry| Some((value(entry)?, entry)));
        let mut valued: Vec<(f64, &MatrixEntry)> = valued.collect();
        valued.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        valued.into_iter().take(count).map(|(_, entry)| entry).collect()
    }
}

/// Every pair over one window.
///
/// # Errors
///
/// [`ReportError`] of the store.
pub async fn read(
    store: &dyn Store,
    view: &View<'_>,
    question: &MatrixQuestion,
) -> Result<Matrix, ReportError> {
    let window = widened(question.window, coarsest(None), view);
    let ask = Ask {
        filter: &question.filter,
        window,
        step: None,
        wanted: if question.with_percentiles {
            Wanted::Percentiles
        } else {
            Wanted::Figures
        },
    };
    let known = Known::read(
        store,
        view,
        question.filter.source.as_ref(),
        window.to().max(view.now),
    )
    .await?;
    let since = view.now.saturating_sub(LATEST_WITHIN);
    let (gathered, standings) = tokio::try_join!(
        gather_by(store, view, ask, &known),
        latest::standings(store, view, &question.filter, &known, since),
    )?;
    // Of a cell only the hour is known.
    let latest = standings
        .values()
        .filter_map(|standing| standing.last_measured)
        .max();
    let latest = latest.filter(|latest| window.from() <= *latest && *latest < window.to());
    Ok(Matrix {
        window,
        entries: entries(gathered.subjects, standings),
        freshness: Freshness {
            latest: gathered.freshness.latest.max(latest),
            ..gathered.freshness
        },
    })
}

fn entries(
    mut measured: BTreeMap<Subject, Buckets>,
    mut standings: BTreeMap<Subject, Standing>,
) -> Vec<MatrixEntry> {
    let mut subjects: Vec<Subject> = measured.keys().chain(standings.keys()).cloned().collect();
    subjects.sort_unstable();
    subjects.dedup();
    let entry = |subject: Subject| {
        let bucket = measured
            .remove(&subject)
            .and_then(|buckets| buckets.into_values().next());
        MatrixEntry {
            figures: bucket.as_ref().and_then(Bucket::figures),
            account: bucket.as_ref().map_or(Account::NOTHING, |bucket| bucket.account),
            standing: standings.remove(&subject).unwrap_or(Standing::UNEXPECTED),
            subject,
        }
    };
    subjects.into_iter().map(entry).collect()
}
