//! Time windows as text: `mon-fri 08:00-18:00 Europe/Amsterdam`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// When a test is done: certain days, from one time of day to another, by the clocks of one place.
///
/// The text is `[days ]from-to zone`. Days are weekdays (`mon-fri`, `sat,sun`, `fri-mon`) or days of the month
/// (`1`, `10-20`, `last`, `1,15,last`); without them every day counts. Times are `hh:mm`, the end may be `24:00`.
/// An end at or before the beginning lies on the next day, so that a window belongs to the day on which it opens.
/// The zone is a name of the IANA database; whether it exists is not known here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    days: Days,
    from: u16,
    to: u16,
    zone: Zone,
}

/// The days on which a window opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Days {
    /// Every day.
    All,
    /// Weekdays, Monday = 0 to Sunday = 6; a span may go over Sunday.
    Week(Vec<Span>),
    /// Days of the month, 1 to 31; [`Days::LAST`] is the last one, whichever that is.
    Month(Vec<Span>),
}

/// A span of days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first day.
    pub first: u8,
    /// The last day.
    pub last: u8,
}

/// The name of a time zone, as in the IANA database: `Europe/Amsterdam`, `UTC`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone(String);

/// Why a text is not a window.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowError {
    /// Not days, times and a zone.
    #[error(
        "expected a window like \"mon-fri 08:00-18:00 Europe/Amsterdam\", \"last 22:00-04:00 UTC\" or \"22:00-04:00 UTC\""
    )]
    Shape,
    /// Longer than [`Window::MAX_BYTES`].
    #[error("window has {found} bytes, more than {}", Window::MAX_BYTES)]
    Length {
        /// Bytes of the text.
        found: usize,
    },
    /// Neither weekdays nor days of the month.
    #[error("{found:?} is no list of weekdays (mon to sun) or of days of the month (1 to 31, last)")]
    Days {
        /// The text.
        found: String,
    },
    /// Not two times of day.
    #[error("{found:?} is no span of times from 00:00 to 24:00")]
    Times {
        /// The text.
        found: String,
    },
    /// It would never be open, or always.
    #[error("a window that ends when it begins is never open; the whole day is 00:00-24:00")]
    Empty,
    /// Not the name of a zone.
    #[error(
        "{found:?} is no name of a time zone of 1 to {} characters (\"Europe/Amsterdam\", \"UTC\")",
        Zone::MAX_BYTES
    )]
    Zone {
        /// The text.
        found: String,
    },
}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MINUTES_OF_DAY: u16 = 24 * 60;

impl Window {
    /// Longest text.
    pub const MAX_BYTES: usize = 256;

    /// The days on which it opens.
    #[must_use]
    pub const fn days(&self) -> &Days {
        &self.days
    }

    /// When it opens: minutes after midnight, 0 to 1439.
    #[must_use]
    pub const fn from_minute(&self) -> u16 {
        self.from
    }

    /// When it closes: minutes after midnight, 0 to 1440; on the next day if [`Window::is_overnight`].
    #[must_use]
    pub const fn to_minute(&self) -> u16 {
        self.to
    }

    /// Whether it closes on the day after the one on which it opened.
    #[must_use]
    pub const fn is_overnight(&self) -> bool {
        self.to < self.from
    }

    /// Whose clocks count.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }
}

impl Days {
    /// The last day of a month, in a [`Span`] of [`Days::Month`].
    pub const LAST: u8 = 32;
    /// Most spans of one list.
    pub const MAX_SPANS: usize = 31;

    /// Whether a window opens on the day that is `weekday` (Monday = 0 to Sunday = 6) and `day` of a month of
    /// `length` days.
    #[must_use]
    pub fn contains(&self, weekday: u8, day: u8, length: u8) -> bool {
        match self {
            Self::All => true,
            Self::Week(spans) => spans.iter().any(|span| {
                let (first, last) = (span.first, span.last);
                if first <= last {
                    (first..=last).contains(&weekday)
                } else {
                    weekday >= first || weekday <= last
                }
            }),
            Self::Month(spans) => {
                let of_month = |end: u8| if end == Self::LAST { length } else { end };
                spans
                    .iter()
                    .any(|span| (of_month(span.first)..=of_month(span.last)).contains(&day))
            }
        }
    }
}

impl Zone {
    /// Longest name.
    pub const MAX_BYTES: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        if text.len() > Self::MAX_BYTES {
            return Err(WindowError::Length { found: text.len() });
        }
        let parts: Vec<&str> = text.split(' ').collect();
        let (days, times, zone) = match *parts.as_slice() {
            [times, zone] => (Days::All, times, zone),
            [days, times, zone] => (days.parse()?, times, zone),
            _ => return Err(WindowError::Shape),
        };
        let span = times
            .split_once('-')
            .and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        let Some((from, to)) = span.filter(|(from, _)| *from < MINUTES_OF_DAY) else {
            return Err(WindowError::Times {
                found: times.to_owned(),
            });
        };
        if from == to {
            return Err(WindowError::Empty);
        }
        Ok(Self {
            days,
            from,
            to,
            zone: zone.parse()?,
        })
    }
}

/// Minutes after midnight of `hh:mm`.
fn minute(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .filter(|b| b.is_ascii_digit())
            .map(|b| u16::from(b - b'0'))
    };
    if bytes.len() != 5 || bytes[2] != b':' {
        return None;
    }
    let (hours, minutes) = (digit(0)? * 10 + digit(1)?, digit(3)? * 10 + digit(4)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= MINUTES_OF_DAY).then_some(minute)
}

impl FromStr for Days {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let read = |day: fn(&str) -> Option<u8>| -> Option<Vec<Span>> {
            let spans: Option<Vec<Span>> = text.split(',').map(|part| span(part, day)).collect();
            spans.filter(|spans| spans.len() <= Self::MAX_SPANS)
        };
        let is_ordered = |spans: &Vec<Span>| spans.iter().all(|span| span.first <= span.last);
        read(weekday)
            .map(Self::Week)
            .or_else(|| read(day_of_month).filter(is_ordered).map(Self::Month))
            .ok_or_else(|| WindowError::Days {
                found: text.to_owned(),
            })
    }
}

fn span(text: &str, day: fn(&str) -> Option<u8>) -> Option<Span> {
    let (first, last) = match text.split_once('-') {
        // One day has one spelling.
        Some((first, last)) if first == last => return None,
        Some(ends) => ends,
        None => (text, text),
    };
    Some(Span {
        first: day(first)?,
        last: day(last)?,
    })
}

fn weekday(text: &str) -> Option<u8> {
    let day = WEEKDAYS.iter().position(|name| *name == text)?;
    u8::try_from(day).ok()
}

fn day_of_month(text: &str) -> Option<u8> {
    if text == "last" {
        return Some(Days::LAST);
    }
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|day| is_plain && (1..=31).contains(day))
}

impl FromStr for Zone {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        let part = |part: &str| {
            part.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
        };
        if text.len() <= Self::MAX_BYTES && text.split('/').all(part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WindowError::Zone {
                found: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for Window {
    /// Exactly the text from which it was read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        if self.days != Days::All {
            write!(f, "{} ", self.days)?;
        }
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02} {}",
            from / 60,
            from % 60,
            to / 60,
            to % 60,
            self.zone
        )
    }
}

impl fmt::Display for Days {
    /// The list as in a window; nothing for every day.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spans, is_week) = match self {
            Self::All => return Ok(()),
            Self::Week(spans) => (spans, true),
            Self::Month(spans) => (spans, false),
        };
        let day = |f: &mut fmt::Formatter<'_>, day: u8| match WEEKDAYS.get(usize::from(day)) {
            Some(name) if is_week => f.write_str(name),
            _ if day == Self::LAST => f.write_str("last"),
            _ => write!(f, "{day}"),
        };
        for (index, span) in spans.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            day(f, span.first)?;
            if span.last != span.first {
                f.write_str("-")?;
                day(f, span.last)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_written_exactly_as_it_was_read() {
        for text in [
            "mon-fri 08:00-18:00 Europe/Amsterdam",
            "22:00-04:00 UTC",
            "sun 00:00-24:00 Europe/Rome",
            "fri-mon,wed 23:59-00:00 America/Argentina/Buenos_Aires",
            "1,10-20,28-last,last 12:30-12:31 Etc/GMT+12",
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window.to_string(), text);
            assert_eq!(window.to_string().parse(), Ok(window));
        }
    }

    #[test]
    fn only_one_spelling_of_a_window_is_read() {
        for text in [
            "",
            "UTC",
            "08:00-18:00",
            "mon 08:00-18:00",
            "mon  08:00-18:00 UTC",
            " 08:00-18:00 UTC",
            "08:00-18:00 UTC ",
            "Mon 08:00-18:00 UTC",
            "mon-mon 08:00-18:00 UTC",
            "mon,15 08:00-18:00 UTC",
            "0 08:00-18:00 UTC",
            "32 08:00-18:00 UTC",
            "01 08:00-18:00 UTC",
            "+1 08:00-18:00 UTC",
            "20-10 08:00-18:00 UTC",
            "last-1 08:00-18:00 UTC",
            "mon, 08:00-18:00 UTC",
            "8:00-18:00 UTC",
            "08:60-18:00 UTC",
            "24:00-08:00 UTC",
            "08:00-24:01 UTC",
            "08:00-08:00 UTC",
            "08:00-18:00-20:00 UTC",
            "08:00-18:00 Europe/",
            "08:00-18:00 ../etc/passwd",
            "08:00-18:00 UTC;UTC",
            "08:00-18:00 UTC|x",
            "08:00-18:00 +02:00",
            "08:00–18:00 UTC",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_limits_of_a_window_are_in_the_message() {
        let message = |text: &str| text.parse::<Window>().unwrap_err().to_string();
        assert_eq!(message(&"x".repeat(257)), "window has 257 bytes, more than 256");
        let zone = message(&format!("08:00-18:00 {}", "z".repeat(65)));
        assert!(zone.contains("1 to 64 characters"), "{zone}");
        assert!(message("mon 08:00-08:00 UTC").contains("never open"));
    }

    #[track_caller]
    fn check_days(days: &str, weekday: u8, day: u8, length: u8, is_in: bool) {
        let parsed: Days = days.parse().unwrap();
        assert_eq!(
            parsed.contains(weekday, day, length),
            is_in,
            "{days} {weekday} {day}/{length}"
        );
    }

    #[test]
    fn a_span_of_weekdays_may_go_over_sunday() {
        for (weekday, is_in) in [(0, true), (1, false), (3, false), (4, true), (5, true), (6, true)] {
            check_days("fri-mon", weekday, 1, 31, is_in);
        }
    }

    #[test]
    fn the_last_day_is_that_of_the_month_at_hand() {
        check_days("last", 0, 28, 28, true);
        check_days("last", 0, 28, 29, false);
        check_days("28-last", 0, 30, 31, true);
        check_days("30-last", 0, 28, 28, false);
        check_days("31", 0, 30, 30, false);
        check_days("1,15", 0, 15, 30, true);
        assert!(Days::All.contains(3, 3, 30));
    }
}
