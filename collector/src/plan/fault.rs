//! Why a plan is refused.

use std::fmt;
use std::time::Duration;

use ippm::plan::Plan;
use ippm::{Bandwidth, Family, Label, ProbeName, TestName, codec};
use thiserror::Error;

use crate::plan::cost::Load;
use crate::plan::window::WindowError;

/// Roster and schedule together make no plan. It has at least one fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", told(.faults))]
pub struct PlanError {
    /// Everything for which it is refused.
    pub faults: Vec<PlanFault>,
}

/// One reason, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanFault {
    /// The file that holds the key.
    pub file: PlanFile,
    /// The key: `tests[2].period`, `limits.probe.pps`.
    pub key: String,
    /// What is wrong there, with the sum and who exceeds it.
    pub problem: Problem,
}

/// The file in which a reason is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFile {
    /// `probes.json`.
    Roster,
    /// `schedule.json`.
    Schedule,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Problem {
    /// A group that no probe belongs to.
    #[error("no probe of the roster is in group {0}")]
    UnknownGroup(Label),
    /// A probe that is not on the roster.
    #[error("the roster has no probe {0}")]
    UnknownProbe(ProbeName),
    /// A pair would begin at a probe that only answers.
    #[error("{0} has the role target and measures nobody")]
    NotSource(ProbeName),
    /// A pair would end at a probe that cannot be reached.
    #[error("{0} has the role source and is measured by nobody")]
    NotTarget(ProbeName),
    /// A rule of a group names somebody else.
    #[error("{probe} is not in group {group}")]
    NotMember {
        /// The probe that the rule names.
        probe: ProbeName,
        /// The group.
        group: Label,
    },
    /// A time window.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// Rounds come every so often, so a test cannot be due between two of them.
    #[error("a test every {} does not fit rounds every {}", codec::duration::encode(*.test), codec::duration::encode(*.plan))]
    Period {
        /// The test's period.
        test: Duration,
        /// The plan's.
        plan: Duration,
    },
    /// A round would not be over in time.
    #[error(
        "a round of it takes {}: its spread of {}, the wait for the last replies and {} for the delivery; it has to be over after {}",
        codec::duration::encode(*.needed), codec::duration::encode(*.spread), codec::duration::encode(ippm::plan::DELIVERY), codec::duration::encode(*.end)
    )]
    Time {
        /// Spread, linger and delivery.
        needed: Duration,
        /// The spread.
        spread: Duration,
        /// When the process has to be gone.
        end: Duration,
    },
    /// More results than a report may hold.
    #[error("probe {probe} would measure {results} results a round, more than {}{}", Plan::MAX_RESULTS, and_others(*.others))]
    Results {
        /// The probe with most of them.
        probe: ProbeName,
        /// Its results.
        results: u64,
        /// How many other probes exceed the limit too.
        others: usize,
    },
    /// More packets than a probe remembers.
    #[error("probe {probe} would send {packets} packets in one round, more than {}{}", Plan::MAX_PACKETS, and_others(*.others))]
    Packets {
        /// The probe with most of them.
        probe: ProbeName,
        /// Its packets when all tests are due.
        packets: u64,
        /// How many other probes exceed the limit too.
        others: usize,
    },
    /// A sum of packets or bits per second.
    #[error(transparent)]
    Over(Box<Over>),
    /// A link would carry more than it can.
    #[error("the link of probe {probe} would carry {} each way, what it sends and what it answers, more than its {capacity}", bandwidth(*.bits))]
    Capacity {
        /// The probe.
        probe: ProbeName,
        /// Bits per second.
        bits: u64,
        /// What the roster says.
        capacity: Bandwidth,
    },
}

/// A budget that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{who} {}, more than {} ({set_by}){}{}", .amount.of(.found), .amount.limit(*.limit), largest_test(.largest.as_ref(), *.amount), and_others(*.others))]
pub struct Over {
    /// Who exceeds it most.
    pub who: Who,
    /// What was summed up.
    pub amount: Amount,
    /// The sum.
    pub found: Load,
    /// The limit, packets or bits per second.
    pub limit: u64,
    /// Who set it: `plan.pps`, `limits.site.pps`, `xprobe`.
    pub set_by: String,
    /// The test that weighs most in the sum, and its part.
    pub largest: Option<(TestName, Load)>,
    /// How many others exceed it too.
    pub others: usize,
}

/// Whose sum it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// One probe to one address of another.
    Address(ProbeName, ProbeName, Family),
    /// One probe to another.
    Pair(ProbeName, ProbeName),
    /// One probe to all its targets.
    Probe(ProbeName),
    /// All probes of a site.
    Site(String),
    /// All probes to one target.
    Target(ProbeName),
}

/// What is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amount {
    /// Packets per second.
    Packets,
    /// Bits per second, in one direction.
    Bits,
}

impl PlanError {
    /// Most faults that the text tells.
    pub const TOLD: usize = 16;

    pub(super) fn new(faults: Vec<PlanFault>) -> Self {
        Self { faults }
    }
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(source, target, family) => {
                write!(f, "probe {source} would send {target} over IPv{family}")
            }
            Self::Pair(source, target) => write!(f, "probe {source} would send {target}"),
            Self::Probe(probe) => write!(f, "probe {probe} would send"),
            Self::Site(site) => write!(f, "the probes at site {site} would send"),
            Self::Target(target) => write!(f, "all probes together would send {target}"),
        }
    }
}

impl Amount {
    /// The load in the finest unit that is kept of it.
    pub(super) fn raw(self, load: &Load) -> u64 {
        match self {
            Self::Packets => load.micro_pps,
            Self::Bits => load.bits,
        }
    }

    /// The load in the unit of limits, rounded up.
    pub(super) fn in_units(self, load: &Load) -> u64 {
        match self {
            Self::Packets => load.micro_pps.div_ceil(1_000_000),
            Self::Bits => load.bits,
        }
    }

    fn of(self, load: &Load) -> String {
        match self {
            Self::Packets => format!("{} packets/s", load.pps()),
            Self::Bits => bandwidth(load.bits),
        }
    }

    fn limit(self, limit: u64) -> String {
        match self {
            Self::Packets => limit.to_string(),
            Self::Bits => bandwidth(limit),
        }
    }
}

/// Bits per second for people: at most three decimals of the largest unit, rounded up, so that a sum above a limit
/// never looks like the limit.
pub(crate) fn bandwidth(bits: u64) -> String {
    let (unit, name) = [
        (1_000_000_000_000_u64, "Tbit/s"),
        (1_000_000_000, "Gbit/s"),
        (1_000_000, "Mbit/s"),
        (1_000, "kbit/s"),
    ]
    .into_iter()
    .find(|(unit, _)| *unit <= bits)
    .unwrap_or((1, "bit/s"));
    let thousandths = u128::from(bits) * 1000;
    format!("{} {name}", decimal(thousandths.div_ceil(u128::from(unit))))
}

/// A number of thousandths as a decimal fraction without zeros at its end.
pub(crate) fn decimal(thousandths: u128) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn largest_test(largest: Option<&(TestName, Load)>, amount: Amount) -> String {
    largest.map_or_else(String::new, |(test, load)| {
        format!("; test {test} alone {}", amount.of(load))
    })
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => "; one other too".to_owned(),
        _ => format!("; {others} others too"),
    }
}

fn told(faults: &[PlanFault]) -> String {
    let mut text: Vec<String> = faults
        .iter()
        .take(PlanError::TOLD)
        .map(ToString::to_string)
        .collect();
    if faults.len() > PlanError::TOLD {
        text.push(format!("and {} more", faults.len() - PlanError::TOLD));
    }
    text.join("; ")
}
