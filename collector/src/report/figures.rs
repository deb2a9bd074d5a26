//! Statistics over the rounds of one subject.

use ippm::interval::Interval;
use ippm::{LossRatio, Rtt};

/// What the results of some slots say together: of each slot the result that counts, suspected ones left out.
///
/// A quantity that nothing stands behind is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Rounds with packet counts, on which everything but `legacy` rests.
    pub rounds: u64,
    /// Rounds that lost at least one packet.
    pub rounds_lossy: u64,
    /// Rounds that received nothing.
    pub rounds_down: u64,
    /// Rounds measured by a probe that doubted itself: in no other figure.
    pub rounds_suspect: u64,
    /// Slots in which something could not be measured: in no other figure.
    pub rounds_error: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets answered within the waiting time.
    pub received: u64,
    /// Lost packets answered after it.
    pub late: u64,
    /// Replies beyond the first.
    pub duplicates: u64,
    /// Received packets that a later-sent one overtook.
    pub reordered: u64,
    /// Packets that the probe's own kernel refused.
    pub unsent: u64,
    /// Round-trip loss; `None` if nothing was sent.
    pub loss: Option<Loss>,
    /// Round-trip delay; `None` if no packet has one.
    pub delay: Option<DelayFigures>,
    /// Mean of the absolute round-trip IPDV, nanoseconds; `None` if no two neighbors have a delay.
    pub ipdv_mean_ns: Option<u64>,
    /// The hop limit of most replies, of equally many the smallest. Only from single results, not from cells.
    pub hop_limit: Option<u8>,
    /// Results of probes of the original IXPQoS, which count no packets.
    pub legacy: Option<LegacyFigures>,
}

/// A loss ratio, and how far it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Packets lost.
    pub lost: u64,
    /// Lost ÷ sent.
    pub ratio: LossRatio,
    /// Where the truth may lie.
    pub confidence: Confidence,
}

/// How far a loss ratio can be trusted, with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Confidence {
    /// One round: its counts say all, and there is no interval.
    SingleRound,
    /// Nothing was lost: the truth is below `upper` if packets are lost independently, to be shown with those words.
    NothingLost {
        /// 1 − 0.05^(1/sent).
        upper: f64,
    },
    /// Two-sided, rounds taken as clusters.
    Clustered {
        /// The bounds.
        interval: Interval,
        /// Whether fewer than [`ippm::interval::FEW_EVENTS`] rounds had loss: then the bounds say little.
        has_few_events: bool,
    },
}

/// Statistics of the packets that have a delay.
#[derive(Debug, Clone, PartialEq)]
pub struct DelayFigures {
    /// Packets with a delay.
    pub count: u64,
    /// The smallest: the floor of the path.
    pub min: Rtt,
    /// The largest.
    pub max: Rtt,
    /// The mean, whole nanoseconds.
    pub mean: Rtt,
    /// Population standard deviation (`rtt_stddev`), nanoseconds.
    pub stddev_ns: f64,
    /// Percentiles from the merged histogram; `None` if histograms were not asked for.
    pub percentiles: Option<Percentiles>,
}

/// Percentiles of a delay by nearest rank, from merged histograms: within 1.05 % of the exact ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Smallest delay of the same packets, which PDV is counted from.
    min: Rtt,
    values: [Rtt; Self::PERMILLE.len()],
}

impl Percentiles {
    /// Which ones, in thousandths.
    pub const PERMILLE: [u16; 9] = [50, 100, 250, 500, 750, 900, 950, 990, 999];

    /// The percentiles of `histogram`, whose delays lie between `min` and `max`; `None` of an empty one.
    #[must_use]
    pub fn of(histogram: &ippm::histogram::Histogram, min: Rtt, max: Rtt) -> Option<Self> {
        let mut values = [min; Self::PERMILLE.len()];
        for (value, permille) in values.iter_mut().zip(Self::PERMILLE) {
            *value = Rtt::from_ns(histogram.quantile(permille, min.as_ns(), max.as_ns())?);
        }
        Some(Self { min, values })
    }

    /// The percentile `permille`; `None` unless it is one of [`Percentiles::PERMILLE`].
    #[must_use]
    pub fn get(&self, permille: u16) -> Option<Rtt> {
        let at = Self::PERMILLE.iter().position(|of| *of == permille)?;
        self.values.get(at).copied()
    }

    /// The median.
    #[must_use]
    pub const fn median(&self) -> Rtt {
        self.values[3]
    }

    /// All of them as (thousandths, delay), ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Rtt)> + '_ {
        Self::PERMILLE.into_iter().zip(self.values)
    }

    /// The quantile `permille` of the packet delay variation (RFC 5481 §4.2): the percentile of the delay minus the
    /// smallest delay, nanoseconds.
    #[must_use]
    pub fn pdv_ns(&self, permille: u16) -> Option<u64> {
        Some(self.get(permille)?.above(self.min)?.as_ns())
    }
}

/// What results without packet counts say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegacyFigures {
    /// How many of them.
    pub rounds: u64,
    /// Mean of their mean delays, nanoseconds; signed, because their clock may have gone back.
    pub mean_ns: Option<i64>,
    /// Mean of their loss ratios: each round weighs the same, whatever it sent. It has no interval.
    pub loss_mean: f64,
}
