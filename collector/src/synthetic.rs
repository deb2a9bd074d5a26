//! Synthetic history: an exchange that does not exist, with incidents that are known.
//!
//! Whatever is shown can be held against what was made: a [`History`] says of every pair and slot what happened in
//! it, and writes the same into a store, through the trait as collectors do. It is made from a seed and nothing
//! else, so that the same scenario is the same bytes everywhere. Every round carries [`VERSION`] as its program's
//! version; pages that show one of them say so.
//!
//! # Layout
//!
//! * [`incident`]: what goes wrong, where and when
//! * [`truth`]: what happened to one pair in one slot
//! * `mesh`: the probes, as a roster and a schedule; `chance`: numbers from a seed; `packet`: the packets of a round
//! * [`write`](mod@write): into a store

mod chance;
pub mod incident;
mod mesh;
mod packet;
pub mod truth;
pub mod write;

use std::sync::Arc;
use std::time::Duration;

use ippm::cell::HOUR;
use ippm::plan::{Plan, default_params};
use ippm::roster::Roster;
use ippm::schedule::Schedule;
use ippm::{Family, ProbeName, TestName, UnixTime};
use thiserror::Error;

use crate::plan::fault::PlanError;
use crate::plan::{Defaults, Plans};
use crate::report::selection::Subject;
use crate::store::StoreError;
use crate::synthetic::incident::{Incident, incidents};

/// The version of the program in every synthetic round.
pub const VERSION: &str = "synthetic";

/// Fewest probes in which every incident has a place.
pub const MIN_PROBES: usize = 4;
/// Most probes: each has an address of one network for examples (198.18.0.0/24).
pub const MAX_PROBES: usize = 200;
/// Shortest history in which every incident has a time.
pub const MIN_LENGTH: Duration = Duration::from_hours(6);
/// Longest history: as long as the cells of days are kept.
pub const MAX_LENGTH: Duration = Duration::from_hours(3_650 * 24);

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Probes; two at each site.
    pub probes: usize,
    /// First instant, an hour's start.
    pub start: UnixTime,
    /// First instant after it, an hour's start.
    pub end: UnixTime,
    /// From here on single results are stored; before it only what hours and days add up to.
    pub raw_from: UnixTime,
    /// What chance decides.
    pub seed: u64,
}

/// Why no history is made.
#[derive(Debug, Error)]
pub enum SyntheticError {
    /// Too few or too many probes.
    #[error("{probes} probes are not between {MIN_PROBES} and {MAX_PROBES}")]
    Probes {
        /// How many were wanted.
        probes: usize,
    },
    /// It does not begin and end with an hour, or is too short or too long.
    #[error("a history begins and ends with an hour and is between {} h and {} d long", MIN_LENGTH.as_secs() / 3_600, MAX_LENGTH.as_secs() / 86_400)]
    Length,
    /// The configured periods or budgets do not allow the mesh.
    #[error("the mesh is not allowed: {0}")]
    Plan(#[from] PlanError),
    /// The store holds something that was measured.
    #[error("the store holds results of {source_name} that are not synthetic; choose an empty store")]
    Foreign {
        /// The probe that measured it.
        source_name: ProbeName,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A made-up exchange and everything that happens to it.
#[derive(Debug, Clone)]
pub struct History {
    scenario: Scenario,
    roster_text: String,
    schedule_text: String,
    plans: Plans,
    period: Duration,
    pairs: Vec<Pair>,
    incidents: Vec<Incident>,
}

/// An ordered pair and family; probes by their place in the roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Pair {
    /// Who measures.
    pub(crate) source: usize,
    /// Who is measured.
    pub(crate) target: usize,
    /// Over which protocol.
    pub(crate) family: Family,
}

impl History {
    /// The history of `scenario` with the periods of `defaults`.
    ///
    /// # Errors
    ///
    /// [`SyntheticError`] names the limit that the scenario exceeds, or why the plans are refused.
    ///
    /// # Panics
    ///
    /// If the roster or the schedule that is made here were none, which would be a fault of this program.
    pub fn new(scenario: Scenario, defaults: Defaults) -> Result<Self, SyntheticError> {
        if !(MIN_PROBES..=MAX_PROBES).contains(&scenario.probes) {
            let probes = scenario.probes;
            return Err(SyntheticError::Probes { probes });
        }
        let length = scenario.end.since(scenario.start).unwrap_or_default();
        let is_whole = |time: UnixTime| time.floor(HOUR) == time;
        let is_hourly = [scenario.start, scenario.end, scenario.raw_from]
            .into_iter()
            .all(is_whole);
        if !is_hourly || !(MIN_LENGTH..=MAX_LENGTH).contains(&length) {
            return Err(SyntheticError::Length);
        }
        let incidents = incidents(&scenario, defaults.period);
        let (roster_text, schedule_text) = (
            mesh::roster(scenario.probes),
            mesh::schedule(scenario.probes, &incidents),
        );
        let roster = ippm::wire::roster::parse(roster_text.as_bytes()).expect("the roster was made here");
        let schedule =
            ippm::wire::schedule::parse(schedule_text.as_bytes()).expect("the schedule was made here");
        let plans = Plans::new(Arc::new(roster), Arc::new(schedule), defaults)?;
        Ok(Self {
            scenario,
            roster_text,
            schedule_text,
            plans,
            period: defaults.period,
            pairs: pairs(scenario.probes),
            incidents,
        })
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The probes as a `probes.json`.
    #[must_use]
    pub fn roster_text(&self) -> &str {
        &self.roster_text
    }

    /// The schedule, with the announced work, as a `schedule.json`.
    #[must_use]
    pub fn schedule_text(&self) -> &str {
        &self.schedule_text
    }

    /// The probes.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        self.plans.roster()
    }

    /// The schedule.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        self.plans.schedule()
    }

    /// What goes wrong besides the bursts of loss, in the order of time.
    #[must_use]
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// Every pair, family and test that is measured, in the order of a store's answers.
    pub fn subjects(&self) -> impl Iterator<Item = Subject> + '_ {
        self.pairs.iter().map(|pair| self.subject(*pair))
    }

    /// Starts of the slots, ascending.
    pub fn slots(&self) -> impl Iterator<Item = UnixTime> + use<> {
        self.slots_between(self.scenario.start, self.scenario.end)
    }

    /// The test's period.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    fn slots_between(&self, from: UnixTime, to: UnixTime) -> impl Iterator<Item = UnixTime> + use<> {
        let period = self.period;
        std::iter::successors(Some(from), move |slot| Some(slot.saturating_add(period)))
            .take_while(move |slot| *slot < to)
    }

    /// Packets of one result.
    fn packets(&self) -> u64 {
        self.params().count.unwrap_or(1)
    }

    fn params(&self) -> ippm::Params {
        let params = self.plan_of(0).tests.first().map(|test| test.params);
        params.unwrap_or_else(|| default_params(self.period))
    }

    fn plan_of(&self, source: usize) -> Plan {
        let plan = self.plans.nth(source).map(|(_, plan)| plan);
        plan.expect("the roster has every probe of the scenario")
    }

    fn name(&self, probe: usize) -> &ProbeName {
        &self.roster().probes()[probe].name
    }

    fn subject(&self, pair: Pair) -> Subject {
        Subject {
            source: self.name(pair.source).clone(),
            target: self.name(pair.target).clone(),
            family: pair.family,
            test: TestName::icmp(),
        }
    }
}

/// Sorted as a store sorts them: the names of the mesh ascend with their places.
fn pairs(probes: usize) -> Vec<Pair> {
    let of = move |source: usize| {
        let targets = (0..probes).filter(move |target| *target != source);
        targets.flat_map(move |target| {
            [Family::V4, Family::V6].into_iter().map(move |family| Pair {
                source,
                target,
                family,
            })
        })
    };
    (0..probes).flat_map(of).collect()
}
