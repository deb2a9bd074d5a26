//! A reflector that knows for how long it held each packet: from the kernel's stamp of the request to the
//! kernel's stamp of the reply. The kernel's own echo has to be switched off.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, IoSlice, IoSliceMut, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::setsockopt_impl;
use nix::sockopt_impl;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType,
    SockaddrIn, TimestampingFlag, Timestamps, recvmsg, sendmsg, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;
use xprobe::packet::{checksum, parse_ipv4_header};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where `target dwell_ns` is written, a line for each reply, those of a target in the order of its requests
    #[arg(long)]
    truth: PathBuf,
    /// Ends when nothing came for so many seconds after the first request
    #[arg(long, default_value_t = 4)]
    idle: u64,
}

/// `ICMP_FILTER` of `linux/icmp.h`.
const FILTER: libc::c_int = 1;

sockopt_impl!(
    /// `ICMP_FILTER`: the types that a raw socket does not want to see (raw(7)).
    IcmpFilter,
    SetOnly,
    libc::SOL_RAW,
    FILTER,
    u32
);

const ECHO_REQUEST: u8 = 8;

/// Which packet: who asked, who was asked, identifier and sequence number.
type Identity = (Ipv4Addr, Ipv4Addr, [u8; 4]);

struct Reflector {
    socket: OwnedFd,
    /// Stamps of requests whose replies have none yet.
    waiting: HashMap<Identity, VecDeque<i64>>,
    truth: BufWriter<File>,
}

pub(crate) fn run(args: &Args) {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Icmp).expect("a raw socket");
    let stamps = TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_TX_SOFTWARE
        | TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE;
    setsockopt(&socket, sockopt::Timestamping, &stamps).expect("stamps");
    setsockopt(&socket, IcmpFilter, &!(1 << ECHO_REQUEST)).expect("a filter");
    setsockopt(&socket, sockopt::RcvBufForce, &(8 << 20)).expect("a receive buffer");
    let mut reflector = Reflector {
        socket,
        waiting: HashMap::new(),
        truth: BufWriter::new(File::create(&args.truth).expect("a writable file")),
    };
    println!("ready");
    let mut last: Option<Instant> = None;
    while last.is_none_or(|last| last.elapsed() < Duration::from_secs(args.idle)) {
        let mut descriptors = [PollFd::new(reflector.socket.as_fd(), PollFlags::POLLIN)];
        let wait = TimeSpec::from_duration(Duration::from_millis(200));
        if ppoll(&mut descriptors, Some(wait), None).unwrap_or(0) > 0 {
            // The reply leaves before anything else is done.
            if reflector.requests() > 0 {
                last = Some(Instant::now());
            }
            reflector.stamps();
        }
    }
    reflector.truth.flush().expect("a writable file");
}

impl Reflector {
    /// Answers what has arrived; how many requests it was.
    fn requests(&mut self) -> usize {
        let mut answered = 0;
        let mut packet = [0; 2048];
        while let Some((length, stamp)) = self.receive(MsgFlags::empty(), &mut packet) {
            let Some(header) = parse_ipv4_header(&packet[..length]) else {
                continue;
            };
            let message = &mut packet[header.length..length];
            if message.len() < 8 || message[0] != ECHO_REQUEST {
                continue;
            }
            message[0] = 0;
            message[2..4].fill(0);
            let sum = checksum(message).to_be_bytes();
            message[2..4].copy_from_slice(&sum);
            let identity = (
                header.source,
                header.destination,
                [message[4], message[5], message[6], message[7]],
            );
            if let Some(stamp) = stamp {
                self.waiting.entry(identity).or_default().push_back(stamp);
            }
            // Whoever was asked answers: the loopback or veth device has many addresses.
            let from = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr {
                    s_addr: u32::from_ne_bytes(header.destination.octets()),
                },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            let to = SockaddrIn::from(SocketAddrV4::new(header.source, 0));
            let control = [ControlMessage::Ipv4PacketInfo(&from)];
            let parts = [IoSlice::new(message)];
            sendmsg(
                self.socket.as_raw_fd(),
                &parts,
                &control,
                MsgFlags::empty(),
                Some(&to),
            )
            .expect("a sent reply");
            answered += 1;
        }
        answered
    }

    /// Reads the stamps of replies that left, and writes down how long that took.
    fn stamps(&mut self) {
        let mut packet = [0; 2048];
        while let Some((length, stamp)) = self.receive(MsgFlags::MSG_ERRQUEUE, &mut packet) {
            // An Ethernet header lies before the looped packet, none on a loopback-like device.
            let packet = &packet[..length];
            let ip = [14, 0].iter().find_map(|&at| {
                let ip = packet.get(at..)?;
                let header = parse_ipv4_header(ip).filter(|header| header.protocol == 1)?;
                Some((header, ip))
            });
            let (Some((header, ip)), Some(stamp)) = (ip, stamp) else {
                continue;
            };
            let Some(&[_, _, _, _, a, b, c, d]) = ip.get(header.length..).and_then(|m| m.first_chunk::<8>())
            else {
                continue;
            };
            let identity = (header.destination, header.source, [a, b, c, d]);
            let received = self.waiting.get_mut(&identity).and_then(VecDeque::pop_front);
            if let Some(received) = received {
                writeln!(self.truth, "{} {}", header.source, stamp - received).expect("a writable file");
            }
        }
    }

    /// The next message with its stamp; `None` if there is none.
    fn receive(&self, flags: MsgFlags, packet: &mut [u8]) -> Option<(usize, Option<i64>)> {
        let mut control = cmsg_space!(Timestamps, libc::sock_extended_err, libc::sockaddr_in6);
        loop {
            let mut parts = [IoSliceMut::new(packet)];
            let flags = flags | MsgFlags::MSG_DONTWAIT;
            match recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), flags) {
                Ok(message) => {
                    let stamp = message
                        .cmsgs()
                        .into_iter()
                        .flatten()
                        .find_map(|control| match control {
                            ControlMessageOwned::ScmTimestampsns(stamps) => {
                                let system = stamps.system;
                                Some(system.tv_sec() * 1_000_000_000 + system.tv_nsec())
                            }
                            _ => None,
                        });
                    return Some((message.bytes, stamp));
                }
                Err(Errno::EAGAIN) => return None,
                // The error of an earlier reply: it is gone with this.
                Err(_) => {}
            }
        }
    }
}
