//! Axes: from values to places, and the ticks between. On the coordinates of `plotters`.

use std::ops::Range;
use std::time::Duration;

use ippm::UnixTime;
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};
use plotters::coord::types::RangedCoordf64;

use crate::pages::format;

/// Places are whole numbers of this many parts of a unit of the drawing.
pub const PARTS: i32 = 10;

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Its place in units of the drawing.
    pub at: f64,
    /// What stands there.
    pub text: String,
    /// Whether it begins something larger: a day among hours, a month among days.
    pub is_major: bool,
}

/// Where `value` lies between the units `from` and `to`.
pub fn place<R: Ranged>(axis: &R, value: &R::ValueType, (from, to): (i32, i32)) -> f64 {
    f64::from(axis.map(value, (from * PARTS, to * PARTS))) / f64::from(PARTS)
}

/// An axis of milliseconds from `low` to `high` nanoseconds, widened so that nothing touches its ends; from zero
/// unless what is shown is small against its distance from zero.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "places on a screen need no 53 bits")]
pub fn delay(low: u64, high: u64) -> RangedCoordf64 {
    let (low, high) = (low as f64 / 1e6, (high as f64 / 1e6).max(0.001));
    let room = (high - low).max(high * 0.02) * 0.12;
    let bottom = if low > high * 0.4 {
        (low - room).max(0.0)
    } else {
        0.0
    };
    RangedCoordf64::from(bottom..high + room)
}

/// At most `most` ticks of an axis of milliseconds.
#[must_use]
pub fn delay_ticks(axis: &RangedCoordf64, most: usize, units: (i32, i32)) -> Vec<Tick> {
    let points = axis.key_points(most);
    let smallest = points
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    let decimals = match smallest {
        step if step >= 0.999 => 0,
        step if step >= 0.0999 => 1,
        step if step >= 0.00999 => 2,
        _ => 3,
    };
    points
        .into_iter()
        .map(|point| Tick {
            at: place(axis, &point, units),
            text: format!("{point:.decimals$}"),
            is_major: false,
        })
        .collect()
}

/// The axis of loss: logarithmic, so that one packet of thousands and an outage are both seen, and zero is zero.
#[derive(Debug, Clone, Copy)]
pub struct LossAxis;

impl LossAxis {
    /// The ratio at which the axis turns from even to logarithmic.
    const KNEE: f64 = 0.000_3;
    const TICKS: [(f64, &'static str); 5] =
        [(0.0, "0"), (0.001, "0.1"), (0.01, "1"), (0.1, "10"), (1.0, "100")];

    /// The ticks, in percent.
    #[must_use]
    pub fn ticks(units: (i32, i32)) -> Vec<Tick> {
        Self::TICKS
            .map(|(ratio, text)| Tick {
                at: place(&Self, &ratio, units),
                text: text.to_owned(),
                is_major: false,
            })
            .to_vec()
    }
}

impl Ranged for LossAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, ratio: &f64, (from, to): (i32, i32)) -> i32 {
        let ratio = ratio.clamp(0.0, 1.0);
        let share = (1.0 + ratio / Self::KNEE).ln() / (1.0 + 1.0 / Self::KNEE).ln();
        #[expect(clippy::cast_possible_truncation, reason = "between two i32")]
        let place = f64::from(to - from).mul_add(share, f64::from(from)).round() as i32;
        place
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let points = Self::TICKS.map(|(ratio, _)| ratio);
        points[..points.len().min(hint.max_num_points())].to_vec()
    }

    fn range(&self) -> Range<f64> {
        0.0..1.0
    }
}

/// The axis of time, in UTC.
#[derive(Debug, Clone, Copy)]
pub struct TimeAxis {
    from: UnixTime,
    to: UnixTime,
}

/// Distances between ticks below a month.
const STEPS: [Duration; 14] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(10),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
    DAY,
    Duration::from_hours(2 * 24),
    Duration::from_hours(7 * 24),
];
const DAY: Duration = Duration::from_hours(24);
/// 1970-01-05 was a Monday: weeks are counted from there.
const MONDAY: Duration = Duration::from_hours(4 * 24);

impl TimeAxis {
    /// The axis of `[from, to)`; `None` if that is no time at all.
    #[must_use]
    pub fn new(from: UnixTime, to: UnixTime) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// At most `most` ticks with their texts.
    #[must_use]
    pub fn ticks(&self, most: usize, units: (i32, i32)) -> Vec<Tick> {
        let points = self.key_points(most);
        let step = points
            .get(1)
            .and_then(|second| second.since(points[0]))
            .unwrap_or(DAY);
        points
            .iter()
            .map(|point| {
                let begins_day = point.floor(DAY) == *point;
                let begins_month = begins_day && format::strftime(*point, "%d") == "01";
                let (form, is_major) = match step {
                    step if step > Duration::from_hours(24 * 20) => {
                        let is_january = format::strftime(*point, "%m") == "01";
                        (if is_january { "%b %Y" } else { "%b" }, is_january)
                    }
                    step if step >= DAY => ("%-d %b", begins_month),
                    _ if begins_day => ("%a %-d %b", true),
                    step if step < Duration::from_mins(1) => ("%H:%M:%S", false),
                    _ => ("%H:%M", false),
                };
                Tick {
                    at: place(self, point, units),
                    text: format::strftime(*point, form),
                    is_major,
                }
            })
            .collect()
    }

    /// Multiples of `step` on the axis.
    fn multiples(&self, step: Duration) -> Vec<UnixTime> {
        let offset = if step == STEPS[13] { MONDAY } else { Duration::ZERO };
        let mut point = self
            .from
            .saturating_sub(offset)
            .floor(step)
            .saturating_add(offset);
        let mut points = Vec::new();
        while point < self.to {
            if point >= self.from {
                points.push(point);
            }
            point = point.saturating_add(step);
        }
        points
    }

    /// Firsts of every `months`-th month on the axis.
    fn months(&self, months: i16) -> Vec<UnixTime> {
        let Ok(start) = Timestamp::from_nanosecond(i128::from(self.from.as_ns())) else {
            return Vec::new();
        };
        let start = TimeZone::UTC.to_datetime(start);
        let (mut year, mut month) = (start.year(), (i16::from(start.month()) - 1) / months * months);
        let mut points = Vec::new();
        while let Some(point) = first_of(year, month + 1) {
            if point >= self.to {
                break;
            }
            if point >= self.from {
                points.push(point);
            }
            month += months;
            (year, month) = (year + month / 12, month % 12);
        }
        points
    }
}

fn first_of(year: i16, month: i16) -> Option<UnixTime> {
    let date = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
    let time = TimeZone::UTC.to_timestamp(DateTime::from(date)).ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(UnixTime::from_ns)
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = UnixTime;

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a place between two i32"
    )]
    fn map(&self, time: &UnixTime, (from, to): (i32, i32)) -> i32 {
        let share = time.ns_after(self.from) as f64 / self.to.ns_after(self.from) as f64;
        f64::from(to - from)
            .mul_add(share.clamp(0.0, 1.0), f64::from(from))
            .round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<UnixTime> {
        let most = hint.max_num_points();
        let span = self.to.since(self.from).unwrap_or_default();
        let fits = |step: Duration| span.as_nanos() / step.as_nanos().max(1) < most as u128;
        if let Some(step) = STEPS.into_iter().find(|step| fits(*step)) {
            return self.multiples(step);
        }
        // Months differ in length, so what fits is tried.
        [1, 3, 6, 12]
            .into_iter()
            .map(|months| self.months(months))
            .find(|points| points.len() <= most)
            .unwrap_or_default()
    }

    fn range(&self) -> Range<UnixTime> {
        self.from..self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixTime {
        ippm::wire::time::parse(text).unwrap()
    }

    #[track_caller]
    fn check_time(from: &str, to: &str, most: usize, expected: &[&str]) {
        let axis = TimeAxis::new(at(from), at(to)).unwrap();
        let texts: Vec<String> = axis
            .ticks(most, (0, 1000))
            .into_iter()
            .map(|tick| tick.text)
            .collect();
        assert_eq!(texts, expected, "{from} {to}");
    }

    #[test]
    fn ticks_of_time_lie_on_round_times_of_utc() {
        check_time(
            "2026-11-21T04:10:00Z",
            "2026-11-21T07:10:00Z",
            8,
            &["04:30", "05:00", "05:30", "06:00", "06:30", "07:00"],
        );
        check_time(
            "2026-11-20T07:00:00Z",
            "2026-11-21T07:00:00Z",
            9,
            &[
                "09:00",
                "12:00",
                "15:00",
                "18:00",
                "21:00",
                "Sat 21 Nov",
                "03:00",
                "06:00",
            ],
        );
        check_time(
            "2026-10-22T07:00:00Z",
            "2026-11-21T07:00:00Z",
            9,
            &["26 Oct", "2 Nov", "9 Nov", "16 Nov"],
        );
        check_time(
            "2025-11-21T07:00:00Z",
            "2026-11-21T07:00:00Z",
            13,
            &[
                "Dec", "Jan 2026", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
            ],
        );
        check_time(
            "2026-11-21T07:00:00Z",
            "2026-11-21T07:00:40Z",
            5,
            &["07:00:00", "07:00:10", "07:00:20", "07:00:30"],
        );
    }

    #[test]
    fn any_span_has_a_bounded_number_of_ticks() {
        for (from, to) in [
            (0, 1),
            (0, 5_000_000_000),
            (-1, i64::MAX - 2),
            (1_795_243_510_987_654_321, 1_895_243_510_987_654_321),
        ] {
            let axis = TimeAxis::new(UnixTime::from_ns(from), UnixTime::from_ns(to)).unwrap();
            assert!(axis.ticks(10, (0, 1000)).len() <= 10);
        }
        assert!(TimeAxis::new(UnixTime::from_ns(5), UnixTime::from_ns(5)).is_none());
    }

    #[test]
    fn a_delay_axis_begins_at_zero_unless_its_values_are_far_from_it() {
        let texts = |low, high| -> Vec<String> {
            let axis = delay(low, high);
            delay_ticks(&axis, 6, (100, 0))
                .into_iter()
                .map(|tick| tick.text)
                .collect()
        };
        // 0.9 ms and 12 % of the 0.8 ms between: up to 0.996 ms.
        assert_eq!(texts(100_000, 900_000), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(
            texts(10_000_000, 10_400_000),
            ["10.0", "10.1", "10.2", "10.3", "10.4"]
        );
        assert!(!texts(0, 0).is_empty() && !texts(u64::MAX, u64::MAX).is_empty());
    }

    #[test]
    fn no_loss_is_at_the_foot_and_total_loss_at_the_head() {
        assert!((place(&LossAxis, &0.0, (100, 0)) - 100.0).abs() < 1e-9);
        assert!((place(&LossAxis, &1.0, (100, 0)) - 0.0).abs() < 1e-9);
        let places: Vec<f64> = LossAxis::ticks((100, 0))
            .into_iter()
            .map(|tick| tick.at)
            .collect();
        assert!(places.is_sorted_by(|a, b| a > b), "{places:?}");
    }
}
