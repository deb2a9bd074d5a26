//! What a telephone call over the measured path would be worth: the E-model of ITU-T G.107.
//!
//! An estimate from the network alone, for narrowband speech. At the delays of one metropolitan area it sits at
//! 4.4 whatever happens to the delay; loss and the percentiles of the delay say more.
//!
//! The E-model asks for the one-way delay. A round trip does not tell it: half the round trip is assumed, which
//! is wrong wherever the two directions differ.
//!
//! No function here can answer NaN: the inputs cannot be NaN, and no denominator can be zero.

pub mod call;

use std::time::Duration;

use crate::LossRatio;
use crate::interval::as_f64;

/// R of a narrowband call that nothing impairs: G.107 with its default values, R₀ − Is = 93.2.
const UNIMPAIRED: f64 = 93.2;

/// One-way delay up to which delay does not impair a call, in milliseconds (G.107 §7.4, default sensitivity).
const FREE_DELAY_MS: f64 = 100.0;

/// Largest equipment impairment that loss can lead to (G.107 §7.5).
const WORST_IMPAIRMENT: f64 = 95.0;

/// Transmission rating factor R (ITU-T G.107 §7.1). 93.2 is a clean call, 50 and below is not recommended; a bad
/// path rates below zero.
///
/// Invariant: finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct RFactor(f64);

impl RFactor {
    /// A rating that was computed elsewhere; `None` if it is not finite.
    #[must_use]
    pub fn new(rating: f64) -> Option<Self> {
        rating.is_finite().then_some(Self(rating))
    }

    /// The rating itself.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Mean opinion score of a conversation, estimated: 1 (bad) to 4.5 (G.107 Annex B).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Mos(f64);

impl Mos {
    /// The worst score.
    pub const WORST: Self = Self(1.0);

    /// The best score that a narrowband call can have.
    pub const BEST: Self = Self(4.5);

    /// The score itself.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<RFactor> for Mos {
    /// The cubic of G.107 Annex B. Below a rating of 6.5 it dips under 1, which no score does, so it is held there.
    fn from(RFactor(r): RFactor) -> Self {
        if r <= 0.0 {
            return Self::WORST;
        }
        if 100.0 <= r {
            return Self::BEST;
        }
        let cubic = 1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r);
        Self(cubic.clamp(Self::WORST.0, Self::BEST.0))
    }
}

/// A speech codec as G.107 sees it, with the provisional planning values of ITU-T G.113 Appendix I.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Codec {
    impairment: f64,
    loss_robustness: f64,
    delay: Duration,
}

impl Codec {
    /// G.711 without packet-loss concealment, 10 ms of speech a packet.
    pub const G711: Self = Self {
        impairment: 0.0,
        loss_robustness: 4.3,
        delay: Duration::from_millis(10),
    };

    /// G.711 with the concealment of its Appendix I, 10 ms of speech a packet.
    pub const G711_CONCEALED: Self = Self {
        impairment: 0.0,
        loss_robustness: 25.1,
        delay: Duration::from_millis(10),
    };

    /// G.729A with voice activity detection: a frame of 10 ms and 5 ms of look-ahead.
    pub const G729A: Self = Self {
        impairment: 11.0,
        loss_robustness: 19.0,
        delay: Duration::from_millis(15),
    };

    /// A codec with the equipment impairment Ie (0 to 95) and the packet-loss robustness Bpl (above 0).
    ///
    /// `delay` is what packetization and look-ahead take. `None` when a factor is outside its range.
    #[must_use]
    pub fn new(impairment: f64, loss_robustness: f64, delay: Duration) -> Option<Self> {
        let is_valid = (0.0..=WORST_IMPAIRMENT).contains(&impairment)
            && 0.0 < loss_robustness
            && loss_robustness.is_finite();
        is_valid.then_some(Self {
            impairment,
            loss_robustness,
            delay,
        })
    }
}

/// `BurstR` of G.107 §7.5: how much longer the bursts of loss are than they would be if packets were lost by
/// chance. 1 is chance, above 1 is bursty.
///
/// Invariant: finite and above 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct BurstRatio(f64);

impl BurstRatio {
    /// Losses that do not depend on one another.
    pub const RANDOM: Self = Self(1.0);

    /// A ratio that was computed elsewhere; `None` if it is not finite and above 0.
    #[must_use]
    pub fn new(ratio: f64) -> Option<Self> {
        (ratio.is_finite() && 0.0 < ratio).then_some(Self(ratio))
    }

    /// The mean length of the `runs` in which `lost` of `sent` packets went, over the mean length 1/(1−p) that
    /// random loss would have. `None` without loss, with nothing but loss, and where the counts contradict.
    #[must_use]
    pub fn observed(sent: u64, lost: u64, runs: u64) -> Option<Self> {
        let ratio = LossRatio::of(lost, sent)?;
        if runs == 0 || lost < runs || lost == sent {
            return None;
        }
        Self::new(as_f64(lost) / as_f64(runs) * (1.0 - ratio.get()))
    }

    /// The ratio itself.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A path with a telephone at each end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VoicePath {
    /// Round-trip delay of the network; half of it is taken for one way.
    pub rtt: Duration,
    /// What the receiver's jitter buffer adds.
    pub jitter_buffer: Duration,
    /// Packets lost. Loss of the round trip, so it overstates what one way loses.
    pub loss: LossRatio,
    /// How bursty the loss is.
    pub burst: BurstRatio,
    /// The speech codec.
    pub codec: Codec,
}

impl VoicePath {
    /// The rating R = 93.2 − Idd − Ie,eff (G.107 §7.1, all other parameters at their default values).
    #[must_use]
    pub fn rating(&self) -> RFactor {
        RFactor(UNIMPAIRED - self.delay_impairment() - self.effective_impairment())
    }

    /// Idd (G.107 §7.4), of the absolute delay Ta = RTT/2 + jitter buffer + codec.
    fn delay_impairment(&self) -> f64 {
        let absolute_ms = as_ms(self.rtt) / 2.0 + as_ms(self.jitter_buffer) + as_ms(self.codec.delay);
        if absolute_ms <= FREE_DELAY_MS {
            return 0.0;
        }
        let x = libm::log2(absolute_ms / FREE_DELAY_MS);
        25.0 * (sixth_power_sum_root(x) - 3.0 * sixth_power_sum_root(x / 3.0) + 2.0)
    }

    /// Ie,eff (G.107 §7.5): the codec's impairment, grown by loss and by how bursty it is.
    fn effective_impairment(&self) -> f64 {
        let ppl = self.loss.as_ppl();
        let Codec {
            impairment,
            loss_robustness,
            ..
        } = self.codec;
        impairment + (WORST_IMPAIRMENT - impairment) * ppl / (ppl / self.burst.0 + loss_robustness)
    }
}

/// The rating that ping tools publish as "MOS", which is no ITU formula: kept for comparison with them, under a
/// name of its own.
///
/// L = average RTT + 2·jitter + 10 ms, where jitter is the population standard deviation of the RTT; R falls by
/// one for each 40 ms up to 160 ms, then for each 10 ms, and by 2.5 for each percent of loss. Copies in circulation
/// that compute L/120 − 10 above 160 ms jump by 7.3 points there; this is the continuous form.
#[must_use]
pub fn effective_latency_rating(average_rtt: Duration, rtt_stddev: Duration, loss: LossRatio) -> RFactor {
    let latency_ms = as_ms(average_rtt) + 2.0 * as_ms(rtt_stddev) + 10.0;
    let delay_impairment = if latency_ms < 160.0 {
        latency_ms / 40.0
    } else {
        (latency_ms - 120.0) / 10.0
    };
    RFactor(UNIMPAIRED - delay_impairment - 2.5 * loss.as_ppl())
}

/// (1 + x⁶)^(1/6), by products and the portable `libm`: the system's `pow` differs between platforms.
fn sixth_power_sum_root(x: f64) -> f64 {
    let cube = x * x * x;
    libm::cbrt(libm::sqrt(1.0 + cube * cube))
}

/// A delay in milliseconds, the unit of G.107.
fn as_ms(delay: Duration) -> f64 {
    const NANOSECONDS_PER_MILLISECOND: f64 = 1e6;
    let whole_seconds_ms = as_f64(delay.as_secs()) * 1e3;
    whole_seconds_ms + f64::from(delay.subsec_nanos()) / NANOSECONDS_PER_MILLISECOND
}

#[cfg(test)]
mod tests;
