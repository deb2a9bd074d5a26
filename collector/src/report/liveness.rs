//! Which probes report, and what they say about themselves.

use std::time::Duration;

use ippm::{ProbeName, UnixTime};

use crate::report::view::Freshness;
use crate::store::ledger::ProbeRun;

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
