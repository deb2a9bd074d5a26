//! What the plans send: packets and bits per second, per pair, probe, site and target.
//!
//! Counted is the busiest round: every test due at once and every window open. A packet is its Ethernet frame with
//! header and check sequence, at least 64 bytes, without VLAN tag, preamble and gap. A sum counts echoes, in one
//! direction; each echo is answered by a reply of the same length, so the same passes the other way. What a link
//! carries is therefore, each way, what its probe sends and what it answers.
//!
//! A probe of the original is counted as if it followed its default plan, because what its cron asks for is not
//! known here.

use std::collections::BTreeMap;
use std::ops::{Add, AddAssign};

use ippm::roster::Roster;
use ippm::schedule::Schedule;
use ippm::schedule::profile::Profile;
use ippm::{Family, Params, ProbeName, plan};

use crate::plan::Defaults;
use crate::plan::fault::{Amount, decimal};
use crate::plan::mesh::Mesh;

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Results: (test, target, family).
    pub results: u64,
    /// Packets in a round.
    pub packets: u64,
    /// Packets per second, in millionths, rounded down.
    pub micro_pps: u64,
    /// Bits per second in one direction.
    pub bits: u64,
}

/// What the plans of a roster send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// Of each probe, in the order of the roster.
    pub probes: Vec<ProbeCost>,
    /// What the probes of each site send, and of it each test.
    pub sites: BTreeMap<String, Sum>,
    /// What all probes send.
    pub total: Sum,
    /// Ordered pairs that are measured by any test over any family.
    pub pairs: u64,
    /// What goes most densely to one address.
    pub(super) addresses: Heaviest,
    /// What goes most densely from one probe to another.
    pub(super) heaviest: Heaviest,
    /// The same for each test alone.
    pub(super) by_test: Vec<Heaviest>,
}

/// What one probe sends and answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeCost {
    /// The probe.
    pub probe: ProbeName,
    /// The echoes that it sends.
    pub sends: Sum,
    /// The echoes of others that it answers.
    pub answers: Sum,
}

/// A sum, and the part of each test, in the order of the schedule; the rest is what probes of the original send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// All of it.
    pub all: Load,
    /// The part of each test.
    pub by_test: Vec<Load>,
}

/// The pair with most packets and the one with most bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heaviest {
    packets: Option<PairLoad>,
    bits: Option<PairLoad>,
}

/// What one probe sends to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PairLoad {
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) family: Family,
    pub(super) load: Load,
    /// The test that weighs most in it; `None` for probes of the original.
    pub(super) largest: Option<(usize, Load)>,
}

/// One result of one source.
#[derive(Debug, Clone, Copy)]
struct Item {
    target: usize,
    family: Family,
    test: Option<usize>,
    load: Load,
}

impl Load {
    /// Nothing.
    pub const ZERO: Self = Self {
        results: 0,
        packets: 0,
        micro_pps: 0,
        bits: 0,
    };

    /// What one result with `params` sends; a single packet counts as one in a plan's period.
    #[must_use]
    pub fn of(params: &Params, family: Family, defaults: &Defaults) -> Self {
        let count = params.count.unwrap_or(1);
        let spread = match (count, params.spread) {
            (2.., Some(spread)) if !spread.is_zero() => spread,
            _ => defaults.period,
        };
        let payload = params.payload_bytes.unwrap_or(Params::DEFAULT_PAYLOAD_BYTES);
        let header = match family {
            Family::V4 => 20,
            Family::V6 => 40,
        };
        let frame = (payload + Profile::OVERHEAD_BYTES - 20 + header).max(Profile::MIN_SIZE_BYTES);
        let per_second = |times: u128| {
            let rate = u128::from(count) * times * 1_000_000_000 / spread.as_nanos().max(1);
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        Self {
            results: 1,
            packets: count,
            micro_pps: per_second(1_000_000),
            bits: per_second(u128::from(frame) * 8),
        }
    }

    /// Packets per second for people, at most three decimals, rounded up.
    #[must_use]
    pub fn pps(&self) -> String {
        decimal(u128::from(self.micro_pps.div_ceil(1000)))
    }
}

impl Add for Load {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            results: self.results.saturating_add(other.results),
            packets: self.packets.saturating_add(other.packets),
            micro_pps: self.micro_pps.saturating_add(other.micro_pps),
            bits: self.bits.saturating_add(other.bits),
        }
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Cost {
    pub(super) fn of(roster: &Roster, schedule: &Schedule, mesh: &Mesh, defaults: &Defaults) -> Self {
        let (probes, tests) = (roster.probes(), schedule.tests.len());
        let mut cost = Self {
            probes: probes
                .iter()
                .map(|probe| ProbeCost {
                    probe: probe.name.clone(),
                    sends: Sum::zero(tests),
                    answers: Sum::zero(tests),
                })
                .collect(),
            sites: BTreeMap::new(),
            total: Sum::zero(tests),
            pairs: 0,
            addresses: Heaviest::NONE,
            heaviest: Heaviest::NONE,
            by_test: vec![Heaviest::NONE; tests],
        };
        let of_tests: Vec<[Load; 2]> = schedule
            .tests
            .iter()
            .map(|test| {
                let params = schedule.params(test, defaults.params);
                [Family::V4, Family::V6].map(|family| Load::of(&params, family, defaults))
            })
            .collect();
        let legacy = plan::default_params(defaults.legacy_period);
        let legacy = Load::of(&legacy, Family::V4, defaults);
        for (source, probe) in probes.iter().enumerate() {
            let mut items: Vec<Item> = mesh
                .legacy_targets(roster, source)
                .into_iter()
                .map(|(target, family)| Item {
                    target,
                    family,
                    test: None,
                    load: legacy,
                })
                .collect();
            for (test, [v4, v6]) in of_tests.iter().enumerate() {
                let targets = mesh.targets(roster, test, source).into_iter();
                items.extend(targets.map(|(target, family)| Item {
                    target,
                    family,
                    test: Some(test),
                    load: if family == Family::V4 { *v4 } else { *v6 },
                }));
            }
            items.sort_by_key(|item| (item.target, item.family));
            cost.take(source, probe.details.site.as_deref(), &items);
        }
        cost
    }

    /// Adds what `source` sends: `items` come ordered by target and family.
    fn take(&mut self, source: usize, site: Option<&str>, items: &[Item]) {
        let tests = self.by_test.len();
        let mut sends = Sum::zero(tests);
        for item in items {
            sends.add(item.test, item.load);
            self.probes[item.target].answers.add(item.test, item.load);
        }
        if let Some(site) = site.filter(|_| !items.is_empty()) {
            let of_site = self
                .sites
                .entry(site.to_owned())
                .or_insert_with(|| Sum::zero(tests));
            of_site.join(&sends);
        }
        self.total.join(&sends);
        self.probes[source].sends = sends;
        for pair in items.chunk_by(|a, b| a.target == b.target) {
            self.pairs += 1;
            self.heaviest.take(source, pair);
            for address in pair.chunk_by(|a, b| a.family == b.family) {
                // What probes of the original send is not ours to limit.
                if address[0].test.is_some() {
                    self.addresses.take(source, address);
                }
            }
            for (test, heaviest) in self.by_test.iter_mut().enumerate() {
                let mut of_test = pair.iter().filter(|item| item.test == Some(test));
                if let Some(first) = of_test.next() {
                    let load = of_test.fold(first.load, |sum, item| sum + item.load);
                    heaviest.take(source, &[Item { load, ..*first }]);
                }
            }
        }
    }
}

impl Sum {
    fn zero(tests: usize) -> Self {
        Self {
            all: Load::ZERO,
            by_test: vec![Load::ZERO; tests],
        }
    }

    fn add(&mut self, test: Option<usize>, load: Load) {
        self.all += load;
        if let Some(test) = test {
            self.by_test[test] += load;
        }
    }

    fn join(&mut self, other: &Self) {
        self.all += other.all;
        for (own, other) in self.by_test.iter_mut().zip(&other.by_test) {
            *own += *other;
        }
    }

    /// The test that weighs most, and its part.
    pub(super) fn largest(&self, amount: Amount) -> Option<(usize, Load)> {
        let tests = self.by_test.iter().copied().enumerate();
        tests
            .max_by_key(|(test, load)| (amount.raw(load), usize::MAX - test))
            .filter(|(_, load)| 0 < load.results)
    }
}

impl Heaviest {
    const NONE: Self = Self {
        packets: None,
        bits: None,
    };

    /// The pair that weighs most.
    pub(super) fn by(&self, amount: Amount) -> Option<&PairLoad> {
        match amount {
            Amount::Packets => self.packets.as_ref(),
            Amount::Bits => self.bits.as_ref(),
        }
    }

    fn take(&mut self, source: usize, items: &[Item]) {
        let Some(first) = items.first() else { return };
        let load = items.iter().fold(Load::ZERO, |sum, item| sum + item.load);
        for (amount, slot) in [
            (Amount::Packets, &mut self.packets),
            (Amount::Bits, &mut self.bits),
        ] {
            if slot.is_none_or(|known| amount.raw(&known.load) < amount.raw(&load)) {
                let largest = items.iter().max_by_key(|item| amount.raw(&item.load));
                *slot = Some(PairLoad {
                    source,
                    target: first.target,
                    family: first.family,
                    load,
                    largest: largest.and_then(|item| Some((item.test?, item.load))),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
