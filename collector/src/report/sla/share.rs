//! A ratio, what is behind it, and how far it can be trusted.

use ippm::interval::{self, Interval, LossSums, Sides};

/// A counted share with its interval: lost packets of all packets, unavailable slices of all slices.
///
/// The interval treats clusters as the unit (rounds for packets, hours for slices), because faults come in bursts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    sums: LossSums,
}

impl Share {
    /// The share that `sums` hold: lost ÷ sent, with rounds as clusters.
    #[must_use]
    pub const fn of(sums: LossSums) -> Self {
        Self { sums }
    }

    /// The sums behind it.
    #[must_use]
    pub const fn sums(&self) -> &LossSums {
        &self.sums
    }

    /// What is counted: packets lost, slices unavailable.
    #[must_use]
    pub const fn part(&self) -> u64 {
        self.sums.lost
    }

    /// Among how many: packets sent, slices judged.
    #[must_use]
    pub const fn whole(&self) -> u64 {
        self.sums.sent
    }

    /// Clusters behind it.
    #[must_use]
    pub const fn clusters(&self) -> u64 {
        self.sums.rounds
    }

    /// Part ÷ whole, 0 to 1; `None` of nothing.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        Some(self.sums.ratio()?.get())
    }

    /// The two-sided interval of 95 %; `None` of fewer than two clusters, which are shown as counts, and when
    /// nothing was counted, which has a bound instead.
    #[must_use]
    pub fn interval(&self) -> Option<Interval> {
        (self.sums.rounds >= 2 && self.sums.lost > 0)
            .then(|| self.sums.interval(Sides::Two))
            .flatten()
    }

    /// Upper bound of 95 % when nothing was counted, valid if events are independent; `None` if something was.
    #[must_use]
    pub fn upper_bound(&self) -> Option<f64> {
        (self.sums.lost == 0)
            .then(|| interval::zero_loss_upper_bound(self.sums.sent))
            .flatten()
    }

    /// Whether something was counted, but in so few clusters that the interval claims more than it knows.
    #[must_use]
    pub fn has_few_events(&self) -> bool {
        self.sums.lost > 0 && self.sums.has_few_events()
    }
}
