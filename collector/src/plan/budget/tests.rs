//! Each budget, just kept and just exceeded, with the sum and the culprit in the text.

use std::sync::Arc;
use std::time::Duration;

use ippm::Bandwidth;
use ippm::schedule::selection::Selection;

use super::*;
use crate::plan::Plans;
use crate::plan::tests::{defaults, roster, schedule};

/// Ten probes at two sites, one packet a second from each to each.
/// So many probes with an IPv4 address.
fn numbered(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|n| format!("p{n}/4")).collect();
    names.join(" ")
}

fn check(change: impl FnOnce(&mut Schedule), expected: Option<&str>) {
    let mut schedule = schedule(&[("icmp", Selection::Everyone), ("voice", Selection::Everyone)]);
    schedule.tests[1].params.count = Some(560);
    change(&mut schedule);
    let names = numbered(10);
    let roster = roster(&names, |name, details| {
        details.site = Some(if name < "p3" { "west" } else { "east" }.to_owned());
    });
    let found = Plans::new(roster, Arc::new(schedule), defaults());
    assert_eq!(found.err().map(|error| error.to_string()).as_deref(), expected);
}

fn bits(bits: u64) -> Option<Bandwidth> {
    Bandwidth::from_bits(bits)
}

#[test]
fn sums_of_packets_are_held_against_the_limits_of_the_schedule() {
    // icmp is 1 packet/s to each of nine, voice 2.
    check(|schedule| schedule.limits.pair.pps = Some(3), None);
    check(
        |schedule| schedule.limits.pair.pps = Some(2),
        Some(
            "limits.pair.pps: probe p0 would send p1 3 packets/s, more than 2 (limits.pair.pps); test voice alone 2 packets/s",
        ),
    );
    check(|schedule| schedule.limits.probe.pps = Some(27), None);
    check(
        |schedule| schedule.limits.probe.pps = Some(26),
        Some(
            "limits.probe.pps: probe p0 would send 27 packets/s, more than 26 (limits.probe.pps); test voice alone 18 packets/s; 9 others too",
        ),
    );
    check(|schedule| schedule.limits.site.pps = Some(189), None);
    check(
        |schedule| schedule.limits.site.pps = Some(188),
        Some(
            "limits.site.pps: the probes at site east would send 189 packets/s, more than 188 (limits.site.pps); test voice alone 126 packets/s",
        ),
    );
    check(
        |schedule| schedule.limits.target.pps = Some(20),
        Some(
            "limits.target.pps: all probes together would send p0 27 packets/s, more than 20 (limits.target.pps); test voice alone 18 packets/s; 9 others too",
        ),
    );
}

#[test]
fn a_limit_of_a_test_counts_that_test_alone() {
    check(|schedule| schedule.tests[1].limits.probe.pps = Some(18), None);
    check(
        |schedule| schedule.tests[1].limits.probe.pps = Some(17),
        Some(
            "tests[1].limits.probe.pps: probe p0 would send 18 packets/s, more than 17 (tests[1].limits.probe.pps); 9 others too",
        ),
    );
}

#[test]
fn bandwidth_is_that_of_one_direction() {
    // 102 bytes, three a second.
    check(|schedule| schedule.limits.pair.bandwidth = bits(2448), None);
    check(
        |schedule| schedule.limits.pair.bandwidth = bits(2447),
        Some(
            "limits.pair.bandwidth: probe p0 would send p1 2.448 kbit/s, more than 2.447 kbit/s (limits.pair.bandwidth); test voice alone 1.632 kbit/s",
        ),
    );
}

#[test]
fn the_rates_of_a_probe_are_those_that_it_would_refuse_to_exceed() {
    check(|schedule| schedule.tests[1].params.count = Some(49 * 280), None);
    check(
        |schedule| schedule.tests[1].params.count = Some(49 * 280 + 1),
        Some(
            "tests[1]: probe p0 would send p1 over IPv4 50.004 packets/s, more than 50 (plan.pps_per_target); test voice alone 49.004 packets/s",
        ),
    );
    let names = numbered(42);
    let mut dense = schedule(&[("voice", Selection::Everyone)]);
    dense.tests[0].params.count = Some(50 * 280);
    let refused = Plans::new(roster(&names, |_, _| {}), Arc::new(dense), defaults()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "tests[0]: probe p0 would send 2050 packets/s, more than 2000 (plan.pps); 41 others too"
    );
}

#[test]
fn a_round_holds_so_many_packets() {
    let rates = Defaults {
        pps: Plan::MAX_PPS,
        pps_per_target: Plan::MAX_PPS_PER_TARGET,
        ..defaults()
    };
    // 200 packets/s over 280 s are 56,000 to each of 36: 2,016,000.
    let mut dense = schedule(&[("bulk", Selection::Everyone)]);
    dense.tests[0].params.count = Some(56_000);
    let names = numbered(37);
    let refused = Plans::new(roster(&names, |_, _| {}), Arc::new(dense), rates).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "tests[0]: probe p0 would send 2016000 packets in one round, more than 2000000; 36 others too"
    );
}

#[test]
fn a_link_carries_what_its_probe_sends_and_what_it_answers() {
    let with = |capacity: u64| {
        let roster = roster("a/4 b/4 c/4", |name, details| {
            details.capacity = bits(capacity).filter(|_| name == "b");
        });
        Plans::new(roster, Arc::new(Schedule::everybody()), defaults())
    };
    // Two echoes of its own and two to answer, each 102 bytes, every second.
    assert!(with(4 * 816).is_ok());
    assert_eq!(
        with(4 * 816 - 1).unwrap_err().to_string(),
        "probes.b.capacity: the link of probe b would carry 3.264 kbit/s each way, what it sends and what it answers, more than its 3263bit/s"
    );
}

#[test]
fn a_round_has_to_be_over_in_its_period() {
    let stated = |seconds| {
        move |schedule: &mut Schedule| {
            schedule.tests[1].params.spread = Some(Duration::from_secs(seconds));
        }
    };
    check(stated(289), None);
    check(
        stated(290),
        Some(
            "tests[1]: a round of it takes 298s: its spread of 290s, the wait for the last replies and 4s for the delivery; it has to be over after 297s",
        ),
    );
    check(
        |schedule| schedule.tests[0].params.timeout = Some(Duration::from_secs(14)),
        Some(
            "tests[0]: a round of it takes 298s: its spread of 280s, the wait for the last replies and 4s for the delivery; it has to be over after 297s",
        ),
    );
}

#[test]
fn a_test_is_due_when_a_round_is() {
    let every = |seconds| {
        move |schedule: &mut Schedule| schedule.tests[1].period = Some(Duration::from_secs(seconds))
    };
    check(every(900), None);
    check(
        every(450),
        Some("tests[1].period: a test every 450s does not fit rounds every 300s"),
    );
    check(
        every(60),
        Some("tests[1].period: a test every 60s does not fit rounds every 300s"),
    );
}

#[test]
fn a_zone_that_this_release_does_not_know_is_refused_by_its_window() {
    check(
        |schedule| {
            schedule.tests[1].windows = vec![
                "01:00-02:00 UTC".parse().unwrap(),
                "01:00-02:00 Mars/Phobos".parse().unwrap(),
            ];
        },
        Some(
            "tests[1].windows[1]: \"Mars/Phobos\" is no time zone that this release knows, like \"Europe/Rome\" or \"UTC\"",
        ),
    );
}
