//! Statistics over the rounds of one subject.

use std::collections::BTreeMap;

use ippm::cell::Cell;
use ippm::interval::{Interval, LossSums, Sides, zero_loss_upper_bound};
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

impl Figures {
    /// What `cell` says; `hop_limits` are those of the replies, if they were read.
    #[must_use]
    pub fn of(cell: &Cell, hop_limits: &BTreeMap<u8, u64>) -> Self {
        Self {
            rounds: cell.rounds,
            rounds_lossy: cell.rounds_lossy,
            rounds_down: cell.rounds_down,
            rounds_suspect: cell.rounds_suspect,
            rounds_error: cell.rounds_error,
            sent: cell.sent,
            received: cell.received,
            late: cell.late,
            duplicates: cell.duplicates,
            reordered: cell.reordered,
            unsent: cell.unsent,
            loss: Loss::of(cell),
            delay: DelayFigures::of(cell),
            ipdv_mean_ns: rounded(cell.ipdv_abs_sum_ns.into(), cell.ipdv_pairs),
            hop_limit: most_frequent(hop_limits),
            legacy: LegacyFigures::of(cell),
        }
    }
}

/// `sum` ÷ `count`, rounded half up; `None` of nothing.
fn rounded(sum: i128, count: u64) -> Option<u64> {
    let count = i128::from(count);
    let mean = (2 * sum + count).checked_div_euclid(2 * count)?;
    u64::try_from(mean).ok()
}

/// The hop limit of most replies; of equally many the smallest.
fn most_frequent(hop_limits: &BTreeMap<u8, u64>) -> Option<u8> {
    let most = hop_limits.values().max()?;
    let mut frequent = hop_limits.iter().filter(|(_, count)| *count == most);
    frequent.next().map(|(hop_limit, _)| *hop_limit)
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

impl Loss {
    fn of(cell: &Cell) -> Option<Self> {
        let sums = LossSums {
            rounds: cell.rounds,
            sent: cell.sent,
            lost: cell.lost(),
            lost_sq_sum: cell.lost_sq_sum,
            rounds_lossy: cell.rounds_lossy,
        };
        let confidence = if sums.rounds < 2 {
            Confidence::SingleRound
        } else if sums.lost == 0 {
            Confidence::NothingLost {
                upper: zero_loss_upper_bound(sums.sent)?,
            }
        } else {
            Confidence::Clustered {
                interval: sums.interval(Sides::Two)?,
                has_few_events: sums.has_few_events(),
            }
        };
        Some(Self {
            lost: sums.lost,
            ratio: sums.ratio()?,
            confidence,
        })
    }
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

impl DelayFigures {
    fn of(cell: &Cell) -> Option<Self> {
        let delay = cell.delay?;
        let (min, max) = (Rtt::from_ns(delay.min_ns), Rtt::from_ns(delay.max_ns));
        Some(Self {
            count: delay.moments.count,
            min,
            max,
            mean: Rtt::from_ns(delay.moments.mean_ns()),
            stddev_ns: delay.moments.stddev_ns(),
            percentiles: cell
                .hist
                .as_ref()
                .and_then(|hist| Percentiles::of(hist, min, max)),
        })
    }
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

impl LegacyFigures {
    #[expect(clippy::cast_precision_loss, reason = "counts of rounds stay far below 2^53")]
    fn of(cell: &Cell) -> Option<Self> {
        let count = i64::try_from(cell.legacy_avg_count).ok()?;
        (0 < cell.rounds_legacy).then(|| Self {
            rounds: cell.rounds_legacy,
            mean_ns: cell.legacy_avg_sum_ns.checked_div(count),
            loss_mean: cell.legacy_loss_sum / cell.rounds_legacy as f64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_frequent_hop_limits_the_smallest_is_named() {
        let hop_limits = [(64, 5), (62, 5), (255, 4)].into_iter().collect();
        assert_eq!(most_frequent(&hop_limits), Some(62));
        assert_eq!(most_frequent(&BTreeMap::new()), None);
    }

    #[test]
    fn a_mean_of_nothing_is_absent_and_a_half_is_rounded_up() {
        assert_eq!(rounded(0, 0), None);
        assert_eq!(rounded(5, 2), Some(3));
        assert_eq!(rounded(7, 3), Some(2));
    }
}
