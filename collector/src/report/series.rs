//! One subject over time, in points a step apart.

use ippm::UnixTime;

use crate::report::accounting::Account;
use crate::report::figures::Figures;
use crate::report::fold::Bucket;
use crate::report::gather::{Ask, Wanted, gather};
use crate::report::segment::{coarsest, widened};
use crate::report::selection::{Filter, MAX_POINTS, SelectionError, Step, Subject, Window};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// Of what.
    pub subject: Subject,
    /// Over which time. Points that it cuts are given whole.
    pub window: Window,
    /// How far apart points begin; `None`: [`Step::suiting`] the window.
    pub step: Option<Step>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Of what.
    pub subject: Subject,
    /// What it covers: the window that was asked for, widened to whole points.
    pub window: Window,
    /// How far apart points begin.
    pub step: Step,
    /// Points of which anything was expected or measured, ascending. What is not there was not measured: nothing is
    /// interpolated.
    pub points: Vec<Point>,
    /// How old it is.
    pub freshness: Freshness,
}

/// What became of the slots that begin in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its first instant.
    pub start: UnixTime,
    /// What was measured; `None` if nothing was.
    pub figures: Option<Figures>,
    /// What was expected, by class, with the overlays.
    pub account: Account,
}

/// One subject over time.
///
/// # Errors
///
/// [`SelectionError::TooManyPoints`] above [`MAX_POINTS`], and the store's.
pub async fn read(
    store: &dyn Store,
    view: &View<'_>,
    question: &SeriesQuestion,
) -> Result<Series, ReportError> {
    let step = question
        .step
        .unwrap_or_else(|| Step::suiting(question.window.length()));
    let window = whole_points(question.window, step, view)?;
    let subject = question.subject.present(view.directory);
    let filter = Filter::of(&subject);
    let ask = Ask {
        filter: &filter,
        window,
        step: Some(step),
        wanted: Wanted::Percentiles,
    };
    let mut gathered = gather(store, view, ask).await?;
    let buckets = gathered.subjects.remove(&subject).unwrap_or_default();
    Ok(Series {
        subject,
        window,
        step,
        points: buckets
            .into_iter()
            .map(|(start, bucket)| point(start, &bucket))
            .collect(),
        freshness: gathered.freshness,
    })
}

fn point(start: UnixTime, bucket: &Bucket) -> Point {
    Point {
        start,
        figures: bucket.figures(),
        account: bucket.account,
    }
}

/// `window` widened to whole points, not beyond the present.
fn whole_points(window: Window, step: Step, view: &View<'_>) -> Result<Window, SelectionError> {
    let found = step.points(window);
    if MAX_POINTS < found {
        return Err(SelectionError::TooManyPoints { found });
    }
    let last = step.floor(window.to());
    let to = if last < window.to() {
        let whole = last.saturating_add(step.length());
        whole.min(view.now).max(window.to())
    } else {
        window.to()
    };
    let window = Window::new(step.floor(window.from()), to)?;
    Ok(widened(window, coarsest(Some(step)), view))
}
