//! The packets of one result, and what they say together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::quantile::nearest_rank;
use crate::{
    Delay, Fate, IcmpErrorCount, Ipdv, IpdvSummary, Packet, RoundTrip, Rtt, Slices, Summary, UnixTime,
};

/// The packets of one (test, target, family, flow) in one round, in sending order (RFC 2330 §11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Start of the round, which the packets' times count from.
    pub round_start: UnixTime,
    /// The packets in sending order, those that our own kernel refused included.
    pub packets: Vec<Packet>,
}

impl Sample {
    /// The statistics of the sample.
    ///
    /// `None` when no packet left the host: then nothing was measured, and nothing was lost either.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let sent: Vec<&Packet> = self.packets.iter().filter(|p| p.fate != Fate::Unsent).collect();
        let slices = slices(self.round_start, &sent)?;
        let received = sent
            .iter()
            .filter(|p| matches!(p.fate, Fate::Returned { .. }))
            .count();
        Some(Summary {
            sent: as_u64(sent.len()),
            received: as_u64(received),
            late: as_u64(sent.iter().filter(|p| p.fate == Fate::Late).count()),
            duplicates: sent.iter().map(|p| u64::from(p.duplicates)).sum(),
            reordered: reordered(&sent),
            unsent: as_u64(self.packets.len() - sent.len()),
            slices,
            loss_runs: loss_runs(&sent),
            icmp_errors: icmp_errors(&sent),
            hop_limits: hop_limits(&sent),
            dscp_received: dscp_received(&sent),
            path_mtu: path_mtu(&sent),
            delay: delay(&sent),
            ipdv: ipdv_summary(ipdv(&sent)),
        })
    }

    /// The round-trip IPDV between neighbors that both have a delay (form of RFC 3393).
    ///
    /// A packet that was lost, or whose delay could not be told, breaks the chain; one that was
    /// never sent does not stand between its neighbors.
    pub fn ipdv(&self) -> impl Iterator<Item = Ipdv> {
        let sent: Vec<&Packet> = self.packets.iter().filter(|p| p.fate != Fate::Unsent).collect();
        ipdv(&sent).collect::<Vec<_>>().into_iter()
    }
}

/// `None` if nothing was sent.
fn slices(round_start: UnixTime, sent: &[&Packet]) -> Option<Slices> {
    let slice_of = |packet: &Packet| round_start.saturating_add(packet.departure).floor(Slices::LENGTH);
    let start = sent.iter().map(|p| slice_of(p)).min()?;
    let index_of = |packet: &Packet| {
        let since = slice_of(packet).since(start).unwrap_or_default();
        usize::try_from(since.as_nanos() / Slices::LENGTH.as_nanos()).unwrap_or(usize::MAX)
    };
    let number = sent.iter().map(|p| index_of(p)).max()? + 1;
    let mut slices = Slices {
        start,
        sent: vec![0; number],
        lost: vec![0; number],
        rtt_count: vec![0; number],
        rtt_sum_ns: vec![0; number],
    };
    for packet in sent {
        let index = index_of(packet);
        slices.sent[index] += 1;
        match packet.round_trip() {
            Some(RoundTrip::Returned(rtt)) => {
                slices.rtt_count[index] += 1;
                slices.rtt_sum_ns[index] += rtt.as_ns();
            }
            Some(RoundTrip::Lost) => slices.lost[index] += 1,
            Some(RoundTrip::Undated) | None => {}
        }
    }
    Some(slices)
}

/// Received packets that a later-sent one overtook on the way back (RFC 4737 §3); a tie is none.
fn reordered(sent: &[&Packet]) -> u64 {
    let mut earliest_later = None;
    let mut reordered = 0;
    for packet in sent.iter().rev() {
        if let Fate::Returned { arrival, .. } = packet.fate {
            if earliest_later.is_some_and(|earliest| earliest < arrival) {
                reordered += 1;
            } else {
                earliest_later = Some(arrival);
            }
        }
    }
    reordered
}

/// Lengths of the loss periods of RFC 3357 and how often each occurred, ascending.
fn loss_runs(sent: &[&Packet]) -> Vec<(u64, u64)> {
    let mut runs = BTreeMap::new();
    let is_lost = |packet: &&Packet| packet.round_trip() == Some(RoundTrip::Lost);
    for run in sent
        .chunk_by(|a, b| is_lost(a) == is_lost(b))
        .filter(|run| is_lost(&run[0]))
    {
        *runs.entry(as_u64(run.len())).or_insert(0) += 1;
    }
    runs.into_iter().collect()
}

fn icmp_errors(sent: &[&Packet]) -> Vec<IcmpErrorCount> {
    let mut counts = BTreeMap::new();
    for error in sent.iter().filter_map(|p| p.icmp_error) {
        counts.entry(error.sort_key()).or_insert((error, 0)).1 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    if counts.len() > Summary::MAX_ICMP_ERRORS {
        // The sort is stable: of equally frequent ones the first stay.
        counts.sort_by_key(|&(_, (_, count))| Reverse(count));
        counts.truncate(Summary::MAX_ICMP_ERRORS);
        counts.sort_unstable_by_key(|&(key, _)| key);
    }
    let count = |(_, (error, count)): (_, (crate::IcmpError, u64))| IcmpErrorCount {
        kind: error.kind,
        code: error.code,
        from: error.from,
        count,
    };
    counts.into_iter().map(count).collect()
}

fn hop_limits(sent: &[&Packet]) -> Vec<(u8, u64)> {
    counted(sent.iter().filter_map(|packet| match packet.fate {
        Fate::Returned { hop_limit, .. } => hop_limit,
        _ => None,
    }))
}

fn dscp_received(sent: &[&Packet]) -> Vec<(u8, u64)> {
    counted(sent.iter().filter_map(|packet| match packet.fate {
        Fate::Returned { dscp, .. } => dscp,
        _ => None,
    }))
}

/// How often each value occurs, ascending.
fn counted(values: impl Iterator<Item = u8>) -> Vec<(u8, u64)> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}

fn path_mtu(sent: &[&Packet]) -> Option<u64> {
    sent.iter()
        .filter_map(|packet| packet.icmp_error?.mtu)
        .map(u64::from)
        .min()
}

/// `None` if no packet has a delay.
#[expect(
    clippy::cast_precision_loss,
    reason = "the definition of m2 rounds the exact integers to f64, once each"
)]
fn delay(sent: &[&Packet]) -> Option<Delay> {
    let mut delays: Vec<u64> = sent
        .iter()
        .filter_map(|p| match p.round_trip() {
            Some(RoundTrip::Returned(rtt)) => Some(rtt.as_ns()),
            _ => None,
        })
        .collect();
    delays.sort_unstable();
    let quantile = |permille| nearest_rank(&delays, permille).map(Rtt::from_ns);
    let mut hist = Histogram::new();
    let (mut sum, mut squares) = (0_u128, 0_u128);
    for &ns in &delays {
        hist.record(ns);
        sum += u128::from(ns);
        squares = squares.saturating_add(u128::from(ns) * u128::from(ns));
    }
    // n·Σx² − (Σx)² in integers: the order of the packets cannot change a bit of the result.
    let n = delays.len() as u128;
    let scaled = n.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum));
    Some(Delay {
        count: as_u64(delays.len()),
        sum_ns: u64::try_from(sum).unwrap_or(u64::MAX),
        m2_ns2: scaled as f64 / n as f64,
        min: quantile(0)?,
        max: quantile(1000)?,
        p50: quantile(500)?,
        p95: quantile(950)?,
        p99: quantile(990)?,
        hist,
    })
}

fn ipdv(sent: &[&Packet]) -> impl Iterator<Item = Ipdv> {
    sent.windows(2)
        .filter_map(|pair| match (pair[0].round_trip(), pair[1].round_trip()) {
            (Some(RoundTrip::Returned(previous)), Some(RoundTrip::Returned(rtt))) => {
                Some(rtt.variation_from(previous))
            }
            _ => None,
        })
}

/// The form of RFC 3550 §6.4.1 (appendix A.8: sixteen times the estimate, in integers), but started
/// at the first variation: started at zero it shows 44 % of the truth after nine variations.
fn ipdv_summary(variations: impl Iterator<Item = Ipdv>) -> Option<IpdvSummary> {
    let (mut pairs, mut abs_sum_ns, mut scaled) = (0_u64, 0_u64, 0_u128);
    for variation in variations {
        let size = variation.abs_ns();
        scaled = if pairs == 0 {
            16 * u128::from(size)
        } else {
            // Never below zero: (scaled + 8) >> 4 is at most scaled, except for scaled 0 where it is 0.
            scaled + u128::from(size) - ((scaled + 8) >> 4)
        };
        pairs += 1;
        abs_sum_ns = abs_sum_ns.saturating_add(size);
    }
    let smoothed_ns = u64::try_from((scaled + 8) >> 4).unwrap_or(u64::MAX);
    (pairs > 0).then_some(IpdvSummary {
        pairs,
        abs_sum_ns,
        smoothed_ns,
    })
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
