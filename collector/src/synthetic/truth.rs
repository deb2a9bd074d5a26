//! What happened to one pair in one slot, before anything was stored or computed.

use ippm::class::Class;
use ippm::limit::LossLimit;
use ippm::{Family, Sample, UnixTime};

use super::chance::Chance;
use super::incident::{Incident, IncidentKind};
use super::mesh::site;
use super::packet::as_u64;
use super::{History, Pair};
use crate::report::selection::Subject;

/// A burst of loss comes once in this many rounds of a pair.
const ROUNDS_BETWEEN_BURSTS: u64 = 150;
/// What the lossy member loses: one packet in this many.
const MEMBER_LOSES_ONE_IN: u64 = 33;

/// What happened to one pair in one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotTruth {
    /// Start of the slot.
    pub start: UnixTime,
    /// What became of the report.
    pub delivery: Delivery,
    /// Packets sent, if the report is stored.
    pub sent: u64,
    /// Packets lost, if the report is stored.
    pub lost: u64,
    /// Whether announced work touches the pair in this slot.
    pub in_maintenance: bool,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is stored.
    Stored,
    /// It is stored, and says itself that its probe was not fit to measure.
    Suspect,
    /// The probe was dead.
    ProbeDead,
    /// The collector was dead.
    CollectorDead,
}

impl Delivery {
    /// Whether a report is in the store.
    #[must_use]
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Stored | Self::Suspect)
    }
}

impl SlotTruth {
    /// The class that the slot has to have.
    #[must_use]
    pub fn class(&self, limit: LossLimit) -> Class {
        match self.delivery {
            Delivery::CollectorDead => Class::CollectorGap,
            Delivery::ProbeDead => Class::ProbeMissing,
            Delivery::Suspect => Class::Suspect,
            Delivery::Stored if self.lost == self.sent => Class::Down,
            Delivery::Stored => {
                // lost ÷ sent > limit, in whole numbers.
                if self.lost * 1_000_000 > u64::from(limit.as_ppm()) * self.sent {
                    Class::Degraded
                } else {
                    Class::Ok
                }
            }
        }
    }
}

/// Which packets of a round are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Losses {
    /// None.
    Nothing,
    /// All of them.
    Everything,
    /// One answer for each packet.
    Some(Vec<bool>),
}

impl Losses {
    /// Whether the packet at this place is lost.
    pub(super) fn contains(&self, index: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some(lost) => usize::try_from(index)
                .ok()
                .and_then(|index| lost.get(index))
                .is_some_and(|lost| *lost),
        }
    }

    fn count(&self, packets: u64) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Everything => packets,
            Self::Some(lost) => as_u64(lost.iter().filter(|lost| **lost).count()),
        }
    }
}

impl History {
    /// What happened to `subject`, slot by slot; nothing for one that is not of this history.
    pub fn truth(&self, subject: &Subject) -> impl Iterator<Item = SlotTruth> + '_ {
        let slots = move |pair| self.slots().map(move |slot| self.slot_truth(pair, slot));
        self.pair(subject).into_iter().flat_map(slots)
    }

    /// What happened to `subject` with every packet of the slots whose report is stored.
    pub fn packet_truth(&self, subject: &Subject) -> impl Iterator<Item = (SlotTruth, Option<Sample>)> + '_ {
        let pair = self.pair(subject);
        self.truth(subject).map(move |truth| {
            let pair = pair.filter(|_| truth.delivery.is_stored());
            (truth, pair.map(|pair| self.packets_of(pair, truth.start)))
        })
    }

    fn pair(&self, subject: &Subject) -> Option<Pair> {
        let mut pairs = self.pairs.iter().copied();
        pairs.find(|pair| self.subject(*pair) == *subject)
    }

    fn slot_truth(&self, pair: Pair, slot: UnixTime) -> SlotTruth {
        let delivery = self.delivery(pair.source, slot);
        let (sent, lost) = if delivery.is_stored() {
            let packets = self.packets();
            (packets, self.losses(pair, slot).count(packets))
        } else {
            (0, 0)
        };
        SlotTruth {
            start: slot,
            delivery,
            sent,
            lost,
            in_maintenance: self.incidents.iter().any(|incident| {
                let touches = matches!(incident.kind, IncidentKind::Maintenance { probe } if pair.has(probe));
                touches && incident.from < slot.saturating_add(self.period) && slot < incident.to
            }),
        }
    }

    /// What becomes of the report of a probe in a slot.
    pub(super) fn delivery(&self, source: usize, slot: UnixTime) -> Delivery {
        let mut delivery = Delivery::Stored;
        for incident in self.at(slot) {
            match incident.kind {
                IncidentKind::DeadCollector => return Delivery::CollectorDead,
                IncidentKind::DeadProbe { probe } if probe == source => return Delivery::ProbeDead,
                IncidentKind::BusyHost { probe } if probe == source => delivery = Delivery::Suspect,
                _ => {}
            }
        }
        delivery
    }

    /// Which packets of a pair are lost in a slot.
    pub(super) fn losses(&self, pair: Pair, slot: UnixTime) -> Losses {
        let mut loses_some = false;
        for incident in self.at(slot) {
            match incident.kind {
                IncidentKind::DeadProbe { probe } if probe == pair.target => return Losses::Everything,
                IncidentKind::Maintenance { probe } if pair.has(probe) && slot < incident.middle() => {
                    return Losses::Everything;
                }
                IncidentKind::LossyMember { site } => loses_some |= Incident::carries(site, pair),
                _ => {}
            }
        }
        let mut chance = self.chance(pair, slot, 1);
        let packets = self.packets();
        let mut lost = Vec::new();
        if loses_some {
            lost = (0..packets)
                .map(|_| chance.once_in(MEMBER_LOSES_ONE_IN))
                .collect();
        }
        if chance.once_in(ROUNDS_BETWEEN_BURSTS) {
            let (first, length) = (chance.below(packets), 2 + chance.below(30));
            let in_burst = |index: u64| (first..first + length).contains(&index);
            lost.resize(usize::try_from(packets).unwrap_or(usize::MAX), false);
            for (index, lost) in (0..).zip(&mut lost) {
                *lost |= in_burst(index);
            }
        }
        if lost.contains(&true) {
            Losses::Some(lost)
        } else {
            Losses::Nothing
        }
    }

    /// Whether a pair takes the longer way in a slot.
    pub(super) fn is_rerouted(&self, pair: Pair, slot: UnixTime) -> bool {
        let ends = [site(pair.source), site(pair.target)];
        self.at(slot).any(|incident| match incident.kind {
            IncidentKind::Reroute { sites: [one, other] } => ends == [one, other] || ends == [other, one],
            _ => false,
        })
    }

    /// The chances of a pair in a slot; `purpose` keeps those apart that must not depend on each other.
    pub(super) fn chance(&self, pair: Pair, slot: UnixTime, purpose: u64) -> Chance {
        Chance::new(
            self.scenario.seed,
            &[
                purpose,
                as_u64(pair.source),
                as_u64(pair.target),
                u64::from(pair.family == Family::V6),
                slot.as_ns().cast_unsigned(),
            ],
        )
    }

    fn at(&self, slot: UnixTime) -> impl Iterator<Item = &Incident> {
        self.incidents
            .iter()
            .filter(move |incident| incident.contains(slot))
    }
}

impl Pair {
    fn has(self, probe: usize) -> bool {
        self.source == probe || self.target == probe
    }
}
