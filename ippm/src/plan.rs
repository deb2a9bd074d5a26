//! Whom one probe measures, and how; the rules that probe and collector must agree on.

pub mod record;

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Family, Params, ProbeName, TestName, UnixTime, Word, codec};

/// The complete plan of one probe: not resolved for a slot, every test and window included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How often the probe is started.
    pub period: Duration,
    /// Whether the probe is one of the original IXPQoS, which knows no plan: then `period` is what
    /// the operator says that its cron does.
    pub legacy: bool,
    /// What it measures.
    pub tests: Vec<Test>,
}

/// One named measurement of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name.
    pub name: TestName,
    /// Its kind: `icmp`.
    pub kind: Word,
    /// How often it is done: a multiple of the plan's period.
    pub period: Duration,
    /// How its packets look and leave.
    pub params: Params,
    /// The configured time windows in their order; none means always.
    pub windows: Vec<String>,
    /// Whom it measures.
    pub targets: Vec<Target>,
}

/// One address that a test measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The probe behind it.
    pub name: ProbeName,
    /// The family to use.
    pub family: Family,
    /// A literal address or a host name.
    pub address: String,
}

impl Plan {
    /// Most results of one round.
    pub const MAX_RESULTS: usize = 2048;

    /// Most packets of one round, over all its results: what a probe remembers of a packet until its report is
    /// made takes about 130 bytes, so this bounds a round to some 260 MB.
    pub const MAX_PACKETS: u64 = 2_000_000;

    /// Most packets a second that a probe sends in all, whatever a plan asks for.
    pub const MAX_PPS: u64 = 20_000;

    /// Most packets a second that a probe sends to one address, whatever a plan asks for.
    pub const MAX_PPS_PER_TARGET: u64 = 200;

    /// Number of (test, target, family) in the plan.
    #[must_use]
    pub fn results(&self) -> usize {
        self.tests.iter().map(|test| test.targets.len()).sum()
    }
}

/// The first 16 hexadecimal digits of the SHA-256 of the record of a plan.
#[must_use]
pub fn version_of(record: &str) -> String {
    let digest = Sha256::digest(record);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Shortest period of a plan.
pub const MIN_PERIOD: Duration = Duration::from_secs(20);
/// Longest period of a plan; every period divides it.
pub const MAX_PERIOD: Duration = Duration::from_hours(1);
/// Shortest period of a plan that `check-config` accepts without a warning.
pub const USUAL_MIN_PERIOD: Duration = Duration::from_mins(1);

/// Why a duration cannot be the period of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// Outside the limits.
    #[error("a period of {} is outside {} to {}", codec::duration::encode(*.0), codec::duration::encode(MIN_PERIOD), codec::duration::encode(MAX_PERIOD))]
    Range(Duration),
    /// Slots would not begin at the same minutes of every hour.
    #[error("a period of {} does not divide one hour", codec::duration::encode(*.0))]
    Uneven(Duration),
}

/// Checks that `period` can be the period of a plan: 20 s to 1 h, a divisor of one hour.
///
/// # Errors
///
/// [`PeriodError`] names the rule that is broken.
pub fn check_period(period: Duration) -> Result<(), PeriodError> {
    if !(MIN_PERIOD..=MAX_PERIOD).contains(&period) {
        return Err(PeriodError::Range(period));
    }
    if MAX_PERIOD.as_nanos().is_multiple_of(period.as_nanos()) {
        Ok(())
    } else {
        Err(PeriodError::Uneven(period))
    }
}

/// Over how long the packets of a round are spread when nothing else is configured: the period
/// less 20 s for the plan, the waiting time and the delivery; half of it below 60 s.
#[must_use]
pub fn default_spread(period: Duration) -> Duration {
    if period >= USUAL_MIN_PERIOD {
        period.saturating_sub(Duration::from_secs(20))
    } else {
        period / 2
    }
}

/// Packets for each target when nothing else is configured: one for each whole second of the
/// spread, at least one.
#[must_use]
pub fn default_count(spread: Duration) -> u64 {
    spread.as_secs().max(1)
}

/// The parameters of the default test `icmp` in a plan with this period.
#[must_use]
pub fn default_params(period: Duration) -> Params {
    let spread = default_spread(period);
    Params {
        count: Some(default_count(spread)),
        spread: Some(spread),
        timeout: Some(Params::DEFAULT_TIMEOUT),
        payload_bytes: Some(Params::DEFAULT_PAYLOAD_BYTES),
        dscp: Some(0),
        dont_fragment: Some(false),
    }
}

/// Where cell `index` of `count` begins inside the spread: spread · index ÷ count, rounded down.
///
/// `None` if there is no such cell.
#[must_use]
pub fn departure(spread: Duration, count: u64, index: u64) -> Option<Duration> {
    if index >= count {
        return None;
    }
    let ns = spread.as_nanos().checked_mul(u128::from(index))? / u128::from(count);
    u64::try_from(ns).ok().map(Duration::from_nanos)
}

/// How long a round waits at least after its last packet.
pub const MIN_LINGER: Duration = Duration::from_secs(4);

/// What is kept free at the end of a round to deliver its report.
pub const DELIVERY: Duration = Duration::from_secs(4);

/// How long a round with these parameters takes: the spread of its packets, the wait for the last replies, which
/// is the waiting time and at least [`MIN_LINGER`], and [`DELIVERY`].
#[must_use]
pub fn time_needed(spread: Duration, timeout: Duration) -> Duration {
    spread
        .saturating_add(timeout.max(MIN_LINGER))
        .saturating_add(DELIVERY)
}

/// When, counted from the slot's start, the process of a round has to be gone: 99 % of the period.
#[must_use]
pub fn end_before(period: Duration) -> Duration {
    let ns = period.as_nanos() * 99 / 100;
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

/// The start of the slot in which a round lies that began at `round_start`.
#[must_use]
pub fn slot_start(round_start: UnixTime, period: Duration) -> UnixTime {
    round_start.floor(period)
}

/// Whether a test with `test_period` is due in the round whose slot begins at `slot_start`.
///
/// A test that was missed is not made up for.
#[must_use]
pub fn is_due(slot_start: UnixTime, test_period: Duration) -> bool {
    slot_start.floor(test_period) == slot_start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_refused_period_names_the_limits() {
        let message = |secs| check_period(Duration::from_secs(secs)).unwrap_err().to_string();
        assert_eq!(message(19), "a period of 19s is outside 20s to 3600s");
        assert_eq!(message(59), "a period of 59s does not divide one hour");
        for secs in [20, 60, 300, 3600] {
            assert_eq!(check_period(Duration::from_secs(secs)), Ok(()), "{secs}");
        }
    }

    #[test]
    fn the_default_round_of_up_to_twenty_minutes_leaves_time_to_deliver_it() {
        // Of longer periods the last hundredth, when the process has to be gone, is longer than what the default
        // spread leaves: they need a spread of their own.
        for secs in (20..=1200).filter(|secs| 3600 % secs == 0) {
            let period = Duration::from_secs(secs);
            let needed = time_needed(default_spread(period), Params::DEFAULT_TIMEOUT);
            assert!(needed <= end_before(period), "{secs}");
        }
        assert_eq!(
            time_needed(Duration::from_secs(289), Duration::from_secs(2)),
            end_before(Duration::from_mins(5))
        );
    }

    #[test]
    fn a_cell_that_does_not_exist_has_no_departure() {
        let spread = Duration::from_secs(280);
        assert_eq!(departure(spread, 280, 279), Some(Duration::from_secs(279)));
        assert_eq!(departure(spread, 280, 280), None);
        assert_eq!(departure(spread, 0, 0), None);
    }
}
