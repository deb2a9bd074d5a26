//! What became of each result that was to be expected: the accounting that makes silence visible.
//!
//! A slot that nobody reported is as much a fact as one with loss, and whether the probe or the collector was
//! away is another. Classes are computed on reading, from what is stored, and stored nowhere: a better rule
//! tomorrow judges last month as well.
//!
//! # Layout
//!
//! * [`slot`]: what was expected, and which names mean the same probe
//! * [`result`]: what came, and which of several results of one slot counts
//! * [`watch`]: whether a collector was there to take it
//! * [`maintenance`]: announced work, an overlay on any class

pub mod maintenance;
pub mod result;
pub mod slot;
pub mod watch;

use std::fmt;

use crate::UnixTime;
use crate::limit::LossLimit;
use maintenance::Calendar;
use result::{Finding, Run, SlotResult};
use slot::{Aliases, Expected};
use watch::Beats;

/// Class of an expected (pair, family, test, slot), in the order in which they apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// No report, and for a while when it was due no collector was there to take it.
    CollectorGap,
    /// No report, though a collector was there.
    ProbeMissing,
    /// A report is there, but the pair was not measured or is not in it.
    Error,
    /// Measured by a probe that was not fit to measure: it says nothing about the path.
    Suspect,
    /// Nothing was received.
    Down,
    /// Loss above the limit of the display profile.
    Degraded,
    /// Measured, with loss at most at the limit.
    Ok,
}

impl Class {
    /// Every class, in the order in which they apply.
    pub const ALL: [Self; 7] = [
        Self::CollectorGap,
        Self::ProbeMissing,
        Self::Error,
        Self::Suspect,
        Self::Down,
        Self::Degraded,
        Self::Ok,
    ];

    /// The word that the interfaces use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CollectorGap => "collector-gap",
            Self::ProbeMissing => "probe-missing",
            Self::Error => "error",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Degraded => "degraded",
            Self::Ok => "ok",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Everything that is known and may bear on a slot.
///
/// More than belongs to the slot may be given: what does not is passed over. Each call walks through `results` and
/// `runs`, so whoever classifies a month gives each slot its own part.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Stored results.
    pub results: &'a [SlotResult<'a>],
    /// Reports that arrived, empty ones too.
    pub runs: &'a [Run<'a>],
    /// When collectors were there.
    pub beats: &'a Beats,
    /// Names of renamed probes.
    pub aliases: &'a Aliases,
    /// Announced work.
    pub calendar: &'a Calendar,
    /// Whether our own throughput test ran on the path during the slot.
    pub is_loaded: bool,
    /// The display profile's limit of loss.
    pub limit: LossLimit,
    /// The present, before which nothing can be missing.
    pub now: UnixTime,
}

/// The class of a slot, and what else is to be said with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classified<'a> {
    /// The class.
    pub class: Class,
    /// Whether announced work touched the slot; an overlay on any class.
    pub in_maintenance: bool,
    /// Whether our own throughput test ran on the path; an overlay on any class.
    pub is_loaded: bool,
    /// The result that counts, if there is one.
    pub counting: Option<SlotResult<'a>>,
}

/// Classifies `expected`; `None` as long as its result may still come, when the slot is in no sum.
#[must_use]
pub fn classify<'a>(expected: &Expected<'_>, evidence: &Evidence<'a>) -> Option<Classified<'a>> {
    let counting = result::counting(expected, evidence.results, evidence.aliases);
    let class = match counting {
        Some(result) => class_of_result(result, evidence),
        None if evidence.now < expected.due() => return None,
        None => class_of_silence(expected, evidence),
    };
    Some(Classified {
        class,
        in_maintenance: evidence.calendar.covers(expected, evidence.aliases),
        is_loaded: evidence.is_loaded,
        counting: counting.copied(),
    })
}

/// An unmeasured result is an error, whatever the probe's fitness; only a measured one can be doubted.
fn class_of_result(result: &SlotResult<'_>, evidence: &Evidence<'_>) -> Class {
    let is_suspect = || {
        evidence
            .runs
            .iter()
            .any(|run| run.is_suspect && run.is_of(result, evidence.aliases))
    };
    match result.finding {
        Finding::Unmeasured => Class::Error,
        _ if is_suspect() => Class::Suspect,
        finding if finding.is_total_loss() => Class::Down,
        finding if finding.exceeds(evidence.limit) => Class::Degraded,
        _ => Class::Ok,
    }
}

/// A report of the source without the pair is an error, also when no collector was there at the time: it arrived.
fn class_of_silence(expected: &Expected<'_>, evidence: &Evidence<'_>) -> Class {
    let is_reported = evidence.runs.iter().any(|run| {
        evidence.aliases.resolve(run.source) == expected.source && expected.is_in_plan_slot(run.time)
    });
    if is_reported {
        return Class::Error;
    }
    let (watched_from, watched_to) = expected.watched();
    if evidence.beats.have_gap(watched_from, watched_to) {
        Class::CollectorGap
    } else {
        Class::ProbeMissing
    }
}

#[cfg(test)]
mod tests;
