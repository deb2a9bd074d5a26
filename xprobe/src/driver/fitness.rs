//! What the probe says about itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ippm::histogram::Histogram;

use super::host::Host;
use crate::net::Mode;

/// How well the probe itself did: whether its numbers describe the path or this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitness {
    /// `icmp-datagram`, or `icmp-raw` if any socket had to be raw.
    pub engine: &'static str,
    /// 99th percentile of how much later than due packets were given to the kernel, in nanoseconds (within the
    /// 1 % of a histogram bucket); `None` if none was.
    pub send_lag_p99_ns: Option<u64>,
    /// The median of the same.
    pub send_lag_p50_ns: Option<u64>,
    /// The most that a packet was late.
    pub send_lag_max_ns: Option<u64>,
    /// Packets that the kernel threw away because our receive buffer was full.
    pub receive_drops: u64,
    /// Received packets without delay, for want of a kernel stamp.
    pub stamps_missing: u64,
    /// Received packets without delay, because their stamps could not be true.
    pub stamps_discarded: u64,
    /// How often the wall clock jumped.
    pub clock_steps: u64,
    /// Replies that answered no packet of ours. They are in no result and on no wire.
    pub strays: u64,
    /// Packets that our own kernel refused, by the name of its error, such as `eperm`.
    pub unsent_errors: Vec<(String, u64)>,
    /// What the host went through.
    pub host: Host,
    /// Why the results of this round should not count against anybody.
    pub suspect: Vec<Suspicion>,
}

/// A reason to doubt the probe rather than the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Packets left much later than due: this host was too busy to keep the pace.
    SendLag,
    /// Replies were thrown away in our own socket, and count as lost.
    ReceiveDrops,
    /// The wall clock jumped: the time that the packets are booked under is not that of the start.
    Clock,
    /// Too many replies had no believable stamps.
    Stamps,
    /// This host's table of neighbors was full: packets were lost before they left.
    NeighbourTable,
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendLag => "send_lag",
            Self::ReceiveDrops => "receive_drops",
            Self::Clock => "clock",
            Self::Stamps => "stamps",
            Self::NeighbourTable => "neighbour_table",
        })
    }
}

/// A hundredth of the packets later than this are suspicious: a tenth of the second that lies between
/// two packets of the default plan.
const SUSPICIOUS_LAG: Duration = Duration::from_millis(100);
/// A single packet later than this is suspicious: at the default pace it left in the time of the one after it,
/// and the process did not run for as long.
const SUSPICIOUS_STALL: Duration = Duration::from_secs(1);
/// So many per hundred received packets without delay are suspicious.
const SUSPICIOUS_STAMPS_PERCENT: u64 = 10;

/// What is counted while a round runs.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) lag: Lag,
    pub(super) drops: u64,
    pub(super) stamps_missing: u64,
    pub(super) stamps_discarded: u64,
    pub(super) received: u64,
    pub(super) clock_steps: u64,
    pub(super) strays: u64,
    pub(super) unsent: BTreeMap<String, u64>,
    pub(super) host: Host,
}

/// How much later than due packets were given to the kernel.
#[derive(Debug)]
pub(super) struct Lag {
    histogram: Histogram,
    /// Least and most, in nanoseconds.
    range: Option<(u64, u64)>,
}

impl Lag {
    pub(super) const fn new() -> Self {
        Self {
            histogram: Histogram::new(),
            range: None,
        }
    }

    pub(super) fn record(&mut self, lag: Duration) {
        let ns = u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.record(ns);
        self.range = Some(
            self.range
                .map_or((ns, ns), |(least, most)| (least.min(ns), most.max(ns))),
        );
    }

    fn quantile_ns(&self, permille: u16) -> Option<u64> {
        let (least, most) = self.range?;
        self.histogram.quantile(permille, least, most)
    }

    fn max_ns(&self) -> Option<u64> {
        self.range.map(|(_, most)| most)
    }
}

impl Fitness {
    pub(super) fn new(mode: Option<Mode>, counts: Counts) -> Self {
        let send_lag_p99_ns = counts.lag.quantile_ns(990);
        let send_lag_max_ns = counts.lag.max_ns();
        let undated = counts.stamps_missing + counts.stamps_discarded;
        let mut suspect = Vec::new();
        let exceeds = |lag: Option<u64>, limit| lag.is_some_and(|ns| Duration::from_nanos(ns) > limit);
        if exceeds(send_lag_p99_ns, SUSPICIOUS_LAG) || exceeds(send_lag_max_ns, SUSPICIOUS_STALL) {
            suspect.push(Suspicion::SendLag);
        }
        if counts.drops > 0 {
            suspect.push(Suspicion::ReceiveDrops);
        }
        if counts.clock_steps > 0 {
            suspect.push(Suspicion::Clock);
        }
        if undated * 100 > counts.received * SUSPICIOUS_STAMPS_PERCENT {
            suspect.push(Suspicion::Stamps);
        }
        if counts.host.neighbor_overflows.is_some_and(|times| times > 0) {
            suspect.push(Suspicion::NeighbourTable);
        }
        Self {
            engine: if mode == Some(Mode::Raw) {
                "icmp-raw"
            } else {
                "icmp-datagram"
            },
            send_lag_p50_ns: counts.lag.quantile_ns(500),
            send_lag_p99_ns,
            send_lag_max_ns,
            receive_drops: counts.drops,
            stamps_missing: counts.stamps_missing,
            stamps_discarded: counts.stamps_discarded,
            clock_steps: counts.clock_steps,
            strays: counts.strays,
            unsent_errors: counts.unsent.into_iter().collect(),
            host: counts.host,
            suspect,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts() -> Counts {
        Counts {
            lag: Lag::new(),
            drops: 0,
            stamps_missing: 0,
            stamps_discarded: 0,
            received: 0,
            clock_steps: 0,
            strays: 0,
            unsent: BTreeMap::new(),
            host: Host::UNKNOWN,
        }
    }

    #[track_caller]
    fn check(counts: Counts, words: &[&str]) {
        let suspect: Vec<String> = Fitness::new(None, counts)
            .suspect
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(suspect, words);
    }

    #[test]
    fn a_round_that_sent_nothing_has_no_lag_and_raises_no_suspicion() {
        let fitness = Fitness::new(None, counts());
        assert_eq!(fitness.send_lag_p99_ns, None);
        assert_eq!((fitness.send_lag_p50_ns, fitness.send_lag_max_ns), (None, None));
        check(counts(), &[]);
    }

    /// So many packets at 60 µs, so many at the other lag.
    fn lags(usual: usize, late: usize, lag: Duration) -> Counts {
        let mut counts = counts();
        for _ in 0..usual {
            counts.lag.record(Duration::from_micros(60));
        }
        for _ in 0..late {
            counts.lag.record(lag);
        }
        counts
    }

    #[test]
    fn one_packet_in_a_hundred_may_leave_late_two_may_not() {
        check(lags(99, 1, Duration::from_millis(300)), &[]);
        check(lags(98, 2, Duration::from_millis(300)), &["send_lag"]);
        check(lags(98, 2, Duration::from_millis(100)), &[]);
    }

    #[test]
    fn a_single_packet_may_be_a_second_late_and_no_more() {
        check(lags(9999, 1, Duration::from_secs(1)), &[]);
        check(lags(9999, 1, Duration::from_nanos(1_000_000_001)), &["send_lag"]);
    }

    #[test]
    fn median_and_most_of_the_lag_are_told_beside_its_hundredth() {
        let fitness = Fitness::new(None, lags(98, 2, Duration::from_millis(300)));
        let near = |found: Option<u64>, ns: u64| found.is_some_and(|found| found.abs_diff(ns) * 50 < ns);
        assert!(near(fitness.send_lag_p50_ns, 60_000), "{fitness:?}");
        assert!(near(fitness.send_lag_p99_ns, 300_000_000), "{fitness:?}");
        assert_eq!(fitness.send_lag_max_ns, Some(300_000_000));
    }

    #[test]
    fn a_full_table_of_neighbors_makes_the_round_suspect() {
        for (times, words) in [(None, &[][..]), (Some(0), &[]), (Some(1), &["neighbour_table"])] {
            let host = Host {
                neighbor_overflows: times,
                ..Host::UNKNOWN
            };
            check(Counts { host, ..counts() }, words);
        }
    }

    #[test]
    fn a_reply_thrown_away_by_our_own_kernel_makes_the_round_suspect() {
        check(Counts { drops: 1, ..counts() }, &["receive_drops"]);
    }

    #[test]
    fn a_step_of_the_wall_clock_makes_the_round_suspect() {
        let stepped = Counts {
            clock_steps: 1,
            ..counts()
        };
        check(stepped, &["clock"]);
    }

    #[test]
    fn a_tenth_of_the_stamps_may_be_missing_and_no_more() {
        let undated = |stamps_missing| Counts {
            received: 100,
            stamps_missing,
            stamps_discarded: 6,
            ..counts()
        };
        check(undated(4), &[]);
        check(undated(5), &["stamps"]);
    }

    #[test]
    fn one_raw_socket_makes_the_engine_raw() {
        assert_eq!(Fitness::new(Some(Mode::Raw), counts()).engine, "icmp-raw");
        assert_eq!(
            Fitness::new(Some(Mode::Datagram), counts()).engine,
            "icmp-datagram"
        );
    }
}
