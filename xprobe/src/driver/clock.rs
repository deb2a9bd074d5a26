//! Both clocks, read together.

use std::time::{Duration, Instant, SystemTime};

use ippm::UnixTime;
use nix::time::ClockId;

use crate::round::stamp::{READING_TOLERANCE, Reading};

/// A reading that took longer than this was interrupted, and is repeated.
const UNDISTURBED: Duration = Duration::from_micros(5);
/// After so many readings the tightest one has to do, if it is tight enough not to look like a step.
const TRIES: u32 = 4;
/// After so many it has to do in any case.
const MOST_TRIES: u32 = 64;

/// The clocks of one round.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    started: Instant,
}

impl Clock {
    pub(super) fn new(started: Instant) -> Self {
        Self { started }
    }

    /// Since the round's start.
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver is where the monotonic clock is read"
    )]
    pub(super) fn now(self) -> Duration {
        Instant::now().saturating_duration_since(self.started)
    }

    /// For how long the machine slept since it was started: the monotonic clock does not count it.
    ///
    /// `None` if the kernel has no such clock.
    pub(super) fn slept() -> Option<Duration> {
        let monotonic = ClockId::CLOCK_MONOTONIC.now().ok()?;
        let boot = ClockId::CLOCK_BOOTTIME.now().ok()?;
        Some(Duration::from(boot).saturating_sub(Duration::from(monotonic)))
    }

    /// Both clocks: REALTIME between two readings of MONOTONIC, which has to be undisturbed, or the
    /// time that this process was off the processor would look like a step of the clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "kernel stamps are readings of REALTIME: the filter needs it"
    )]
    pub(super) fn read(self) -> Reading {
        let mut tightest = None;
        for tried in 1..=MOST_TRIES {
            let before = self.now();
            let wall = SystemTime::now();
            let width = self.now().saturating_sub(before);
            let reading = Reading {
                at: before + width / 2,
                wall: unix_time(wall),
            };
            if tightest.is_none_or(|(narrowest, _)| width < narrowest) {
                tightest = Some((width, reading));
            }
            let is_usable = |(narrowest, _): &(Duration, Reading)| *narrowest < READING_TOLERANCE;
            if width <= UNDISTURBED || tried >= TRIES && tightest.as_ref().is_some_and(is_usable) {
                break;
            }
        }
        tightest.map_or(
            Reading {
                at: self.now(),
                wall: UnixTime::from_ns(0),
            },
            |(_, reading)| reading,
        )
    }
}

/// Before 1970 and after 2262 the wall clock is as wrong as it gets; the filter will say so.
fn unix_time(wall: SystemTime) -> UnixTime {
    let since = wall
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    UnixTime::from_ns(0).saturating_add(since)
}
