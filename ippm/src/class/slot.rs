//! What was expected of one pair in one slot.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Family, ProbeName, TestName, UnixTime, plan};

/// How long after its end a slot may still be reported before something is missing.
///
/// The probe has to be gone at 99 % of the period; the rest is for the way and for the store.
pub const GRACE: Duration = Duration::from_mins(1);

/// One expected result, as the plan in force at the slot's start asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The probe that was to measure, by its present name.
    pub source: &'a ProbeName,
    /// Where the source is, if the roster says so.
    pub source_site: Option<&'a str>,
    /// The probe that was to be measured, by its present name.
    pub target: &'a ProbeName,
    /// Where the target is, if the roster says so.
    pub target_site: Option<&'a str>,
    /// The address family.
    pub family: Family,
    /// The test.
    pub test: &'a TestName,
    /// The test's period: the length of the slot.
    pub period: Duration,
    /// The period of the whole plan: a report of the source lies in the plan slot with the same start.
    pub plan_period: Duration,
    /// Over how long the packets were to be spread.
    pub spread: Duration,
    /// How many packets were to be sent.
    pub count: u64,
    /// Start of the slot, a multiple of the period.
    pub slot_start: UnixTime,
}

impl Expected<'_> {
    /// The first instant behind the slot.
    #[must_use]
    pub fn slot_end(&self) -> UnixTime {
        self.slot_start.saturating_add(self.period)
    }

    /// From when on a result that is not there is missing.
    #[must_use]
    pub fn due(&self) -> UnixTime {
        self.slot_end().saturating_add(GRACE)
    }

    /// The span in which a collector had to be there to take the report: from the last departure that was due
    /// until [`Expected::due`], both included.
    #[must_use]
    pub fn watched(&self) -> (UnixTime, UnixTime) {
        let last = plan::departure(self.spread, self.count, self.count.saturating_sub(1));
        (
            self.slot_start.saturating_add(last.unwrap_or(Duration::ZERO)),
            self.due(),
        )
    }

    /// Whether a round that began at `time` belongs to the slot.
    #[must_use]
    pub fn is_in_slot(&self, time: UnixTime) -> bool {
        self.slot_start <= time && time < self.slot_end()
    }

    /// Whether a round that began at `time` belongs to the plan slot that begins with the slot.
    #[must_use]
    pub fn is_in_plan_slot(&self, time: UnixTime) -> bool {
        self.slot_start <= time && time < self.slot_start.saturating_add(self.plan_period)
    }
}

/// Former names of probes. Stored results keep the name that they came with; it is resolved on reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aliases(BTreeMap<ProbeName, ProbeName>);

impl Aliases {
    /// No probe was ever renamed.
    pub const NONE: Self = Self(BTreeMap::new());

    /// The present name behind `name`; the name itself if it is no former one.
    #[must_use]
    pub fn resolve<'a>(&'a self, name: &'a ProbeName) -> &'a ProbeName {
        self.0.get(name).unwrap_or(name)
    }

    /// Every former name with the present one, ascending by the former.
    pub fn iter(&self) -> impl Iterator<Item = (&ProbeName, &ProbeName)> {
        self.0.iter()
    }
}

impl FromIterator<(ProbeName, ProbeName)> for Aliases {
    /// Collects pairs of former and present name.
    fn from_iter<I: IntoIterator<Item = (ProbeName, ProbeName)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
