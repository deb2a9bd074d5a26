//! Plans and announced work, which every report holds results against.

use std::time::Duration;

use ippm::class::maintenance::Calendar;
use ippm::{ProbeName, UnixTime};

use crate::plan::history::{History, HistoryError};
use crate::report::view::{ReportError, View};
use crate::store::{Store, StoreError};

/// Plans and announced work.
pub(super) struct Known {
    pub(super) history: History,
    pub(super) calendar: Calendar,
}

impl Known {
    /// What was known before `to` of what `source`, or everybody, measures.
    pub(super) async fn read(
        store: &dyn Store,
        view: &View<'_>,
        source: Option<&ProbeName>,
        to: UnixTime,
    ) -> Result<Self, ReportError> {
        Ok(Self {
            history: history(store, view, source, to).await?,
            calendar: calendar(store, view).await?,
        })
    }
}

/// Every plan of `source`, or of all, that was in force before `to`, with today's names.
pub(super) async fn history(
    store: &dyn Store,
    view: &View<'_>,
    source: Option<&ProbeName>,
    to: UnixTime,
) -> Result<History, ReportError> {
    let versions = match source {
        None => store.plan_versions(None, to).await?,
        Some(source) => {
            let mut versions = Vec::new();
            for name in view.directory.names_of(source) {
                versions.extend(store.plan_versions(Some(name), to).await?);
            }
            versions
        }
    };
    let unreadable = |error: HistoryError| StoreError::Unreadable {
        reason: error.to_string(),
    };
    let history = History::new(versions).map_err(unreadable)?;
    Ok(history.renamed(view.directory.aliases().clone()))
}

/// Everything that was announced, whenever it was.
async fn calendar(store: &dyn Store, view: &View<'_>) -> Result<Calendar, ReportError> {
    let until = view.now.saturating_add(Duration::from_nanos(1));
    let versions = store.maintenance_versions(until).await?;
    Ok(versions.into_iter().map(|version| version.entry).collect())
}
