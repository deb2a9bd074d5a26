//! What this round measures: the due part of a plan, read tolerantly and checked.
//!
//! Rates are limited where packets are sent; what is checked here is that every result can be named
//! in a report.

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::wire::plan::{PlanV1, TargetV1, TestV1};
use ippm::{Family, Params, ProbeName, TestName, UnixTime, Word, plan};
use thiserror::Error;

use crate::driver::KIND;
use crate::round::pace::{Limits, MAX_PPS_PER_TARGET};

/// Most results of a round.
pub(crate) const MAX_RESULTS: usize = plan::Plan::MAX_RESULTS;

/// The one report schema that this probe writes.
pub(crate) const REPORT_SCHEMA: u64 = 1;

/// The round as the plan wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Agenda {
    /// The plan's version, for the report.
    pub(crate) version: String,
    /// How often the probe is started.
    pub(crate) period: Duration,
    /// When the process has to be gone, counted from the slot's start.
    pub(crate) end_before: Duration,
    /// The plan's limits, within the probe's own.
    pub(crate) limits: Limits,
    /// The optional report fields that the collector stores.
    pub(crate) report_fields: Vec<String>,
    /// The due results, in the plan's order.
    pub(crate) items: Vec<Item>,
}

/// One result to measure.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) test: TestName,
    pub(crate) kind: Word,
    pub(crate) target: ProbeName,
    pub(crate) family: Family,
    /// A literal or a host name.
    pub(crate) address: String,
    /// The test's period.
    pub(crate) period: Duration,
    /// Complete for the kind that this probe knows.
    pub(crate) params: Params,
}

impl Item {
    /// Whether this probe knows how to measure it.
    pub(crate) fn is_supported(&self) -> bool {
        self.kind.as_str() == KIND
    }
}

/// Why a plan cannot be followed, with the path of what is wrong.
#[derive(Debug, Error)]
pub(crate) enum PlanFault {
    #[error("the plan is not JSON of a plan")]
    Json(#[from] serde_json::Error),
    #[error("the plan has schema {found}, this probe reads 1: upgrade the probe")]
    Schema { found: u64 },
    #[error(
        "the collector reads none of the report schemas of this probe ({REPORT_SCHEMA}): upgrade the probe"
    )]
    ReportSchema,
    #[error("period_ns")]
    Period(#[from] plan::PeriodError),
    #[error("end_before_ns is {found}, expected at most the period")]
    EndBefore { found: u64 },
    #[error("{results} results, more than {MAX_RESULTS}")]
    Results { results: usize },
    #[error("{path}: {problem}")]
    Value { path: String, problem: Problem },
}

/// What is wrong with one value of a plan.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Test(#[from] ippm::TestNameError),
    #[error(transparent)]
    Kind(#[from] ippm::WordError),
    #[error(transparent)]
    Target(#[from] ippm::ProbeNameError),
    #[error("expected 4 or 6")]
    Family,
    #[error("expected a multiple of the plan's period up to 1 h")]
    TestPeriod,
    #[error("listed twice")]
    Repeated,
    #[error("expected 1 to the count that the rate limit allows")]
    Count,
    #[error("expected more than 0 and at most end_before_ns")]
    Spread,
    #[error("expected more than 0 and at most end_before_ns")]
    Timeout,
}

/// Reads the plan `body` for the round that begins at `round_start`; a plan that comes from the
/// cache leaves out the tests with a time window, which nobody has checked.
///
/// # Errors
///
/// [`PlanFault`] names the first thing that is wrong.
pub(crate) fn read(body: &[u8], round_start: UnixTime, is_cached: bool) -> Result<Agenda, PlanFault> {
    let wire: PlanV1 = serde_json::from_slice(body)?;
    if wire.schema != 1 {
        return Err(PlanFault::Schema { found: wire.schema });
    }
    if !wire.report_schemas.contains(&REPORT_SCHEMA) {
        return Err(PlanFault::ReportSchema);
    }
    let period = Duration::from_nanos(wire.period_ns);
    plan::check_period(period)?;
    let end_before = Duration::from_nanos(wire.end_before_ns);
    if end_before.is_zero() || end_before > period {
        return Err(PlanFault::EndBefore {
            found: wire.end_before_ns,
        });
    }
    let results = wire.tests.iter().map(|test| test.targets.len()).sum();
    if results > MAX_RESULTS {
        return Err(PlanFault::Results { results });
    }
    let slot = plan::slot_start(round_start, period);
    let mut agenda = Agenda {
        version: wire.version,
        period,
        end_before,
        limits: Limits::new(wire.limits.pps, wire.limits.pps_per_target),
        report_fields: wire.report_fields,
        items: Vec::new(),
    };
    let mut seen = BTreeSet::new();
    for (index, test) in wire.tests.iter().enumerate() {
        let items = agenda.items(&format!("tests[{index}]"), test, &mut seen)?;
        let is_due = items.first().is_some_and(|item| plan::is_due(slot, item.period));
        if is_due && !(is_cached && test.windowed) {
            agenda.items.extend(items);
        }
    }
    Ok(agenda)
}

type Identity = (TestName, ProbeName, Family);

impl Agenda {
    /// All results of one test, due or not.
    fn items(
        &self,
        path: &str,
        test: &TestV1,
        seen: &mut BTreeSet<Identity>,
    ) -> Result<Vec<Item>, PlanFault> {
        let wrong = |key: &str, problem: Problem| PlanFault::Value {
            path: format!("{path}.{key}"),
            problem,
        };
        let name: TestName = test.test.parse().map_err(|e| wrong("test", Problem::Test(e)))?;
        let kind: Word = test.kind.parse().map_err(|e| wrong("kind", Problem::Kind(e)))?;
        let period = Duration::from_nanos(test.period_ns);
        let multiple = period.as_nanos().is_multiple_of(self.period.as_nanos());
        if period.is_zero() || !multiple || period > plan::MAX_PERIOD {
            return Err(wrong("period_ns", Problem::TestPeriod));
        }
        let is_known = kind.as_str() == KIND;
        let params = if is_known {
            self.params(test.params.into())
        } else {
            test.params.into()
        };
        if is_known {
            self.check_params(&params)
                .map_err(|(key, problem)| wrong(&format!("params.{key}"), problem))?;
        }
        let mut items = Vec::new();
        for (index, target) in test.targets.iter().enumerate() {
            let wrong = |key: &str, problem| wrong(&format!("targets[{index}]{key}"), problem);
            let TargetV1 {
                target,
                family,
                address,
            } = target;
            let target: ProbeName = target.parse().map_err(|e| wrong(".target", Problem::Target(e)))?;
            let family = Family::from_number(*family).ok_or_else(|| wrong(".family", Problem::Family))?;
            if !seen.insert((name.clone(), target.clone(), family)) {
                return Err(wrong("", Problem::Repeated));
            }
            let (test, kind, address) = (name.clone(), kind.clone(), address.clone());
            items.push(Item {
                test,
                kind,
                target,
                family,
                address,
                period,
                params,
            });
        }
        Ok(items)
    }

    /// The parameters with what is absent filled in from the defaults of the plan's period.
    fn params(&self, given: Params) -> Params {
        let default = plan::default_params(self.period);
        Params {
            count: given.count.or(default.count),
            spread: given.spread.or(default.spread),
            timeout: given.timeout.or(default.timeout),
            payload_bytes: given.payload_bytes.or(default.payload_bytes),
            dscp: given.dscp.or(default.dscp),
            dont_fragment: given.dont_fragment.or(default.dont_fragment),
        }
    }

    fn check_params(&self, params: &Params) -> Result<(), (&'static str, Problem)> {
        let fits = |duration: Option<Duration>| {
            duration.is_some_and(|duration| !duration.is_zero() && duration <= self.end_before)
        };
        if !fits(params.spread) {
            return Err(("spread_ns", Problem::Spread));
        }
        if !fits(params.timeout) {
            return Err(("timeout_ns", Problem::Timeout));
        }
        match params.count {
            Some(count) if count > 0 && count <= MAX_PPS_PER_TARGET * plan::MAX_PERIOD.as_secs() => Ok(()),
            _ => Err(("count", Problem::Count)),
        }
    }
}

#[cfg(test)]
mod tests;
