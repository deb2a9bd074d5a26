//! A profile: how a statement is computed, and what was promised.

use std::time::Duration;

use ippm::limit::LossLimit;

/// Parameters and promises of a statement, as the operator configured them under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: String,
    /// Words for people.
    pub title: String,
    /// Slices in the sliding window: the n of MEF 10.2.1.
    pub window: usize,
    /// A slice with more loss than this is a high loss interval: the C of MEF 10.2.1.
    pub threshold: LossLimit,
    /// Which availability is held against the promise.
    pub form: AvailabilityForm,
    /// Least share of the expected rounds below which nothing is judged, parts per million.
    pub least_coverage: LossLimit,
    /// What was promised.
    pub targets: Targets,
}

/// How availability treats announced work; both forms are always shown, one is held against the promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AvailabilityForm {
    /// (T − M − D) ÷ (T − M): announced work is taken out of the time, whatever happened in it.
    Announced,
    /// (T − D − Dm) ÷ (T − Dm): only what was down during announced work is taken out.
    Downtime,
}

impl AvailabilityForm {
    /// The word that configuration and interfaces use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Downtime => "downtime",
        }
    }
}

/// What was promised; what is absent was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// Largest share of unavailable time: one less the promised availability.
    pub unavailability: Option<LossLimit>,
    /// Largest loss ratio over all packets.
    pub loss: Option<LossLimit>,
    /// Largest delay.
    pub delay: Option<DelayTarget>,
    /// Largest delay variation (PDV, RFC 5481).
    pub pdv: Option<DelayTarget>,
    /// Largest mean of the loss ratios per minute.
    pub minute_loss: Option<LossLimit>,
    /// Largest mean of the mean delays per minute.
    pub minute_delay: Option<Duration>,
}

impl Targets {
    /// Nothing was promised: figures without verdicts.
    pub const NONE: Self = Self {
        unavailability: None,
        loss: None,
        delay: None,
        pdv: None,
        minute_loss: None,
        minute_delay: None,
    };
}

/// A promise about a statistic of the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayTarget {
    /// Which statistic.
    pub quantile: Quantile,
    /// What it must not exceed.
    pub limit: Duration,
}

/// The quantiles that a statement shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quantile {
    /// The median.
    P50,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    P999,
}

impl Quantile {
    /// All, ascending.
    pub const ALL: [Self; 4] = [Self::P50, Self::P95, Self::P99, Self::P999];

    /// In thousandths.
    #[must_use]
    pub const fn permille(self) -> u16 {
        match self {
            Self::P50 => 500,
            Self::P95 => 950,
            Self::P99 => 990,
            Self::P999 => 999,
        }
    }

    /// The word that configuration and interfaces use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }

    /// The quantile that `word` names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantile| quantile.as_str() == word)
    }
}
