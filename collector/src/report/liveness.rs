//! Which probes report, and what they say about themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::class::slot::GRACE;
use ippm::{ProbeName, UnixTime};

use crate::report::known;
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;
use crate::store::ledger::ProbeRun;

/// Within which time every report is looked at; a probe without a plan is shown for as long.
pub const LATELY: Duration = Duration::from_hours(24);
/// How far back the last report of a probe is looked for that has not reported lately.
pub const SILENT_FOR: Duration = Duration::from_hours(24 * 31);
/// How far ahead of our clock a round may lie that was accepted.
const AHEAD: Duration = Duration::from_mins(10);

/// The answer: every probe that has a plan, or has reported lately, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liveness {
    /// By present name, ascending.
    pub probes: Vec<ProbeLiveness>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeLiveness {
    /// Its present name.
    pub probe: ProbeName,
    /// Where it is, if the roster says so.
    pub site: Option<String>,
    /// Its latest report, with version, fitness and clock; `None` if it has not reported lately.
    pub last: Option<ProbeRun>,
    /// The period of its plan; `None` if it has none.
    pub period: Option<Duration>,
    /// When its next report has to be there; `None` if none is expected.
    pub expected_next: Option<UnixTime>,
    /// How it stands.
    pub state: ProbeState,
}

/// How a probe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeState {
    /// It reported for the latest slot that is over, and trusts itself.
    Reporting,
    /// It reported, and doubts itself.
    Suspect,
    /// The report for the latest slot that is over is missing.
    Missing,
    /// It is expected, and has not reported lately.
    Silent,
    /// It reported lately, and has no plan any more.
    Retired,
}

/// Which probes report.
///
/// # Errors
///
/// [`ReportError`] of the store.
pub async fn read(store: &dyn Store, view: &View<'_>) -> Result<Liveness, ReportError> {
    let periods = periods(store, view).await?;
    let until = view.now.saturating_add(AHEAD);
    let mut last: BTreeMap<ProbeName, ProbeRun> = BTreeMap::new();
    for run in store
        .probe_runs(None, view.now.saturating_sub(LATELY), until)
        .await?
    {
        keep_latest(&mut last, run, view);
    }
    let silent = periods.keys().filter(|probe| !last.contains_key(*probe));
    let silent: Vec<ProbeName> = silent.cloned().collect();
    for probe in &silent {
        for name in view.directory.names_of(probe) {
            let from = view.now.saturating_sub(SILENT_FOR);
            for run in store.probe_runs(Some(name), from, until).await? {
                keep_latest(&mut last, run, view);
            }
        }
    }
    Ok(liveness(&periods, last, view))
}

/// The period of every probe that has a plan with something to measure.
async fn periods(store: &dyn Store, view: &View<'_>) -> Result<BTreeMap<ProbeName, Duration>, ReportError> {
    let until = view.now.saturating_add(Duration::from_nanos(1));
    let mut names: Vec<ProbeName> = Vec::new();
    for version in store.plan_versions(None, until).await? {
        names.push(version.probe);
    }
    names.dedup();
    let history = known::history(store, view, None, until).await?;
    let mut periods = BTreeMap::new();
    for name in names {
        // A plan under a former name ended when the probe was renamed.
        if view.directory.resolve(&name) != &name {
            continue;
        }
        let plan = history.in_force(&name, view.now);
        if let Some(plan) = plan.filter(|plan| 0 < plan.results()) {
            periods.insert(name, plan.period);
        }
    }
    Ok(periods)
}

fn keep_latest(last: &mut BTreeMap<ProbeName, ProbeRun>, run: ProbeRun, view: &View<'_>) {
    let present = view.directory.resolve(&run.source);
    let is_older = last.get(present).is_some_and(|known| run.time <= known.time);
    if !is_older {
        last.insert(present.clone(), run);
    }
}

/// How the probes with `periods` stand, whose latest reports are `last`.
#[must_use]
pub fn liveness(
    periods: &BTreeMap<ProbeName, Duration>,
    mut last: BTreeMap<ProbeName, ProbeRun>,
    view: &View<'_>,
) -> Liveness {
    let latest = last.values().map(|run| run.time).max();
    let mut names: Vec<ProbeName> = periods.keys().chain(last.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    let probes = names.into_iter().map(|probe| {
        let last = last.remove(&probe);
        let period = periods.get(&probe).copied();
        ProbeLiveness {
            site: view.directory.site(&probe).map(str::to_owned),
            expected_next: period.map(|period| expected_next(period, last.as_ref(), view.now)),
            state: state(period, last.as_ref(), view.now),
            last,
            period,
            probe,
        }
    });
    Liveness {
        probes: probes.collect(),
        freshness: Freshness {
            read_at: view.now,
            latest,
        },
    }
}

/// Start of the latest slot whose report is missing if it is not there.
fn latest_due(period: Duration, now: UnixTime) -> UnixTime {
    now.saturating_sub(GRACE).floor(period).saturating_sub(period)
}

/// Until when the earliest report that may still come has to be there.
fn expected_next(period: Duration, last: Option<&ProbeRun>, now: UnixTime) -> UnixTime {
    let open = latest_due(period, now).saturating_add(period);
    let after_last = last.map(|run| run.time.floor(period).saturating_add(period));
    let slot = after_last.map_or(open, |after| after.max(open));
    slot.saturating_add(period).saturating_add(GRACE)
}

fn state(period: Option<Duration>, last: Option<&ProbeRun>, now: UnixTime) -> ProbeState {
    match (period, last) {
        (None, _) => ProbeState::Retired,
        (Some(_), None) => ProbeState::Silent,
        (Some(period), Some(run)) if run.time < latest_due(period, now) => ProbeState::Missing,
        (Some(_), Some(run)) if run.is_suspect() => ProbeState::Suspect,
        (Some(_), Some(_)) => ProbeState::Reporting,
    }
}
