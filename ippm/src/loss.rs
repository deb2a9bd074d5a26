//! The round-trip loss ratio.

/// Round-trip loss ratio (RFC 6673 §7): lost ÷ sent, `0.0..=1.0`.
///
/// It exists only where at least one packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct LossRatio(f64);

impl LossRatio {
    /// The ratio of `lost` among `sent` packets; `None` if nothing was sent or more was lost.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "packet counts of a round stay far below 2^53"
    )]
    pub fn of(lost: u64, sent: u64) -> Option<Self> {
        (sent > 0 && lost <= sent).then(|| Self(lost as f64 / sent as f64))
    }

    /// The ratio, `0.0..=1.0`.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The packet-loss probability `Ppl` of ITU-T G.107, in percent.
    #[must_use]
    pub fn as_ppl(self) -> f64 {
        self.0 * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sent_has_no_loss_ratio() {
        assert_eq!(LossRatio::of(0, 0), None);
        assert_eq!(LossRatio::of(2, 1), None);
        assert_eq!(LossRatio::of(1, 10).map(LossRatio::get), Some(0.1));
        assert_eq!(LossRatio::of(10, 10).map(LossRatio::as_ppl), Some(100.0));
    }
}
