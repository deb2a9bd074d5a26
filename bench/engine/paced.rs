//! Many targets at a pace, with the bookkeeping of a round and beyond its caps.

use std::time::{Duration, Instant, SystemTime};

use ippm::{Family, UnixTime};
use xprobe::net::binding::Binding;
use xprobe::net::buffer::Load;
use xprobe::net::{Event, Readiness, Setup, Socket};
use xprobe::packet::mark::Mark;
use xprobe::packet::write_request;
use xprobe::round::pace::Limits;
use xprobe::round::schedule::Rhythm;
use xprobe::round::stamp::Reading;
use xprobe::round::{Action, Flow, PacketId, Reply, Round, Settings};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets on the loopback device
    #[arg(long, default_value_t = 10_000)]
    targets: u32,
    /// Packets to each
    #[arg(long, default_value_t = 10)]
    each: u64,
    /// Over how many seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// As in a round: what arrives is read so often at most.
const REST: Duration = Duration::from_millis(5);

#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn read(self) -> Reading {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a clock after 1970");
        Reading {
            at: self.0.elapsed(),
            wall: UnixTime::from_ns(0).saturating_add(wall),
        }
    }
}

pub(crate) fn run(args: &Args) {
    let key = 0x0009_ace0_0000_0000 | u64::from(std::process::id());
    let mut socket = Socket::open(&Setup {
        family: Family::V4,
        dont_fragment: false,
        key,
        load: Load {
            pps: u64::from(args.targets) * args.each / args.seconds,
            payload: 56,
        },
        binding: Binding::default(),
        stamps: true,
    })
    .expect("a socket");
    let flow = |index| Flow {
        destination: crate::loopback(index, false),
        count: args.each,
        spread: Duration::from_secs(args.seconds),
        timeout: Duration::from_secs(2),
        rhythm: Rhythm::Regular,
    };
    let settings = Settings {
        key,
        start: Duration::from_millis(50),
        linger: Duration::from_secs(4),
        until_answered: false,
        deadline: None,
        limits: Limits::HARD,
    };
    let mut round = Round::new(settings, (0..args.targets).map(flow).collect());
    let clock = Clock(Instant::now());
    let mut packet = Vec::new();
    let mut next_read = Duration::ZERO;
    loop {
        let now = clock.0.elapsed();
        match round.poll(now) {
            Action::Finish => break,
            Action::Send {
                packet: id,
                wire_sequence,
                ..
            } => {
                let mark = Mark {
                    key,
                    result: id.flow,
                    sequence: id.sequence,
                };
                write_request(
                    &mut packet,
                    Family::V4,
                    socket.identifier(),
                    wire_sequence,
                    mark,
                    56,
                );
                let before = clock.read();
                match socket.send(round.destination(id.flow), 0, &packet) {
                    Ok(()) => round.on_sent(id, before),
                    Err(_) => round.on_unsent(id, before.at),
                }
            }
            Action::Wait { until } => std::thread::sleep(until.saturating_sub(now).min(REST)),
        }
        if now >= next_read {
            read(&mut socket, &mut round, clock);
            next_read = now + REST;
        }
    }
    read(&mut socket, &mut round, clock);
    let drops = socket.drops();
    let ended = round.into_ended(UnixTime::from_ns(0));
    let (mut sent, mut received, mut delays, mut unsent) = (0, 0, 0, 0);
    for summary in ended.samples.iter().filter_map(ippm::Sample::summary) {
        sent += summary.sent;
        received += summary.received;
        unsent += summary.unsent;
        delays += summary.delay.map_or(0, |delay| delay.count);
    }
    let (cpu, resident) = crate::usage::read();
    println!(
        "targets {} sent {sent} unsent {unsent} received {received} lost {} with_delay {delays} strays {} drops {} cpu_us {:.2} rss_kib {resident}",
        args.targets,
        sent - received,
        ended.strays,
        drops.map_or_else(|| "unknown".to_owned(), |drops| drops.to_string()),
        cpu.as_secs_f64() * 1e6 / (f64::from(args.targets) * args.each as f64),
    );
}

fn read(socket: &mut Socket, round: &mut Round, clock: Clock) {
    let ready = Readiness {
        replies: true,
        error_queue: true,
    };
    let id = |mark: Mark| PacketId {
        flow: mark.result,
        sequence: mark.sequence,
    };
    let told = socket.drain(ready, &mut |event| match event {
        Event::Reply {
            from,
            mark: Some(mark),
            hop_limit,
            dscp,
            stamp,
        } => round.on_reply(
            &Reply {
                from,
                key: mark.key,
                packet: id(mark),
                hop_limit,
                dscp,
                stamp,
            },
            clock.read(),
        ),
        Event::Reply { mark: None, .. } => round.on_stray(),
        Event::Transmitted { mark, stamp } => round.on_tx_stamp(id(mark), stamp),
        Event::Error { .. } => {}
    });
    told.expect("a readable socket");
}
