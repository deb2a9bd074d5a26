//! How often an interval holds the truth when losses come in bursts: the Gilbert model, with a fixed seed.

use ippm::interval::{Interval, LossSums, Sides, wilson};

/// What is simulated: a time of clusters, and how trials fail in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Model {
    /// Clusters of a time: rounds of a week, hours of a month.
    pub(crate) clusters: u64,
    /// Trials in each: packets of a round, slices of an hour.
    pub(crate) trials: u64,
    /// The truth: share of trials that fail.
    pub(crate) ratio: f64,
    /// Mean length of a run of failures, in trials; 1 is independence.
    pub(crate) burst: f64,
}

/// Of how many times the interval held the truth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coverage {
    /// If each trial is taken for itself.
    pub(crate) plain: f64,
    /// With clusters.
    pub(crate) clustered: f64,
    /// Times with fewer than 30 clusters with failures, which get no verdict.
    pub(crate) few_events: f64,
}

/// Simulates `times` times.
pub(crate) fn coverage(model: Model, times: u32, seed: u64) -> Coverage {
    let mut random = Random(seed);
    let (mut plain, mut clustered, mut few) = (0_u32, 0_u32, 0_u32);
    for _ in 0..times {
        let sums = simulate(model, &mut random);
        let holds = |interval: Option<Interval>| {
            interval.is_some_and(|found| found.lower() <= model.ratio && model.ratio <= found.upper())
        };
        plain += u32::from(holds(wilson(sums.lost, sums.sent, Sides::Two)));
        clustered += u32::from(holds(sums.interval(Sides::Two)));
        few += u32::from(sums.has_few_events());
    }
    let share = |part: u32| f64::from(part) / f64::from(times);
    Coverage {
        plain: share(plain),
        clustered: share(clustered),
        few_events: share(few),
    }
}

/// One time: runs of successes and of failures take turns, each of geometric length.
fn simulate(model: Model, random: &mut Random) -> LossSums {
    // P(success | failure), and P(failure | success) so that the share of failures is the ratio.
    let ends = if model.burst <= 1.0 {
        1.0 - model.ratio
    } else {
        1.0 / model.burst
    };
    let begins = ends * model.ratio / (1.0 - model.ratio);
    let all = model.clusters * model.trials;
    let mut lost = vec![0_u64; usize::try_from(model.clusters).unwrap()];
    let mut is_failing = random.uniform() < model.ratio;
    let mut at = 0;
    while at < all {
        let length = random.geometric(if is_failing { ends } else { begins });
        let end = all.min(at.saturating_add(length));
        if is_failing {
            for trial in at..end {
                lost[usize::try_from(trial / model.trials).unwrap()] += 1;
            }
        }
        at = end;
        is_failing = !is_failing;
    }
    let mut sums = LossSums::NONE;
    for lost in lost {
        sums.add_round(model.trials, lost);
    }
    sums
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Above 0, at most 1.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64
    }

    /// Trials up to and including the first event of probability `p`.
    fn geometric(&mut self, p: f64) -> u64 {
        let trials = libm::ceil(libm::log(self.uniform()) / libm::log(1.0 - p));
        (trials as u64).max(1)
    }
}
