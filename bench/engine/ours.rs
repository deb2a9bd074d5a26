//! Our engine, one RTT on a line.

use std::time::{Duration, Instant, SystemTime};

use ippm::{Family, Fate, Params, TestName, UnixTime};
use xprobe::driver::{Due, Job, KIND, measure};
use xprobe::net::binding::Binding;
use xprobe::round::pace::Limits;

use crate::others::{Args, print};

pub(crate) fn run(args: &Args) {
    let due = |address: &std::net::IpAddr| Due {
        test: TestName::icmp(),
        kind: KIND.to_owned(),
        target: address.to_string().parse().expect("an address is a name"),
        family: Family::of(*address),
        address: *address,
        params: Params {
            count: Some(u64::from(args.count)),
            spread: Some(args.interval() * args.count),
            timeout: Some(Duration::from_secs(1)),
            ..Params::NONE
        },
    };
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock after 1970");
    let job = Job {
        source: None,
        tests: args.targets.iter().map(due).collect(),
        round_start: UnixTime::from_ns(0).saturating_add(wall),
        started: Instant::now(),
        deadline: None,
        linger: Some(Duration::ZERO),
        until_answered: true,
        limits: Limits::HARD,
        binding: Binding::default(),
    };
    let outcome = measure(&job, &mut |_| {});
    for result in &outcome.results {
        let target = args.targets[result.due];
        let sample = result.sample.as_ref().expect("a measured target");
        for (index, packet) in sample.packets.iter().enumerate() {
            let rtt = match packet.fate {
                Fate::Returned { rtt, .. } => rtt.map(|rtt| Duration::from_nanos(rtt.as_ns())),
                _ => None,
            };
            print(target, index, rtt);
        }
    }
}
