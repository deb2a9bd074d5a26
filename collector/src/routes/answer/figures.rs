//! Statistics over rounds.

use serde::Serialize;
use utoipa::ToSchema;

use crate::csv::Cell;
use crate::report::figures::{Confidence, DelayFigures, Figures, LegacyFigures, Loss, Percentiles};

/// What the results of some slots say together; of each slot the one that counts, suspected ones left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiguresAnswer {
    /// Rounds with packet counts, on which everything but `legacy` rests.
    rounds: u64,
    /// Rounds that lost at least one packet.
    rounds_lossy: u64,
    /// Rounds that received nothing.
    rounds_down: u64,
    /// Rounds of a probe that doubted itself: in no other figure.
    rounds_suspect: u64,
    /// Slots in which something could not be measured: in no other figure.
    rounds_error: u64,
    /// Packets sent.
    sent: u64,
    /// Packets answered within the waiting time.
    received: u64,
    /// Lost packets answered after it.
    late: u64,
    /// Replies beyond the first.
    duplicates: u64,
    /// Received packets that a later-sent one overtook (RFC 4737).
    reordered: u64,
    /// Packets that the probe's own kernel refused.
    unsent: u64,
    /// Round-trip loss (RFC 6673); null if nothing was sent.
    loss: Option<LossAnswer>,
    /// Round-trip delay (RFC 2681); null if no packet has one.
    rtt: Option<DelayAnswer>,
    /// Mean of the absolute round-trip IPDV; null if no two neighbors have a delay.
    ipdv_mean_ns: Option<u64>,
    /// The hop limit of most replies; null where it was made from cells.
    hop_limit: Option<u8>,
    /// Results of probes of the original IXPQoS, which count no packets; null without any.
    legacy: Option<LegacyAnswer>,
}

/// A loss ratio, and how far it can be trusted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LossAnswer {
    /// Packets lost.
    lost: u64,
    /// Lost ÷ sent.
    ratio: f64,
    /// `single-round` (counts say all, no interval), `nothing-lost` (`upper` holds if losses are independent), or
    /// `clustered` (two-sided 95 %, rounds as clusters).
    confidence: &'static str,
    /// Lower bound, 95 %.
    lower: Option<f64>,
    /// Upper bound, 95 %.
    upper: Option<f64>,
    /// Whether fewer than 30 rounds had loss: then the bounds say little.
    few_events: bool,
}

/// Statistics of the packets that have a delay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DelayAnswer {
    /// Packets with a delay.
    count: u64,
    /// The smallest: the floor of the path.
    min_ns: u64,
    /// The largest.
    max_ns: u64,
    /// The mean.
    mean_ns: u64,
    /// Population standard deviation.
    stddev_ns: f64,
    /// Percentiles from merged histograms, within 1.05 %; null if they were not asked for.
    percentiles: Option<Vec<PercentileAnswer>>,
}

/// One percentile of the delay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PercentileAnswer {
    /// Which one, in thousandths.
    permille: u16,
    /// The delay.
    rtt_ns: u64,
    /// The delay less the smallest one: PDV (RFC 5481).
    pdv_ns: Option<u64>,
}

/// What results without packet counts say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LegacyAnswer {
    /// How many of them.
    rounds: u64,
    /// Mean of their mean delays.
    mean_ns: Option<i64>,
    /// Mean of their loss ratios; it has no interval.
    loss_mean: f64,
}

impl From<&Figures> for FiguresAnswer {
    fn from(figures: &Figures) -> Self {
        Self {
            rounds: figures.rounds,
            rounds_lossy: figures.rounds_lossy,
            rounds_down: figures.rounds_down,
            rounds_suspect: figures.rounds_suspect,
            rounds_error: figures.rounds_error,
            sent: figures.sent,
            received: figures.received,
            late: figures.late,
            duplicates: figures.duplicates,
            reordered: figures.reordered,
            unsent: figures.unsent,
            loss: figures.loss.as_ref().map(LossAnswer::from),
            rtt: figures.delay.as_ref().map(DelayAnswer::from),
            ipdv_mean_ns: figures.ipdv_mean_ns,
            hop_limit: figures.hop_limit,
            legacy: figures.legacy.as_ref().map(LegacyAnswer::from),
        }
    }
}

impl From<&Loss> for LossAnswer {
    fn from(loss: &Loss) -> Self {
        let (confidence, lower, upper, few_events) = match &loss.confidence {
            Confidence::SingleRound => ("single-round", None, None, false),
            Confidence::NothingLost { upper } => ("nothing-lost", None, Some(*upper), false),
            Confidence::Clustered {
                interval,
                has_few_events,
            } => (
                "clustered",
                Some(interval.lower()),
                Some(interval.upper()),
                *has_few_events,
            ),
        };
        Self {
            lost: loss.lost,
            ratio: loss.ratio.get(),
            confidence,
            lower,
            upper,
            few_events,
        }
    }
}

impl From<&DelayFigures> for DelayAnswer {
    fn from(delay: &DelayFigures) -> Self {
        let percentiles = |percentiles: &Percentiles| {
            let one = |(permille, rtt): (u16, ippm::Rtt)| PercentileAnswer {
                permille,
                rtt_ns: rtt.as_ns(),
                pdv_ns: percentiles.pdv_ns(permille),
            };
            percentiles.iter().map(one).collect()
        };
        Self {
            count: delay.count,
            min_ns: delay.min.as_ns(),
            max_ns: delay.max.as_ns(),
            mean_ns: delay.mean.as_ns(),
            stddev_ns: delay.stddev_ns,
            percentiles: delay.percentiles.as_ref().map(percentiles),
        }
    }
}

impl From<&LegacyFigures> for LegacyAnswer {
    fn from(legacy: &LegacyFigures) -> Self {
        Self {
            rounds: legacy.rounds,
            mean_ns: legacy.mean_ns,
            loss_mean: legacy.loss_mean,
        }
    }
}

/// Columns of figures in a table.
pub(crate) const COLUMNS: [&str; 27] = [
    "rounds",
    "rounds_lossy",
    "rounds_down",
    "rounds_suspect",
    "rounds_error",
    "sent",
    "received",
    "lost",
    "late",
    "duplicates",
    "reordered",
    "unsent",
    "loss_ratio",
    "loss_lower",
    "loss_upper",
    "loss_confidence",
    "rtt_count",
    "rtt_min_ns",
    "rtt_p50_ns",
    "rtt_p95_ns",
    "rtt_p99_ns",
    "rtt_max_ns",
    "rtt_mean_ns",
    "rtt_stddev_ns",
    "pdv_p999_ns",
    "ipdv_mean_ns",
    "hop_limit",
];

/// The figures in a row, empty cells if nothing was measured.
pub(crate) fn cells(figures: Option<&Figures>) -> [Cell; COLUMNS.len()] {
    let Some(figures) = figures else {
        return std::array::from_fn(|_| Cell::Absent);
    };
    let loss = figures.loss.as_ref().map(LossAnswer::from);
    let delay = figures.delay.as_ref();
    let percentile = |permille: u16| {
        let percentiles = delay.and_then(|delay| delay.percentiles.as_ref());
        Cell::maybe(percentiles.and_then(|of| of.get(permille)).map(ippm::Rtt::as_ns))
    };
    let pdv = delay
        .and_then(|delay| delay.percentiles.as_ref())
        .and_then(|of| of.pdv_ns(999));
    [
        Cell::plain(figures.rounds),
        Cell::plain(figures.rounds_lossy),
        Cell::plain(figures.rounds_down),
        Cell::plain(figures.rounds_suspect),
        Cell::plain(figures.rounds_error),
        Cell::plain(figures.sent),
        Cell::plain(figures.received),
        Cell::maybe(loss.as_ref().map(|loss| loss.lost)),
        Cell::plain(figures.late),
        Cell::plain(figures.duplicates),
        Cell::plain(figures.reordered),
        Cell::plain(figures.unsent),
        Cell::maybe(loss.as_ref().map(|loss| loss.ratio)),
        Cell::maybe(loss.as_ref().and_then(|loss| loss.lower)),
        Cell::maybe(loss.as_ref().and_then(|loss| loss.upper)),
        Cell::maybe(loss.as_ref().map(|loss| loss.confidence)),
        Cell::maybe(delay.map(|delay| delay.count)),
        Cell::maybe(delay.map(|delay| delay.min.as_ns())),
        percentile(500),
        percentile(950),
        percentile(990),
        Cell::maybe(delay.map(|delay| delay.max.as_ns())),
        Cell::maybe(delay.map(|delay| delay.mean.as_ns())),
        Cell::maybe(delay.map(|delay| delay.stddev_ns)),
        Cell::maybe(pdv),
        Cell::maybe(figures.ipdv_mean_ns),
        Cell::maybe(figures.hop_limit),
    ]
}
