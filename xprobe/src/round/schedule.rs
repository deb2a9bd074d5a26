//! When the packets of a flow are due: a pure function of the flow's name and the round's start.

use std::time::Duration;

use ippm::{Family, ProbeName, TestName, UnixTime, plan};
use sha2::{Digest, Sha256};

use super::Flow;

/// Where in its cell of the spread a packet is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// At the same place in every cell, the flows of a round one after the other: for whoever watches
    /// the packets come back.
    Regular,
    /// Anywhere in its cell, each place as likely as another, so that nothing periodic on the path is
    /// always hit or always missed (RFC 2330 §11.1).
    Random(Seed),
}

/// What the places of a flow's packets are computed from: two flows never share it.
///
/// The name of the probe is part of it. It takes the place of the random start of RFC 3432 §3: probes
/// that cron starts in the same second do not send in step, to one target or to many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of what `probe` sends for `test` to `target` over `family` in the round of `round_start`.
    #[must_use]
    pub fn new(
        probe: &ProbeName,
        test: &TestName,
        target: &ProbeName,
        family: Family,
        round_start: UnixTime,
    ) -> Self {
        // No name holds a slash.
        let identity = format!("{probe}/{test}/{target}/{family}/{}", round_start.as_ns());
        let digest = Sha256::digest(identity);
        let bytes = digest.iter().take(8);
        Self(bytes.fold(0, |seed, &byte| seed << 8 | u64::from(byte)))
    }

    /// The number of packet `index`, each of 2^64 as likely as another: the output of `SplitMix64` (Steele,
    /// Lea, Flood 2014) at this place of its sequence.
    fn number(self, index: u64) -> u64 {
        let mut number = self
            .0
            .wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index.wrapping_add(1)));
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }
}

impl Flow {
    /// When packet `index` is due, counted from the round's first possible departure.
    ///
    /// Its cell begins at spread · index ÷ count and ends where the next one begins. A regular flow of
    /// rank `rank` among `flows` waits cell · rank ÷ flows inside it, a random one cell · number ÷ 2^64.
    #[must_use]
    pub fn due(&self, index: u64, rank: usize, flows: usize) -> Duration {
        let begin = plan::departure(self.spread, self.count, index).unwrap_or(self.spread);
        let wait = match self.rhythm {
            Rhythm::Regular => {
                let cell = self.spread.as_nanos() / u128::from(self.count.max(1));
                cell * rank as u128 / flows.max(1) as u128
            }
            Rhythm::Random(seed) => {
                let end = plan::departure(self.spread, self.count, index + 1).unwrap_or(self.spread);
                let cell = end.saturating_sub(begin).as_nanos();
                // A spread that a plan may have is far below 2^64 ns.
                cell.saturating_mul(u128::from(seed.number(index))) >> 64
            }
        };
        begin + u64::try_from(wait).map_or(Duration::ZERO, Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests;
