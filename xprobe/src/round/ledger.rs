//! The packets of one flow: what happened to each, and the verdict in the end.

use ippm::{Fate, IcmpError, Packet, UnixTime};
use std::time::Duration;

use super::stamp::{Exchange, Reading, Undated};
use super::{Flow, Reply, as_u32};

/// The packets of one flow.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) flow: Flow,
    /// Index of its destination.
    pub(super) destination: usize,
    /// No packet of it leaves after this time.
    pub(super) last_departure: Option<Duration>,
    /// When the last one left or was refused.
    pub(super) departed: Option<Duration>,
    /// Packets that left.
    pub(super) sent: u64,
    /// Packets that came back at all, in time or late.
    pub(super) answered: u64,
    entries: Vec<Entry>,
}

/// Received packets without a delay.
pub(super) struct Tally {
    pub(super) missing: u64,
    pub(super) discarded: u64,
}

#[derive(Debug)]
struct Entry {
    departure: Departure,
    transmitted: Option<UnixTime>,
    first: Option<Arrival>,
    duplicates: u32,
    icmp_error: Option<IcmpError>,
}

#[derive(Debug, Clone, Copy)]
enum Departure {
    Sent(Reading),
    Refused(Duration),
}

/// The first reply to a packet.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    after: Reading,
    stamp: Option<UnixTime>,
    hop_limit: Option<u8>,
    dscp: Option<u8>,
}

impl Ledger {
    pub(super) fn new(flow: Flow, destination: usize, last_departure: Option<Duration>) -> Self {
        Self {
            flow,
            destination,
            last_departure,
            departed: None,
            sent: 0,
            answered: 0,
            entries: Vec::new(),
        }
    }

    pub(super) fn next_sequence(&self) -> u32 {
        as_u32(self.entries.len())
    }

    pub(super) fn push_sent(&mut self, before: Reading) {
        self.sent += 1;
        self.entries.push(Entry::new(Departure::Sent(before)));
    }

    pub(super) fn push_unsent(&mut self, at: Duration) {
        self.entries.push(Entry::new(Departure::Refused(at)));
    }

    /// Only the first stamp counts: a device may give a second one for a copy of the packet.
    pub(super) fn on_tx_stamp(&mut self, sequence: u32, stamp: UnixTime) {
        if let Some(entry) = self.sent_entry(sequence) {
            entry.transmitted.get_or_insert(stamp);
        }
    }

    /// Whether the reply answers a packet that was sent.
    pub(super) fn on_reply(&mut self, reply: &Reply, after: Reading) -> bool {
        let Some(entry) = self.sent_entry(reply.packet.sequence) else {
            return false;
        };
        if entry.first.is_some() {
            entry.duplicates = entry.duplicates.saturating_add(1);
        } else {
            entry.first = Some(Arrival {
                after,
                stamp: reply.stamp,
                hop_limit: reply.hop_limit,
                dscp: reply.dscp,
            });
            self.answered += 1;
        }
        true
    }

    /// Only a packet's first error counts.
    pub(super) fn on_icmp_error(&mut self, sequence: u32, error: IcmpError) {
        if let Some(entry) = self.sent_entry(sequence) {
            entry.icmp_error.get_or_insert(error);
        }
    }

    pub(super) fn into_packets(self, tally: &mut Tally) -> Vec<Packet> {
        let timeout = self.flow.timeout;
        self.entries
            .into_iter()
            .map(|entry| entry.into_packet(timeout, tally))
            .collect()
    }

    fn sent_entry(&mut self, sequence: u32) -> Option<&mut Entry> {
        let entry = self.entries.get_mut(usize::try_from(sequence).ok()?)?;
        matches!(entry.departure, Departure::Sent(_)).then_some(entry)
    }
}

impl Entry {
    fn new(departure: Departure) -> Self {
        Self {
            departure,
            transmitted: None,
            first: None,
            duplicates: 0,
            icmp_error: None,
        }
    }

    fn into_packet(self, timeout: Duration, tally: &mut Tally) -> Packet {
        let (departure, fate) = match (self.departure, self.first) {
            (Departure::Refused(at), _) => (at, Fate::Unsent),
            (Departure::Sent(before), None) => (before.at, Fate::Lost),
            (Departure::Sent(before), Some(arrival)) => {
                (before.at, arrival.fate(before, self.transmitted, timeout, tally))
            }
        };
        Packet {
            departure,
            fate,
            duplicates: self.duplicates,
            icmp_error: self.icmp_error,
        }
    }
}

impl Arrival {
    /// In time or late is decided by the delay on the wire where it is known: a reply that waited in
    /// our socket because this process was not scheduled is not late. Without it the bracket decides.
    fn fate(
        self,
        before: Reading,
        transmitted: Option<UnixTime>,
        timeout: Duration,
        tally: &mut Tally,
    ) -> Fate {
        let exchange = Exchange {
            sent: before,
            received: self.after,
            transmitted,
            arrived: self.stamp,
        };
        let rtt = exchange.rtt();
        let waited = rtt.map_or(exchange.bracket(), |rtt| Duration::from_nanos(rtt.as_ns()));
        if waited > timeout {
            return Fate::Late;
        }
        match rtt {
            Ok(_) => {}
            Err(Undated::Missing) => tally.missing += 1,
            Err(Undated::Discarded) => tally.discarded += 1,
        }
        Fate::Returned {
            rtt: rtt.ok(),
            arrival: self.after.at,
            hop_limit: self.hop_limit,
            dscp: self.dscp,
        }
    }
}
