//! What a store is asked for: of whom, of which time, with which parts.

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::cell::HOUR;
use ippm::class::slot::GRACE;
use ippm::plan::MAX_PERIOD;
use ippm::{ProbeName, UnixTime};

use super::Wanted;
use crate::plan::span::Spans;
use crate::report::segment::Segment;
use crate::report::selection::Subject;
use crate::report::view::View;
use crate::store::row::Parts;

/// Of whom something is read, among those that were asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of<'a> {
    /// Of all.
    All,
    /// Of all but those whom these sources measure.
    AllBut(&'a BTreeSet<ProbeName>),
    /// Of those whom these sources measure.
    Sources(&'a BTreeSet<ProbeName>),
    /// Of these, and only for their account.
    Account(&'a [Subject]),
}

impl<'a> Of<'a> {
    pub(super) fn is_account(self) -> bool {
        matches!(self, Self::Account(_))
    }

    pub(super) fn reads(self, subject: &Subject) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(sources) => !sources.contains(&subject.source),
            Self::Sources(sources) => sources.contains(&subject.source),
            Self::Account(subjects) => subjects.contains(subject),
        }
    }

    /// Which sources the store is asked for; `None`: for all.
    pub(super) fn sources(self) -> Option<BTreeSet<&'a ProbeName>> {
        match self {
            Self::All | Self::AllBut(_) => None,
            Self::Sources(sources) => Some(sources.iter().collect()),
            Self::Account(subjects) => Some(subjects.iter().map(|subject| &subject.source).collect()),
        }
    }
}

/// How far behind a segment a round may begin whose slot begins in it: no further than the present.
pub(super) fn straddle(segment: Segment, view: &View<'_>) -> Duration {
    let is_whole = segment.to == segment.to.floor(MAX_PERIOD);
    let left = view.now.since(segment.to).unwrap_or(Duration::ZERO);
    if is_whole {
        Duration::ZERO
    } else {
        left.min(MAX_PERIOD)
    }
}

pub(super) fn parts(wanted: Wanted, account_only: bool) -> Parts {
    let figures = !account_only && wanted != Wanted::Account;
    Parts {
        counts: true,
        delay: figures,
        hist: figures && wanted == Wanted::Percentiles,
        slices: false,
        icmp: figures && wanted == Wanted::Percentiles,
        meta: false,
    }
}

/// Hours between two others that are read with them: fewer questions, and hardly more answers.
const PASSED_OVER: Duration = Duration::from_hours(6);

/// The times that `hours`, ascending, need of the ledger: a slot is watched until after its end.
pub(super) fn watched<'a>(hours: impl Iterator<Item = &'a UnixTime>) -> Vec<(UnixTime, UnixTime)> {
    let of = |hour: &UnixTime| (*hour, hour.saturating_add(HOUR + MAX_PERIOD + GRACE));
    joined(hours.map(of), PASSED_OVER)
}

/// The times of beats that tell who listened in `spans`.
pub(super) fn due(spans: &Spans) -> Vec<(UnixTime, UnixTime)> {
    joined(spans.as_slice().iter().map(|span| (span.from(), span.to())), HOUR)
}

/// `spans`, which begin and end one after the other, those at most `apart` as one.
fn joined(spans: impl Iterator<Item = (UnixTime, UnixTime)>, apart: Duration) -> Vec<(UnixTime, UnixTime)> {
    let mut joined: Vec<(UnixTime, UnixTime)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some((_, last)) if from <= last.saturating_add(apart) => *last = to,
            _ => joined.push((from, to)),
        }
    }
    joined
}
