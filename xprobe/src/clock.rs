//! Which time it is: one reading of the wall clock at the start, and what has passed since.

use std::time::{Duration, Instant};

use ippm::UnixTime;

/// The two clocks of a run, read together once in `main`.
///
/// Everything later is counted from there on the monotonic clock, so a step of the wall clock in
/// mid-round moves no label and no deadline.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: UnixTime,
    monotonic: Instant,
}

impl Clock {
    /// A clock whose start is labeled `wall` and was read together with `monotonic`.
    #[must_use]
    pub fn new(wall: UnixTime, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// Time since the start of the run.
    #[expect(
        clippy::disallowed_methods,
        reason = "the composition root is where the monotonic clock is read"
    )]
    #[must_use]
    pub(crate) fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(self.monotonic)
    }

    /// The start of the run on the wall clock, as the host had it.
    #[must_use]
    pub(crate) fn start(&self) -> UnixTime {
        self.wall
    }

    /// The start of the run on the monotonic clock.
    #[must_use]
    pub(crate) fn monotonic_start(&self) -> Instant {
        self.monotonic
    }

    /// The wall clock of the start, moved on by what has passed since.
    #[must_use]
    pub(crate) fn now(&self) -> UnixTime {
        self.wall.saturating_add(self.elapsed())
    }
}

/// A clock for tests that begins now and is labeled 10:05:00.
#[cfg(test)]
pub(crate) fn for_tests() -> Clock {
    for_tests_at(UnixTime::from_ns(1_795_255_500_000_000_000))
}

/// A clock for tests that begins now and is labeled `wall`.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
pub(crate) fn for_tests_at(wall: UnixTime) -> Clock {
    Clock::new(wall, Instant::now())
}
