//! What is on the wire against the schedule: a capture with the kernel's own stamps.

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use ippm::{Family, Params, ProbeName, TestName, UnixTime};
use nix::cmsg_space;
use nix::sys::socket::sockopt::{RcvBufForce, ReceiveTimestampns};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recvmsg, setsockopt,
    socket,
};
use nix::sys::time::TimeSpec;
use xprobe::driver::{Due, Job, Outcome, measure};
use xprobe::net::binding::Binding;
use xprobe::round::Flow;
use xprobe::round::pace::Limits;
use xprobe::round::schedule::{Rhythm, Seed};

use crate::network::Network;

const ROUND_START: UnixTime = UnixTime::from_ns(1_795_000_000_000_000_000);
const TARGETS: u8 = 20;
const COUNT: u64 = 20;
const SPREAD: Duration = Duration::from_secs(2);

/// One captured request.
struct Captured {
    target: u8,
    sequence: u16,
    at: Duration,
}

/// Sees every packet of the namespace that it is opened in.
struct Capture(OwnedFd);

impl Capture {
    fn open() -> Self {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(
            AddressFamily::Packet,
            SockType::Datagram,
            flags,
            SockProtocol::EthAll,
        )
        .unwrap();
        setsockopt(&socket, ReceiveTimestampns, &true).unwrap();
        // Everything lies in the socket until the round is over.
        setsockopt(&socket, RcvBufForce, &(16 << 20)).unwrap();
        Self(socket)
    }

    /// The echo requests that were captured, in their order.
    fn read(&self) -> Vec<Captured> {
        let mut captured = Vec::new();
        let mut packet = [0; 2048];
        let mut control = cmsg_space!(TimeSpec);
        loop {
            let mut parts = [IoSliceMut::new(&mut packet)];
            let descriptor = self.0.as_raw_fd();
            let Ok(message) = recvmsg::<()>(descriptor, &mut parts, Some(&mut control), MsgFlags::empty())
            else {
                return captured;
            };
            let stamp = message.cmsgs().unwrap().find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
                _ => None,
            });
            let length = message.bytes;
            captured.extend(request(&packet[..length], stamp.unwrap()));
        }
    }
}

/// An echo request (type 8) behind an IPv4 header without options.
fn request(packet: &[u8], at: Duration) -> Option<Captured> {
    let [_, _, _, target] = <[u8; 4]>::try_from(packet.get(16..20)?).unwrap();
    let is_request = packet[0] == 0x45 && packet[9] == 1 && *packet.get(20)? == 8;
    is_request.then(|| Captured {
        target,
        sequence: u16::from_be_bytes([packet[26], packet[27]]),
        at,
    })
}

fn address(target: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, target).into()
}

fn source() -> ProbeName {
    "ams1".parse().unwrap()
}

fn name(target: u8) -> ProbeName {
    format!("target{target}").parse().unwrap()
}

fn due(target: u8) -> Due {
    Due {
        test: TestName::icmp(),
        kind: "icmp".to_owned(),
        target: name(target),
        family: Family::V4,
        address: address(target),
        params: Params {
            count: Some(COUNT),
            spread: Some(SPREAD),
            timeout: Some(Duration::from_millis(200)),
            ..Params::NONE
        },
    }
}

/// When each packet to `target` is due, by the definition: its place in its cell, and 5 ms after the one before
/// it, since no address gets more than 200 packets a second.
fn schedule(target: u8) -> Vec<Duration> {
    let seed = Seed::new(
        &source(),
        &TestName::icmp(),
        &name(target),
        Family::V4,
        ROUND_START,
    );
    let flow = Flow {
        destination: address(target),
        count: COUNT,
        spread: SPREAD,
        timeout: Duration::from_millis(200),
        rhythm: Rhythm::Random(seed),
    };
    let mut earliest = Duration::ZERO;
    (0..COUNT)
        .map(|index| {
            let due = flow.due(index, 0, 1).max(earliest);
            earliest = due + Duration::from_millis(5);
            due
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn round() -> Outcome {
    let job = Job {
        source: Some(source()),
        tests: (10..10 + TARGETS).map(due).collect(),
        round_start: ROUND_START,
        started: Instant::now(),
        deadline: None,
        linger: Some(Duration::from_millis(300)),
        until_answered: false,
        limits: Limits::HARD,
        binding: Binding::default(),
    };
    measure(&job, &mut |_| {})
}

#[test]
fn a_capture_agrees_with_the_schedule_within_the_lag_that_the_round_states() {
    let Some(network) = Network::new("answer = { delay = \"1ms\" }") else {
        return;
    };
    let (captured, outcome) = network.namespace.run(|| {
        let capture = Capture::open();
        let outcome = round();
        (capture.read(), outcome)
    });
    assert_eq!(
        captured.len(),
        usize::from(TARGETS) * 20,
        "every request is captured once"
    );
    let schedules: Vec<Vec<Duration>> = (10..10 + TARGETS).map(schedule).collect();
    // By wall clock when the round began, if that packet was as late; the least late one shows it best.
    let began = |packet: &Captured| {
        packet
            .at
            .saturating_sub(schedules[usize::from(packet.target - 10)][usize::from(packet.sequence)])
    };
    let start = captured.iter().map(began).min().unwrap();
    let stated = Duration::from_nanos(outcome.fitness.send_lag_max_ns.unwrap());
    let mut lags: Vec<Duration> = captured
        .iter()
        .map(|packet| began(packet).saturating_sub(start))
        .collect();
    lags.sort_unstable();
    // Between the reading of the clock, from which the lag is counted, and the wire lies the kernel's own path,
    // on which this process may be interrupted: rarely, and not for long.
    assert!(
        lags[lags.len() * 95 / 100] <= stated + Duration::from_millis(1),
        "{stated:?} {lags:?}"
    );
    assert!(
        *lags.last().unwrap() <= stated + Duration::from_millis(50),
        "{stated:?} {lags:?}"
    );
}
