//! One round as a state machine: which packet leaves when, and what became of each.
//!
//! No socket, no clock, no thread: whoever drives it tells the time and what happened, performs the
//! [`Action`]s it returns, and in the end receives one [`Sample`] per flow. Times are durations since
//! the round's start by one monotonic clock.
//!
//! # Layout
//!
//! * [`schedule`]: when packets are due
//! * [`pace`]: how many may leave
//! * [`stamp`]: which delays are believed
//! * `ledger`: the packets of one flow and their fates

mod ledger;
pub mod pace;
pub mod schedule;
pub mod stamp;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use ippm::{IcmpError, Sample, UnixTime};

use self::ledger::{Ledger, Tally};
use self::pace::Limits;
use self::schedule::Rhythm;
use self::stamp::Reading;

/// The packets to one destination with one rhythm: what becomes one result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Where the packets go, and where replies have to come from.
    pub destination: IpAddr,
    /// How many packets.
    pub count: u64,
    /// Over how long they are spread.
    pub spread: Duration,
    /// Waiting time: a reply that takes longer is late, and its packet lost. Equality is in time.
    pub timeout: Duration,
    /// Where in its cell of the spread each packet is due.
    pub rhythm: Rhythm,
}

/// Which packet of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId {
    /// Index of the flow.
    pub flow: u32,
    /// Index of the packet in its flow, from 0.
    pub sequence: u32,
}

/// What the driver has to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Send this packet now, then call [`Round::on_sent`] or [`Round::on_unsent`].
    Send {
        /// Which one.
        packet: PacketId,
        /// Sequence number on the wire: counts the packets to this destination, modulo 2^16.
        wire_sequence: u16,
        /// When it leaves a host that is never late: when it is due, or later if a rate is kept to.
        due: Duration,
    },
    /// Nothing to do before this time, unless something arrives.
    Wait {
        /// Since the round's start.
        until: Duration,
    },
    /// The round is over.
    Finish,
}

/// Why a round sent less than it was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutShort {
    /// The process was asked to end.
    Signal,
    /// The time was over before the last packet was due.
    Deadline,
    /// It began so late that its spread had to be shortened from the start.
    LateStart,
}

/// A reply as it was read from a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Who sent it.
    pub from: IpAddr,
    /// Key in its payload.
    pub key: u64,
    /// Packet it claims to answer.
    pub packet: PacketId,
    /// TTL or hop limit that was left.
    pub hop_limit: Option<u8>,
    /// Code point that it bore (RFC 2474).
    pub dscp: Option<u8>,
    /// Kernel stamp of its arrival.
    pub stamp: Option<UnixTime>,
}

/// How a round is run, beside its flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Random number of this round; only replies that carry it are ours.
    pub key: u64,
    /// When the first packet may leave.
    pub start: Duration,
    /// How long the round listens after a departure, if the waiting time is not longer.
    pub linger: Duration,
    /// Whether to listen no longer once every packet that left was answered.
    pub until_answered: bool,
    /// When the round has to be over: a packet without time to be listened for is not sent. The waiting
    /// time of one flow shortens no other.
    pub deadline: Option<Duration>,
    /// Rates to keep to.
    pub limits: Limits,
}

/// What a round leaves behind.
#[derive(Debug)]
pub struct Ended {
    /// One sample per flow, in the order of the flows; without packets if none was tried.
    pub samples: Vec<Sample>,
    /// Replies that answer no packet of ours: wrong key, wrong source, or never sent.
    pub strays: u64,
    /// Received packets without delay, for want of a kernel stamp.
    pub stamps_missing: u64,
    /// Received packets without delay, because their stamps could not be true.
    pub stamps_discarded: u64,
    /// Why fewer packets left than were asked for.
    pub cut_short: Option<CutShort>,
}

/// The state of a round.
#[derive(Debug)]
pub struct Round {
    settings: Settings,
    flows: Vec<Ledger>,
    destinations: Vec<Destination>,
    by_address: HashMap<IpAddr, usize>,
    /// The next departure of each flow that has one left, the earliest first.
    agenda: BinaryHeap<Reverse<(Duration, u32)>>,
    /// No packet at all may leave before this time.
    earliest: Duration,
    /// The same for a host that is never late.
    planned: Duration,
    cut_short: Option<CutShort>,
    strays: u64,
}

/// What all flows to one address share.
#[derive(Debug, Default)]
struct Destination {
    /// No packet may leave to it before this time.
    earliest: Duration,
    /// The same for a host that is never late.
    planned: Duration,
    /// The packets to it in sending order: the index modulo 2^16 is the sequence number on the wire.
    packets: Vec<PacketId>,
}

impl Round {
    /// A round of `flows`, which [`Limits::admit`] should have let pass: what they ask for beyond the
    /// limits is delayed.
    ///
    /// If the deadline comes too early for the whole spread, the packets due too late are left
    /// out and the round is cut short as [`CutShort::LateStart`]; the pace stays what it was.
    #[must_use]
    pub fn new(settings: Settings, flows: Vec<Flow>) -> Self {
        let mut round = Self {
            settings,
            flows: Vec::with_capacity(flows.len()),
            destinations: Vec::new(),
            by_address: HashMap::new(),
            agenda: BinaryHeap::with_capacity(flows.len()),
            earliest: settings.start,
            planned: settings.start,
            cut_short: None,
            strays: 0,
        };
        let ranks = flows.len();
        for (rank, flow) in flows.into_iter().enumerate() {
            let destination = *round
                .by_address
                .entry(flow.destination)
                .or_insert(round.destinations.len());
            if destination == round.destinations.len() {
                round.destinations.push(Destination::default());
            }
            let last_departure = settings
                .deadline
                .map(|deadline| deadline.saturating_sub(settings.linger.max(flow.timeout)));
            if flow.count > 0 {
                let last = settings.start + flow.due(flow.count - 1, rank, ranks);
                if last_departure.is_some_and(|limit| last > limit) {
                    round.cut_short = Some(CutShort::LateStart);
                }
                let first = settings.start + flow.due(0, rank, ranks);
                round.agenda.push(Reverse((first, as_u32(rank))));
            }
            round.flows.push(Ledger::new(flow, destination, last_departure));
        }
        round
    }

    /// What to do at `now`.
    pub fn poll(&mut self, now: Duration) -> Action {
        while let Some(&Reverse((at, flow))) = self.agenda.peek() {
            let ledger = &self.flows[flow as usize];
            let destination = &self.destinations[ledger.destination];
            if destination.planned > at {
                // Its own destination holds it back: others may go before it.
                let later = destination.planned;
                self.agenda.pop();
                self.agenda.push(Reverse((later, flow)));
                continue;
            }
            let due = at.max(self.planned);
            let ready = self.ready(due, ledger.destination);
            if ledger.last_departure.is_some_and(|limit| ready.max(now) > limit) {
                self.agenda.pop();
                self.cut_short.get_or_insert(CutShort::Deadline);
            } else if ready > now {
                return Action::Wait { until: ready };
            } else {
                let sequence = ledger.next_sequence();
                let wire_sequence = as_wire(destination.packets.len());
                return Action::Send {
                    packet: PacketId { flow, sequence },
                    wire_sequence,
                    due,
                };
            }
        }
        self.listen(now)
    }

    /// The packet was given to the kernel; the clocks were read just before.
    pub fn on_sent(&mut self, packet: PacketId, before: Reading) {
        if self.depart(packet, before.at) {
            self.flows[packet.flow as usize].push_sent(before);
        }
    }

    /// Our own kernel refused the packet.
    pub fn on_unsent(&mut self, packet: PacketId, at: Duration) {
        if self.depart(packet, at) {
            self.flows[packet.flow as usize].push_unsent(at);
        }
    }

    /// The kernel told when the packet left.
    pub fn on_tx_stamp(&mut self, packet: PacketId, stamp: UnixTime) {
        if let Some(flow) = self.flows.get_mut(packet.flow as usize) {
            flow.on_tx_stamp(packet.sequence, stamp);
        }
    }

    /// A reply was read; the clocks were read just after.
    pub fn on_reply(&mut self, reply: &Reply, after: Reading) {
        let genuine = reply.key == self.settings.key;
        let flow = self.flows.get_mut(reply.packet.flow as usize).filter(|_| genuine);
        let answered = match flow {
            Some(flow) if flow.flow.destination == reply.from => flow.on_reply(reply, after),
            _ => false,
        };
        if !answered {
            self.on_stray();
        }
    }

    /// A reply came that bears no mark at all.
    pub fn on_stray(&mut self) {
        self.strays += 1;
    }

    /// An ICMP error answered the packet that went to `destination` with this sequence number.
    ///
    /// It does not decide the packet's fate: a reply may still come. If more than 65,536 packets went
    /// there, the latest with this number is meant.
    pub fn on_icmp_error(&mut self, destination: IpAddr, wire_sequence: u16, error: IcmpError) {
        let Some(&index) = self.by_address.get(&destination) else {
            return;
        };
        let packets = &self.destinations[index].packets;
        let turns = packets.len().saturating_sub(usize::from(wire_sequence) + 1) / WIRE_SEQUENCES;
        if let Some(packet) = packets.get(usize::from(wire_sequence) + turns * WIRE_SEQUENCES) {
            self.flows[packet.flow as usize].on_icmp_error(packet.sequence, error);
        }
    }

    /// Sends nothing more, and listens no longer than the waiting times of what is under way.
    pub fn stop(&mut self) {
        if !self.agenda.is_empty() {
            self.agenda.clear();
            self.cut_short = Some(CutShort::Signal);
        }
        self.settings.linger = Duration::ZERO;
    }

    /// The round has to be over earlier by `time`: the machine slept, and the clock that everything here
    /// is told by did not.
    pub fn lose(&mut self, time: Duration) {
        for flow in &mut self.flows {
            flow.last_departure = flow.last_departure.map(|limit| limit.saturating_sub(time));
        }
    }

    /// Where the packets of a flow go.
    ///
    /// # Panics
    ///
    /// If there is no such flow: [`Action::Send`] names none that does not exist.
    #[must_use]
    pub fn destination(&self, flow: u32) -> IpAddr {
        self.flows[flow as usize].flow.destination
    }

    /// Whether no packet is left that is still to be sent.
    #[must_use]
    pub fn is_all_sent(&self) -> bool {
        self.agenda.is_empty()
    }

    /// How many packets left so far, and how many of them came back at all.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        self.flows.iter().fold((0, 0), |(sent, back), flow| {
            (sent + flow.sent, back + flow.answered)
        })
    }

    /// Ends the round and judges its packets.
    #[must_use]
    pub fn into_ended(self, round_start: UnixTime) -> Ended {
        let mut tally = Tally {
            missing: 0,
            discarded: 0,
        };
        let samples = self
            .flows
            .into_iter()
            .map(|flow| Sample {
                round_start,
                packets: flow.into_packets(&mut tally),
            })
            .collect();
        Ended {
            samples,
            strays: self.strays,
            stamps_missing: tally.missing,
            stamps_discarded: tally.discarded,
            cut_short: self.cut_short,
        }
    }

    /// Nothing is left to send: listens until the linger time is over.
    fn listen(&self, now: Duration) -> Action {
        let listened = |flow: &Ledger| Some(flow.departed? + self.settings.linger.max(flow.flow.timeout));
        match self.flows.iter().filter_map(listened).max() {
            Some(until) if now < until && !self.is_answered() => Action::Wait { until },
            _ => Action::Finish,
        }
    }

    /// Whether nothing more is waited for.
    fn is_answered(&self) -> bool {
        self.settings.until_answered && self.flows.iter().all(|flow| flow.answered == flow.sent)
    }

    /// Books a departure; false if the packet is not the one that [`poll`](Self::poll) named.
    fn depart(&mut self, packet: PacketId, at: Duration) -> bool {
        let Some(&Reverse((planned, flow))) = self.agenda.peek() else {
            return false;
        };
        let index = flow as usize;
        if flow != packet.flow || self.flows[index].next_sequence() != packet.sequence {
            return false;
        }
        let planned = planned.max(self.planned);
        let late = at.saturating_sub(self.ready(planned, self.flows[index].destination));
        self.agenda.pop();
        let next = u64::from(packet.sequence) + 1;
        if next < self.flows[index].flow.count {
            self.agenda.push(Reverse((self.due(flow, next), flow)));
        }
        self.flows[index].departed = Some(at);
        let (gap, gap_per_target) = (self.settings.limits.gap(), self.settings.limits.gap_per_target());
        let destination = &mut self.destinations[self.flows[index].destination];
        destination.packets.push(packet);
        destination.planned = planned + gap_per_target;
        destination.earliest = at + pace::gap_after(gap_per_target, late);
        self.planned = planned + gap;
        self.earliest = at + pace::gap_after(gap, late);
        true
    }

    /// When a packet that was planned for this time can really leave.
    fn ready(&self, planned: Duration, destination: usize) -> Duration {
        planned
            .max(self.earliest)
            .max(self.destinations[destination].earliest)
    }

    fn due(&self, flow: u32, sequence: u64) -> Duration {
        let ranks = self.flows.len();
        self.settings.start + self.flows[flow as usize].flow.due(sequence, flow as usize, ranks)
    }
}

/// How many sequence numbers there are on the wire.
const WIRE_SEQUENCES: usize = 1 << 16;

#[expect(
    clippy::cast_possible_truncation,
    reason = "sequence numbers on the wire wrap"
)]
fn as_wire(index: usize) -> u16 {
    index as u16
}

fn as_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
