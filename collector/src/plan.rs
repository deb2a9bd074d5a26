//! Whom each probe measures: everyone on the roster except itself, with the test `icmp`.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::plan::{Plan, Target, Test};
use ippm::roster::{Entry, Roster};
use ippm::{Family, Params, ProbeName, TestName, Word, plan};
use thiserror::Error;

/// What the operator chose for the plan of every probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// How often cron starts `xprobe`.
    pub period: Duration,
    /// Parameters of the test `icmp`.
    pub params: Params,
    /// How often cron starts the probes of the original IXPQoS.
    pub legacy_period: Duration,
}

/// The plan of every probe on a roster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plans {
    plans: BTreeMap<ProbeName, Plan>,
}

/// A roster asks too much of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "probe {probe} would measure {results} results a round, more than {}: it needs a shorter roster",
    Plan::MAX_RESULTS
)]
pub struct PlanError {
    /// The probe.
    pub probe: ProbeName,
    /// Its results.
    pub results: usize,
}

impl Plans {
    /// The plans of all probes on `roster`.
    ///
    /// # Errors
    ///
    /// [`PlanError`] names the first probe whose plan has more results than a report may hold.
    #[expect(clippy::missing_panics_doc, reason = "the word is a constant")]
    pub fn new(roster: &Roster, defaults: &Defaults) -> Result<Self, PlanError> {
        let kind: Word = "icmp".parse().expect("four lower-case letters are a word");
        let mut plans = BTreeMap::new();
        for probe in roster.names() {
            let plan = plan_of(probe, roster, defaults, &kind);
            if plan.results() > Plan::MAX_RESULTS {
                return Err(PlanError {
                    probe: probe.clone(),
                    results: plan.results(),
                });
            }
            plans.insert(probe.clone(), plan);
        }
        Ok(Self { plans })
    }

    /// The plan of `probe`; `None` if the roster does not know it.
    #[must_use]
    pub fn get(&self, probe: &ProbeName) -> Option<&Plan> {
        self.plans.get(probe)
    }

    /// Every probe and its plan, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ProbeName, &Plan)> {
        self.plans.iter()
    }
}

fn plan_of(probe: &ProbeName, roster: &Roster, defaults: &Defaults, kind: &Word) -> Plan {
    // The original knows one family; a host that is marked once runs it for all its entries.
    let legacy = roster
        .entries()
        .iter()
        .any(|entry| entry.name == *probe && entry.legacy);
    let (period, params) = if legacy {
        (
            defaults.legacy_period,
            plan::default_params(defaults.legacy_period),
        )
    } else {
        (defaults.period, defaults.params)
    };
    let measured = |entry: &&Entry| entry.name != *probe && (!legacy || entry.family == Family::V4);
    let targets: Vec<Target> = roster
        .entries()
        .iter()
        .filter(measured)
        .map(|entry| Target {
            name: entry.name.clone(),
            family: entry.family,
            address: entry.address.to_string(),
        })
        .collect();
    let tests = if targets.is_empty() {
        Vec::new()
    } else {
        vec![Test {
            name: TestName::icmp(),
            kind: kind.clone(),
            period,
            params,
            windows: Vec::new(),
            targets,
        }]
    };
    Plan {
        period,
        legacy,
        tests,
    }
}
