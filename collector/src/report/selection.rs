//! What is asked for: a bounded span of time, a step, and which pairs.

use std::time::Duration;

use ippm::{Family, ProbeName, TestName, UnixTime, codec};
use thiserror::Error;

use crate::plan::history::Pair;
use crate::report::directory::Directory;

/// A span of time, from its first instant to the first one behind it.
///
/// Invariant: not empty, at most [`Window::WIDEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: UnixTime,
    to: UnixTime,
}

impl Window {
    /// Longest window that is asked for: ten years, as long as day cells are kept.
    pub const LONGEST: Duration = Duration::from_hours(24 * 3660);
    /// Longest window: one that is asked for, widened to whole points at both ends.
    pub const WIDEST: Duration = Self::LONGEST.saturating_add(Step::LONGEST.saturating_mul(2));

    /// The window from `from` up to, but without, `to`.
    ///
    /// # Errors
    ///
    /// [`SelectionError`] if it is empty or longer than [`Window::WIDEST`].
    pub fn new(from: UnixTime, to: UnixTime) -> Result<Self, SelectionError> {
        Self::within(Self::WIDEST, from, to)
    }

    /// The window from `from` up to, but without, `to`, as somebody asks for it.
    ///
    /// # Errors
    ///
    /// [`SelectionError`] if it is empty or longer than [`Window::LONGEST`].
    pub fn asked(from: UnixTime, to: UnixTime) -> Result<Self, SelectionError> {
        Self::within(Self::LONGEST, from, to)
    }

    /// The `length` before `now`, as somebody asks for it.
    ///
    /// # Errors
    ///
    /// As [`Window::asked`].
    pub fn last(length: Duration, now: UnixTime) -> Result<Self, SelectionError> {
        Self::asked(now.saturating_sub(length), now)
    }

    fn within(most: Duration, from: UnixTime, to: UnixTime) -> Result<Self, SelectionError> {
        match to.since(from) {
            None | Some(Duration::ZERO) => Err(SelectionError::Empty),
            Some(length) if most < length => Err(SelectionError::TooLong { length }),
            Some(_) => Ok(Self { from, to }),
        }
    }

    /// The `length` before `now`, and if that is a day or more, the rest of the hour in which it begins: an hour that
    /// is not cut is read from its cell, and not from some thousand single results.
    ///
    /// # Errors
    ///
    /// As [`Window::new`].
    pub fn last_in_hours(length: Duration, now: UnixTime) -> Result<Self, SelectionError> {
        let last = Self::last(length, now)?;
        if length < DAY {
            return Ok(last);
        }
        Self::new(last.from.floor(HOUR), now)
    }

    /// The first instant.
    #[must_use]
    pub const fn from(self) -> UnixTime {
        self.from
    }

    /// The first instant behind it.
    #[must_use]
    pub const fn to(self) -> UnixTime {
        self.to
    }

    /// How long it is.
    #[must_use]
    pub fn length(self) -> Duration {
        self.to.since(self.from).unwrap_or(Duration::ZERO)
    }

    /// Whether `time` lies in it.
    #[must_use]
    pub fn contains(self, time: UnixTime) -> bool {
        self.from <= time && time < self.to
    }
}

/// How far apart the points of a series begin.
///
/// Invariant: whole seconds, at least [`Step::SHORTEST`]; up to a day a divisor of it, above a multiple of it.
/// Points therefore begin at the same times of every day (UTC); steps of whole weeks begin on Mondays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(Duration);

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);

impl Step {
    /// Shortest step: the shortest period of a plan, below which no two rounds can differ.
    pub const SHORTEST: Duration = ippm::plan::MIN_PERIOD;
    /// Longest step.
    pub const LONGEST: Duration = Duration::from_hours(24 * 364);
    /// One hour: the length of an hour cell.
    pub const HOUR: Self = Self(HOUR);
    /// One day: the length of a day cell.
    pub const DAY: Self = Self(DAY);

    /// A step of `length`.
    ///
    /// # Errors
    ///
    /// [`SelectionError::Step`] if points would not begin at the same times of every day, or beyond the limits.
    pub fn new(length: Duration) -> Result<Self, SelectionError> {
        let is_even = if length <= DAY {
            0 < length.as_nanos() && DAY.as_nanos().is_multiple_of(length.as_nanos())
        } else {
            length.as_nanos().is_multiple_of(DAY.as_nanos())
        };
        let is_whole = length.subsec_nanos() == 0;
        if is_even && is_whole && (Self::SHORTEST..=Self::LONGEST).contains(&length) {
            Ok(Self(length))
        } else {
            Err(SelectionError::Step { length })
        }
    }

    /// The step that suits a window of `length` when none is asked for.
    ///
    /// Below 3 d 10 min; below 7 d 20 to 40 min; below 28 d about as many hours as weeks; up to 210 d one day; else
    /// one week.
    #[must_use]
    pub fn suiting(length: Duration) -> Self {
        let minutes = |minutes: u64| Self(Duration::from_mins(minutes));
        match length.as_secs() / DAY.as_secs() {
            0..3 => minutes(10),
            3 => minutes(20),
            4..6 => minutes(30),
            6 => minutes(40),
            7..11 => Self(HOUR),
            11..18 => Self(2 * HOUR),
            18..25 => Self(3 * HOUR),
            25..28 => Self(4 * HOUR),
            28..=210 => Self(DAY),
            _ => Self(WEEK),
        }
    }

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> Duration {
        self.0
    }

    /// The start of the point to which `time` belongs.
    #[must_use]
    pub fn floor(self, time: UnixTime) -> UnixTime {
        // The epoch was a Thursday; four days later came the first Monday.
        let monday = if self.0.as_nanos().is_multiple_of(WEEK.as_nanos()) {
            4 * DAY
        } else {
            Duration::ZERO
        };
        time.saturating_sub(monday).floor(self.0).saturating_add(monday)
    }

    /// How many points at most a series of `window` has.
    #[must_use]
    pub fn points(self, window: Window) -> u64 {
        let first = self.floor(window.from);
        let span = window.to.since(first).unwrap_or(Duration::ZERO);
        u64::try_from(span.as_nanos().div_ceil(self.0.as_nanos())).unwrap_or(u64::MAX)
    }
}

/// Which pairs, families and tests. An absent condition lets everything pass; all that are present have to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Pairs that this probe measures.
    pub source: Option<ProbeName>,
    /// Pairs in which this probe is measured.
    pub target: Option<ProbeName>,
    /// Pairs whose source is at this site.
    pub source_site: Option<String>,
    /// Pairs whose target is at this site.
    pub target_site: Option<String>,
    /// Results of this family.
    pub family: Option<Family>,
    /// Results of this test.
    pub test: Option<TestName>,
}

impl Filter {
    /// Only `subject`.
    #[must_use]
    pub fn of(subject: &Subject) -> Self {
        Self {
            source: Some(subject.source.clone()),
            target: Some(subject.target.clone()),
            family: Some(subject.family),
            test: Some(subject.test.clone()),
            ..Self::default()
        }
    }

    /// Whether `subject`, which bears present names, passes.
    #[must_use]
    pub fn matches(&self, subject: &Subject, directory: &Directory) -> bool {
        let at = |site: &Option<String>, name| {
            site.as_deref()
                .is_none_or(|site| directory.site(name) == Some(site))
        };
        let is = |wanted: &Option<ProbeName>, name: &ProbeName| {
            wanted
                .as_ref()
                .is_none_or(|wanted| directory.resolve(wanted) == name)
        };
        is(&self.source, &subject.source)
            && is(&self.target, &subject.target)
            && self.family.is_none_or(|family| family == subject.family)
            && self.test.as_ref().is_none_or(|test| *test == subject.test)
            && at(&self.source_site, &subject.source)
            && at(&self.target_site, &subject.target)
    }
}

/// What a figure is about: one test of one pair over one family. Names are the present ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The probe that measures.
    pub source: ProbeName,
    /// The probe that is measured.
    pub target: ProbeName,
    /// The address family.
    pub family: Family,
    /// The test.
    pub test: TestName,
}

impl Subject {
    /// The subject by present names.
    #[must_use]
    pub fn present(&self, directory: &Directory) -> Self {
        Self {
            source: directory.resolve(&self.source).clone(),
            target: directory.resolve(&self.target).clone(),
            ..self.clone()
        }
    }
}

impl From<Pair<'_>> for Subject {
    fn from(pair: Pair<'_>) -> Self {
        Self {
            source: pair.source.clone(),
            target: pair.target.clone(),
            family: pair.family,
            test: pair.test.clone(),
        }
    }
}

/// Most points of one series.
pub const MAX_POINTS: u64 = 10_000;
/// Most rounds in one list.
pub const MAX_ROUNDS: usize = 10_000;
/// Longest window of which single rounds are listed.
pub const MAX_ROUNDS_WINDOW: Duration = Duration::from_hours(24 * 31);

/// Why a question cannot be answered as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// `to` is not behind `from`.
    #[error("the range is empty: its end is not after its beginning")]
    Empty,
    /// Longer than any window.
    #[error("a range of {} d is longer than {} d", .length.as_secs() / 86_400, Window::LONGEST.as_secs() / 86_400)]
    TooLong {
        /// What was asked for.
        length: Duration,
    },
    /// Longer than the window of a list of rounds.
    #[error("single rounds are listed for at most {} d, not for {} d", MAX_ROUNDS_WINDOW.as_secs() / 86_400, .length.as_secs() / 86_400)]
    TooLongForRounds {
        /// What was asked for.
        length: Duration,
    },
    /// No step.
    #[error(
        "a step of {} is none: it has whole seconds, {} to {} d, and divides a day or is a multiple of it",
        codec::duration::encode(*.length), codec::duration::encode(Step::SHORTEST), Step::LONGEST.as_secs() / 86_400
    )]
    Step {
        /// What was asked for.
        length: Duration,
    },
    /// Too many points.
    #[error("{found} points are more than {MAX_POINTS}: a longer step or a shorter range is needed")]
    TooManyPoints {
        /// How many it would be.
        found: u64,
    },
    /// Too many rounds.
    #[error("more than {MAX_ROUNDS} rounds: a shorter range is needed")]
    TooManyRounds,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_ns(seconds * 1_000_000_000)
    }

    #[test]
    fn a_window_is_neither_empty_nor_longer_than_the_cells_are_kept() {
        assert_eq!(Window::new(at(5), at(5)), Err(SelectionError::Empty));
        assert_eq!(Window::new(at(5), at(4)), Err(SelectionError::Empty));
        let longest = i64::try_from(Window::LONGEST.as_secs()).unwrap();
        assert!(Window::asked(at(0), at(longest)).is_ok());
        let error = Window::asked(at(0), at(longest + 86_400)).unwrap_err();
        assert_eq!(error.to_string(), "a range of 3661 d is longer than 3660 d");
    }

    #[test]
    fn a_last_day_begins_with_a_full_hour_and_what_is_shorter_where_it_was_asked_for() {
        let now = at(86_400 * 20_000 + 3600 * 10 + 60 * 37 + 12);
        let starts = |hours: u64| {
            let window = Window::last_in_hours(Duration::from_hours(hours), now).unwrap();
            assert_eq!(window.to(), now);
            window.from()
        };
        assert_eq!(starts(24), at(86_400 * 19_999 + 3600 * 10));
        assert_eq!(starts(25), at(86_400 * 19_999 + 3600 * 9));
        assert_eq!(starts(23), now.saturating_sub(Duration::from_hours(23)));
        assert_eq!(starts(24 * 3660), at(86_400 * (20_000 - 3660) + 3600 * 10));
        let full = at(86_400 * 20_000);
        let window = Window::last_in_hours(DAY, full).unwrap();
        assert_eq!(window, Window::last(DAY, full).unwrap());
    }

    #[test]
    fn the_longest_window_that_is_asked_for_can_be_widened_to_whole_points_of_any_length() {
        for days in [1, 7, 364] {
            let step = Step::new(days * DAY).unwrap();
            // Begun and ended a second off a whole point, which adds nearly a step at each end.
            let whole = step.floor(at(1_795_255_500));
            let from = whole.saturating_sub(Duration::from_secs(1));
            let asked = Window::asked(from, from.saturating_add(Window::LONGEST)).unwrap();
            let to = step.floor(asked.to()).saturating_add(step.length());
            assert!(Window::new(step.floor(asked.from()), to).is_ok(), "{days} d");
        }
    }

    #[test]
    fn a_step_begins_at_the_same_times_of_every_day() {
        for seconds in [20, 300, 600, 1200, 1800, 2400, 3600, 14_400, 86_400, 604_800] {
            assert!(Step::new(Duration::from_secs(seconds)).is_ok(), "{seconds}");
        }
        for seconds in [0, 10, 35, 7000, 86_401, 90_000, 86_400 * 365] {
            let length = Duration::from_secs(seconds);
            assert_eq!(
                Step::new(length),
                Err(SelectionError::Step { length }),
                "{seconds}"
            );
        }
        assert_eq!(
            Step::new(Duration::from_secs(35)).unwrap_err().to_string(),
            "a step of 35s is none: it has whole seconds, 20s to 364 d, and divides a day or is a multiple of it"
        );
    }

    #[test]
    fn weeks_begin_on_mondays() {
        let week = Step::new(WEEK).unwrap();
        // 2026-11-21 is a Saturday, its Monday is the 16th.
        let monday = at(1_794_787_200);
        assert_eq!(week.floor(at(1_795_255_500)), monday);
        assert_eq!(week.floor(monday), monday);
    }

    #[test]
    fn the_automatic_step_follows_the_table() {
        let suits = |hours: u64| Step::suiting(Duration::from_hours(hours)).length().as_secs() / 60;
        let table = [
            (3, 10),
            (24, 10),
            (71, 10),
            (72, 20),
            (96, 30),
            (144, 40),
            (168, 60),
            (336, 120),
        ];
        for (hours, minutes) in table {
            assert_eq!(suits(hours), minutes, "{hours} h");
        }
        for (days, minutes) in [(27, 240), (30, 1440), (210, 1440), (365, 7 * 1440)] {
            assert_eq!(suits(24 * days), minutes, "{days} d");
        }
    }

    #[test]
    fn every_automatic_step_is_a_step() {
        for hours in 1..24 * 400 {
            let step = Step::suiting(Duration::from_hours(hours));
            assert_eq!(Step::new(step.length()), Ok(step));
        }
    }

    #[test]
    fn a_point_that_the_window_cuts_counts() {
        let window = Window::new(at(599), at(1201)).unwrap();
        assert_eq!(Step::suiting(window.length()).points(window), 3);
    }
}
