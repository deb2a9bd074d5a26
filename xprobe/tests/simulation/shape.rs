//! Packets leave as the plan says, and no others.

use std::time::Duration;

use ippm::{Family, Params};
use xprobe::driver::{Due, Unmeasured};
use xprobe::round::CutShort;

use crate::network::{Network, V4, V6, measure_in, pair, ten};

/// Ten packets with something changed.
fn ten_with(address: &str, change: impl Fn(&mut Params)) -> Due {
    let mut due = ten(address);
    change(&mut due.params);
    due
}

#[test]
fn code_point_payload_and_fragmentation_are_those_of_each_test() {
    let Some(network) = Network::new("") else { return };
    for allowed in [true, false] {
        network.namespace.allow_datagram(allowed);
        let round = network.measure(vec![
            ten_with(V4, |params| params.dscp = Some(46)),
            ten_with("198.51.100.11", |params| params.payload_bytes = Some(8000)),
            ten_with("198.51.100.12", |params| params.dont_fragment = Some(true)),
            ten_with(V6, |params| {
                (params.dscp, params.payload_bytes) = (Some(10), Some(16));
            }),
            ten("198.51.100.13"),
        ]);
        let seen = |address: &str| {
            let lines: Vec<_> = round
                .truth
                .iter()
                .filter(|line| line.target.to_string() == address)
                .collect();
            assert_eq!(lines.len(), 10, "{address}");
            let shapes: Vec<_> = lines
                .iter()
                .map(|line| (line.traffic_class, line.payload, line.dont_fragment))
                .collect();
            assert!(shapes.iter().all(|shape| shape == &shapes[0]), "{shapes:?}");
            shapes[0]
        };
        assert_eq!(seen(V4), (46 << 2, 56, false));
        assert_eq!(seen("198.51.100.11"), (0, 8000, false));
        assert_eq!(seen("198.51.100.12"), (0, 56, true));
        assert_eq!(seen(V6), (10 << 2, 16, false));
        assert_eq!(seen("198.51.100.13"), (0, 56, false));
        assert!((0..5).all(|due| round.summary(due).received == 10));
    }
}

#[test]
fn a_packet_too_large_to_leave_whole_is_unsent_and_never_lost() {
    let Some(network) = Network::new("") else { return };
    network.namespace.command("ip link set reflector mtu 1400");
    let whole = |params: &mut Params| {
        (params.dont_fragment, params.payload_bytes) = (Some(true), Some(1400));
    };
    let round = network.measure(vec![
        ten_with(V4, whole),
        ten_with(V6, whole),
        ten("198.51.100.13"),
    ]);
    for due in [0, 1] {
        assert!(matches!(
            round.outcome.results[due].sample,
            Err(Unmeasured::UnreachableLocally(_))
        ));
    }
    assert_eq!(round.summary(2).received, 10);
}

#[test]
fn a_packet_that_travels_in_fragments_has_a_delay_like_any_other() {
    let Some((probe, _target)) = pair() else { return };
    let long = |params: &mut Params| params.payload_bytes = Some(5000);
    for allowed in [true, false] {
        probe.allow_datagram(allowed);
        let outcome = measure_in(&probe, vec![ten_with(V4, long), ten_with(V6, long)], None);
        for result in outcome.results {
            let summary = result.sample.unwrap().summary().unwrap();
            assert_eq!(
                (summary.received, summary.delay.map(|delay| delay.count)),
                (10, Some(10)),
                "{allowed}"
            );
        }
    }
}

#[test]
fn packets_leave_over_the_spread_and_targets_one_after_the_other() {
    let Some(network) = Network::new("") else { return };
    let round = network.measure(vec![ten(V4), ten(V6)]);
    let departures = |due: usize| round.sample(due).packets.iter().map(|packet| packet.departure);
    // Any packet may leave late on a busy machine, the first one too: the least late of ten tells when
    // the round began.
    let cells = (0u32..).map(|index| Duration::from_millis(50) * index);
    let first = departures(0)
        .zip(cells)
        .map(|(at, cell)| at.saturating_sub(cell))
        .min()
        .unwrap();
    let mut lateness = Vec::new();
    for (index, (v4, v6)) in (0u32..).zip(departures(0).zip(departures(1))) {
        let due = first + Duration::from_millis(50) * index;
        for (at, due) in [(v4, due), (v6, due + Duration::from_millis(25))] {
            assert!(
                at + Duration::from_millis(5) >= due,
                "{index}: {at:?} for {due:?}"
            );
            lateness.push(at.saturating_sub(due));
        }
    }
    // A busy machine delays some of them; not half.
    lateness.sort_unstable();
    assert!(
        lateness[lateness.len() / 2] < Duration::from_millis(25),
        "{lateness:?}"
    );
}

#[test]
fn a_round_that_begins_too_late_keeps_its_pace_and_says_so() {
    let Some(network) = Network::new("") else { return };
    // 10 ms of settling, departures every 50 ms, 400 ms of listening: room for those before 600 ms.
    let round = network.measure_until(vec![ten(V4)], Some(Duration::from_millis(600)));
    assert_eq!(round.outcome.cut_short, Some(CutShort::LateStart));
    let summary = round.summary(0);
    assert!((1..=4).contains(&summary.sent), "{}", summary.sent);
    assert_eq!(summary.received, summary.sent);
    // The deadline, and what a busy machine adds.
    assert!(
        round.outcome.duration < Duration::from_millis(900),
        "{:?}",
        round.outcome.duration
    );
}

#[test]
fn a_round_without_any_time_left_tries_nothing() {
    let Some(network) = Network::new("") else { return };
    let round = network.measure_until(vec![ten(V4)], Some(Duration::from_millis(100)));
    assert!(matches!(
        round.outcome.results[0].sample,
        Err(Unmeasured::NotTried)
    ));
    assert!(round.truth.is_empty());
}

#[test]
fn what_cannot_be_sent_is_refused_before_it_is_tried() {
    let Some(network) = Network::new("") else { return };
    let wrong_kind = Due {
        kind: "udp".to_owned(),
        ..ten(V4)
    };
    let wrong_family = Due {
        family: Family::V6,
        ..ten(V4)
    };
    let round = network.measure(vec![
        wrong_kind,
        wrong_family,
        ten_with(V4, |params| params.payload_bytes = Some(15)),
        ten_with(V4, |params| params.payload_bytes = Some(65_508)),
        ten_with(V4, |params| params.dscp = Some(64)),
        ten_with(V4, |params| params.count = Some(0)),
        ten_with(V4, |params| params.count = Some(101)),
    ]);
    let texts: Vec<String> = round
        .outcome
        .results
        .iter()
        .map(|result| result.sample.as_ref().unwrap_err().to_string())
        .collect();
    assert_eq!(
        texts,
        [
            "unsupported kind of test \"udp\"",
            "address 198.51.100.10 is not of family 6",
            "payload of 15 bytes, expected 16 to 65507",
            "payload of 65508 bytes, expected 16 to 65507",
            "DSCP 64, expected 0 to 63",
            "0 packets, expected 1 to 4294967295",
            "more than 200 packets a second to one address",
        ]
    );
    assert!(round.truth.is_empty());
}
