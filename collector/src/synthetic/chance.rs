//! Numbers that look like chance and follow from a seed, on every platform the same.

/// A sequence (`SplitMix64`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Chance(u64);

impl Chance {
    /// The sequence that belongs to `seed` and to the place that `parts` name.
    pub(super) fn new(seed: u64, parts: &[u64]) -> Self {
        let mut chance = Self(seed);
        for part in parts {
            chance = Self(chance.next() ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        chance
    }

    /// The next number.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0; the bias of the remainder does not matter here.
    pub(super) const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True once in `times`, on the average.
    pub(super) const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}
