//! A month or two times, as a period of a statement.

use std::time::Duration;

use ippm::UnixTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::report::sla::statement::Period;

/// Longest period of a statement.
pub const LONGEST: Duration = Duration::from_hours(24 * 366);

/// How long after its end an hour is complete: a round may be reported for a minute more, and cells are computed
/// within another.
pub const SETTLED: Duration = Duration::from_mins(3);

/// Why a text is no period.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// No such month.
    #[error("{found:?} is not a month: year and month, \"2026-10\"")]
    Month {
        /// The text.
        found: String,
    },
    /// No such zone.
    #[error("{found:?} is not a time zone: a name of the tz database, \"Europe/Rome\"")]
    Zone {
        /// The text.
        found: String,
    },
    /// It ends before it begins, or with it.
    #[error("the period is empty")]
    Empty,
    /// Longer than [`LONGEST`].
    #[error("the period is longer than {} days", LONGEST.as_secs() / 86_400)]
    TooLong,
    /// No hour of it is over.
    #[error("no full hour of the period is over")]
    Future,
}

impl Period {
    /// The calendar month `month` (`2026-10`) in `zone`, as far as it is over.
    ///
    /// # Errors
    ///
    /// [`PeriodError`] for what is no month or no zone, and for a month of which no hour is over.
    pub fn month(month: &str, zone: &str, now: UnixTime) -> Result<Self, PeriodError> {
        let wrong = || PeriodError::Month {
            found: month.to_owned(),
        };
        let tz = TimeZone::get(zone).map_err(|_| PeriodError::Zone {
            found: zone.to_owned(),
        })?;
        let (year, number) = month.split_once('-').ok_or_else(wrong)?;
        let is_plain = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_plain(year, 4) || !is_plain(number, 2) {
            return Err(wrong());
        }
        let parse = |text: &str| text.parse::<i16>().ok();
        let first = parse(year)
            .zip(parse(number).and_then(|number| i8::try_from(number).ok()))
            .and_then(|(year, number)| Date::new(year, number, 1).ok())
            .ok_or_else(wrong)?;
        let next = first
            .checked_add(jiff::Span::new().months(1))
            .map_err(|_| wrong())?;
        let start = |date: Date| {
            let zoned = date.to_zoned(tz.clone()).map_err(|_| wrong())?;
            let ns = i64::try_from(zoned.timestamp().as_nanosecond()).map_err(|_| wrong())?;
            Ok(UnixTime::from_ns(ns))
        };
        Self::between(start(first)?, start(next)?, zone, month, now)
    }

    /// The time from `from` up to, but without, `to`, as far as it is over.
    ///
    /// # Errors
    ///
    /// [`PeriodError`] if it is empty, too long, or no hour of it is over.
    pub fn between(
        from: UnixTime,
        to: UnixTime,
        zone: &str,
        label: &str,
        now: UnixTime,
    ) -> Result<Self, PeriodError> {
        match to.since(from) {
            None | Some(Duration::ZERO) => return Err(PeriodError::Empty),
            Some(length) if LONGEST < length => return Err(PeriodError::TooLong),
            Some(_) => {}
        }
        let over = now.saturating_sub(SETTLED).floor(Duration::from_hours(1));
        let is_provisional = now.saturating_sub(SETTLED) < to;
        let to = if is_provisional { to.min(over) } else { to };
        if to <= from {
            return Err(PeriodError::Future);
        }
        Ok(Self {
            from,
            to,
            zone: zone.to_owned(),
            label: label.to_owned(),
            is_provisional,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        ippm::wire::time::parse(text).unwrap()
    }

    #[track_caller]
    fn check(month: &str, zone: &str, from: &str, to: &str) {
        let period = Period::month(month, zone, at("2026-12-24T00:00:00Z")).unwrap();
        assert_eq!((period.from, period.to), (at(from), at(to)), "{month} {zone}");
        assert!(!period.is_provisional);
    }

    #[test]
    fn a_month_begins_and_ends_at_midnight_of_its_zone() {
        check("2026-10", "UTC", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
        // Summer time (+02:00) ends on 25 October 2026: the month has 745 hours.
        check(
            "2026-10",
            "Europe/Rome",
            "2026-09-30T22:00:00Z",
            "2026-10-31T23:00:00Z",
        );
        check(
            "2026-10",
            "Asia/Kolkata",
            "2026-09-30T18:30:00Z",
            "2026-10-31T18:30:00Z",
        );
    }

    #[test]
    fn a_month_that_is_not_over_ends_with_its_last_full_hour() {
        let month = |now: &str| Period::month("2026-10", "UTC", at(now));
        let period = month("2026-10-02T10:02:59Z").unwrap();
        assert_eq!(
            (period.to, period.is_provisional),
            (at("2026-10-02T09:00:00Z"), true)
        );
        assert!(!month("2026-11-01T00:03:00Z").unwrap().is_provisional);
        assert_eq!(month("2026-10-01T01:02:00Z"), Err(PeriodError::Future));
    }

    #[test]
    fn what_is_no_month_or_no_zone_is_named() {
        for month in ["2026", "2026-13", "2026-1", "26-10", "2026-10-01", "+026-10", ""] {
            let found = Period::month(month, "UTC", at("2026-12-24T00:00:00Z"));
            assert!(matches!(found, Err(PeriodError::Month { .. })), "{month}");
        }
        let found = Period::month("2026-10", "Mars/Olympus", at("2026-12-24T00:00:00Z"));
        assert!(matches!(found, Err(PeriodError::Zone { .. })));
    }
}
