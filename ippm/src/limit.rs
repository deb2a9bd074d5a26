//! The loss ratio that somebody chose, against which measured loss is held.

use thiserror::Error;

/// A loss ratio that somebody promised or wants to be told about, in parts per million.
///
/// A whole number, so that "exactly the limit" is a fact and not a matter of rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LossLimit(u32);

impl LossLimit {
    /// All packets: the largest limit there is, in parts per million.
    pub const MAX_PPM: u32 = 1_000_000;

    /// The limit of the display profile when the operator sets none: 1 %.
    pub const DISPLAY_DEFAULT: Self = Self(10_000);

    /// A limit of `parts_per_million`.
    ///
    /// # Errors
    ///
    /// [`LossLimitError`] above [`LossLimit::MAX_PPM`].
    pub fn from_ppm(parts_per_million: u32) -> Result<Self, LossLimitError> {
        if parts_per_million <= Self::MAX_PPM {
            Ok(Self(parts_per_million))
        } else {
            Err(LossLimitError {
                found: parts_per_million,
            })
        }
    }

    /// The limit in parts per million.
    #[must_use]
    pub const fn as_ppm(self) -> u32 {
        self.0
    }

    /// The limit as a ratio, 0 to 1.
    #[must_use]
    pub fn as_ratio(self) -> f64 {
        f64::from(self.0) / f64::from(Self::MAX_PPM)
    }

    /// Whether `lost` of `sent` packets is more than the limit; exactly the limit is not.
    #[must_use]
    pub fn is_exceeded_by(self, lost: u64, sent: u64) -> bool {
        u128::from(lost) * u128::from(Self::MAX_PPM) > u128::from(self.0) * u128::from(sent)
    }

    /// Whether a ratio without counts, as the original IXPQoS reports it, is more than the limit.
    #[must_use]
    pub fn is_exceeded_by_ratio(self, loss: f64) -> bool {
        loss > self.as_ratio()
    }
}

/// A limit above all packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a loss limit of {found} parts per million is above {}", LossLimit::MAX_PPM)]
pub struct LossLimitError {
    found: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_does_not_exceed_it() {
        let limit = LossLimit::DISPLAY_DEFAULT;
        assert!(!limit.is_exceeded_by(3, 300));
        assert!(limit.is_exceeded_by(3, 280));
        assert!(!limit.is_exceeded_by_ratio(0.01));
    }

    #[test]
    fn a_limit_above_everything_is_refused_with_the_limit_in_the_text() {
        let error = LossLimit::from_ppm(1_000_001).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a loss limit of 1000001 parts per million is above 1000000"
        );
    }
}
