//! The loop around a round: too simple to have bugs of its own.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use nix::errno::Errno;

use super::admission::{Accepted, Shape, sort};
use super::clock::Clock;
use super::fitness::{Counts, Fitness, Lag};
use super::host::{Counters, Host};
use super::signal::Signals;
use super::sockets::{Sockets, rest};
use super::{Job, MIN_LINGER, MeasuredResult, Outcome, Progress, Unmeasured};
use crate::net::Event;
use crate::packet::mark::Mark;
use crate::packet::write_request;
use crate::round::stamp::ClockWatch;
use crate::round::{Action, PacketId, Reply, Round, Settings};

/// Between opening the sockets and the first departure. The kernel switches its stamping on in the
/// background when the first socket asks for it; packets that leave before have no stamps.
const SETTLING: Duration = Duration::from_millis(10);

/// How long the sockets are left alone after a packet as long as others are still to leave. The kernel's
/// stamps make delays independent of when we read, and what arrives meanwhile is read in one call: the
/// stamp of a packet with its reply, and at the pace of a round those of many. So this process wakes to send
/// and for little else. A reply without stamps may for that look later than it came; it has no delay anyway.
const PATIENCE: Duration = Duration::from_millis(100);

/// So many packets are read for at once, however soon: their replies and stamps fit many times over.
const ENOUGH: u32 = 100;

/// How long the sockets are left alone after a read that found much, and after the last packet.
const REST: Duration = Duration::from_millis(5);

/// More messages than this in one read are much: whoever floods us with replies must not wake us for each.
const MUCH: usize = 8;

/// What the clocks differ by for having been read one after the other is no sleep.
const SHORTEST_SLEEP: Duration = Duration::from_millis(100);

/// Between two words to whoever watches.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

pub(super) fn run(job: &Job, observer: &mut dyn FnMut(Progress)) -> Outcome {
    let clock = Clock::new(job.started);
    let signals = Signals::hold();
    // Fresh random keys are what RandomState is made of; a hash of nothing is one of them.
    let key = RandomState::new().hash_one(());
    let (mut verdicts, accepted) = sort(job);
    let mut sockets = Sockets::open(&accepted, key, &job.binding);

    let mut measured = Vec::new();
    let mut flows = Vec::new();
    let mut shapes = Vec::new();
    for Accepted { due, flow, shape } in accepted {
        if let Some(Err(error)) = sockets.of(shape.way) {
            verdicts[due] = Some(Unmeasured::from(error));
            continue;
        }
        measured.push(due);
        flows.push(flow);
        shapes.push(shape);
    }

    let start = clock.now() + SETTLING;
    let linger = job.linger.unwrap_or(MIN_LINGER);
    let deadline = job
        .deadline
        .map(|deadline| deadline.saturating_duration_since(job.started));
    let settings = Settings {
        key,
        start,
        linger,
        until_answered: job.until_answered,
        deadline,
        limits: job.limits,
    };
    let longest = flows
        .iter()
        .map(|flow| flow.spread + linger.max(flow.timeout))
        .max();
    let expected = start + longest.unwrap_or_default();
    let expected = deadline.map_or(expected, |deadline| deadline.min(expected));

    let targets = flows.iter().map(|flow| flow.destination).collect();
    let before = Counters::read();
    let mut session = Session {
        clock,
        key,
        shapes,
        watch: ClockWatch::new(clock.read()),
        lag: Lag::new(),
        refusals: HashMap::new(),
        unsent: BTreeMap::new(),
        is_interrupted: false,
        round: Round::new(settings, flows),
    };
    session.drive(&mut sockets, signals.as_ref(), deadline, |round, elapsed| {
        let (sent, answered) = round.progress();
        observer(Progress {
            sent,
            answered,
            elapsed,
            expected,
        });
    });
    drop(signals);
    let host = before.until_now(&targets);
    session.into_outcome(job, &sockets, &measured, verdicts, host)
}

/// Everything that the loop holds beside the sockets.
struct Session {
    clock: Clock,
    key: u64,
    shapes: Vec<Shape>,
    watch: ClockWatch,
    lag: Lag,
    /// The last error with which our own kernel refused a packet of a flow.
    refusals: HashMap<u32, Errno>,
    /// Packets that it refused, by the name of the error.
    unsent: BTreeMap<String, u64>,
    /// Whether a signal asked us to end.
    is_interrupted: bool,
    round: Round,
}

impl Session {
    fn drive(
        &mut self,
        sockets: &mut Sockets,
        signals: Option<&Signals>,
        mut deadline: Option<Duration>,
        mut progress: impl FnMut(&Round, Duration),
    ) {
        let mut packet = Vec::new();
        let mut next_word = Duration::ZERO;
        let mut next_read = Duration::ZERO;
        // Packets that left since the sockets were read.
        let mut under_way = 0;
        let mut slept = Clock::slept();
        // A signal that came before the first packet is obeyed before it.
        if rest(signals, Duration::ZERO).signal {
            self.is_interrupted = true;
            self.round.stop();
        }
        loop {
            let now = self.clock.now();
            if now >= next_word {
                progress(&self.round, now);
                let missed = missed(&mut slept);
                self.round.lose(missed);
                deadline = deadline.map(|deadline| deadline.saturating_sub(missed));
                next_word = now + PROGRESS_INTERVAL;
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                break;
            }
            let until = match self.round.poll(now) {
                Action::Finish => break,
                Action::Wait { until } => until
                    .min(self.with_departure(until, next_word, PROGRESS_INTERVAL))
                    .min(deadline.unwrap_or(Duration::MAX)),
                Action::Send {
                    packet: id,
                    wire_sequence,
                    due,
                } => {
                    self.send(sockets, id, wire_sequence, due, &mut packet);
                    under_way += 1;
                    next_read = match under_way {
                        _ if self.round.is_all_sent() => now + REST,
                        1 => next_read.max(now + PATIENCE),
                        ..ENOUGH => next_read,
                        _ => now,
                    };
                    if now < next_read {
                        continue;
                    }
                    now
                }
            };
            let resting = now < next_read;
            let wake = if resting {
                let read = self.with_departure(until, next_read, PATIENCE);
                rest(signals, until.min(read).saturating_sub(now))
            } else {
                sockets.wait(signals, until.saturating_sub(now))
            };
            if wake.signal {
                if self.is_interrupted {
                    break;
                }
                self.is_interrupted = true;
                self.round.stop();
            }
            if wake.readable {
                let found_much = self.read(sockets) > MUCH;
                next_read = self.clock.now() + if found_much { REST } else { Duration::ZERO };
                under_way = 0;
            }
        }
        // What came in the last moment.
        sockets.wait(None, Duration::ZERO);
        self.read(sockets);
    }

    /// When to do what is due at `time`: with the next departure at `until`, which wakes us anyway, if packets are still
    /// to leave and it is no more than `patience` away.
    fn with_departure(&self, until: Duration, time: Duration, patience: Duration) -> Duration {
        if !self.round.is_all_sent() && until <= time + patience {
            time.max(until)
        } else {
            time
        }
    }

    fn send(&mut self, sockets: &Sockets, id: PacketId, sequence: u16, due: Duration, packet: &mut Vec<u8>) {
        let shape = self.shapes[id.flow as usize];
        let Some(Ok(socket)) = sockets.of(shape.way) else {
            return;
        };
        let mark = Mark {
            key: self.key,
            result: id.flow,
            sequence: id.sequence,
        };
        write_request(
            packet,
            shape.way.0,
            socket.identifier(),
            sequence,
            mark,
            shape.payload,
        );
        let before = self.clock.read();
        self.watch.observe(before);
        match socket.send(self.round.destination(id.flow), shape.dscp, packet) {
            Ok(()) => {
                self.round.on_sent(id, before);
                self.lag.record(before.at.saturating_sub(due));
            }
            Err(error) => {
                self.round.on_unsent(id, before.at);
                self.refusals.insert(id.flow, error);
                *self
                    .unsent
                    .entry(format!("{error:?}").to_ascii_lowercase())
                    .or_default() += 1;
            }
        }
    }

    /// Reads what there is, and says how many messages that was.
    fn read(&mut self, sockets: &mut Sockets) -> usize {
        let (clock, round, watch) = (self.clock, &mut self.round, &mut self.watch);
        let mut messages = 0;
        let mut tell = |event| match event {
            Event::Reply {
                from,
                mark: Some(mark),
                hop_limit,
                dscp,
                stamp,
            } => {
                let packet = PacketId {
                    flow: mark.result,
                    sequence: mark.sequence,
                };
                let after = clock.read();
                watch.observe(after);
                round.on_reply(
                    &Reply {
                        from,
                        key: mark.key,
                        packet,
                        hop_limit,
                        dscp,
                        stamp,
                    },
                    after,
                );
            }
            Event::Reply { mark: None, .. } => round.on_stray(),
            Event::Transmitted { mark, stamp } => {
                round.on_tx_stamp(
                    PacketId {
                        flow: mark.result,
                        sequence: mark.sequence,
                    },
                    stamp,
                );
            }
            Event::Error {
                destination,
                wire_sequence,
                error,
            } => {
                round.on_icmp_error(destination, wire_sequence, error);
            }
        };
        let read = sockets.read(|event| {
            messages += 1;
            tell(event);
        });
        // It could only be a descriptor that is none, or no memory at all. The loop goes on, and what
        // was not read is missing where everybody sees it.
        drop(read);
        messages
    }

    fn into_outcome(
        self,
        job: &Job,
        sockets: &Sockets,
        measured: &[usize],
        verdicts: Vec<Option<Unmeasured>>,
        host: Host,
    ) -> Outcome {
        let duration = self.clock.now();
        let (_, received) = self.round.progress();
        let ended = self.round.into_ended(job.round_start);
        let counts = Counts {
            lag: self.lag,
            drops: sockets.drops(),
            stamps_missing: ended.stamps_missing,
            stamps_discarded: ended.stamps_discarded,
            received,
            clock_steps: self.watch.steps(),
            strays: ended.strays,
            unsent: self.unsent,
            host,
        };
        let mut results: Vec<MeasuredResult> = verdicts
            .into_iter()
            .enumerate()
            .map(|(due, verdict)| MeasuredResult {
                due,
                sample: Err(verdict.unwrap_or(Unmeasured::NotTried)),
            })
            .collect();
        for ((flow, &due), sample) in (0..).zip(measured).zip(ended.samples) {
            if sample
                .packets
                .iter()
                .any(|packet| packet.fate != ippm::Fate::Unsent)
            {
                results[due].sample = Ok(sample);
            } else if let Some(&errno) = self.refusals.get(&flow) {
                results[due].sample = Err(Unmeasured::UnreachableLocally(errno.into()));
            }
        }
        Outcome {
            results,
            fitness: Fitness::new(sockets.mode(), counts),
            cut_short: ended.cut_short,
            is_interrupted: self.is_interrupted,
            duration,
        }
    }
}

/// For how long the machine slept since this was asked last; `slept` remembers.
fn missed(slept: &mut Option<Duration>) -> Duration {
    let now = Clock::slept();
    let missed = now.zip(*slept).map(|(now, before)| now.saturating_sub(before));
    *slept = now;
    missed
        .filter(|missed| *missed > SHORTEST_SLEEP)
        .unwrap_or_default()
}
