use std::io::Read;

use flate2::read::GzDecoder;
use ippm::wire::report::OPTIONAL_FIELDS;
use ippm::{Family, Fate, IcmpError, Packet, Params, Rtt};
use serde_json::{Value, json};

use super::*;
use crate::driver::fitness::Suspicion;
use crate::driver::host::Host;
use crate::round::pace::Refusal;

const FITNESS: Fitness = Fitness {
    engine: "icmp-datagram",
    send_lag_p50_ns: Some(21_000),
    send_lag_p99_ns: Some(84_000),
    send_lag_max_ns: Some(1_204_000),
    receive_drops: 0,
    stamps_missing: 0,
    stamps_discarded: 0,
    clock_steps: 0,
    strays: 3,
    unsent_errors: Vec::new(),
    host: Host::UNKNOWN,
    suspect: Vec::new(),
};

const START: UnixTime = UnixTime::from_ns(1_795_255_500_123_456_789);

fn item(kind: &str) -> Item {
    Item {
        test: "icmp".parse().unwrap(),
        kind: kind.parse().unwrap(),
        target: "lon1".parse().unwrap(),
        family: Family::V4,
        address: "lon1.example".to_owned(),
        period: Duration::from_mins(5),
        params: ippm::plan::default_params(Duration::from_mins(5)),
    }
}

fn sample(rtts_ms: &[Option<u64>]) -> Sample {
    let packets = (0..).zip(rtts_ms).map(|(second, rtt)| {
        let departure = Duration::from_secs(second);
        let fate = match rtt {
            Some(ms) => Fate::Returned {
                rtt: Some(Rtt::from_ns(ms * 1_000_000)),
                arrival: departure + Duration::from_millis(*ms),
                hop_limit: Some(64),
                dscp: None,
            },
            None => Fate::Lost,
        };
        Packet {
            departure,
            fate,
            duplicates: 0,
            icmp_error: None,
        }
    });
    Sample {
        round_start: START,
        packets: packets.collect(),
    }
}

fn heading<'a>(source: &'a ProbeName, fitness: &'a Fitness) -> Heading<'a> {
    Heading {
        source,
        round_start: START,
        duration: Duration::from_millis(284_104),
        plan_version: "9f2c41d07b1e55aa",
        origin: Origin::Fetched,
        cut_short: None,
        fitness,
        daemon: DaemonState {
            synchronised: Some(true),
            offset_ns: Some(-812_000),
            error_ns: Some(1_904_000),
            frequency_ppb: Some(-12_345),
        },
        collector_offset_ns: Some(120_000_000),
        is_corrected: false,
        report_fields: &[],
    }
}

fn decode(body: &[u8]) -> Value {
    let mut json = String::new();
    GzDecoder::new(body).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[test]
fn the_envelope_is_the_documented_one() {
    let source = "ams1".parse().unwrap();
    let body = decode(&encode(&heading(&source, &FITNESS), &[]).unwrap());
    let expected = json!({
        "schema": 1, "source": "ams1", "round_start": "2026-11-21T10:05:00.123456789Z",
        "duration_ns": 284_104_000_000_u64, "plan": {"version": "9f2c41d07b1e55aa", "origin": "fetched"},
        "cut_short": null,
        "probe": {"version": env!("CARGO_PKG_VERSION"), "engine": "icmp-datagram", "clock_offset_ns": -812_000,
                  "clock_synchronised": true, "collector_offset_ns": 120_000_000, "send_lag_p99_ns": 84_000,
                  "receive_drops": 0, "stamps_missing": 0, "stamps_discarded": 0, "clock_steps": 0, "suspect": []},
        "results": []
    });
    assert_eq!(body, expected);
}

#[test]
fn what_is_unknown_is_absent_and_a_corrected_label_makes_the_round_suspect() {
    let source = "ams1".parse().unwrap();
    let fitness = Fitness {
        suspect: vec![Suspicion::SendLag],
        send_lag_p99_ns: None,
        ..FITNESS
    };
    let heading = Heading {
        origin: Origin::Cached,
        cut_short: Some(CutShort::Signal),
        daemon: DaemonState::UNKNOWN,
        collector_offset_ns: None,
        is_corrected: true,
        ..heading(&source, &fitness)
    };
    let body = decode(&encode(&heading, &[]).unwrap());
    assert_eq!(body["plan"]["origin"], "cached");
    assert_eq!(body["cut_short"], "signal");
    assert_eq!(body["probe"]["suspect"], json!(["clock", "send_lag"]));
    for key in [
        "clock_offset_ns",
        "clock_synchronised",
        "collector_offset_ns",
        "send_lag_p99_ns",
    ] {
        assert!(body["probe"].get(key).is_none(), "{key}");
    }
}

#[test]
fn a_field_that_the_collector_does_not_store_is_not_sent() {
    let address = IpAddr::from([192, 0, 2, 10]);
    let mut sample = sample(&[Some(1), Some(2), None]);
    for packet in &mut sample.packets {
        if let Fate::Returned { dscp, .. } = &mut packet.fate {
            *dscp = Some(46);
        } else {
            packet.icmp_error = Some(IcmpError {
                kind: 3,
                code: 4,
                from: address,
                mtu: Some(1400),
            });
        }
    }
    let measured = measurement(&item("icmp"), Ok((address, &sample))).unwrap();
    let source = "ams1".parse().unwrap();
    let fitness = FITNESS;
    let path = |name: &str| format!("results[].{name}");
    let [dscp, mtu] = ["dscp_received", "path_mtu"].map(path);
    assert!(
        [&dscp, &mtu]
            .iter()
            .all(|path| OPTIONAL_FIELDS.contains(&path.as_str()))
    );
    for fields in [&[dscp.clone(), mtu.clone()][..], &[dscp], &[mtu], &[]] {
        let heading = Heading {
            report_fields: fields,
            ..heading(&source, &fitness)
        };
        let body = decode(&encode(&heading, std::slice::from_ref(&measured)).unwrap());
        let result = &body["results"][0];
        let is_listed = |name: &str| fields.iter().any(|field| field.ends_with(name));
        let dscp = is_listed("dscp_received").then(|| json!([[46, 2]]));
        assert_eq!(result.get("dscp_received"), dscp.as_ref());
        assert_eq!(
            result.get("path_mtu"),
            is_listed("path_mtu").then(|| json!(1400)).as_ref()
        );
    }
}

#[test]
fn of_the_probe_too_only_what_is_listed_is_told_and_all_of_that() {
    let fitness = Fitness {
        unsent_errors: vec![("eperm".to_owned(), 2)],
        host: Host {
            cpu_steal_ppm: Some(1),
            cpu_own_ns: Some(2),
            interface_errors: Some(3),
            interface_drops: Some(4),
            neighbors_unresolved: Some(5),
            neighbor_overflows: Some(6),
            neighbor_limit: Some(7),
            icmp_ratelimit_ms: Some(8),
            icmp_msgs_per_s: Some(9),
            icmp_rate_limited: Some(10),
        },
        ..FITNESS
    };
    let source = "ams1".parse().unwrap();
    let told = |fields: &[String]| {
        let heading = Heading {
            report_fields: fields,
            ..heading(&source, &fitness)
        };
        let body = decode(&encode(&heading, &[]).unwrap());
        let probe = body["probe"].as_object().unwrap();
        let is_optional = |key: &&String| OPTIONAL_FIELDS.contains(&format!("probe.{key}").as_str());
        let mut told: Vec<String> = probe
            .keys()
            .filter(is_optional)
            .map(|key| format!("probe.{key}"))
            .collect();
        told.sort_unstable();
        told
    };
    let all: Vec<String> = OPTIONAL_FIELDS
        .iter()
        .filter(|field| field.starts_with("probe."))
        .map(ToString::to_string)
        .collect();
    assert_eq!(told(&all), all);
    assert_eq!(told(&[]), [""; 0]);
    for field in all.chunks(1) {
        assert_eq!(told(field), field);
    }
}

#[test]
fn a_sample_becomes_a_measured_result_with_the_address_that_was_used() {
    let address = IpAddr::from([192, 0, 2, 10]);
    let sample = sample(&[Some(1), None, Some(3)]);
    let measured = measurement(&item("icmp"), Ok((address, &sample))).unwrap();
    let source = "ams1".parse().unwrap();
    let body = decode(&encode(&heading(&source, &FITNESS), &[measured]).unwrap());
    let result = &body["results"][0];
    assert_eq!(result["address"], "192.0.2.10");
    assert_eq!(result["clock"], "kernel");
    assert_eq!((&result["sent"], &result["received"]), (&json!(3), &json!(2)));
    assert_eq!(result["delay"]["rtt"]["sum_ns"], 4_000_000);
}

#[test]
fn total_loss_has_neither_clock_nor_delay() {
    let sample = sample(&[None, None]);
    let measured = measurement(&item("icmp"), Ok((IpAddr::from([192, 0, 2, 10]), &sample))).unwrap();
    let source = "ams1".parse().unwrap();
    let body = decode(&encode(&heading(&source, &FITNESS), &[measured]).unwrap());
    assert!(body["results"][0].get("clock").is_none() && body["results"][0].get("delay").is_none());
    assert_eq!(body["results"][0]["received"], 0);
}

#[track_caller]
fn check_word(error: &Unmeasured, expected: &str) {
    let unreported = Unreported::unmeasured(error).unwrap();
    let result = measurement(&item("icmp"), Err(unreported)).unwrap();
    let Outcome::Unmeasured { error, .. } = result.outcome else {
        panic!()
    };
    assert_eq!(error.as_str(), expected);
}

#[test]
fn every_reason_has_its_word_and_what_was_never_tried_is_left_out() {
    let denied = || io::Error::from_raw_os_error(1);
    check_word(&Unmeasured::Permission(denied()), "permission");
    check_word(&Unmeasured::UnreachableLocally(denied()), "unreachable_locally");
    check_word(&Unmeasured::Socket(denied()), "internal");
    check_word(&Unmeasured::Refused(Refusal::Packets), "internal");
    check_word(&Unmeasured::UnsupportedKind("x".to_owned()), "unsupported_kind");
    assert!(Unreported::unmeasured(&Unmeasured::NotTried).is_none());
}

#[test]
fn a_long_detail_is_cut_between_characters() {
    let host = "é".repeat(200);
    let unreported = Unreported::unresolved(&ResolveError::NotAHost { host });
    assert_eq!(unreported.detail.unwrap().len(), 256);
}

#[test]
fn parameters_that_a_kind_does_not_have_stay_absent() {
    let bare = Item {
        params: Params::NONE,
        ..item("twamp")
    };
    let result = measurement(&bare, Err(Unreported::UNSUPPORTED_KIND)).unwrap();
    let wire = serde_json::to_value(ResultV1::new(&result)).unwrap();
    assert_eq!(
        (&wire["outcome"], &wire["error"], &wire["params"]),
        (&json!("error"), &json!("unsupported_kind"), &json!({}))
    );
}
