//! Packets that a firewall drops, on either side and in either direction.

use ippm::Fate;
use xprobe::driver::Unmeasured;

use crate::namespace::{Namespace, skip, succeeds};
use crate::network::{Network, OTHER_V4, V4, V6, measure_in, pair, ten};

/// A table with one chain at `hook`, in the words of nft.
fn chain(namespace: &Namespace, hook: &str) {
    namespace.command("nft add table inet lab");
    namespace.command(&format!(
        "nft add chain inet lab {hook} {{ type filter hook {hook} priority 0 ; }}"
    ));
}

fn has_nft() -> bool {
    let there = succeeds("nft", &["--version"]);
    if !there {
        skip("the program nft");
    }
    there
}

fn checked_pair() -> Option<(Namespace, Namespace)> {
    has_nft().then(pair).flatten()
}

#[test]
fn a_request_dropped_before_the_target_sees_it_is_lost() {
    let Some((probe, target)) = checked_pair() else {
        return;
    };
    drop_every_fifth(&target, "echo-request");
    dropped_two_of_ten(&probe);
}

#[test]
fn a_reply_dropped_before_the_probe_sees_it_is_lost() {
    let Some((probe, _target)) = checked_pair() else {
        return;
    };
    drop_every_fifth(&probe, "echo-reply");
    dropped_two_of_ten(&probe);
}

/// Drops the third of each five messages of this type that arrive.
fn drop_every_fifth(at: &Namespace, message: &str) {
    chain(at, "prerouting");
    for kind in ["icmp", "icmpv6"] {
        at.command(&format!(
            "nft add rule inet lab prerouting {kind} type {message} numgen inc mod 5 == 2 drop"
        ));
    }
}

fn dropped_two_of_ten(probe: &Namespace) {
    let outcome = measure_in(probe, vec![ten(V4), ten(V6)], None);
    for result in &outcome.results {
        let sample = result.sample.as_ref().unwrap();
        let lost: Vec<usize> = (0..)
            .zip(&sample.packets)
            .filter(|(_, p)| p.fate == Fate::Lost)
            .map(|(index, _)| index)
            .collect();
        assert_eq!(lost, [2, 7]);
        let summary = sample.summary().unwrap();
        assert_eq!((summary.sent, summary.received, summary.unsent), (10, 8, 0));
        assert_eq!(summary.delay.unwrap().count, 8);
    }
}

#[test]
fn a_request_that_our_own_firewall_drops_is_unsent_and_changes_no_other_delay() {
    if !has_nft() {
        return;
    }
    // Different delays, so that a stamp of the wrong packet shows; the network checks every one
    // against what the reflector knows.
    let scenario = format!("[[target]]\nprefix = \"{OTHER_V4}\"\nanswer = {{ delay = \"17ms\" }}");
    let Some(network) = Network::new(&scenario) else {
        return;
    };
    chain(&network.namespace, "output");
    network.namespace.command(&format!(
        "nft add rule inet lab output ip daddr {V4} icmp type echo-request numgen inc mod 5 == 2 drop"
    ));
    for allowed in [true, false] {
        network.namespace.allow_datagram(allowed);
        let round = network.measure(vec![ten(V4), ten(OTHER_V4), ten(V6)]);
        let fates: Vec<bool> = round
            .sample(0)
            .packets
            .iter()
            .map(|packet| packet.fate == Fate::Unsent)
            .collect();
        assert_eq!(fates.iter().filter(|&&unsent| unsent).count(), 2);
        assert!(fates[2] && fates[7]);
        let summary = round.summary(0);
        assert_eq!((summary.sent, summary.received, summary.unsent), (8, 8, 2));
        assert_eq!(summary.loss_ratio().unwrap().get().to_bits(), 0.0f64.to_bits());
        for due in [1, 2] {
            assert_eq!((round.summary(due).received, round.summary(due).unsent), (10, 0));
        }
    }
}

#[test]
fn on_ipv6_a_request_that_our_own_firewall_drops_is_lost_for_the_kernel_says_it_was_sent() {
    if !has_nft() {
        return;
    }
    let Some(network) = Network::new("") else { return };
    chain(&network.namespace, "output");
    network
        .namespace
        .command("nft add rule inet lab output icmpv6 type echo-request numgen inc mod 5 == 2 drop");
    let round = network.measure(vec![ten(V6)]);
    let summary = round.summary(0);
    assert_eq!((summary.sent, summary.received, summary.unsent), (10, 8, 0));
    assert_eq!(summary.delay.unwrap().count, 8);
}

#[test]
fn a_target_that_our_own_firewall_forbids_is_not_measured() {
    if !has_nft() {
        return;
    }
    let Some(network) = Network::new("") else { return };
    chain(&network.namespace, "output");
    network
        .namespace
        .command(&format!("nft add rule inet lab output ip daddr {V4} drop"));
    let round = network.measure(vec![ten(V4), ten(OTHER_V4)]);
    assert!(matches!(
        round.outcome.results[0].sample,
        Err(Unmeasured::UnreachableLocally(_))
    ));
    assert_eq!(round.summary(1).received, 10);
}

#[test]
fn without_a_route_nothing_is_lost_for_nothing_was_sent() {
    let Some(network) = Network::new("") else { return };
    let round = network.measure(vec![ten("203.0.113.1"), ten("2001:db8:1::1"), ten(V4)]);
    for due in [0, 1] {
        assert!(matches!(
            round.outcome.results[due].sample,
            Err(Unmeasured::UnreachableLocally(_))
        ));
    }
    assert_eq!(round.summary(2).received, 10);
}

#[test]
fn a_neighbor_that_does_not_exist_is_lost_and_the_error_comes_from_ourselves() {
    let Some((probe, _target)) = pair() else { return };
    // The kernel gives up after three times one second; here after 300 ms.
    let gone = "198.51.100.77";
    probe.run(|| {
        for (setting, value) in [("mcast_solicit", "2"), ("retrans_time_ms", "100")] {
            std::fs::write(format!("/proc/sys/net/ipv4/neigh/lab/{setting}"), value).unwrap();
        }
    });
    let outcome = measure_in(&probe, vec![ten(gone), ten(V4)], None);
    let dead = outcome.results[0].sample.as_ref().unwrap().summary().unwrap();
    assert_eq!((dead.sent, dead.received, dead.unsent), (10, 0, 0));
    assert!(
        dead.icmp_errors
            .iter()
            .any(|error| (error.kind, error.code) == (3, 1) && error.from.to_string() == "198.51.100.1")
    );
    let alive = outcome.results[1].sample.as_ref().unwrap().summary().unwrap();
    assert_eq!(
        (alive.received, alive.unsent, alive.delay.unwrap().count),
        (10, 0, 10)
    );
}
