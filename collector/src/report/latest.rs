//! The latest of every pair, and how it stands now.

use std::time::Duration;

use ippm::class::Class;
use ippm::{UnixTime, class};

use crate::report::selection::{Filter, Subject};
use crate::report::view::Freshness;
use crate::store::row::Row;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestQuestion {
    /// Of whom.
    pub filter: Filter,
    /// How far back a result is looked for.
    pub within: Duration,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// One for each subject that is expected now or was measured within the time asked for, ascending.
    pub entries: Vec<LatestEntry>,
    /// How old it is.
    pub freshness: Freshness,
}

/// One subject.
#[derive(Debug, Clone, PartialEq)]
pub struct LatestEntry {
    /// Which one.
    pub subject: Subject,
    /// The latest result as it is stored; `None` if there is none within the time asked for.
    pub row: Option<Row>,
    /// How it stands now.
    pub standing: Standing,
}

/// How a subject stands now: its latest slot that has a class, and its latest result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Class of the latest expected slot that has one; `None` if nothing is expected of the subject now.
    pub class: Option<Class>,
    /// Start of that slot.
    pub slot_start: Option<UnixTime>,
    /// Whether announced work touched it.
    pub in_maintenance: bool,
    /// The period in which a result is expected now; of one that is not expected, the period of its latest result.
    pub period: Option<Duration>,
    /// Start of the latest round that measured it.
    pub last_measured: Option<UnixTime>,
}

impl Standing {
    /// Whether its latest slot brought nothing: no report, or one without it.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        matches!(
            self.class,
            Some(Class::CollectorGap | Class::ProbeMissing | Class::Error)
        )
    }

    /// How long ago the latest round that measured it began; `None` if there is none.
    #[must_use]
    pub fn age(&self, now: UnixTime) -> Option<Duration> {
        Some(now.since(self.last_measured?).unwrap_or(Duration::ZERO))
    }

    /// Whether the latest measurement is older than two periods and the grace of a slot, or there is none.
    #[must_use]
    pub fn is_stale(&self, now: UnixTime) -> bool {
        match (self.age(now), self.period) {
            (Some(age), Some(period)) => 2 * period + class::slot::GRACE < age,
            _ => true,
        }
    }
}
