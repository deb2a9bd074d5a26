//! The mesh plan: whom each probe measures, with what and when, from the roster and the schedule.
//!
//! A plan is a pure function of roster, schedule and probe, and what is done in a slot one of plan and slot
//! ([`resolve`]); the same functions answer the plan request of a probe and, from the records of the ledger, tell
//! what was expected in any slot of the past ([`history`]).
//!
//! # Layout
//!
//! * [`Plans`]: the plans of all probes
//! * [`mesh`]: which ordered pairs each test measures
//! * [`cost`]: what that sends; [`budget`]: what it may send; [`fault`]: why a plan is refused
//! * [`window`], [`resolve`]: what is done when; [`span`]: time and slots
//! * [`history`]: what was expected

pub mod budget;
pub mod cost;
pub mod fault;
pub mod history;
pub mod mesh;
pub mod resolve;
pub mod span;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

use ippm::class::slot::Aliases;
use ippm::plan::{Plan, Target, Test};
use ippm::roster::Roster;
use ippm::schedule::{Schedule, TestSpec};
use ippm::{Family, Params, ProbeName, TestName, UnixTime, Word, plan};

use crate::config::Config;
use crate::plan::cost::Cost;
use crate::plan::fault::PlanError;
use crate::plan::mesh::Mesh;
use crate::plan::window::{WindowError, Windows};

/// What the operator chose for the plan of every probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// How often cron starts `xprobe`.
    pub period: Duration,
    /// Parameters of a test that states none.
    pub params: Params,
    /// How often cron starts the probes of the original IXPQoS.
    pub legacy_period: Duration,
    /// Most packets per second that a probe sends in all.
    pub pps: u64,
    /// Most packets per second that a probe sends to one address.
    pub pps_per_target: u64,
}

impl Defaults {
    /// Those of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            period: config.plan.period,
            params: config.plan.params,
            legacy_period: config.legacy.period,
            pps: config.plan.pps,
            pps_per_target: config.plan.pps_per_target,
        }
    }
}

/// The plan of every probe on a roster; each is made when it is asked for, because together they
/// grow with the square of the roster.
#[derive(Debug, Clone)]
pub struct Plans {
    roster: Arc<Roster>,
    schedule: Arc<Schedule>,
    mesh: Arc<Mesh>,
    cost: Arc<Cost>,
    aliases: Aliases,
    defaults: Defaults,
}

impl Plans {
    /// The plans of all probes on `roster`, as `schedule` wants them.
    ///
    /// # Errors
    ///
    /// [`PlanError`] names everything for which the plans are refused: what the schedule names and the roster does
    /// not know, unknown time zones, periods that do not fit, and each budget that is exceeded, with the sum and
    /// who exceeds it most.
    pub fn new(roster: Arc<Roster>, schedule: Arc<Schedule>, defaults: Defaults) -> Result<Self, PlanError> {
        let aliases = roster.aliases();
        let mesh = Mesh::new(&roster, &schedule, &aliases).map_err(PlanError::new)?;
        let faults = budget::check_tests(&schedule, &defaults);
        if !faults.is_empty() {
            return Err(PlanError::new(faults));
        }
        let cost = Cost::of(&roster, &schedule, &mesh, &defaults);
        let faults = budget::check(&cost, &roster, &schedule, &defaults);
        if !faults.is_empty() {
            return Err(PlanError::new(faults));
        }
        Ok(Self {
            roster,
            schedule,
            mesh: Arc::new(mesh),
            cost: Arc::new(cost),
            aliases,
            defaults,
        })
    }

    /// The plan of `probe`, by its present name or a former one; `None` if the roster does not know it.
    ///
    /// It is empty for a probe that takes no part or measures nothing, and for every probe while nothing is to be
    /// measured.
    #[must_use]
    pub fn get(&self, probe: &ProbeName) -> Option<Plan> {
        let present = self.present(probe)?;
        let index = self.roster.names().position(|name| name == present)?;
        Some(self.plan_of(index))
    }

    /// The present name of `probe`, which may be a former one; `None` if the roster does not know it.
    #[must_use]
    pub fn present<'a>(&'a self, probe: &'a ProbeName) -> Option<&'a ProbeName> {
        let present = self.aliases.resolve(probe);
        self.roster.contains(present).then_some(present)
    }

    /// How often `probe`, by its present name, is started; `None` if the roster does not know it.
    #[must_use]
    pub fn period_of(&self, probe: &ProbeName) -> Option<Duration> {
        let index = self.roster.names().position(|name| name == probe)?;
        Some(if self.roster.probes()[index].details.legacy {
            self.defaults.legacy_period
        } else {
            self.defaults.period
        })
    }

    /// Of each test of the schedule, in its order, whether a plan for the slot at `slot_start` lists it.
    ///
    /// # Errors
    ///
    /// None for windows that [`Plans::new`] has accepted.
    pub fn open_tests(&self, slot_start: UnixTime) -> Result<Vec<bool>, WindowError> {
        let is_open = |test: &TestSpec| Ok(Windows::new(&test.windows)?.is_open(slot_start));
        self.schedule.tests.iter().map(is_open).collect()
    }

    /// Every probe and its plan, in the order of the roster.
    pub fn iter(&self) -> impl Iterator<Item = (&ProbeName, Plan)> {
        (0..self.roster.probes().len()).filter_map(|index| self.nth(index))
    }

    /// The probe at a place of the roster, and its plan.
    #[must_use]
    pub fn nth(&self, index: usize) -> Option<(&ProbeName, Plan)> {
        let probe = self.roster.probes().get(index)?;
        Some((&probe.name, self.plan_of(index)))
    }

    /// The roster.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The schedule.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Which pairs are measured.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// What the plans send.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// What the operator chose for the plan of every probe.
    #[must_use]
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    fn plan_of(&self, index: usize) -> Plan {
        let legacy = self.roster.probes()[index].details.legacy;
        let defaults = &self.defaults;
        let tests: Vec<Test> = if legacy {
            self.legacy_test(index).into_iter().collect()
        } else {
            (0..self.schedule.tests.len())
                .filter_map(|test| self.test(index, test))
                .collect()
        };
        Plan {
            period: if legacy {
                defaults.legacy_period
            } else {
                defaults.period
            },
            legacy,
            tests,
        }
    }

    fn test(&self, source: usize, test: usize) -> Option<Test> {
        let spec = &self.schedule.tests[test];
        self.test_of(self.mesh.targets(&self.roster, test, source), source, |targets| {
            Test {
                name: spec.name.clone(),
                kind: spec.kind.clone(),
                period: spec.period.unwrap_or(self.defaults.period),
                params: self.schedule.params(spec, self.defaults.params),
                windows: spec.windows.iter().map(ToString::to_string).collect(),
                targets,
            }
        })
    }

    /// A probe of the original knows no schedule: it measures whom its list names, over IPv4.
    fn legacy_test(&self, source: usize) -> Option<Test> {
        self.test_of(
            self.mesh.legacy_targets(&self.roster, source),
            source,
            |targets| Test {
                name: TestName::icmp(),
                kind: icmp(),
                period: self.defaults.legacy_period,
                params: plan::default_params(self.defaults.legacy_period),
                windows: Vec::new(),
                targets,
            },
        )
    }

    fn test_of(
        &self,
        targets: Vec<(usize, Family)>,
        source: usize,
        test: impl FnOnce(Vec<Target>) -> Test,
    ) -> Option<Test> {
        let probes = self.roster.probes();
        let target = |(target, family): (usize, Family)| {
            let target = &probes[target];
            let address = probes[source].reaches(target, family)?;
            Some(Target {
                name: target.name.clone(),
                family,
                address: address.to_string(),
            })
        };
        let targets: Vec<Target> = targets.into_iter().filter_map(target).collect();
        (!targets.is_empty()).then(|| test(targets))
    }
}

fn icmp() -> Word {
    "icmp".parse().expect("four lower-case letters are a word")
}

#[cfg(test)]
mod tests;
