#![cfg(test)]
//! Every published case of the E-model and of the effective-latency form, to 1e-9.

#[path = "support/vectors.rs"]
mod vectors;

use std::time::Duration;

use ippm::LossRatio;
use ippm::emodel::{BurstRatio, Codec, Mos, RFactor, VoicePath, effective_latency_rating};
use serde_json::Value;

use vectors::{Case, for_each_case};

#[test]
fn the_e_model_reproduces_every_published_case() {
    for_each_case("emodel.json", 34, |case| {
        let given = case.given();
        let rating = match given["form"].as_str().unwrap() {
            "mos" => RFactor::new(float(given, "r")).unwrap(),
            "g107" => voice_path(given).rating(),
            "effective" => effective_latency_rating(
                duration(given, "avg_rtt_ms"),
                duration(given, "jitter_ms"),
                loss(given),
            ),
            other => panic!("no check for {other}"),
        };
        check(case, rating);
    });
}

fn check(case: &Case, rating: RFactor) {
    let score = Mos::from(rating).get();
    assert!(
        (score - float(case.expect(), "mos")).abs() < 1e-9,
        "{}: {score}",
        case.label()
    );
    if let Some(expected) = case.expect()["r"].as_f64() {
        assert!(
            (rating.get() - expected).abs() < 1e-9,
            "{}: {rating:?}",
            case.label()
        );
    }
    if let Some(published) = case.given()["published"].as_f64() {
        assert!((score - published).abs() < 0.01, "{}: {score}", case.label());
    }
}

fn voice_path(given: &Value) -> VoicePath {
    let codec = Codec::new(
        float(given, "ie"),
        float(given, "bpl"),
        duration(given, "codec_ms"),
    );
    VoicePath {
        rtt: duration(given, "rtt_ms"),
        jitter_buffer: duration(given, "jitter_buffer_ms"),
        loss: loss(given),
        burst: given["burst_r"]
            .as_f64()
            .map_or(BurstRatio::RANDOM, |ratio| BurstRatio::new(ratio).unwrap()),
        codec: codec.unwrap(),
    }
}

/// The published losses are whole percentages.
fn loss(given: &Value) -> LossRatio {
    let percent = given["loss_percent"].as_f64().unwrap();
    let lost = (0..=100_u8)
        .find(|lost| (f64::from(*lost) - percent).abs() < f64::EPSILON)
        .unwrap();
    LossRatio::of(u64::from(lost), 100).unwrap()
}

/// The published delays are whole microseconds, so that nothing is lost on the way through a duration.
fn duration(given: &Value, key: &str) -> Duration {
    Duration::try_from_secs_f64(float(given, key) / 1e3).unwrap()
}

fn float(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap()
}
