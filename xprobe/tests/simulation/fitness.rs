//! What goes wrong on the probe's own host shows as itself, and not as the network's fault.

use std::time::{Duration, Instant};

use ippm::{Fate, UnixTime};
use xprobe::driver::fitness::Suspicion;
use xprobe::driver::{Due, Job, Outcome, measure};
use xprobe::net::binding::Binding;
use xprobe::round::pace::Limits;

use crate::namespace::Namespace;
use crate::network::{Network, V4, pair, ten};

/// Measures inside a namespace, with a process that stops for `stall` after its first 300 ms.
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn measure_stalled(namespace: &Namespace, tests: Vec<Due>, stall: Duration) -> Outcome {
    namespace.run(move || {
        let job = Job {
            source: None,
            tests,
            round_start: UnixTime::from_ns(1_795_000_000_000_000_000),
            started: Instant::now(),
            deadline: None,
            linger: Some(Duration::from_millis(400)),
            until_answered: false,
            limits: Limits::HARD,
            binding: Binding::default(),
        };
        let mut is_stalled = false;
        measure(&job, &mut |progress| {
            // Whoever watches runs in the loop: while it sleeps nothing is sent and nothing read.
            if !is_stalled && progress.elapsed > Duration::from_millis(200) {
                is_stalled = true;
                std::thread::sleep(stall);
            }
        })
    })
}

#[test]
fn a_stall_is_told_as_send_lag_and_costs_no_delay() {
    let Some(network) = Network::new("answer = { delay = \"2ms\" }") else {
        return;
    };
    let outcome = measure_stalled(&network.namespace, vec![ten(V4)], Duration::from_secs(2));
    let fitness = &outcome.fitness;
    assert_eq!(fitness.suspect, [Suspicion::SendLag]);
    assert!(
        fitness.send_lag_max_ns.is_some_and(|ns| ns > 1_500_000_000),
        "{fitness:?}"
    );
    let summary = outcome.results[0].sample.as_ref().unwrap().summary().unwrap();
    assert_eq!((summary.sent, summary.received, summary.late), (10, 10, 0));
    let delay = summary.delay.unwrap();
    // By kernel stamps: a reply that lay in the socket for two seconds took as long as it took.
    assert_eq!(delay.count, 10);
    assert!(
        delay.min.as_ns() >= 2_000_000 && delay.max.as_ns() < 500_000_000,
        "{delay:?}"
    );
}

#[test]
fn replies_beyond_a_full_receive_buffer_are_told_as_drops_and_the_delays_stay_right() {
    // 40,000 copies of 1400 bytes are more than any buffer of a round of ten packets.
    let scenario = "answer = { delay = \"2ms\" }\n[[target]]\nprefix = \"198.51.100.10\"\nanswer = { delay = \"2ms\" }\n\
         [[target.packet]]\nsequences = [3]\nanswer = { copies = 40000 }";
    let Some(network) = Network::new(scenario) else {
        return;
    };
    let mut due = ten(V4);
    due.params.payload_bytes = Some(1400);
    let outcome = measure_stalled(&network.namespace, vec![due], Duration::from_millis(1500));
    let fitness = &outcome.fitness;
    assert!(fitness.receive_drops > 0, "{fitness:?}");
    assert!(fitness.suspect.contains(&Suspicion::ReceiveDrops), "{fitness:?}");
    let sample = outcome.results[0].sample.as_ref().unwrap();
    let summary = sample.summary().unwrap();
    assert_eq!(summary.sent, 10);
    assert!(summary.received >= 1, "{summary:?}");
    for packet in &sample.packets {
        if let Fate::Returned { rtt: Some(rtt), .. } = packet.fate {
            assert!((2_000_000..1_500_000_000).contains(&rtt.as_ns()), "{rtt:?}");
        }
    }
}

#[test]
fn a_target_without_a_link_layer_address_is_an_unresolved_neighbor_and_no_suspicion() {
    let Some((probe, _target)) = pair() else {
        return;
    };
    let absent = "198.51.100.77";
    let outcome = crate::network::measure_in(&probe, vec![ten(V4), ten(absent)], None);
    let fitness = &outcome.fitness;
    assert_eq!(fitness.host.neighbors_unresolved, Some(1), "{fitness:?}");
    assert_eq!(fitness.suspect, []);
    let received = |due: usize| {
        let summary = outcome.results[due].sample.as_ref().unwrap().summary();
        summary.unwrap().received
    };
    assert_eq!((received(0), received(1)), (10, 0));
}

#[test]
fn packets_that_the_own_host_refuses_are_told_with_the_name_of_its_error() {
    let Some(network) = Network::new("answer = { delay = \"2ms\" }") else {
        return;
    };
    // Larger than the device takes, and not to be fragmented.
    let mut large = ten(V4);
    large.params.payload_bytes = Some(9500);
    large.params.dont_fragment = Some(true);
    let outcome = crate::network::measure_in(&network.namespace, vec![large, ten(V4)], None);
    assert_eq!(outcome.fitness.unsent_errors, [("emsgsize".to_owned(), 10)]);
    assert!(outcome.results[0].sample.is_err());
    assert!(outcome.results[1].sample.is_ok());
}
