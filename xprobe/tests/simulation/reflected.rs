//! What the reflector does is what is counted.

use std::net::IpAddr;

use ippm::{Fate, IcmpError};

use crate::network::{Network, OTHER_V4, V4, V6, ten};

/// Runs the same measurement over both families, and over both kinds of sockets.
fn everywhere(rules: &str, check: impl Fn(&crate::network::Round, usize)) {
    let scenario: String = [V4, V6]
        .map(|prefix| format!("[[target]]\nprefix = \"{prefix}\"\nanswer = {{ delay = \"2ms\" }}\n{rules}\n"))
        .concat();
    let Some(network) = Network::new(&scenario) else {
        return;
    };
    for (allowed, engine) in [(true, "icmp-datagram"), (false, "icmp-raw")] {
        network.namespace.allow_datagram(allowed);
        let round = network.measure(vec![ten(V4), ten(V6)]);
        assert_eq!(round.outcome.fitness.engine, engine);
        assert_eq!(round.outcome.cut_short, None);
        check(&round, 0);
        check(&round, 1);
    }
}

#[test]
fn one_lost_packet_of_ten_is_a_loss_of_a_tenth_and_leaves_the_delays_alone() {
    everywhere(
        "[[target.packet]]\nsequences = [3]\nanswer = { drop = true }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!(
                (summary.sent, summary.received, summary.late, summary.unsent),
                (10, 9, 0, 0)
            );
            assert!((summary.loss_ratio().unwrap().get() - 0.1).abs() < 1e-12);
            assert_eq!(summary.loss_runs, [(1, 1)]);
            assert_eq!(round.sample(due).packets[3].fate, Fate::Lost);
            let delay = summary.delay.unwrap();
            assert_eq!(delay.count, 9);
            assert!(
                delay.min.as_ns() >= 2_000_000,
                "the reflector waits 2 ms: {:?}",
                delay.min
            );
            assert_eq!(
                summary.ipdv.unwrap().pairs,
                7,
                "the pairs before and after the loss are none"
            );
        },
    );
}

#[test]
fn a_target_that_loses_everything_is_measured_and_has_no_delay() {
    everywhere(
        "[[target.packet]]\nevery = 1\nanswer = { drop = true }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.sent, summary.received, summary.lost()), (10, 0, 10));
            assert_eq!((summary.delay, summary.ipdv), (None, None));
            assert_eq!(summary.loss_runs, [(10, 1)]);
        },
    );
}

#[test]
fn a_reply_after_the_waiting_time_is_late_and_its_packet_lost() {
    everywhere(
        "[[target.packet]]\nsequences = [2, 9]\nanswer = { delay = \"260ms\" }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.sent, summary.received, summary.late), (10, 8, 2));
            assert_eq!(round.sample(due).packets[2].fate, Fate::Late);
            assert_eq!(summary.delay.unwrap().count, 8);
            assert_eq!(summary.reordered, 0, "late replies are in no order");
        },
    );
}

#[test]
fn replies_beyond_the_first_are_duplicates_and_change_no_delay() {
    everywhere(
        "[[target.packet]]\nsequences = [0, 5]\nanswer = { copies = 3 }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.received, summary.duplicates), (10, 6));
            assert_eq!(round.sample(due).packets[5].duplicates, 3);
            assert_eq!(summary.delay.unwrap().count, 10);
            assert_eq!(round.outcome.fitness.strays, 0);
        },
    );
}

#[test]
fn a_reply_that_is_overtaken_is_reordered() {
    // 50 ms lie between two packets: the reply to 4 comes after those to 5 and 6.
    everywhere(
        "[[target.packet]]\nsequences = [4]\nanswer = { delay = \"130ms\" }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.received, summary.reordered, summary.late), (10, 1, 0));
            assert!(summary.delay.unwrap().max.as_ns() >= 130_000_000);
        },
    );
}

#[test]
fn a_reply_with_a_wrong_key_is_a_stray_and_its_packet_lost() {
    everywhere(
        "[[target.packet]]\nsequences = [1, 2]\nanswer = { wrong_key = true }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.received, summary.lost(), summary.duplicates), (8, 2, 0));
            assert_eq!(round.outcome.fitness.strays, 4, "two of each family");
        },
    );
}

#[test]
fn replies_to_what_was_never_sent_are_strays_and_change_nothing() {
    everywhere(
        "[[target.packet]]\nsequences = [6]\nanswer = { strays = 5 }",
        |round, due| {
            let summary = round.summary(due);
            assert_eq!((summary.received, summary.duplicates, summary.late), (10, 0, 0));
            assert_eq!(round.outcome.fitness.strays, 10, "five of each family");
        },
    );
}

#[test]
fn a_reply_from_another_address_is_a_stray() {
    let scenario = format!(
        "[[target]]\nprefix = \"{V4}\"\n[[target.packet]]\nsequences = [7]\n\
         answer = {{ wrong_source = \"{OTHER_V4}\" }}"
    );
    let Some(network) = Network::new(&scenario) else {
        return;
    };
    // The address that forges is measured too: its own packets must not profit.
    let round = network.measure(vec![ten(V4), ten(OTHER_V4)]);
    assert_eq!((round.summary(0).received, round.summary(1).received), (9, 10));
    assert_eq!(round.summary(1).duplicates, 0);
    assert_eq!(round.outcome.fitness.strays, 1);
}

#[test]
fn the_hop_limit_of_every_reply_is_told() {
    everywhere(
        "[[target.packet]]\nevery = 2\nanswer = { hop_limit = 57 }",
        |round, due| {
            assert_eq!(round.summary(due).hop_limits, [(57, 5), (64, 5)]);
        },
    );
}

/// Errors of one family, and the address that they come from.
fn errors(target: &str, from: &str, kinds: &[(u8, u8)], quote: Option<usize>) {
    let from: IpAddr = from.parse().unwrap();
    let quote = quote.map_or(String::new(), |bytes| format!(", quote = {bytes}"));
    let rule = |sequence: usize, (kind, code): (u8, u8)| {
        format!(
            "[[target.packet]]\nsequences = [{sequence}]\nanswer = {{ drop = true, \
             error = {{ type = {kind}, code = {code}, from = \"{from}\", word = 1400{quote} }} }}\n"
        )
    };
    let rules = kinds
        .iter()
        .enumerate()
        .map(|(sequence, &kind)| rule(sequence, kind))
        .collect::<Vec<_>>()
        .concat();
    let Some(network) = Network::new(&format!("[[target]]\nprefix = \"{target}\"\n{rules}")) else {
        return;
    };
    for allowed in [true, false] {
        network.namespace.allow_datagram(allowed);
        // "Fragmentation needed" is an error only for a packet that must not be fragmented.
        let mut due = ten(target);
        due.params.dont_fragment = Some(true);
        let round = network.measure(vec![due]);
        let summary = round.summary(0);
        assert_eq!(summary.lost(), u64::try_from(kinds.len()).unwrap());
        assert_eq!(
            summary.unsent, 0,
            "an error of an earlier packet refuses no later one"
        );
        for (packet, &(kind, code)) in round.sample(0).packets.iter().zip(kinds) {
            // "Fragmentation needed" and "packet too big" name an MTU; the same word means nothing elsewhere.
            let mtu = [(V4, 3, 4), (V6, 2, 0)]
                .contains(&(target, kind, code))
                .then_some(1400);
            let error = IcmpError {
                kind,
                code,
                from,
                mtu,
            };
            assert_eq!(packet.icmp_error, Some(error));
            assert_eq!(packet.fate, Fate::Lost);
        }
    }
}

#[test]
fn an_icmp_error_is_recorded_with_type_code_and_sender() {
    let kinds = [(3, 0), (3, 1), (3, 3), (3, 4), (3, 9), (3, 13), (11, 0), (12, 0)];
    errors(V4, "198.51.100.254", &kinds, None);
}

#[test]
fn an_icmp_error_that_quotes_eight_bytes_is_still_that_of_its_packet() {
    errors(V4, "198.51.100.254", &[(3, 1), (3, 13), (11, 0)], Some(8));
}

#[test]
fn an_icmpv6_error_is_recorded_with_type_code_and_sender() {
    let kinds = [(1, 0), (1, 1), (1, 3), (1, 4), (2, 0), (3, 0), (4, 1)];
    errors(V6, "2001:db8::fe", &kinds, None);
}

#[test]
fn a_packet_with_an_error_and_a_reply_is_received_and_keeps_the_error() {
    let rule = "[[target.packet]]\nsequences = [2, 3]\nanswer = { delay = \"30ms\", error = { type = 3, code = 1 } }";
    let Some(network) = Network::new(&format!("[[target]]\nprefix = \"{V4}\"\n{rule}")) else {
        return;
    };
    let summary = network.measure(vec![ten(V4)]).summary(0);
    assert_eq!(summary.received, 10);
    let errors: Vec<_> = summary
        .icmp_errors
        .iter()
        .map(|error| (error.kind, error.code, error.count))
        .collect();
    assert_eq!(errors, [(3, 1, 2)]);
}
