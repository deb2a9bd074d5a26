//! The packets of a round, and what the round gives to its hour.

use std::time::Duration;

use ippm::cell::CellDelay;
use ippm::cell::row::{CellRow, Counted, RowFinding};
use ippm::{Fate, Moments, Packet, Rtt, Sample, Slices, Summary, UnixTime};

use crate::mesh::PERIOD;

/// Packets of a round, one a second.
const PACKETS: u64 = 280;

/// One in so many packets is lost.
const LOSS: u64 = 2000;

/// A round over a path of its own length: a floor, and above it what queues add, mostly little.
pub(crate) fn round(place: u64, variant: u64) -> Summary {
    let mut random = Random(place << 32 | variant);
    let floor = 300_000 + place * 83_000;
    let packets = (0..PACKETS).map(|second| {
        let departure = Duration::from_secs(second);
        let tail = if random.below(50) == 0 {
            random.below(400_000)
        } else {
            0
        };
        let rtt = Rtt::from_ns(floor + random.below(20_000) + tail);
        let fate = if random.below(LOSS) == 0 {
            Fate::Lost
        } else {
            Fate::Returned {
                rtt: Some(rtt),
                arrival: departure + Duration::from_nanos(rtt.as_ns()),
                hop_limit: Some(64),
                dscp: None,
            }
        };
        Packet {
            departure,
            fate,
            duplicates: 0,
            icmp_error: None,
        }
    });
    let sample = Sample {
        round_start: UnixTime::from_ns(0),
        packets: packets.collect(),
    };
    sample.summary().expect("packets were sent")
}

/// What a round that began at `start` gives to its hour.
pub(crate) fn counted_row(round: &Summary, start: UnixTime) -> CellRow {
    let delay = round.delay.as_ref();
    CellRow {
        time: start,
        period: Some(PERIOD),
        is_suspect: false,
        finding: RowFinding::Counted(Box::new(Counted {
            sent: round.sent,
            received: round.received,
            late: round.late,
            duplicates: round.duplicates,
            reordered: round.reordered,
            unsent: round.unsent,
            delay: delay.map(|delay| CellDelay {
                moments: Moments {
                    count: delay.count,
                    sum_ns: delay.sum_ns,
                    m2_ns2: delay.m2_ns2,
                },
                min_ns: delay.min.as_ns(),
                max_ns: delay.max.as_ns(),
            }),
            hist: delay.map(|delay| delay.hist.clone()),
            ipdv_pairs: round.ipdv.map_or(0, |ipdv| ipdv.pairs),
            ipdv_abs_sum_ns: round.ipdv.map_or(0, |ipdv| ipdv.abs_sum_ns),
            slices: Some(Slices {
                start,
                ..round.slices.clone()
            }),
        })),
    }
}

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}
