//! Sums derived by hand.

use std::time::Duration;

use ippm::roster::probe::Role;
use ippm::schedule::selection::Selection;

use super::*;
use crate::plan::Plans;
use crate::plan::tests::{defaults, roster, schedule};

#[test]
fn a_packet_is_its_frame_without_preamble() {
    let params = Params {
        count: Some(14_000),
        spread: Some(Duration::from_secs(280)),
        payload_bytes: Some(172),
        ..Params::NONE
    };
    let load = Load::of(&params, Family::V4, &defaults());
    // 14 + 20 + 8 + 172 + 4 bytes, 50 a second: the G.711 call of 87.2 kbit/s.
    assert_eq!(
        (load.packets, load.micro_pps, load.bits),
        (14_000, 50_000_000, 87_200)
    );
    assert_eq!(Load::of(&params, Family::V6, &defaults()).bits, 95_200);
    let small = Params {
        payload_bytes: Some(16),
        ..params
    };
    // 62 bytes are padded to the 64 that Ethernet carries.
    assert_eq!(Load::of(&small, Family::V4, &defaults()).bits, 64 * 8 * 50);
}

#[test]
fn a_single_packet_is_one_in_a_period() {
    let params = Params {
        count: Some(1),
        spread: Some(Duration::from_millis(1)),
        ..Params::NONE
    };
    let load = Load::of(&params, Family::V4, &defaults());
    assert_eq!(load.pps(), "0.004");
    assert_eq!(load.micro_pps, 3_333);
}

#[test]
fn every_echo_is_counted_where_it_is_sent_and_where_it_is_answered() {
    let roster = roster("a/4 b/46 c/46 r/4", |name, details| {
        details.site = (name != "r").then(|| {
            if name == "a" {
                "x".to_owned()
            } else {
                "y".to_owned()
            }
        });
        if name == "r" {
            details.role = Role::Target;
        }
    });
    let plans = Plans::new(
        roster,
        schedule(&[("icmp", Selection::Everyone)]).into(),
        defaults(),
    )
    .unwrap();
    let cost = plans.cost();
    let told: Vec<(String, u64, u64)> = cost
        .probes
        .iter()
        .map(|probe| {
            (
                probe.probe.to_string(),
                probe.sends.all.results,
                probe.answers.all.results,
            )
        })
        .collect();
    // a: b c r over IPv4. b: a c r over IPv4 and c over IPv6. r answers a, b and c.
    assert_eq!(
        told,
        [
            ("a".to_owned(), 3, 2),
            ("b".to_owned(), 4, 3),
            ("c".to_owned(), 4, 3),
            ("r".to_owned(), 0, 3)
        ]
    );
    assert_eq!(cost.pairs, 9);
    assert_eq!((cost.total.all.results, cost.total.all.packets), (11, 11 * 280));
    assert_eq!(cost.total.all.pps(), "11");
    assert_eq!(cost.sites["y"].all.results, 8);
    // 102 bytes over IPv4, 122 over IPv6, one a second.
    assert_eq!(cost.probes[1].sends.all.bits, 3 * 816 + 976);
}
