//! Whom each probe measures: everyone on the roster except itself, with the test `icmp`.

pub mod history;
pub mod resolve;
pub mod span;
pub mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ippm::plan::{Plan, Target, Test};
use ippm::roster::{Entry, Roster};
use ippm::{Family, Params, ProbeName, TestName, plan};
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

/// The plan of every probe on a roster; each is made when it is asked for, because together they
/// grow with the square of the roster.
#[derive(Debug, Clone)]
pub struct Plans {
    roster: Arc<Roster>,
    defaults: Defaults,
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
    pub fn new(roster: Arc<Roster>, defaults: Defaults) -> Result<Self, PlanError> {
        let mut own: BTreeMap<&ProbeName, usize> = BTreeMap::new();
        for entry in roster.entries() {
            *own.entry(&entry.name).or_default() += 1;
        }
        for (probe, own) in own {
            let results = roster.entries().len() - own;
            if results > Plan::MAX_RESULTS {
                return Err(PlanError {
                    probe: probe.clone(),
                    results,
                });
            }
        }
        Ok(Self { roster, defaults })
    }

    /// The plan of `probe`; `None` if the roster does not know it.
    #[must_use]
    pub fn get(&self, probe: &ProbeName) -> Option<Plan> {
        self.roster
            .contains(probe)
            .then(|| plan_of(probe, &self.roster, &self.defaults))
    }

    /// Every probe and its plan, in the order of the roster.
    pub fn iter(&self) -> impl Iterator<Item = (&ProbeName, Plan)> {
        self.roster
            .names()
            .map(|probe| (probe, plan_of(probe, &self.roster, &self.defaults)))
    }

    /// The roster.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }
}

fn plan_of(probe: &ProbeName, roster: &Roster, defaults: &Defaults) -> Plan {
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
            kind: "icmp".parse().expect("four lower-case letters are a word"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use ippm::roster::address::Address;

    #[test]
    fn the_largest_roster_asks_no_probe_for_more_than_a_report_may_hold() {
        let entry = |n: usize| Entry {
            name: format!("p{n}").parse().unwrap(),
            family: Family::V4,
            address: Address::Host("probe.example".to_owned()),
            site: None,
            description: None,
            legacy: false,
        };
        let period = Duration::from_mins(5);
        let defaults = Defaults {
            period,
            params: plan::default_params(period),
            legacy_period: period,
        };
        let roster = Roster::new((0..Roster::MAX_ENTRIES).map(entry).collect()).unwrap();
        let plans = Plans::new(Arc::new(roster), defaults).unwrap();
        assert_eq!(
            plans.get(&"p7".parse().unwrap()).unwrap().results(),
            Roster::MAX_ENTRIES - 1
        );
        let roster = Roster::new((0..Plan::MAX_RESULTS + 2).map(entry).collect()).unwrap();
        let error = Plans::new(Arc::new(roster), defaults).unwrap_err();
        assert_eq!(
            error.to_string(),
            "probe p0 would measure 2049 results a round, more than 2048: it needs a shorter roster"
        );
    }
}
