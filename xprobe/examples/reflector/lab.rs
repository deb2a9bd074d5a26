//! The reflector: a TUN device, a scenario, and the truth about every packet.

pub(crate) mod frame;
pub(crate) mod scenario;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use serde::Serialize;
use tun_rs::{DeviceBuilder, SyncDevice};

use self::frame::Request;
use self::scenario::{Answer, Scenario};

/// How long the loop sleeps at most before it looks whether it should stop.
const LOOK_UP: Duration = Duration::from_millis(20);
/// The device's MTU: as on an exchange that carries jumbo frames.
const MTU: u16 = 9000;

/// What happened to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Truth {
    /// When it was read, nanoseconds since the reflector started.
    pub(crate) at_ns: u64,
    /// Who asked.
    pub(crate) source: IpAddr,
    /// Who was asked.
    pub(crate) target: IpAddr,
    /// Identifier on the wire.
    pub(crate) identifier: u16,
    /// Sequence number on the wire.
    pub(crate) sequence: u16,
    /// Bytes behind the ICMP header.
    pub(crate) payload: usize,
    /// DSCP and ECN.
    pub(crate) traffic_class: u8,
    /// The DF bit (IPv4).
    pub(crate) dont_fragment: bool,
    /// Genuine replies that were written; the first one is not a copy.
    pub(crate) replies: u32,
    /// From having read the request to writing its first reply, as it came to be: no more than what
    /// the asker can see.
    pub(crate) dwell_ns: Option<u64>,
    /// Packets written that answer no packet of the asker: wrong key, wrong source, never sent.
    pub(crate) strays: u32,
    /// Type and code of the ICMP error that was written.
    pub(crate) error: Option<(u8, u8)>,
}

/// Answers echo requests on a TUN device.
pub(crate) struct Reflector {
    device: SyncDevice,
    scenario: Scenario,
    started: Instant,
}

/// What is to be written, and when.
struct Pending {
    at: Instant,
    /// Keeps packets with the same time in the order in which they were put in.
    rank: u64,
    request: Request,
    answer: Answer,
    read: Instant,
}

impl Reflector {
    /// Creates the device and brings it up.
    pub(crate) fn open(device: &str, scenario: Scenario) -> io::Result<Self> {
        let device = DeviceBuilder::new()
            .name(device)
            .mtu(MTU)
            .enable(true)
            .build_sync()?;
        Ok(Self {
            device,
            scenario,
            started: now(),
        })
    }

    /// Answers until `stop` is set, and tells `truth` about each request when it was dealt with.
    pub(crate) fn run(&mut self, stop: &AtomicBool, mut truth: impl FnMut(Truth)) -> io::Result<()> {
        let mut packet = vec![0; 1 << 16];
        let mut pending = BinaryHeap::new();
        let mut rank = 0;
        while !stop.load(Ordering::Relaxed) {
            while let Some(due) = pop_due(&mut pending, now()) {
                truth(self.answer(&due)?);
            }
            let next = pending.peek().map(|Reverse(next): &Reverse<Pending>| next.at);
            let timeout = next.map_or(LOOK_UP, |at| at.saturating_duration_since(now()).min(LOOK_UP));
            if !self.readable(timeout)? {
                continue;
            }
            let length = self.device.recv(&mut packet)?;
            let read = now();
            let Some(request) = Request::read(&packet[..length]) else {
                continue;
            };
            let answer = self.scenario.answer(request.destination, request.identity().1);
            let at = read + answer.delay.unwrap_or(Duration::ZERO);
            rank += 1;
            pending.push(Reverse(Pending {
                at,
                rank,
                request,
                answer,
                read,
            }));
        }
        Ok(())
    }

    fn readable(&self, timeout: Duration) -> io::Result<bool> {
        let mut descriptors = [PollFd::new(self.device.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut descriptors, Some(TimeSpec::from_duration(timeout)), None) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Does what the scenario says about one request.
    fn answer(&self, due: &Pending) -> io::Result<Truth> {
        let Pending {
            request,
            answer,
            read,
            ..
        } = due;
        let own = request.destination;
        let hop_limit = answer.hop_limit.unwrap_or(64);
        let (identifier, sequence) = request.identity();
        let mut truth = Truth {
            at_ns: nanoseconds(read.duration_since(self.started)),
            source: request.source,
            target: own,
            identifier,
            sequence,
            payload: request.payload(),
            traffic_class: request.traffic_class(),
            dont_fragment: request.dont_fragment(),
            replies: 0,
            dwell_ns: None,
            strays: 0,
            error: None,
        };
        if let Some(error) = answer.error {
            let from = error.from.unwrap_or(own);
            self.write(&request.error(error.kind, error.code, error.word, from, error.quote))?;
            truth.error = Some((error.kind, error.code));
        }
        for _ in 0..answer.strays.unwrap_or(0) {
            self.write(&request.stray(own, hop_limit))?;
            truth.strays += 1;
        }
        if answer.drop == Some(true) {
            return Ok(truth);
        }
        for _ in 0..=answer.copies.unwrap_or(0) {
            if answer.wrong_key == Some(true) {
                self.write(&request.reply_with_wrong_key(own, hop_limit))?;
                truth.strays += 1;
            } else if let Some(from) = answer.wrong_source {
                self.write(&request.reply(from, hop_limit))?;
                truth.strays += 1;
            } else {
                let reply = request.reply(own, hop_limit);
                // Before, not after: the kernel receives the packet inside the call that writes it.
                truth
                    .dwell_ns
                    .get_or_insert(nanoseconds(now().duration_since(*read)));
                self.write(&reply)?;
                truth.replies += 1;
            }
        }
        Ok(truth)
    }

    fn write(&self, packet: &[u8]) -> io::Result<()> {
        if packet.is_empty() {
            Ok(())
        } else {
            self.device.send(packet).map(drop)
        }
    }
}

fn pop_due(pending: &mut BinaryHeap<Reverse<Pending>>, now: Instant) -> Option<Pending> {
    let due = pending.peek().is_some_and(|Reverse(next)| next.at <= now);
    due.then(|| pending.pop()).flatten().map(|Reverse(next)| next)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the reflector is a program of its own, and this is its clock"
)]
fn now() -> Instant {
    Instant::now()
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.rank).cmp(&(other.at, other.rank))
    }
}
