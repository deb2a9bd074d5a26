//! The packets of a synthetic round.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ippm::{Family, Fate, Packet, Rtt, Sample, Slices, Summary, UnixTime, plan};

use super::chance::Chance;
use super::mesh::site;
use super::truth::Losses;
use super::{History, Pair};

/// Rounds without loss that differ, for each pair and time of day; the rest repeat them.
const VARIANTS: u64 = 3;
/// What a reroute adds to the RTT floor, ns.
const DETOUR_NS: u64 = 4_200_000;

/// The rounds without loss that were made already: most rounds are such.
pub(super) type Known = HashMap<(Pair, Weather), Arc<Summary>>;

/// What decides the delays of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Weather {
    load: u64,
    is_rerouted: bool,
    variant: u64,
}

impl History {
    /// What `pair` finds in the slot that begins at `slot`.
    pub(super) fn summary(
        &self,
        pair: Pair,
        slot: UnixTime,
        losses: &Losses,
        known: &mut Known,
    ) -> Option<Summary> {
        let weather = self.weather(pair, slot);
        // A round without loss is made once and moved to its slot, if that begins with a slice.
        if *losses != Losses::Nothing || slot.floor(Slices::LENGTH) != slot {
            let packets = self.sample(pair, weather, losses);
            let sample = Sample {
                round_start: slot.saturating_add(offset(pair.source)),
                packets,
            };
            return sample.summary();
        }
        let made = if let Some(made) = known.get(&(pair, weather)) {
            Arc::clone(made)
        } else {
            let sample = Sample {
                round_start: UnixTime::from_ns(0).saturating_add(offset(pair.source)),
                packets: self.sample(pair, weather, losses),
            };
            let made = Arc::new(sample.summary()?);
            known.insert((pair, weather), Arc::clone(&made));
            made
        };
        let mut summary = Summary::clone(&made);
        let moved = summary.slices.start.as_ns() + slot.as_ns();
        summary.slices.start = UnixTime::from_ns(moved);
        Some(summary)
    }

    /// Every packet of `pair` in the slot that begins at `slot`.
    pub(super) fn packets_of(&self, pair: Pair, slot: UnixTime) -> Sample {
        let losses = self.losses(pair, slot);
        Sample {
            round_start: slot.saturating_add(offset(pair.source)),
            packets: self.sample(pair, self.weather(pair, slot), &losses),
        }
    }

    fn weather(&self, pair: Pair, slot: UnixTime) -> Weather {
        Weather {
            load: load_at(slot),
            is_rerouted: self.is_rerouted(pair, slot),
            variant: self.chance(pair, slot, 2).below(VARIANTS),
        }
    }

    fn sample(&self, pair: Pair, weather: Weather, losses: &Losses) -> Vec<Packet> {
        let params = self.params();
        let (count, spread) = (self.packets(), params.spread.unwrap_or_default());
        let mut chance = Chance::new(
            self.scenario.seed,
            &[
                3,
                as_u64(pair.source),
                as_u64(pair.target),
                u64::from(pair.family == Family::V6),
                weather.load,
                weather.variant,
            ],
        );
        let floor = self.floor_ns(pair) + if weather.is_rerouted { DETOUR_NS } else { 0 };
        let hop_limit = hop_limit(pair) - if weather.is_rerouted { 2 } else { 0 };
        let packet = |index: u64| {
            let departure = plan::departure(spread, count, index).unwrap_or_default();
            let queue = 4_000 * (1 + 4 * weather.load);
            let waited = chance.below(queue) * chance.below(queue) / queue;
            let spike = if chance.once_in(400) {
                chance.below(900_000)
            } else {
                0
            };
            let rtt = floor + waited + spike;
            let fate = if losses.contains(index) {
                Fate::Lost
            } else {
                Fate::Returned {
                    rtt: Some(Rtt::from_ns(rtt)),
                    arrival: departure + Duration::from_nanos(rtt),
                    hop_limit: Some(hop_limit),
                    dscp: Some(0),
                }
            };
            Packet {
                departure,
                fate,
                duplicates: 0,
                icmp_error: None,
            }
        };
        (0..count).map(packet).collect()
    }

    /// Smallest RTT of a pair, the same in both directions: 0.1 ms within a site, 1 to 9 ms between two.
    fn floor_ns(&self, pair: Pair) -> u64 {
        let (one, other) = (pair.source.min(pair.target), pair.source.max(pair.target));
        let of_probes = Chance::new(self.scenario.seed, &[4, as_u64(one), as_u64(other)]).below(40_000);
        let way = if site(one) == site(other) {
            100_000
        } else {
            let sites = [5, as_u64(site(one)), as_u64(site(other))];
            1_000_000 + Chance::new(self.scenario.seed, &sites).below(8_000_000)
        };
        way + of_probes
    }
}

/// How long after the slot's start a probe begins: below 2 s.
pub(super) fn offset(source: usize) -> Duration {
    Duration::from_millis(200 + as_u64(source) * 37 % 1_500)
}

fn hop_limit(pair: Pair) -> u8 {
    if site(pair.source) == site(pair.target) {
        64
    } else {
        61
    }
}

/// How busy the exchange is at that hour (UTC): least at night, most in the evening.
fn load_at(slot: UnixTime) -> u64 {
    match slot.as_ns().div_euclid(3_600_000_000_000).rem_euclid(24) {
        0..7 => 0,
        7..18 => 1,
        _ => 2,
    }
}

pub(super) fn as_u64(place: usize) -> u64 {
    // A `usize` has at most 64 bits on every platform that Rust knows.
    u64::try_from(place).unwrap_or(u64::MAX)
}
