//! Which delays are believed: the filter between kernel stamps and an RTT.
//!
//! Kernel stamps are readings of `CLOCK_REALTIME`, which an administrator or a clock daemon may step
//! at any moment. Their difference is a delay only if the clock ran evenly in between. The
//! monotonic clock, read around the same packet, says whether it did.

use std::time::Duration;

use ippm::{Rtt, UnixTime};

/// Movement of REALTIME against MONOTONIC that is put down to reading two clocks one after the other.
pub const READING_TOLERANCE: Duration = Duration::from_micros(50);
/// Slew of a clock daemon that is tolerated: the kernel's own limit for adjusting frequency.
pub const SLEW_PPM: u128 = 500;

/// Both clocks, read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Since the round's start, by `CLOCK_MONOTONIC`.
    pub at: Duration,
    /// `CLOCK_REALTIME` at the same moment.
    pub wall: UnixTime,
}

impl Reading {
    /// Whether REALTIME and MONOTONIC ran together from `earlier` to here: they moved against each
    /// other by less than 50 µs + 500 ppm of the time between.
    #[must_use]
    pub fn agrees_with(self, earlier: Self) -> bool {
        let monotonic = signed(self.at) - signed(earlier.at);
        let wall = i128::from(self.wall.as_ns()) - i128::from(earlier.wall.as_ns());
        let slewed = monotonic.unsigned_abs() * SLEW_PPM / 1_000_000;
        (wall - monotonic).unsigned_abs() < READING_TOLERANCE.as_nanos() + slewed
    }
}

/// What the kernel and the clocks say about one packet that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Read before the packet was given to the kernel.
    pub sent: Reading,
    /// Read after the reply was taken from the kernel.
    pub received: Reading,
    /// Kernel stamp of the packet's departure.
    pub transmitted: Option<UnixTime>,
    /// Kernel stamp of the reply's arrival.
    pub arrived: Option<UnixTime>,
}

/// Why a packet that came back has no delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undated {
    /// The kernel gave no stamp for one direction or both.
    Missing,
    /// The stamps contradict the monotonic clock, or the wall clock moved.
    Discarded,
}

impl Exchange {
    /// The time between the calls that sent and received, by the monotonic clock: never less than
    /// the true delay, and on a busy host a lot more. It bounds a delay and is never one.
    #[must_use]
    pub fn bracket(&self) -> Duration {
        self.received.at.saturating_sub(self.sent.at)
    }

    /// The round-trip delay (RFC 2681 §2.4) by kernel stamps.
    ///
    /// # Errors
    ///
    /// [`Undated::Missing`] without both stamps; [`Undated::Discarded`] unless
    /// 0 ≤ delay ≤ [bracket](Self::bracket) and the clocks ran together meanwhile. No other clock
    /// is ever used in their place.
    pub fn rtt(&self) -> Result<Rtt, Undated> {
        let (Some(transmitted), Some(arrived)) = (self.transmitted, self.arrived) else {
            return Err(Undated::Missing);
        };
        let delay = arrived.since(transmitted).ok_or(Undated::Discarded)?;
        if delay > self.bracket() || !self.received.agrees_with(self.sent) {
            return Err(Undated::Discarded);
        }
        u64::try_from(delay.as_nanos())
            .map(Rtt::from_ns)
            .map_err(|_| Undated::Discarded)
    }
}

/// Counts the steps of the wall clock during a round.
#[derive(Debug)]
pub struct ClockWatch {
    last: Reading,
    steps: u64,
}

impl ClockWatch {
    /// Begins to watch at `first`.
    #[must_use]
    pub fn new(first: Reading) -> Self {
        Self {
            last: first,
            steps: 0,
        }
    }

    /// Takes note of a reading. Slow slewing is no step however far it leads in the end, since each
    /// reading is compared with the one before.
    pub fn observe(&mut self, reading: Reading) {
        if !reading.agrees_with(self.last) {
            self.steps += 1;
        }
        self.last = reading;
    }

    /// How often the wall clock jumped, forwards or backwards.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

fn signed(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any moment will do; this one is in 2026.
    const EPOCH_NS: i64 = 1_795_000_000_000_000_000;

    /// A reading `at` µs into the round while the wall clock is `step` µs off its first course.
    fn reading(at: u64, step: i64) -> Reading {
        Reading {
            at: Duration::from_micros(at),
            wall: wall(at, step),
        }
    }

    fn wall(at: u64, step: i64) -> UnixTime {
        UnixTime::from_ns(EPOCH_NS + (i64::try_from(at).unwrap() + step) * 1000)
    }

    /// One packet: sent at 0, on the wire at 40 µs, back at 1040 µs, read at 1100 µs; between
    /// departure and arrival the wall clock moves by `step` µs.
    fn exchange(step: i64) -> Exchange {
        Exchange {
            sent: reading(0, 0),
            received: reading(1100, step),
            transmitted: Some(wall(40, 0)),
            arrived: Some(wall(1040, step)),
        }
    }

    #[track_caller]
    fn check(exchange: Exchange, expected: Result<u64, Undated>) {
        assert_eq!(exchange.rtt().map(Rtt::as_ns), expected, "{exchange:?}");
    }

    #[test]
    fn the_delay_is_the_difference_of_the_kernel_stamps() {
        check(exchange(0), Ok(1_000_000));
    }

    #[test]
    fn a_clock_that_steps_while_the_packet_is_under_way_costs_its_delay() {
        // Ten seconds, one millisecond, and the tolerance of 50 µs + 500 ppm of 1100 µs = 50.55 µs.
        for step in [10_000_000, -10_000_000, 1000, -1000, 51, -51] {
            check(exchange(step), Err(Undated::Discarded));
        }
    }

    #[test]
    fn a_slew_within_the_tolerance_does_not() {
        check(exchange(-50), Ok(950_000));
        check(exchange(50), Ok(1_050_000));
    }

    #[test]
    fn the_tolerance_itself_is_already_a_step() {
        let start = reading(0, 0);
        for (ns, agrees) in [(49_999, true), (50_000, false)] {
            let moved = Reading {
                at: Duration::ZERO,
                wall: UnixTime::from_ns(EPOCH_NS + ns),
            };
            assert_eq!(moved.agrees_with(start), agrees, "{ns}");
        }
        // After 2 s 500 ppm are a millisecond more.
        assert!(reading(2_000_000, 1049).agrees_with(start));
        assert!(!reading(2_000_000, 1050).agrees_with(start));
        assert!(!reading(2_000_000, -1050).agrees_with(start));
    }

    #[test]
    fn a_step_between_two_stamps_and_back_before_the_reading_is_caught_by_the_bracket() {
        let forward = Exchange {
            arrived: Some(wall(1040, 10_000_000)),
            ..exchange(0)
        };
        check(forward, Err(Undated::Discarded));
        let backward = Exchange {
            arrived: Some(wall(1040, -10_000_000)),
            ..exchange(0)
        };
        check(backward, Err(Undated::Discarded));
    }

    #[test]
    fn a_delay_as_long_as_the_bracket_is_kept_and_a_nanosecond_more_is_not() {
        let whole = Exchange {
            transmitted: Some(wall(0, 0)),
            arrived: Some(wall(1100, 0)),
            ..exchange(0)
        };
        check(whole, Ok(1_100_000));
        let more = Exchange {
            arrived: Some(UnixTime::from_ns(EPOCH_NS + 1_100_001)),
            ..whole
        };
        check(more, Err(Undated::Discarded));
    }

    #[test]
    fn a_delay_of_zero_is_a_delay_and_a_negative_one_is_none() {
        check(
            Exchange {
                arrived: Some(wall(40, 0)),
                ..exchange(0)
            },
            Ok(0),
        );
        check(
            Exchange {
                arrived: Some(wall(39, 0)),
                ..exchange(0)
            },
            Err(Undated::Discarded),
        );
    }

    #[test]
    fn without_both_stamps_there_is_no_delay_whatever_the_clocks_say() {
        check(
            Exchange {
                transmitted: None,
                ..exchange(0)
            },
            Err(Undated::Missing),
        );
        check(
            Exchange {
                arrived: None,
                ..exchange(0)
            },
            Err(Undated::Missing),
        );
        check(
            Exchange {
                arrived: None,
                transmitted: None,
                ..exchange(10_000_000)
            },
            Err(Undated::Missing),
        );
    }

    #[test]
    fn every_step_is_counted_once_and_the_way_back_is_a_step_too() {
        let mut watch = ClockWatch::new(reading(0, 0));
        let course = [
            (10, 0),
            (20, 10_000_000),
            (30, 10_000_000),
            (40, 0),
            (50, -10_000_000),
            (60, -10_000_000),
        ];
        for (at, step) in course {
            watch.observe(reading(at, step));
        }
        assert_eq!(watch.steps(), 3);
    }

    #[test]
    fn a_slewing_clock_never_steps() {
        let mut watch = ClockWatch::new(reading(0, 0));
        for second in 1..=300 {
            watch.observe(reading(second * 1_000_000, i64::try_from(second).unwrap() * 400));
        }
        assert_eq!(watch.steps(), 0, "0.12 s in the end, 400 µs at a time");
    }
}
