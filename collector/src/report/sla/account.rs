//! What was expected and what came, in rounds.

/// Every expected round in exactly one class, with announced work and of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accounting {
    /// All rounds.
    pub all: Rounds,
    /// Those of them in announced work.
    pub in_maintenance: Rounds,
    /// Slices of the rounds left out as loaded.
    pub loaded_slices: u64,
    /// Slices with packets, in the figures.
    pub slices: u64,
    /// Slices of the period that the pair was expected to be measured in.
    pub slices_expected: u64,
}

/// Rounds by what became of them.
///
/// Invariant: `expected` is the sum of all others but `unplanned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounds {
    /// Rounds that the plans in force asked for.
    pub expected: u64,
    /// Measured with packet counts, and in the figures.
    pub measured: u64,
    /// Posted by a probe of the original IXPQoS, without packet counts: in no figure.
    pub legacy: u64,
    /// Left out because the probe doubts itself.
    pub suspect: u64,
    /// Left out because our own throughput test ran on the path.
    pub loaded: u64,
    /// Reported as not measured.
    pub unmeasured: u64,
    /// Not in the report that came.
    pub left_out: u64,
    /// Without a report, though a collector was there to take it.
    pub probe_missing: u64,
    /// Without a report, and no collector was there to take it.
    pub collector_gap: u64,
    /// Results of no round that a plan in force asked for: in the figures if they were measured, not in `expected`.
    pub unplanned: u64,
}

impl Accounting {
    /// Nothing was expected, and nothing came.
    pub const NOTHING: Self = Self {
        all: Rounds::NONE,
        in_maintenance: Rounds::NONE,
        loaded_slices: 0,
        slices: 0,
        slices_expected: 0,
    };

    /// Adds another pair.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.in_maintenance.merge(&other.in_maintenance);
        self.loaded_slices += other.loaded_slices;
        self.slices += other.slices;
        self.slices_expected += other.slices_expected;
    }

    /// The rounds without announced work.
    #[must_use]
    pub fn excluding(&self) -> Rounds {
        let (mut rounds, announced) = (self.all, self.in_maintenance);
        for (count, announced) in rounds.counts_mut().into_iter().zip(announced.counts()) {
            *count = count.saturating_sub(announced);
        }
        rounds
    }

    /// Adds `rounds` that announced work touches or does not.
    pub(super) fn add(&mut self, rounds: &Rounds, in_maintenance: bool) {
        self.all.merge(rounds);
        if in_maintenance {
            self.in_maintenance.merge(rounds);
        }
    }
}

impl Rounds {
    /// None.
    pub const NONE: Self = Self {
        expected: 0,
        measured: 0,
        legacy: 0,
        suspect: 0,
        loaded: 0,
        unmeasured: 0,
        left_out: 0,
        probe_missing: 0,
        collector_gap: 0,
        unplanned: 0,
    };

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts_mut().into_iter().zip(other.counts()) {
            *count += other;
        }
    }

    /// Expected rounds of which nothing came.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.left_out + self.probe_missing + self.collector_gap
    }

    /// Share of the expected rounds that is behind the figures, 0 to 1; `None` if nothing was expected.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        Some(ippm::LossRatio::of(self.measured, self.expected)?.get())
    }

    /// The counts in the order of the fields.
    #[must_use]
    pub const fn counts(&self) -> [u64; 10] {
        [
            self.expected,
            self.measured,
            self.legacy,
            self.suspect,
            self.loaded,
            self.unmeasured,
            self.left_out,
            self.probe_missing,
            self.collector_gap,
            self.unplanned,
        ]
    }

    const fn counts_mut(&mut self) -> [&mut u64; 10] {
        [
            &mut self.expected,
            &mut self.measured,
            &mut self.legacy,
            &mut self.suspect,
            &mut self.loaded,
            &mut self.unmeasured,
            &mut self.left_out,
            &mut self.probe_missing,
            &mut self.collector_gap,
            &mut self.unplanned,
        ]
    }
}
