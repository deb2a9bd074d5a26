//! What a path does to packets of some sizes and classes, with routers and switches of real kernels.

use ippm::sweep::{Size, Sweep};
use xprobe::driver::{Due, Outcome};
use xprobe::net::binding::Binding;

use crate::namespace::{Namespace, skip, succeeds};
use crate::network::{V4, V6, measure_bound, measure_in, pair, ten};

/// A probe and a target with a router between them; the link behind the router has an MTU of 1400 bytes.
fn routed() -> Option<[Namespace; 3]> {
    let lab = [Namespace::new()?, Namespace::new()?, Namespace::new()?];
    let [probe, router, target] = &lab;
    for (side, name, net) in [(probe, "left", "100"), (target, "right", "101")] {
        let peer = router.thread();
        side.command(&format!(
            "ip link add {name} mtu 9000 type veth peer name {name} netns {peer}"
        ));
        for (host, last) in [(side, 1), (router, 254)] {
            host.command(&format!("ip link set {name} mtu 9000"));
            host.command(&format!("ip address add 198.18.{net}.{last}/24 dev {name}"));
            host.command(&format!(
                "ip address add 2001:db8:{net}::{last}/64 dev {name} nodad"
            ));
            host.command(&format!("ip link set {name} up"));
        }
        side.command(&format!("ip route add default via 198.18.{net}.254"));
        side.command(&format!("ip -6 route add default via 2001:db8:{net}::254"));
    }
    for host in [router, target] {
        host.command("ip link set right mtu 1400");
    }
    router.run(|| {
        for setting in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            std::fs::write(format!("/proc/sys/net/{setting}"), "1").unwrap();
        }
    });
    probe.allow_datagram(true);
    let passes =
        |tries| (0..tries).any(|_| received(&measure_in(probe, vec![ten(FAR_V4), ten(FAR_V6)], None)) == 20);
    assert!(passes(20), "the links do not come up");
    Some(lab)
}

const FAR_V4: &str = "198.18.101.1";
const FAR_V6: &str = "2001:db8:101::1";

fn received(outcome: &Outcome) -> u64 {
    let samples = outcome
        .results
        .iter()
        .filter_map(|result| result.sample.as_ref().ok()?.summary());
    samples.map(|summary| summary.received).sum()
}

fn whole(address: &str, payload: u64) -> Due {
    let mut due = ten(address);
    due.test = format!("size-{payload}").parse().unwrap();
    due.params.payload_bytes = Some(payload);
    due.params.dont_fragment = Some(true);
    due
}

/// The verdict of a sweep to one address.
fn sweep(probe: &Namespace, address: &str, sizes: &[u64]) -> Sweep {
    let dues: Vec<Due> = sizes.iter().map(|&size| whole(address, size)).collect();
    let outcome = measure_in(probe, dues.clone(), None);
    let size = |(due, result): (&Due, &xprobe::driver::MeasuredResult)| {
        let summary = result.sample.as_ref().ok().and_then(ippm::Sample::summary);
        Size::of(&due.params, summary.as_ref())
    };
    let sizes: Vec<Size> = dues.iter().zip(&outcome.results).filter_map(size).collect();
    Sweep::of(&sizes)
}

#[test]
fn a_hop_of_1400_bytes_is_found_with_the_right_number() {
    let Some([probe, _router, _target]) = routed() else {
        return;
    };
    // 1400 bytes less 20 or 40 of IP header and 8 of echo header.
    for (address, largest) in [(FAR_V4, 1372), (FAR_V6, 1352)] {
        for allowed in [true, false] {
            probe.allow_datagram(allowed);
            let expected = Sweep {
                largest_answered: Some(largest),
                smallest_unanswered: Some(largest + 1),
                path_mtu: Some(1400),
            };
            let found = sweep(&probe, address, &[8000, 64, largest, largest + 1]);
            assert_eq!(found, expected, "{address}");
        }
    }
}

#[test]
fn a_frame_that_vanishes_on_one_fabric_is_found_as_the_largest_size_with_replies() {
    let Some((probe, target)) = pair() else { return };
    // The device of the target takes no frame beyond its MTU, and nobody is there to say so.
    probe.command("ip link set lab mtu 9000");
    target.command("ip link set lab mtu 1500");
    for (address, largest) in [(V4, 1472), (V6, 1452)] {
        let expected = Sweep {
            largest_answered: Some(largest),
            smallest_unanswered: Some(8952),
            path_mtu: None,
        };
        assert_eq!(
            sweep(&probe, address, &[64, largest, 8952]),
            expected,
            "{address}"
        );
    }
}

#[test]
fn a_size_that_does_not_leave_this_host_does_not_pass_and_names_no_router() {
    let Some((probe, _target)) = pair() else { return };
    let expected = Sweep {
        largest_answered: Some(1472),
        smallest_unanswered: Some(1473),
        path_mtu: None,
    };
    assert_eq!(sweep(&probe, V4, &[64, 1472, 1473]), expected);
}

#[test]
fn a_code_point_that_is_remarked_on_the_way_shows_in_the_replies() {
    if !succeeds("nft", &["--version"]) {
        return skip("the program nft");
    }
    let Some((probe, target)) = pair() else { return };
    let marked = |address: &str| {
        let mut due = ten(address);
        due.params.dscp = Some(46);
        due
    };
    let seen = |allowed: bool| {
        probe.allow_datagram(allowed);
        let outcome = measure_in(&probe, vec![marked(V4), marked(V6), ten(V4)], None);
        let dscp = |due: usize| {
            let sample = outcome.results[due].sample.as_ref().unwrap();
            sample.summary().unwrap().dscp_received
        };
        [dscp(0), dscp(1), dscp(2)]
    };
    for allowed in [true, false] {
        assert_eq!(seen(allowed), [vec![(46, 10)], vec![(46, 10)], vec![(0, 10)]]);
    }
    for rule in [
        "add table inet lab",
        "add chain inet lab prerouting { type filter hook prerouting priority 0 ; }",
        "add rule inet lab prerouting ip dscp 46 ip dscp set 10",
        "add rule inet lab prerouting ip6 dscp 46 ip6 dscp set 0",
    ] {
        target.command(&format!("nft {rule}"));
    }
    for allowed in [true, false] {
        assert_eq!(seen(allowed), [vec![(10, 10)], vec![(0, 10)], vec![(0, 10)]]);
    }
}

#[test]
fn a_changed_hop_count_shows_in_the_hop_limits() {
    let Some([probe, router, _target]) = routed() else {
        return;
    };
    let hops = |address: &str| {
        let outcome = measure_in(&probe, vec![ten(address)], None);
        outcome.results[0]
            .sample
            .as_ref()
            .unwrap()
            .summary()
            .unwrap()
            .hop_limits
    };
    // Linux answers with 64; the router takes one away.
    assert_eq!(hops(FAR_V4), [(63, 10)]);
    assert_eq!(hops(FAR_V6), [(63, 10)]);
    // The router now answers for the target itself: one hop less.
    router.command("ip address add 198.18.101.1/32 dev lo");
    router.command("ip -6 address add 2001:db8:101::1/128 dev lo nodad");
    assert_eq!(hops(FAR_V4), [(64, 10)]);
    assert_eq!(hops(FAR_V6), [(64, 10)]);
}

#[test]
fn packets_leave_from_the_address_and_by_the_interface_that_were_named() {
    let Some((probe, target)) = pair() else { return };
    probe.command("ip address add 198.51.100.2/24 dev lab");
    let bound = |origins: &[&str]| {
        let mut binding = Binding::default();
        for origin in origins {
            binding.add(origin.parse().unwrap()).unwrap();
        }
        received(&measure_bound(&probe, vec![ten(V4)], binding))
    };
    // The target answers one of the probe's addresses and not the other.
    target.command("ip route add blackhole 198.51.100.1/32");
    assert_eq!(bound(&["198.51.100.1"]), 0);
    assert_eq!(bound(&["198.51.100.2"]), 10);
    assert_eq!(bound(&["lab", "198.51.100.2"]), 10);
    // What is not there is no socket, and no loss.
    for missing in ["198.51.100.3", "nowhere"] {
        let mut binding = Binding::default();
        binding.add(missing.parse().unwrap()).unwrap();
        let outcome = measure_bound(&probe, vec![ten(V4)], binding);
        assert!(outcome.results[0].sample.is_err(), "{missing}");
    }
}
