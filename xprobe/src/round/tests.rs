//! The state machine driven by hand, with invented instants.
//!
//! # Layout
//!
//! * here: the world around it
//! * `departures`: when packets leave, and when the round ends
//! * `replies`: what becomes of them

mod departures;
mod replies;

use std::collections::BTreeMap;

use ippm::{Fate, Packet};
use proptest::prelude::*;

use super::*;

const KEY: u64 = 0x0bad_cafe_0bad_cafe;
/// Wall clock at the round's start; any moment will do.
const EPOCH_NS: i64 = 1_795_000_000_000_000_000;
const STRANGER: [u8; 4] = [203, 0, 113, 1];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn flow(last: u8, count: u64, spread: u64) -> Flow {
    let destination = IpAddr::from([192, 0, 2, last]);
    Flow {
        destination,
        count,
        spread: ms(spread),
        timeout: ms(2000),
        rhythm: Rhythm::Regular,
    }
}

fn settings() -> Settings {
    Settings {
        key: KEY,
        start: ms(10),
        linger: ms(4000),
        until_answered: false,
        deadline: None,
        limits: Limits::HARD,
    }
}

fn id(flow: u32, sequence: u32) -> PacketId {
    PacketId { flow, sequence }
}

/// Something that happens in the world of a test.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// A reply to a packet, from its destination.
    Reply(PacketId),
    /// A reply from somebody else.
    From([u8; 4], PacketId),
    /// A reply with another key.
    WrongKey(PacketId),
    /// An ICMP error about what went to 192.0.2.x with this sequence number.
    Error(u8, u16, u8),
    /// The process is asked to end.
    Stop,
}

/// A world without surprises: packets leave when they are due, stamps are as good as the clocks.
struct World {
    round: Round,
    /// What happens when.
    script: BTreeMap<Duration, Vec<Happening>>,
    /// Packets that our own kernel refuses.
    refused: Vec<PacketId>,
    /// The process is off the processor from the first time to the second.
    stall: Option<(Duration, Duration)>,
    departures: Vec<(Duration, PacketId, u16)>,
}

impl World {
    fn new(settings: Settings, flows: Vec<Flow>) -> Self {
        let round = Round::new(settings, flows);
        Self {
            round,
            script: BTreeMap::new(),
            refused: Vec::new(),
            stall: None,
            departures: Vec::new(),
        }
    }

    fn at(mut self, at: Duration, happening: Happening) -> Self {
        self.script.entry(at).or_default().push(happening);
        self
    }

    /// Runs to the end and returns when that was.
    fn run(mut self) -> (Ended, Duration, Vec<(Duration, PacketId, u16)>) {
        let mut now = Duration::ZERO;
        loop {
            if let Some((from, to)) = self.stall
                && now >= from
            {
                (now, self.stall) = (now.max(to), None);
            }
            while let Some(entry) = self.script.first_entry().filter(|entry| *entry.key() <= now) {
                let (at, happenings) = entry.remove_entry();
                for happening in happenings {
                    self.happen(at, happening);
                }
            }
            match self.round.poll(now) {
                Action::Finish => {
                    return (
                        self.round.into_ended(UnixTime::from_ns(EPOCH_NS)),
                        now,
                        self.departures,
                    );
                }
                Action::Send { packet, .. } if self.refused.contains(&packet) => {
                    self.round.on_unsent(packet, now);
                }
                Action::Send {
                    packet,
                    wire_sequence,
                    ..
                } => {
                    self.departures.push((now, packet, wire_sequence));
                    self.round.on_sent(packet, reading(now));
                    self.round.on_tx_stamp(packet, wall(now));
                }
                Action::Wait { until } => {
                    assert!(until > now, "a wait that is over at {now:?}");
                    let next = self.script.first_key_value().map(|(&at, _)| at);
                    now = next.map_or(until, |at| at.min(until)).max(now);
                }
            }
        }
    }

    fn happen(&mut self, at: Duration, happening: Happening) {
        let destination = |packet: PacketId| match self.round.flows.get(packet.flow as usize) {
            Some(ledger) => ledger.flow.destination,
            None => IpAddr::from(STRANGER),
        };
        let (from, key, packet) = match happening {
            Happening::Reply(packet) => (destination(packet), KEY, packet),
            Happening::From(from, packet) => (IpAddr::from(from), KEY, packet),
            Happening::WrongKey(packet) => (destination(packet), !KEY, packet),
            Happening::Error(last, wire_sequence, code) => {
                let error = IcmpError {
                    kind: 3,
                    code,
                    from: IpAddr::from([192, 0, 2, 254]),
                    mtu: None,
                };
                return self
                    .round
                    .on_icmp_error(IpAddr::from([192, 0, 2, last]), wire_sequence, error);
            }
            Happening::Stop => return self.round.stop(),
        };
        let reply = Reply {
            from,
            key,
            packet,
            hop_limit: Some(61),
            dscp: None,
            stamp: Some(wall(at)),
        };
        self.round.on_reply(&reply, reading(at));
    }
}

fn wall(at: Duration) -> UnixTime {
    UnixTime::from_ns(EPOCH_NS).saturating_add(at)
}

fn reading(at: Duration) -> Reading {
    Reading { at, wall: wall(at) }
}

/// The fates in the words of STYLE: the delay in ms, `-` for a loss, `late`, `unsent`.
fn fates(packets: &[Packet]) -> String {
    let word = |packet: &Packet| match packet.fate {
        Fate::Returned { rtt: Some(rtt), .. } => (rtt.as_ns() / 1_000_000).to_string(),
        Fate::Returned { rtt: None, .. } => "undated".to_owned(),
        Fate::Late => "late".to_owned(),
        Fate::Lost => "-".to_owned(),
        Fate::Unsent => "unsent".to_owned(),
    };
    packets.iter().map(word).collect::<Vec<_>>().join(" ")
}
