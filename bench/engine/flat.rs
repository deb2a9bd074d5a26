//! Sends as fast as replies come: a batch out, and everything in that there is.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ippm::histogram::Histogram;
use ippm::{Family, UnixTime};
use xprobe::net::binding::Binding;
use xprobe::net::buffer::Load;
use xprobe::net::send::{MOST, Outgoing};
use xprobe::net::{Event, Readiness, Setup, Socket};
use xprobe::packet::mark::Mark;
use xprobe::packet::write_request;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets on the loopback device
    #[arg(long, default_value_t = 2000)]
    targets: u32,
    /// Packets in all
    #[arg(long, default_value_t = 60_000)]
    packets: u32,
    /// Packets in one call; 1 takes a call for each
    #[arg(long, default_value_t = MOST)]
    batch: usize,
    /// The same loop without stamps of the kernel: what they cost is the difference
    #[arg(long)]
    no_stamps: bool,
    /// IPv6: one target, since a loopback device has one address
    #[arg(short = '6', long)]
    ipv6: bool,
}

/// A stamp waits here for its reply; on a loopback device replies come within a batch.
const RING: usize = 1 << 16;
/// After the last packet nothing came for so long: what is missing then is lost.
const PATIENCE: Duration = Duration::from_secs(2);

struct Tally {
    key: u64,
    answered: Vec<u64>,
    left: Vec<Option<(u32, UnixTime)>>,
    received: u64,
    duplicates: u64,
    strays: u64,
    transmit_stamps: u64,
    receive_stamps: u64,
    rtts: Histogram,
    /// Smallest and largest RTT.
    range: (u64, u64),
}

impl Tally {
    fn take(&mut self, event: Event) {
        match event {
            Event::Transmitted { mark, stamp } => {
                self.transmit_stamps += 1;
                self.left[mark.sequence as usize % RING] = Some((mark.sequence, stamp));
            }
            Event::Reply {
                mark: Some(mark),
                stamp,
                ..
            } if mark.key == self.key => self.reply(mark.sequence, stamp),
            _ => self.strays += 1,
        }
    }

    fn reply(&mut self, sequence: u32, stamp: Option<UnixTime>) {
        let (word, bit) = (sequence as usize / 64, 1 << (sequence % 64));
        let Some(word) = self.answered.get_mut(word) else {
            self.strays += 1;
            return;
        };
        if *word & bit != 0 {
            self.duplicates += 1;
            return;
        }
        *word |= bit;
        self.received += 1;
        let Some(arrived) = stamp else { return };
        self.receive_stamps += 1;
        let left = self.left[sequence as usize % RING].filter(|(of, _)| *of == sequence);
        if let Some(rtt) = left.and_then(|(_, left)| arrived.since(left)) {
            let ns = u64::try_from(rtt.as_nanos()).expect("a short time");
            self.rtts.record(ns);
            self.range = (self.range.0.min(ns), self.range.1.max(ns));
        }
    }
}

pub(crate) fn run(args: &Args) {
    let family = if args.ipv6 { Family::V6 } else { Family::V4 };
    let key = 0x1b0b_5eed_0000_0000 | u64::from(std::process::id());
    let mut socket = Socket::open(&Setup {
        family,
        dont_fragment: false,
        key,
        load: Load {
            pps: 20_000,
            payload: 56,
        },
        binding: Binding::default(),
        stamps: !args.no_stamps,
    })
    .expect("a socket");
    let targets: Vec<IpAddr> = (0..args.targets)
        .map(|index| crate::loopback(index, args.ipv6))
        .collect();
    let mut tally = Tally {
        key,
        answered: vec![0; (args.packets as usize).div_ceil(64)],
        left: vec![None; RING],
        received: 0,
        duplicates: 0,
        strays: 0,
        transmit_stamps: 0,
        receive_stamps: 0,
        rtts: Histogram::new(),
        range: (u64::MAX, 0),
    };
    let batch = args.batch.clamp(1, MOST);
    let mut packets = vec![Vec::new(); batch];
    // The kernel switches its stamping on in the background; a round waits as long.
    std::thread::sleep(Duration::from_millis(10));
    let (before, _) = crate::usage::read();
    let started = Instant::now();
    let (mut sent, mut unsent) = (0u32, 0u32);
    while sent + unsent < args.packets {
        let number = batch.min((args.packets - sent - unsent) as usize);
        let first = sent + unsent;
        for (sequence, packet) in (first..).zip(&mut packets[..number]) {
            let result = sequence % args.targets;
            // Wraps every 65,536 packets: replies are known by their mark.
            let wire = (sequence / args.targets) as u16;
            let mark = Mark {
                key,
                result,
                sequence,
            };
            write_request(packet, family, socket.identifier(), wire, mark, 56);
        }
        let to = |at: usize| targets[(first as usize + at) % targets.len()];
        let outgoing: [Outgoing<'_>; MOST] = std::array::from_fn(|at| Outgoing {
            to: to(at),
            bytes: &packets[at.min(number - 1)],
        });
        let mut done = 0;
        while done < number {
            match socket.send_many(0, &outgoing[done..number]) {
                Ok(left) => {
                    done += left;
                    sent += u32::try_from(left).expect("at most a batch");
                }
                Err(_) => {
                    done += 1;
                    unsent += 1;
                }
            }
        }
        drain(&mut socket, &mut tally, !args.no_stamps);
    }
    let mut last = (tally.received, Instant::now());
    while tally.received < u64::from(sent) && last.1.elapsed() < PATIENCE {
        drain(&mut socket, &mut tally, !args.no_stamps);
        if tally.received > last.0 {
            last = (tally.received, Instant::now());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let (after, resident) = crate::usage::read();
    let cpu = (after - before).as_secs_f64() * 1e6 / f64::from(args.packets);
    println!(
        "sent {sent} unsent {unsent} received {} duplicates {} strays {} tx_stamps {} rx_stamps {} drops {} pps {:.0} cpu_us {cpu:.2} rss_kib {resident} p50_ns {}",
        tally.received,
        tally.duplicates,
        tally.strays,
        tally.transmit_stamps,
        tally.receive_stamps,
        socket
            .drops()
            .map_or_else(|| "unknown".to_owned(), |drops| drops.to_string()),
        f64::from(sent) / seconds,
        tally
            .rtts
            .quantile(500, tally.range.0, tally.range.1)
            .map_or_else(|| "-".to_owned(), |ns| ns.to_string()),
    );
}

fn drain(socket: &mut Socket, tally: &mut Tally, stamps: bool) {
    let ready = Readiness {
        replies: true,
        error_queue: stamps,
    };
    socket
        .drain(ready, &mut |event| tally.take(event))
        .expect("a readable socket");
}
