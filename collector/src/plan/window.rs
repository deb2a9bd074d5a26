//! Time windows: when a test is done, on the clock of the place that the operator named.
//!
//! The rules of time zones come from the database that is built into the collector, never from the host, so that
//! collectors of one release agree on every slot.
//!
//! A window is one span for each day on which it begins. Each of its ends is the instant at which the local clock
//! shows that time: of a time that it shows twice, when clocks are put back, the first; of a time that it skips,
//! when they are put forward, the instant of the change. So a night of 01:00-05:00 lasts three hours or five when
//! clocks change, a window that lies wholly inside what was skipped is not there on that day, and of two windows
//! that meet at one time the second always begins where the first ends.

use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use ippm::UnixTime;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use thiserror::Error;

use crate::plan::span::{Span, Spans};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// When a test is done: in any of its windows, always if it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows(Arc<[Window]>);

/// One window, as a record names it: `mon-fri 22:00-06:00 Europe/Rome`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Window {
    /// Days on which it begins; Monday is bit 0.
    days: u8,
    /// Minutes of the day at which it begins and ends; an end that is not later lies in the next day.
    from: u16,
    to: u16,
    zone: TimeZone,
}

/// Why a text is not a time window.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowError {
    /// Another form.
    #[error("{found:?} is no window like \"mon-fri 22:00-06:00 Europe/Rome\"")]
    Form {
        /// The text.
        found: String,
    },
    /// The time zone is not in the database of this release, or is written otherwise there.
    #[error("{found:?} is no time zone that this release knows, like \"Europe/Rome\" or \"UTC\"")]
    Zone {
        /// The name.
        found: String,
    },
}

impl Windows {
    /// The windows that `texts` name.
    ///
    /// # Errors
    ///
    /// [`WindowError`] of the first that is none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Self, WindowError> {
        texts
            .into_iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether there is no window, so that the test is always done.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of them is open at `time`.
    #[must_use]
    pub fn is_open(&self, time: UnixTime) -> bool {
        self.is_always() || self.0.iter().any(|window| window.is_open(time))
    }

    /// When any of them is open within `span`.
    #[must_use]
    pub fn open_within(&self, span: Span) -> Spans {
        if self.is_always() {
            return Spans::of([span]);
        }
        Spans::of(self.0.iter().flat_map(|window| window.spans(span)))
    }
}

impl Window {
    fn is_open(&self, time: UnixTime) -> bool {
        let span = Span::new(time, time.saturating_add(std::time::Duration::from_nanos(1)));
        self.spans(span).next().is_some()
    }

    /// Its spans that meet `within`, cut to it.
    fn spans(&self, within: Span) -> impl Iterator<Item = Span> {
        // One day more on each side: a window may begin on the day before, and where clocks are put back over
        // midnight the day after has begun already.
        let first = self.day(within.from()).saturating_sub(1.day());
        let last = self.day(within.to()).saturating_add(1.day());
        first
            .series(1.day())
            .take_while(move |day| *day <= last)
            .filter(|day| self.days & bit(day.weekday()) != 0)
            .map(|day| self.span(day))
            .filter_map(move |span| span.intersection(within))
    }

    fn span(&self, day: Date) -> Span {
        let ends_on = if self.from < self.to {
            day
        } else {
            day.saturating_add(1.day())
        };
        Span::new(self.instant(day, self.from), self.instant(ends_on, self.to))
    }

    /// The instant at which the local clock shows `minutes` of `day`; see the module.
    fn instant(&self, day: Date, minutes: u16) -> UnixTime {
        let (day, minutes) = if minutes == MINUTES {
            (day.saturating_add(1.day()), 0)
        } else {
            (day, minutes)
        };
        let clock = Time::constant(
            i8::try_from(minutes / 60).unwrap_or(0),
            i8::try_from(minutes % 60).unwrap_or(0),
            0,
            0,
        );
        let shown = DateTime::from_parts(day, clock);
        let at = |offset: Offset| offset.to_timestamp(shown).ok();
        let instant = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => at(offset),
            // The larger offset is that of the first of the two.
            AmbiguousOffset::Fold { before, .. } => at(before),
            AmbiguousOffset::Gap { before, .. } => at(before).map(|not_before| self.change(not_before)),
        };
        instant.map_or(UnixTime::from_ns(i64::MAX), unix)
    }

    /// The last change of the clocks that is not after `time`.
    fn change(&self, time: Timestamp) -> Timestamp {
        let behind = time.saturating_add(1.nanosecond()).unwrap_or(time);
        self.zone
            .preceding(behind)
            .next()
            .map_or(time, |change| change.timestamp())
    }

    fn day(&self, time: UnixTime) -> Date {
        let time = Timestamp::from_nanosecond(i128::from(time.as_ns())).unwrap_or(Timestamp::MAX);
        self.zone.to_datetime(time).date()
    }
}

/// Minutes of a day.
const MINUTES: u16 = 24 * 60;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let form = || WindowError::Form {
            found: text.chars().take(128).collect(),
        };
        let parts: Vec<&str> = text.split(' ').collect();
        let (days, hours, zone) = match parts[..] {
            [days, hours, zone] => (days_of(days).ok_or_else(form)?, hours, zone),
            [hours, zone] => (0x7f, hours, zone),
            _ => return Err(form()),
        };
        let (from, to) = hours.split_once('-').ok_or_else(form)?;
        let (from, to) = (
            minutes_of(from).ok_or_else(form)?,
            minutes_of(to).ok_or_else(form)?,
        );
        if from == MINUTES || from == to {
            return Err(form());
        }
        Ok(Self {
            days,
            from,
            to,
            zone: find_zone(zone)?,
        })
    }
}

/// The time zone with exactly this name.
fn find_zone(name: &str) -> Result<TimeZone, WindowError> {
    let unknown = || WindowError::Zone {
        found: name.chars().take(128).collect(),
    };
    let zone = ZONES.get(name).map_err(|_| unknown())?;
    let is_exact = zone.iana_name() == Some(name) && !zone.is_unknown();
    is_exact.then_some(zone).ok_or_else(unknown)
}

fn days_of(text: &str) -> Option<u8> {
    let index = |name: &str| DAYS.iter().position(|(known, _)| *known == name);
    let mut days = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        // `sat-mon` goes over the end of the week.
        let length = (last + 7 - first) % 7;
        for day in first..=first + length {
            days |= 1_u8 << (day % 7);
        }
    }
    Some(days)
}

fn minutes_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let is_two_digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        is_two_digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MINUTES).then_some(total)
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

fn unix(time: Timestamp) -> UnixTime {
    let ns = time.as_nanosecond();
    UnixTime::from_ns(i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests;
