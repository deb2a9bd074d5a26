//! A probe in a namespace, the reflector behind a TUN device, and what both saw.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ippm::{Family, Fate, Params, ProbeName, Sample, Summary, TestName, UnixTime};
use xprobe::driver::{Due, Job, Outcome, measure};
use xprobe::net::binding::Binding;
use xprobe::round::pace::Limits;

use crate::lab::scenario::Scenario;
use crate::lab::{Reflector, Truth};
use crate::namespace::Namespace;

/// Addresses that the reflector answers for (RFC 5737, RFC 3849).
pub(crate) const V4: &str = "198.51.100.10";
pub(crate) const OTHER_V4: &str = "198.51.100.20";
pub(crate) const V6: &str = "2001:db8::10";

/// What the way to the reflector and back may add to half of the delays. Two packets to one target lie
/// further apart, so that stamps that went to the wrong packets stand out even on a busy machine.
const SLACK: Duration = Duration::from_millis(40);

/// A probe with a reflector behind it.
pub(crate) struct Network {
    pub(crate) namespace: Namespace,
    truth: Arc<Mutex<Vec<Truth>>>,
    stop: Arc<AtomicBool>,
    reflector: Option<JoinHandle<()>>,
}

impl Network {
    /// `None` where it cannot be built.
    pub(crate) fn new(scenario: &str) -> Option<Self> {
        let namespace = Namespace::new()?;
        let scenario = Scenario::parse(scenario).unwrap();
        let (truth, stop) = (Arc::<Mutex<Vec<Truth>>>::default(), Arc::<AtomicBool>::default());
        let (lines, ended) = (Arc::clone(&truth), Arc::clone(&stop));
        let reflector = namespace.run(move || {
            let mut reflector = Reflector::open("reflector", scenario).unwrap();
            // A thread inherits the namespace of the one that starts it.
            std::thread::spawn(move || {
                let ran = reflector.run(&ended, |line| lines.lock().unwrap().push(line));
                ran.unwrap();
            })
        });
        namespace.command("ip address add 198.51.100.1/24 dev reflector");
        namespace.command("ip address add 2001:db8::1/64 dev reflector nodad");
        namespace.allow_datagram(true);
        Some(Self {
            namespace,
            truth,
            stop,
            reflector: Some(reflector),
        })
    }

    /// What the reflector has seen so far.
    pub(crate) fn truth(&self) -> Vec<Truth> {
        self.truth.lock().unwrap().clone()
    }

    /// Measures, and checks what holds for every measurement.
    pub(crate) fn measure(&self, tests: Vec<Due>) -> Round {
        self.measure_until(tests, None)
    }

    /// The same, with a deadline from now.
    pub(crate) fn measure_until(&self, tests: Vec<Due>, deadline: Option<Duration>) -> Round {
        self.truth.lock().unwrap().clear();
        let dues = tests.clone();
        let outcome = measure_in(&self.namespace, tests, deadline);
        let truth = self.truth();
        let round = Round { dues, outcome, truth };
        round.check();
        round
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.reflector.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Measures inside a namespace.
pub(crate) fn measure_in(namespace: &Namespace, tests: Vec<Due>, deadline: Option<Duration>) -> Outcome {
    namespace.run(move || measure_here(tests, deadline, Binding::default()))
}

/// Measures inside a namespace, from a named interface or address.
pub(crate) fn measure_bound(namespace: &Namespace, tests: Vec<Due>, binding: Binding) -> Outcome {
    namespace.run(move || measure_here(tests, None, binding))
}

/// Measures where this thread is.
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
pub(crate) fn measure_here(tests: Vec<Due>, deadline: Option<Duration>, binding: Binding) -> Outcome {
    let started = Instant::now();
    let job = Job {
        source: None,
        tests,
        round_start: UnixTime::from_ns(1_795_000_000_000_000_000),
        started,
        deadline: deadline.map(|deadline| started + deadline),
        linger: Some(Duration::from_millis(400)),
        until_answered: false,
        limits: Limits::HARD,
        binding,
    };
    measure(&job, &mut |_| {})
}

/// Ten packets, 50 ms apart, that wait 200 ms.
pub(crate) fn ten(address: &str) -> Due {
    let address: IpAddr = address.parse().unwrap();
    Due {
        test: TestName::icmp(),
        kind: "icmp".to_owned(),
        target: "target".parse::<ProbeName>().unwrap(),
        family: Family::of(address),
        address,
        params: Params {
            count: Some(10),
            spread: Some(Duration::from_millis(500)),
            timeout: Some(Duration::from_millis(200)),
            ..Params::NONE
        },
    }
}

/// Two namespaces, joined by a veth pair: the probe, and a target whose kernel answers.
pub(crate) fn pair() -> Option<(Namespace, Namespace)> {
    let (probe, target) = (Namespace::new()?, Namespace::new()?);
    let peer = target.thread();
    probe.command(&format!("ip link add lab type veth peer name lab netns {peer}"));
    for (side, host) in [(&probe, 1), (&target, 10)] {
        side.command(&format!("ip address add 198.51.100.{host}/24 dev lab"));
        side.command(&format!("ip address add 2001:db8::{host}/64 dev lab nodad"));
        side.command("ip link set lab up");
    }
    probe.allow_datagram(true);
    // A new link passes nothing until the kernel has noticed that both ends are up.
    let passes = |tries| (0..tries).any(|_| received(&measure_in(&probe, vec![one(V4), one(V6)], None)) == 2);
    assert!(passes(20), "the link does not come up");
    Some((probe, target))
}

fn one(address: &str) -> Due {
    let mut due = ten(address);
    due.params.count = Some(1);
    due
}

fn received(outcome: &Outcome) -> u64 {
    let samples = outcome
        .results
        .iter()
        .filter_map(|result| result.sample.as_ref().ok()?.summary());
    samples.map(|summary| summary.received).sum()
}

/// What came out, beside what the reflector knows.
pub(crate) struct Round {
    dues: Vec<Due>,
    pub(crate) outcome: Outcome,
    pub(crate) truth: Vec<Truth>,
}

impl Round {
    #[track_caller]
    pub(crate) fn sample(&self, due: usize) -> &Sample {
        self.outcome.results[due].sample.as_ref().unwrap()
    }

    #[track_caller]
    pub(crate) fn summary(&self, due: usize) -> Summary {
        self.sample(due).summary().unwrap()
    }

    /// No stamp is missing; every delay is at least what the reflector waited, and half of them little
    /// more: by stamps of other packets they would be off by tens of milliseconds.
    #[track_caller]
    fn check(&self) {
        let fitness = &self.outcome.fitness;
        assert_eq!(
            (fitness.stamps_missing, fitness.stamps_discarded),
            (0, 0),
            "{fitness:?}"
        );
        assert_eq!(
            (fitness.receive_drops, fitness.clock_steps),
            (0, 0),
            "{fitness:?}"
        );
        for (due, result) in self.dues.iter().zip(&self.outcome.results) {
            let Ok(sample) = &result.sample else { continue };
            let mut added = Vec::new();
            for (sequence, packet) in (0u16..).zip(&sample.packets) {
                let Fate::Returned { rtt, .. } = packet.fate else {
                    continue;
                };
                let dwell = self.dwell(due.address, sequence);
                let rtt = Duration::from_nanos(rtt.expect("stamps are complete").as_ns());
                assert!(dwell <= rtt, "{} {sequence}: {dwell:?} {rtt:?}", due.address);
                added.push(rtt.saturating_sub(dwell));
            }
            added.sort_unstable();
            let median = added.get(added.len() / 2);
            assert!(
                median.is_none_or(|&median| median < SLACK),
                "{}: {added:?}",
                due.address
            );
        }
    }

    #[track_caller]
    fn dwell(&self, target: IpAddr, sequence: u16) -> Duration {
        let line = self
            .truth
            .iter()
            .find(|line| line.target == target && line.sequence == sequence);
        Duration::from_nanos(
            line.and_then(|line| line.dwell_ns)
                .expect("the reflector sent that reply"),
        )
    }
}
