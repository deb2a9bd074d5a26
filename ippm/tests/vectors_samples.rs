#![cfg(test)]
//! Every published sample: the packets that were sent, and the result as it goes over the wire.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use ippm::wire::report::ResultV1;
use ippm::wire::time;
use ippm::{
    Family, Fate, IcmpError, Measured, Measurement, Outcome, Packet, Params, Rtt, Sample, Summary, TestName,
};
use serde_json::Value;

use vectors::{Case, for_each_case};

/// The waiting time of every case.
const TIMEOUT_NS: u64 = 2_000_000_000;

#[test]
fn samples_give_the_published_results() {
    for_each_case("samples.json", 28, |case| {
        let sample = Sample {
            round_start: time::parse(case.given()["round_start"].as_str().unwrap()).unwrap(),
            packets: list(&case.given()["packets"]).iter().map(packet).collect(),
        };
        match sample.summary() {
            Some(summary) => check(case, summary),
            None => assert_eq!(case.expect()["outcome"], "error", "{}", case.label()),
        }
    });
}

fn check(case: &Case, summary: Summary) {
    if let Some(bits) = case.expect()["m2_bits"].as_str() {
        let m2 = summary.delay.as_ref().unwrap().m2_ns2;
        assert_eq!(format!("{:016x}", m2.to_bits()), bits, "{}", case.label());
    }
    let measurement = Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().unwrap(),
        target: "lon1".parse().unwrap(),
        family: Family::V4,
        period: Duration::from_mins(5),
        outcome: Outcome::Measured(Box::new(Measured {
            address: "192.0.2.10".parse().unwrap(),
            params: Params::NONE,
            clock: summary.delay.as_ref().map(|_| "kernel".parse().unwrap()),
            summary,
        })),
    };
    let mut wire = serde_json::to_value(ResultV1::new(&measurement)).unwrap();
    let found = wire.as_object_mut().unwrap();
    for known in [
        "test",
        "kind",
        "target",
        "family",
        "flow",
        "address",
        "period_ns",
        "params",
    ] {
        assert!(found.remove(known).is_some(), "{known} is always there");
    }
    let mut expected = case.expect().as_object().unwrap().clone();
    expected.remove("m2_bits");
    // An empty list may be left out.
    expected.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    assert_eq!(*found, expected, "{}", case.label());
}

/// `[offset, what became of it, about that, {dup, ttl, late}]`.
fn packet(given: &Value) -> Packet {
    let parts = list(given);
    let departure = parts[0].as_u64().unwrap();
    let extra = parts.last().filter(|part| part.is_object());
    let extra = |key: &str| extra.and_then(|extra| extra.get(key));
    let duplicates = extra("dup").map_or(0, |dup| u32::try_from(dup.as_u64().unwrap()).unwrap());
    let hop_limit = extra("ttl").map_or(64, |ttl| u8::try_from(ttl.as_u64().unwrap()).unwrap());
    let returned = |rtt: Option<Rtt>, arrival: u64| Fate::Returned {
        rtt,
        arrival: Duration::from_nanos(arrival),
        hop_limit: Some(hop_limit),
        dscp: None,
    };
    let mut icmp_error = None;
    let fate = match parts[1].as_str().unwrap() {
        "rtt" => match parts[2].as_u64().unwrap() {
            rtt if rtt > TIMEOUT_NS => Fate::Late,
            rtt => returned(Some(Rtt::from_ns(rtt)), departure + rtt),
        },
        "nodelay" => returned(None, parts[2].as_u64().unwrap()),
        "late" => Fate::Late,
        "lost" => Fate::Lost,
        "unsent" => Fate::Unsent,
        "icmp" => {
            icmp_error = Some(error(&parts[2]));
            if extra("late").is_some() {
                Fate::Late
            } else {
                Fate::Lost
            }
        }
        other => panic!("no packet is {other}"),
    };
    Packet {
        departure: Duration::from_nanos(departure),
        fate,
        duplicates,
        icmp_error,
    }
}

/// `[type, code, from]`.
fn error(given: &Value) -> IcmpError {
    let byte = |at: usize| u8::try_from(given[at].as_u64().unwrap()).unwrap();
    IcmpError {
        kind: byte(0),
        code: byte(1),
        from: given[2].as_str().unwrap().parse().unwrap(),
        mtu: None,
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}
