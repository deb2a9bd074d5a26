//! From what a window is read: single results at its edges, cells where whole hours and days lie in it.

use std::time::Duration;

use ippm::UnixTime;

use crate::report::selection::{Step, Window};
use crate::report::slot::ceil;
use crate::report::view::View;
use crate::store::cell::Resolution;

/// How long after its end the cell of an hour is taken for complete. A late result is in its cell within a minute;
/// this is for the reports of the last round, which are delivered until the next one has begun.
pub const SETTLED: Duration = Duration::from_mins(10);

/// A part of a window, and from what it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The first instant.
    pub from: UnixTime,
    /// The first instant behind it.
    pub to: UnixTime,
    /// From which cells; `None`: from single results.
    pub resolution: Option<Resolution>,
}

impl Segment {
    /// The parts of the segment that have a cell of their own, ascending; one part if it is read from single results.
    /// The last is as long as the segment: it may end in the hour that is running.
    pub fn units(self) -> impl Iterator<Item = (UnixTime, UnixTime)> {
        let length = self.resolution.map(Resolution::length);
        std::iter::successors(Some(self.from), move |from| Some(from.saturating_add(length?)))
            .take_while(move |from| *from < self.to)
            .map(move |from| {
                let end = length.map_or(self.to, |length| from.saturating_add(length));
                (from, end.min(self.to))
            })
    }
}

/// The coarsest cells that satisfy `step`; one point for the whole window is satisfied by any.
#[must_use]
pub fn coarsest(step: Option<Step>) -> Option<Resolution> {
    let divides = |resolution: Resolution| {
        step.is_none_or(|step| {
            step.length()
                .as_nanos()
                .is_multiple_of(resolution.length().as_nanos())
        })
    };
    [Resolution::Day, Resolution::Hour]
        .into_iter()
        .find(|resolution| divides(*resolution))
}

/// `window`, ascending, in segments that meet: single results, hours, days, hours, single results, as far as they
/// are needed and `coarsest` allows.
#[must_use]
pub fn segments(window: Window, coarsest: Option<Resolution>, now: UnixTime) -> Vec<Segment> {
    let (from, to) = (window.from(), window.to());
    let hour = Resolution::Hour.length();
    let settled = now.saturating_sub(SETTLED).floor(hour);
    let hours = match coarsest {
        None => (to, to),
        Some(_) => (ceil(from, hour), to.floor(hour).min(settled)),
    };
    if hours.1 <= hours.0 {
        return vec![Segment {
            from,
            to,
            resolution: None,
        }];
    }
    let day = Resolution::Day.length();
    let days = match coarsest {
        Some(Resolution::Day) => (ceil(hours.0, day), hours.1.floor(day)),
        _ => (hours.1, hours.1),
    };
    let days = if days.0 < days.1 { days } else { (hours.1, hours.1) };
    [
        (from, hours.0, None),
        (hours.0, days.0, Some(Resolution::Hour)),
        (days.0, days.1, Some(Resolution::Day)),
        (days.1, hours.1, Some(Resolution::Hour)),
        (hours.1, to, None),
    ]
    .into_iter()
    .filter(|(from, to, _)| from < to)
    .map(|(from, to, resolution)| Segment { from, to, resolution })
    .collect()
}

/// `window`, begun early enough that no edge of it has to be read from what is no longer kept.
#[must_use]
pub fn widened(window: Window, coarsest: Option<Resolution>, view: &View<'_>) -> Window {
    let mut from = window.from();
    for (kept, resolution) in [
        (view.raw_retention, Resolution::Hour),
        (view.hour_retention, Resolution::Day),
    ] {
        let is_gone = from < view.now.saturating_sub(kept);
        let is_allowed = coarsest.is_some_and(|coarsest| resolution <= coarsest);
        if is_gone && is_allowed {
            from = from.floor(resolution.length());
        }
    }
    Window::new(from, window.to()).unwrap_or(window)
}

/// Before which time what a segment of `resolution` is read from is no longer kept.
#[must_use]
pub fn kept_since(resolution: Option<Resolution>, view: &View<'_>) -> UnixTime {
    match resolution {
        None => view.now.saturating_sub(view.raw_retention),
        Some(Resolution::Hour) => view.now.saturating_sub(view.hour_retention),
        Some(Resolution::Day) => UnixTime::from_ns(i64::MIN),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000_000;

    fn at(hours: i64, minutes: i64) -> UnixTime {
        UnixTime::from_ns(hours * HOUR + minutes * HOUR / 60)
    }

    #[track_caller]
    fn check(from: UnixTime, to: UnixTime, coarsest: Option<Resolution>, expected: &str) {
        let window = Window::new(from, to).unwrap();
        let found: Vec<String> = segments(window, coarsest, at(1000, 0))
            .iter()
            .map(|segment| {
                let minutes = segment.to.since(segment.from).unwrap().as_secs() / 60;
                let from = segment.resolution.map_or("raw", Resolution::name);
                format!("{from} {minutes}")
            })
            .collect();
        assert_eq!(found.join(", "), expected);
    }

    #[test]
    fn edges_that_cut_a_cell_are_read_from_single_results() {
        let (from, to) = (at(22, 50), at(75, 20));
        let day = Some(Resolution::Day);
        check(from, to, day, "raw 10, 1h 60, 1d 2880, 1h 180, raw 20");
        check(from, to, Some(Resolution::Hour), "raw 10, 1h 3120, raw 20");
        check(from, to, None, "raw 3150");
        check(at(24, 0), at(48, 0), day, "1d 1440");
        check(at(24, 10), at(24, 50), day, "raw 40");
    }

    #[test]
    fn an_hour_that_has_just_ended_is_read_from_single_results() {
        let hour = Some(Resolution::Hour);
        check(at(990, 0), at(1000, 0), hour, "1h 540, raw 60");
    }

    proptest! {
        #[test]
        fn segments_cover_the_window_without_gap_or_overlap(
            from in 0..1000 * HOUR, length in 1..500 * HOUR, now in 0..2000 * HOUR, coarsest in 0..3_usize,
        ) {
            let window = Window::new(UnixTime::from_ns(from), UnixTime::from_ns(from + length)).unwrap();
            let coarsest = [None, Some(Resolution::Hour), Some(Resolution::Day)][coarsest];
            let segments = segments(window, coarsest, UnixTime::from_ns(now));
            prop_assert_eq!(segments.first().unwrap().from, window.from());
            prop_assert_eq!(segments.last().unwrap().to, window.to());
            for pair in segments.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
            }
            for segment in segments {
                if let Some(resolution) = segment.resolution {
                    prop_assert_eq!(segment.from, segment.from.floor(resolution.length()));
                    prop_assert_eq!(segment.to, segment.to.floor(resolution.length()));
                }
            }
        }
    }
}
