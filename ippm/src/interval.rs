//! How far a loss ratio can be trusted, and what it says about a target.
//!
//! Losses come in bursts, so packets are not independent trials: an interval that assumes they are covers the
//! truth 21 % of the time at a mean burst of 30 packets, where it promises 95 %. Here rounds are the clusters, and
//! their spread says how many independent packets the packets are worth.

use std::fmt;

use crate::LossRatio;
use crate::limit::LossLimit;

/// Rounds with loss below which the spread between rounds says nothing.
pub const FEW_EVENTS: u64 = 30;

/// The probability with which an interval misses the truth.
const ALPHA: f64 = 0.05;

/// The packets per unit of 1/target below which a target cannot be judged: the rule of three, −ln 0.05 ≈ 3.
const PACKETS_PER_TARGET: u128 = 3;

/// Which question an interval of 95 % confidence answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Where is the truth? Both ends hold together with 95 %; for display.
    Two,
    /// Is the truth above, or below, a target? Each end for itself holds with 95 %; for verdicts.
    One,
}

impl Sides {
    /// The quantile of the standard normal distribution: 0.975 for two sides, 0.95 for one.
    const fn z(self) -> f64 {
        match self {
            Self::Two => 1.959_963_984_540_054,
            Self::One => 1.644_853_626_951_472_2,
        }
    }
}

/// The bounds of a ratio.
///
/// Invariant: 0 ≤ lower ≤ upper ≤ 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    lower: f64,
    upper: f64,
}

impl Interval {
    /// The lower bound.
    #[must_use]
    pub const fn lower(self) -> f64 {
        self.lower
    }

    /// The upper bound.
    #[must_use]
    pub const fn upper(self) -> f64 {
        self.upper
    }
}

/// Wilson's score interval for `lost` of `sent` packets, if they were lost independently.
///
/// `None` when nothing was sent, or more was lost than sent.
#[must_use]
pub fn wilson(lost: u64, sent: u64, sides: Sides) -> Option<Interval> {
    let ratio = LossRatio::of(lost, sent)?;
    Some(score_of(ratio.get(), as_f64(sent), sides))
}

/// Wilson's score interval around `ratio`, if it stands for `trials` independent ones, which need not be a whole
/// number.
///
/// For a mean that is no quotient of two counts. `None` for a ratio outside 0 to 1, or without trials.
#[must_use]
pub fn score(ratio: f64, trials: f64, sides: Sides) -> Option<Interval> {
    let is_ratio = (0.0..=1.0).contains(&ratio) && 0.0 < trials && trials.is_finite();
    is_ratio.then(|| score_of(ratio, trials, sides))
}

/// The largest loss ratio that leaves `sent` packets without a loss in one of twenty cases: 1 − 0.05^(1/sent).
///
/// It holds if packets are lost independently, and must be shown with those words. `None` when nothing was sent.
#[must_use]
pub fn zero_loss_upper_bound(sent: u64) -> Option<f64> {
    (sent > 0).then(|| 1.0 - libm::pow(ALPHA, 1.0 / as_f64(sent)))
}

/// What has to be summed over rounds for an interval that survives bursts.
///
/// Sums only, so any set of rounds can be merged into any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LossSums {
    /// Rounds that sent anything.
    pub rounds: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets lost.
    pub lost: u64,
    /// Sum over the rounds of the square of the packets lost.
    pub lost_sq_sum: u64,
    /// Rounds in which at least one packet was lost.
    pub rounds_lossy: u64,
}

impl LossSums {
    /// The sums over no round.
    pub const NONE: Self = Self {
        rounds: 0,
        sent: 0,
        lost: 0,
        lost_sq_sum: 0,
        rounds_lossy: 0,
    };

    /// Adds one round. Sums stay at `u64::MAX` rather than wrap.
    pub fn add_round(&mut self, sent: u64, lost: u64) {
        let lost_sq_sum = lost.saturating_mul(lost);
        self.merge(&Self {
            rounds: 1,
            sent,
            lost,
            lost_sq_sum,
            rounds_lossy: u64::from(lost > 0),
        });
    }

    /// Adds the rounds of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.rounds = self.rounds.saturating_add(other.rounds);
        self.sent = self.sent.saturating_add(other.sent);
        self.lost = self.lost.saturating_add(other.lost);
        self.lost_sq_sum = self.lost_sq_sum.saturating_add(other.lost_sq_sum);
        self.rounds_lossy = self.rounds_lossy.saturating_add(other.rounds_lossy);
    }

    /// The loss ratio over all rounds; `None` when nothing was sent.
    #[must_use]
    pub fn ratio(&self) -> Option<LossRatio> {
        LossRatio::of(self.lost, self.sent)
    }

    /// Design effect of the clustering by rounds: the variance of the losses of a round over what independent
    /// losses would have, at least 1.
    ///
    /// 1 with fewer than two rounds, and where nothing or everything was lost: there is no spread to read.
    #[must_use]
    pub fn design_effect(&self) -> f64 {
        let Some(ratio) = self.ratio().filter(|_| 0 < self.lost && self.lost < self.sent) else {
            return 1.0;
        };
        if self.rounds < 2 {
            return 1.0;
        }
        let (rounds, lost) = (u128::from(self.rounds), u128::from(self.lost));
        let squares = rounds * u128::from(self.lost_sq_sum);
        let variance = wide_as_f64(squares.saturating_sub(lost * lost)) / wide_as_f64(rounds * (rounds - 1));
        let mean_sent = as_f64(self.sent) / as_f64(self.rounds);
        let independent_variance = mean_sent * ratio.get() * (1.0 - ratio.get());
        // A ratio next to 1 may leave no variance in floating point: then there is no spread to compare with.
        if 0.0 < independent_variance {
            (variance / independent_variance).max(1.0)
        } else {
            1.0
        }
    }

    /// How many independent packets the packets are worth: sent ÷ design effect.
    #[must_use]
    pub fn effective_sent(&self) -> f64 {
        as_f64(self.sent) / self.design_effect()
    }

    /// Wilson's interval over the effective number of packets; `None` when nothing was sent.
    #[must_use]
    pub fn interval(&self, sides: Sides) -> Option<Interval> {
        Some(score_of(self.ratio()?.get(), self.effective_sent(), sides))
    }

    /// Whether too few rounds had loss for the interval to mean what it says.
    #[must_use]
    pub fn has_few_events(&self) -> bool {
        self.rounds_lossy < FEW_EVENTS
    }

    /// What the rounds say about the promise that loss stays within `target`.
    #[must_use]
    pub fn verdict(&self, target: LossLimit) -> Verdict {
        if self.is_insufficient_for(target) {
            return Verdict::InsufficientData;
        }
        if self.lost == 0 {
            return Verdict::Met;
        }
        if self.has_few_events() {
            return Verdict::FewEvents;
        }
        match self.interval(Sides::One) {
            Some(interval) if interval.upper < target.as_ratio() => Verdict::Met,
            Some(interval) if target.as_ratio() < interval.lower => Verdict::Missed,
            Some(_) => Verdict::Undecided,
            None => Verdict::InsufficientData,
        }
    }

    /// sent < 3/target, in whole numbers.
    fn is_insufficient_for(&self, target: LossLimit) -> bool {
        let needed = PACKETS_PER_TARGET * u128::from(LossLimit::MAX_PPM);
        u128::from(self.sent) * u128::from(target.as_ppm()) < needed
    }
}

/// What a period says about a target. Only [`Verdict::Met`] is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Too few packets to judge the target, whatever they say.
    InsufficientData,
    /// No loss at all, or the upper bound lies below the target.
    Met,
    /// Loss in fewer than [`FEW_EVENTS`] rounds: no verdict from an interval.
    FewEvents,
    /// The lower bound lies above the target.
    Missed,
    /// The target lies between the bounds.
    Undecided,
}

impl Verdict {
    /// The word that the interfaces use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientData => "insufficient-data",
            Self::Met => "met",
            Self::FewEvents => "few-events",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Wilson (1927), equation for the score interval, of a ratio over `trials` that need not be a whole number.
fn score_of(p: f64, trials: f64, sides: Sides) -> Interval {
    let z = sides.z();
    let z_squared = z * z;
    let denominator = 1.0 + z_squared / trials;
    let center = (p + z_squared / (2.0 * trials)) / denominator;
    let spread = libm::sqrt(p * (1.0 - p) / trials + z_squared / (4.0 * trials * trials));
    let half_width = z * spread / denominator;
    // At the ends of the range the bound is the end itself, which rounding would miss by a hair.
    Interval {
        lower: if p <= 0.0 {
            0.0
        } else {
            (center - half_width).max(0.0)
        },
        upper: if 1.0 <= p {
            1.0
        } else {
            (center + half_width).min(1.0)
        },
    }
}

/// A count for the floating-point formulae: exact up to 2^53, then rounded to nearest even.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded the same way on every platform, 1e-16 relative"
)]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}

/// A sum of squares for the floating-point formulae, rounded to nearest even.
#[expect(
    clippy::cast_precision_loss,
    reason = "rounded the same way on every platform, 1e-16 relative"
)]
const fn wide_as_f64(value: u128) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
