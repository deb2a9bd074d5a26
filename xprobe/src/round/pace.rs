//! How many packets may leave.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use ippm::plan::Plan;

use super::Flow;

/// Most packets a second that a probe ever sends in all, whatever a plan asks for.
pub const MAX_PPS: u64 = Plan::MAX_PPS;
/// Most packets a second that a probe ever sends to one address.
pub const MAX_PPS_PER_TARGET: u64 = Plan::MAX_PPS_PER_TARGET;
/// Most results of one round.
pub const MAX_RESULTS: usize = Plan::MAX_RESULTS;
/// Most packets of one round, over all its results: each is remembered until the report is made.
pub const MAX_PACKETS: u64 = Plan::MAX_PACKETS;

/// The lateness of one wake-up: what is later was held up by something else.
const MAX_FORGIVEN: Duration = Duration::from_millis(1);

/// Rates that a round keeps to. Never above [`MAX_PPS`] and [`MAX_PPS_PER_TARGET`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pps: u64,
    pps_per_target: u64,
}

impl Limits {
    /// The hard limits of the program.
    pub const HARD: Self = Self {
        pps: MAX_PPS,
        pps_per_target: MAX_PPS_PER_TARGET,
    };

    /// The smaller ones of these limits and the hard ones; at least one packet a second.
    #[must_use]
    pub fn new(pps: u64, pps_per_target: u64) -> Self {
        Self {
            pps: pps.clamp(1, MAX_PPS),
            pps_per_target: pps_per_target.clamp(1, MAX_PPS_PER_TARGET),
        }
    }

    /// Shortest time between two departures of the round.
    pub(super) fn gap(self) -> Duration {
        Duration::from_nanos(1_000_000_000 / self.pps)
    }

    /// Shortest time between two departures to one address.
    pub(super) fn gap_per_target(self) -> Duration {
        Duration::from_nanos(1_000_000_000 / self.pps_per_target)
    }

    /// Says for each flow, in order, whether it fits beside those admitted before it.
    #[must_use]
    pub fn admit(self, flows: &[Flow]) -> Vec<Result<(), Refusal>> {
        let mut total = 0.0;
        let mut per_target: HashMap<IpAddr, f64> = HashMap::new();
        let mut admitted = 0;
        let mut packets = 0_u64;
        flows
            .iter()
            .map(|flow| {
                let rate = flow.rate();
                let target = per_target.entry(flow.destination).or_insert(0.0);
                if admitted == MAX_RESULTS {
                    return Err(Refusal::Results);
                }
                // A thousandth of a packet a second forgives the rounding of the division.
                if *target + rate > as_rate(self.pps_per_target) + 1e-3 {
                    return Err(Refusal::TargetRate {
                        pps: self.pps_per_target,
                    });
                }
                if total + rate > as_rate(self.pps) + 1e-3 {
                    return Err(Refusal::Rate { pps: self.pps });
                }
                let together = packets.saturating_add(flow.count);
                if MAX_PACKETS < together {
                    return Err(Refusal::Packets);
                }
                packets = together;
                admitted += 1;
                total += rate;
                *target += rate;
                Ok(())
            })
            .collect()
    }
}

/// How long after a departure that was late by `late` the next one may follow, where `gap` lies between two.
///
/// The lateness of one wake-up is forgiven: else every one of them would slow a round that uses its whole rate
/// down for good. In any second at most one packet more leaves for it.
pub(super) fn gap_after(gap: Duration, late: Duration) -> Duration {
    if late <= MAX_FORGIVEN.min(gap / 2) {
        gap.saturating_sub(late)
    } else {
        gap
    }
}

/// Why a result is not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There are too many results.
    #[error("more than {MAX_RESULTS} results in one round")]
    Results,
    /// Its packets would exceed what one address may receive.
    #[error("more than {pps} packets a second to one address")]
    TargetRate {
        /// The limit.
        pps: u64,
    },
    /// Its packets would exceed what the probe may send.
    #[error("more than {pps} packets a second in all")]
    Rate {
        /// The limit.
        pps: u64,
    },
    /// Its packets would be more than the probe remembers of one round.
    #[error("more than {MAX_PACKETS} packets in one round")]
    Packets,
}

impl Flow {
    /// Packets a second, rounded up; within the limits of the program.
    #[must_use]
    pub(crate) fn packets_per_second(&self) -> u64 {
        let rate = self.rate().ceil();
        if rate >= as_rate(MAX_PPS) {
            return MAX_PPS;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and below the limit"
        )]
        let whole = rate as u64;
        whole
    }

    /// Packets a second. One packet alone has no rate.
    fn rate(&self) -> f64 {
        match self.count {
            0 | 1 => 0.0,
            _ if self.spread.is_zero() => f64::INFINITY,
            count => as_rate(count) / self.spread.as_secs_f64(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate near the limits has few digits")]
fn as_rate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::round::schedule::Rhythm;

    fn flow(last: u8, count: u64, spread_ms: u64) -> Flow {
        Flow {
            destination: IpAddr::from([192, 0, 2, last]),
            count,
            spread: Duration::from_millis(spread_ms),
            timeout: Duration::from_secs(2),
            rhythm: Rhythm::Regular,
        }
    }

    #[test]
    fn a_rate_in_whole_packets_is_rounded_up_and_bounded() {
        let rates = [
            flow(1, 10, 10_000),
            flow(1, 3, 2_000),
            flow(1, 1, 0),
            flow(1, 2, 0),
        ]
        .map(|flow| flow.packets_per_second());
        assert_eq!(rates, [1, 2, 0, MAX_PPS]);
    }

    #[test]
    fn limits_can_be_lowered_and_not_raised() {
        assert_eq!(Limits::new(u64::MAX, u64::MAX), Limits::HARD);
        assert_eq!(
            Limits::new(0, 0),
            Limits {
                pps: 1,
                pps_per_target: 1
            }
        );
        assert_eq!(Limits::HARD.gap(), Duration::from_micros(50));
        assert_eq!(Limits::HARD.gap_per_target(), Duration::from_millis(5));
    }

    #[test]
    fn two_hundred_packets_a_second_to_one_address_are_the_limit_over_all_its_tests() {
        let verdicts = Limits::HARD.admit(&[
            flow(1, 150, 1000),
            flow(1, 50, 1000),
            flow(1, 2, 1000),
            flow(2, 200, 1000),
        ]);
        assert_eq!(
            verdicts,
            [Ok(()), Ok(()), Err(Refusal::TargetRate { pps: 200 }), Ok(())]
        );
        assert_eq!(
            Limits::HARD.admit(&[flow(1, 2, 0)]),
            [Err(Refusal::TargetRate { pps: 200 })]
        );
        assert_eq!(Limits::HARD.admit(&[flow(1, 1, 0)]), [Ok(())]);
    }

    #[test]
    fn twenty_thousand_packets_a_second_are_the_limit_in_all() {
        let flows: Vec<Flow> = (0..101).map(|last| flow(last, 200, 1000)).collect();
        let verdicts = Limits::HARD.admit(&flows);
        assert_eq!(verdicts.iter().filter(|v| v.is_ok()).count(), 100);
        assert_eq!(verdicts[100], Err(Refusal::Rate { pps: 20_000 }));
        assert_eq!(
            Refusal::Rate { pps: 20_000 }.to_string(),
            "more than 20000 packets a second in all"
        );
    }

    #[test]
    fn results_beyond_the_limit_are_refused() {
        let flows = vec![flow(1, 1, 1000); MAX_RESULTS + 1];
        let verdicts = Limits::HARD.admit(&flows);
        assert_eq!(verdicts.iter().filter(|v| v.is_ok()).count(), MAX_RESULTS);
        assert_eq!(verdicts[MAX_RESULTS], Err(Refusal::Results));
        assert_eq!(
            Refusal::Results.to_string(),
            "more than 2048 results in one round"
        );
    }

    /// What fits beside the others is measured, however large the one before it was.
    #[test]
    fn two_million_packets_are_the_limit_of_a_round() {
        let hour = |last: u8, count| flow(last, count, 3_600_000);
        let verdicts = Limits::HARD.admit(&[
            hour(1, 720_000),
            hour(2, 720_000),
            hour(3, 560_001),
            hour(4, 560_000),
            hour(5, 1),
        ]);
        assert_eq!(
            verdicts,
            [
                Ok(()),
                Ok(()),
                Err(Refusal::Packets),
                Ok(()),
                Err(Refusal::Packets)
            ]
        );
        assert_eq!(
            Refusal::Packets.to_string(),
            "more than 2000000 packets in one round"
        );
    }
}
