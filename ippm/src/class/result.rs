//! What came: results, and the reports that brought them.

use std::cmp::{Ordering, Reverse};
use std::time::Duration;

use super::slot::{Aliases, Expected};
use crate::limit::LossLimit;
use crate::{Family, ProbeName, TestName, UnixTime};

/// What a stored result says about loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// A marker: nothing could be measured.
    Unmeasured,
    /// Packets were counted.
    Counted {
        /// Packets that left the source.
        sent: u64,
        /// Packets answered within the waiting time.
        received: u64,
    },
    /// A ratio without packet counts, as a probe of the original IXPQoS posts it.
    Ratio {
        /// Lost ÷ sent, 0 to 1.
        loss: f64,
    },
}

impl Finding {
    /// Packets sent; none where they were not counted.
    const fn sent(self) -> u64 {
        match self {
            Self::Counted { sent, .. } => sent,
            Self::Unmeasured | Self::Ratio { .. } => 0,
        }
    }

    /// Whether it was measured and nothing came back.
    pub(super) fn is_total_loss(self) -> bool {
        match self {
            Self::Unmeasured => false,
            Self::Counted { received, .. } => received == 0,
            Self::Ratio { loss } => 1.0 <= loss,
        }
    }

    /// Whether it was measured with more loss than `limit`.
    pub(super) fn exceeds(self, limit: LossLimit) -> bool {
        match self {
            Self::Unmeasured => false,
            Self::Counted { sent, received } => limit.is_exceeded_by(sent.saturating_sub(received), sent),
            Self::Ratio { loss } => limit.is_exceeded_by_ratio(loss),
        }
    }
}

/// One stored result, as far as its slot is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlotResult<'a> {
    /// The probe that measured, as its report named it.
    pub source: &'a ProbeName,
    /// The probe that was measured, as the report named it.
    pub target: &'a ProbeName,
    /// The address family.
    pub family: Family,
    /// The test.
    pub test: &'a TestName,
    /// The period of the test when it was measured: a result of another period belongs to no slot of this one.
    pub period: Duration,
    /// Start of the round.
    pub time: UnixTime,
    /// What it says.
    pub finding: Finding,
}

impl SlotResult<'_> {
    /// Orders the results of one slot by which of them counts: the least does.
    ///
    /// Measured before unmeasured, more packets sent, earlier, smaller source name as bytes. Whether the probe
    /// was fit plays no part.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        let rank = |result: &Self| {
            (
                result.finding == Finding::Unmeasured,
                Reverse(result.finding.sent()),
                result.time,
            )
        };
        rank(self)
            .cmp(&rank(other))
            .then_with(|| self.source.cmp(other.source))
    }

    fn belongs_to(&self, expected: &Expected<'_>, aliases: &Aliases) -> bool {
        expected.is_in_slot(self.time)
            && self.period == expected.period
            && self.family == expected.family
            && self.test == expected.test
            && aliases.resolve(self.source) == expected.source
            && aliases.resolve(self.target) == expected.target
    }
}

/// One report that arrived, by its own record (`ProbeRun`) in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// The probe that reported, as the report named it.
    pub source: &'a ProbeName,
    /// Start of the round.
    pub time: UnixTime,
    /// Whether the probe was not fit to measure in this round.
    pub is_suspect: bool,
}

impl Run<'_> {
    /// Whether `result` came with this report.
    pub(super) fn is_of(&self, result: &SlotResult<'_>, aliases: &Aliases) -> bool {
        self.time == result.time && aliases.resolve(self.source) == aliases.resolve(result.source)
    }
}

/// The one of `results` that counts for `expected`; `None` if none of them belongs to its slot.
#[must_use]
pub fn counting<'r, 'a>(
    expected: &Expected<'_>,
    results: &'r [SlotResult<'a>],
    aliases: &Aliases,
) -> Option<&'r SlotResult<'a>> {
    results
        .iter()
        .filter(|result| result.belongs_to(expected, aliases))
        .min_by(|left, right| left.precedence(right))
}
