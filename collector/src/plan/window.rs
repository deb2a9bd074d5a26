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

use std::sync::{Arc, LazyLock};

use ippm::UnixTime;
use ippm::schedule::window::{self, Window};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan as _};
use thiserror::Error;

use crate::plan::span::{Span, Spans};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// When a test is done: in any of its windows, always if it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windows(Arc<[Zoned]>);

/// One window and the rules of its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Zoned {
    window: Window,
    zone: TimeZone,
}

/// Why a text is not a time window that can be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowError {
    /// Another form.
    #[error("{found:?}: {fault}")]
    Form {
        /// The text.
        found: String,
        /// What is wrong with it.
        fault: window::WindowError,
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
        let read = |text: &String| {
            let window = text.parse().map_err(|fault| WindowError::Form {
                found: text.chars().take(Window::MAX_BYTES).collect(),
                fault,
            })?;
            Zoned::new(window)
        };
        texts.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The windows themselves.
    ///
    /// # Errors
    ///
    /// [`WindowError`] of the first whose zone is not known.
    pub fn new(windows: &[Window]) -> Result<Self, WindowError> {
        let zoned = windows.iter().cloned().map(Zoned::new);
        zoned.collect::<Result<_, _>>().map(Self)
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

impl Zoned {
    fn new(window: Window) -> Result<Self, WindowError> {
        let zone = find_zone(window.zone().as_str())?;
        Ok(Self { window, zone })
    }

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
            .filter(|day| self.opens_on(*day))
            .map(|day| self.span(day))
            .filter_map(move |span| span.intersection(within))
    }

    fn opens_on(&self, day: Date) -> bool {
        let number = |number: i8| u8::try_from(number).unwrap_or(0);
        let weekday = number(day.weekday().to_monday_zero_offset());
        self.window
            .days()
            .contains(weekday, number(day.day()), number(day.days_in_month()))
    }

    fn span(&self, day: Date) -> Span {
        let closes_on = if self.window.is_overnight() {
            day.saturating_add(1.day())
        } else {
            day
        };
        Span::new(
            self.instant(day, self.window.from_minute()),
            self.instant(closes_on, self.window.to_minute()),
        )
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

/// The time zone with exactly this name.
fn find_zone(name: &str) -> Result<TimeZone, WindowError> {
    let unknown = || WindowError::Zone {
        found: name.chars().take(128).collect(),
    };
    let zone = ZONES.get(name).map_err(|_| unknown())?;
    let is_exact = zone.iana_name() == Some(name) && !zone.is_unknown();
    is_exact.then_some(zone).ok_or_else(unknown)
}

fn unix(time: Timestamp) -> UnixTime {
    let ns = time.as_nanosecond();
    UnixTime::from_ns(i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests;
