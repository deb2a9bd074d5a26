//! Reads what a statement is made of, pair by pair, and puts it together.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use ippm::class::Class;
use ippm::class::maintenance::Calendar;
use ippm::class::slot::Expected;
use ippm::limit::LossLimit;
use ippm::roster::Roster;
use ippm::roster::probe::Probe;
use ippm::{Family, ProbeName, TestName, UnixTime};
use thiserror::Error;

use crate::plan::history::{self, History, HistoryError};
use crate::report::directory::Directory;
use crate::report::sla::digest::{self, Inputs};
use crate::report::sla::fresh::Stale;
use crate::report::sla::missing::Watch;
use crate::report::sla::pairs::{self, Expectations, Load};
use crate::report::sla::profile::Profile;
use crate::report::sla::reading::{Reading, Source};
use crate::report::sla::site::Sites;
use crate::report::sla::statement::{Period, Statement};
use crate::report::view::View;
use crate::store::cell::{Series, StoredCell};
use crate::store::ledger::{MaintenanceVersion, PlanVersion};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// What is to be stated.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The period.
    pub period: Period,
    /// Parameters and promises.
    pub profile: Profile,
    /// Only pairs between these sites; empty: all pairs.
    pub sites: Vec<String>,
    /// Only pairs that this probe measures.
    pub source: Option<ProbeName>,
    /// Only pairs in which this probe is measured.
    pub target: Option<ProbeName>,
    /// Only this family.
    pub family: Option<Family>,
    /// The test.
    pub test: TestName,
}

/// From where a statement is made. No clock is read below it.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Names and sites.
    pub directory: &'a Directory,
    /// Who is judged.
    pub roster: &'a Roster,
    /// When our own throughput tests ran.
    pub loads: &'a [Load],
    /// The period of results of the original collector, which did not store it.
    pub legacy_period: Duration,
    /// For how long single results are kept.
    pub raw_retention: Duration,
    /// For how long cells of an hour are kept.
    pub hour_retention: Duration,
    /// The present.
    pub now: UnixTime,
}

/// Takes down what a statement is computed from, as it is used.
pub trait Record {
    /// A plan of the ledger, from which what was expected follows.
    fn plan(&mut self, version: &PlanVersion);
    /// An announcement that touches the period.
    fn maintenance(&mut self, version: &MaintenanceVersion);
    /// A cell of an hour that counts as a whole.
    fn cell(&mut self, cell: &StoredCell, in_maintenance: bool);
    /// A result of an hour that is cut; whether its probe was not fit to measure.
    fn row(&mut self, row: &Row, is_suspect: bool);
    /// A slot of which the ledger knows no report, and whether a collector was there to take one.
    fn silence(&mut self, expected: &Expected<'_>, class: Class);
    /// How many sources may be read at the same time: of more than one the cells come mixed.
    fn sources_at_once(&self) -> usize {
        1
    }
}

/// A [`Record`] that several sources tell what they read.
pub(super) struct Recorder<'a>(Mutex<&'a mut (dyn Record + Send)>);

impl<'a> Recorder<'a> {
    fn new(record: &'a mut (dyn Record + Send)) -> Self {
        Self(Mutex::new(record))
    }

    pub(super) fn cell(&self, cell: &StoredCell, in_maintenance: bool) {
        self.lock().cell(cell, in_maintenance);
    }

    pub(super) fn row(&self, row: &Row, is_suspect: bool) {
        self.lock().row(row, is_suspect);
    }

    pub(super) fn silence(&self, expected: &Expected<'_>, class: Class) {
        self.lock().silence(expected, class);
    }

    fn lock(&self) -> MutexGuard<'_, &'a mut (dyn Record + Send)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes nothing down.
#[derive(Debug, Clone, Copy)]
pub struct NoRecord;

impl Record for NoRecord {
    fn plan(&mut self, _version: &PlanVersion) {}
    fn maintenance(&mut self, _version: &MaintenanceVersion) {}
    fn cell(&mut self, _cell: &StoredCell, _in_maintenance: bool) {}
    fn row(&mut self, _row: &Row, _is_suspect: bool) {}
    fn silence(&mut self, _expected: &Expected<'_>, _class: Class) {}
    fn sources_at_once(&self) -> usize {
        3
    }
}

/// Why there is no statement.
#[derive(Debug, Error)]
pub enum SlaError {
    /// A site that no probe of the roster has.
    #[error("no probe of the roster stands at the site {site:?}")]
    UnknownSite {
        /// The site.
        site: String,
    },
    /// No plan asked for anything of it.
    #[error("no plan in force in the period asked for any of these pairs")]
    NothingExpected,
    /// The cells have expired.
    #[error("the cells of the hours before {} have expired: a statement is not approximated", ippm::wire::time::format(*.before))]
    CellsExpired {
        /// What is older is gone.
        before: UnixTime,
    },
    /// The single results of an hour that is cut have expired.
    #[error(
        "the hour {} is cut by an edge of announced work, of our own load or of the period, and its single results have expired: \
         a statement is not approximated",
        ippm::wire::time::format(*.hour)
    )]
    RowsExpired {
        /// The hour.
        hour: UnixTime,
    },
    /// The single results of an hour with results that the ledger does not explain have expired.
    #[error(
        "in the hour {} there are results that no plan in force asked for or of whose reports the ledger knows nothing, and \
         its single results have expired: which rounds are missing is not approximated",
        ippm::wire::time::format(*.hour)
    )]
    RoundsExpired {
        /// The hour.
        hour: UnixTime,
    },
    /// The ledger.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The statement that answers `question`.
///
/// # Errors
///
/// [`SlaError`]: inputs that are not there any more are never replaced by something else.
pub async fn read(
    store: &dyn Store,
    ground: &Ground<'_>,
    question: &Question,
    record: &mut (dyn Record + Send),
) -> Result<Statement, SlaError> {
    let period = &question.period;
    let cells_from = ground.now.saturating_sub(ground.hour_retention);
    if period.from < cells_from {
        return Err(SlaError::CellsExpired { before: cells_from });
    }
    let known_sites: Vec<&String> = ground
        .roster
        .probes()
        .iter()
        .filter_map(|probe| probe.details.site.as_ref())
        .collect();
    if let Some(site) = question.sites.iter().find(|site| !known_sites.contains(site)) {
        return Err(SlaError::UnknownSite { site: site.clone() });
    }
    let versions = store.plan_versions(None, period.to).await?;
    for version in &versions {
        record.plan(version);
    }
    let history = History::new(versions)?.renamed(ground.directory.aliases().clone());
    let expected = history.expected(period.from, period.to, &|pair| question.wants(pair, ground));
    let works = pairs::in_force(store.maintenance_versions(ground.now).await?, period);
    for work in &works {
        record.maintenance(work);
    }
    let expectations = Expectations::of(expected, &works, ground.loads, ground.directory, period);
    if expectations.is_empty() {
        return Err(SlaError::NothingExpected);
    }
    refuse_expired(&expectations, ground)?;

    let view = ground.view();
    let calendar: Calendar = works.iter().map(|work| work.entry.clone()).collect();
    let mut inputs = Inputs::new();
    let works = pairs::named(&works, &expectations, ground.directory.aliases());
    let mut sites = Sites::NONE;
    let mut stated = Vec::with_capacity(expectations.len());
    let mut watch = Watch::new();
    let is_wanted = |series: &Series| question.may_want(series, &view);
    let stale = Stale::find(store, &view, period, &is_wanted).await?;
    let at_once = record.sources_at_once();
    let record = Recorder::new(record);
    let sources = expectations.chunk_by(|one, next| one.source.probe == next.source.probe);
    let read = |pairs| {
        let source = Source {
            store,
            view: &view,
            question,
            pairs,
        };
        Reading::of(source, &calendar, &stale, &record)
    };
    // Each begins when it is asked for its answer, so that they may all be there.
    let readings: Vec<_> = sources.map(read).collect();
    let mut readings = pin!(stream::iter(readings).buffered(at_once));
    while let Some(mut reading) = readings.next().await.transpose()? {
        reading.settle(&mut watch, &record).await?;
        reading.finish(&mut inputs, &mut sites, &mut stated);
    }
    Ok(Statement {
        period: period.clone(),
        method: digest::method(&question.profile, period),
        inputs: inputs.finish(),
        profile: question.profile.clone(),
        sites: question.sites.clone(),
        works,
        pairs: stated,
        site_pairs: sites.finish(&question.profile),
    })
}

impl<'a> Ground<'a> {
    /// The same as other reports see it; a statement knows no limit of loss for a slot.
    fn view(&self) -> View<'a> {
        View {
            directory: self.directory,
            limit: LossLimit::DISPLAY_DEFAULT,
            legacy_period: self.legacy_period,
            raw_retention: self.raw_retention,
            hour_retention: self.hour_retention,
            now: self.now,
        }
    }
}

impl Question {
    /// Whether a pair belongs to the statement: results towards a host without a probe do only if the roster says so.
    fn wants(&self, pair: &history::Pair<'_>, ground: &Ground<'_>) -> bool {
        let is = |wanted: &Option<ProbeName>, name: &ProbeName| {
            wanted
                .as_ref()
                .is_none_or(|wanted| ground.directory.resolve(wanted) == name)
        };
        let at = |name: &ProbeName| {
            let site = ground.directory.site(name);
            self.sites.is_empty() || site.is_some_and(|site| self.sites.iter().any(|wanted| wanted == site))
        };
        *pair.test == self.test
            && self.family.is_none_or(|family| family == pair.family)
            && is(&self.source, pair.source)
            && is(&self.target, pair.target)
            && at(pair.source)
            && at(pair.target)
            && ground.roster.probe(pair.target).is_none_or(Probe::is_judged)
    }
}

impl Question {
    /// Whether results of `series` may belong to a pair of the statement.
    fn may_want(&self, series: &Series, view: &View<'_>) -> bool {
        let is = |wanted: &Option<ProbeName>, name: &ProbeName| {
            let resolve = |name| view.directory.resolve(name);
            wanted
                .as_ref()
                .is_none_or(|wanted| resolve(wanted) == resolve(name))
        };
        series.test == self.test
            && self.family.is_none_or(|family| family == series.family)
            && is(&self.source, &series.source)
            && is(&self.target, &series.target)
    }
}

fn refuse_expired(pairs: &[Expectations], ground: &Ground<'_>) -> Result<(), SlaError> {
    let rows_from = ground.now.saturating_sub(ground.raw_retention);
    let expired = pairs.iter().filter_map(|pair| pair.cut.first()).min();
    match expired {
        Some(hour) if *hour < rows_from => Err(SlaError::RowsExpired { hour: *hour }),
        _ => Ok(()),
    }
}
