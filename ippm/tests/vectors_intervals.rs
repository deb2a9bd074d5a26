#![cfg(test)]
//! Every published case of the intervals and verdicts, to 1e-12 relative.

#[path = "support/vectors.rs"]
mod vectors;

use ippm::interval::{Interval, LossSums, Sides, wilson, zero_loss_upper_bound};
use ippm::limit::LossLimit;
use serde_json::Value;

use vectors::{Case, for_each_case};

#[test]
fn intervals_and_verdicts_reproduce_every_published_case() {
    for_each_case("intervals.json", 28, |case| {
        match case.given()["how"].as_str().unwrap() {
            "wilson" => check_wilson(case),
            "zero" => check_zero(case),
            "clustered" => check_clustered(case),
            "verdict" => check_verdict(case),
            other => panic!("no check for {other}"),
        }
    });
}

fn check_wilson(case: &Case) {
    let given = case.given();
    let sides = if given.get("one_sided").is_some() {
        Sides::One
    } else {
        Sides::Two
    };
    check_interval(case, wilson(count(given, "k"), count(given, "n"), sides).unwrap());
}

/// The rule of three is the bound that people know; ours is always the tighter one.
fn check_zero(case: &Case) {
    let sent = count(case.given(), "n");
    let bound = zero_loss_upper_bound(sent).unwrap();
    check_float(case, bound, &case.expect()["upper_if_independent"]);
    check_float(
        case,
        3.0 / case.given()["n"].as_f64().unwrap(),
        &case.expect()["rule_of_three"],
    );
    assert!(
        bound < case.expect()["rule_of_three"].as_f64().unwrap(),
        "{}",
        case.label()
    );
}

fn check_clustered(case: &Case) {
    let sums = match case.given()["per_round"].as_array() {
        Some(rounds) => {
            let mut sums = LossSums::NONE;
            for round in rounds {
                sums.add_round(round[0].as_u64().unwrap(), round[1].as_u64().unwrap());
            }
            sums
        }
        None => loss_sums(case.given()),
    };
    assert_eq!(sums, loss_sums(&case.expect()["sums"]), "{}", case.label());
    check_float(case, sums.ratio().unwrap().get(), &case.expect()["p"]);
    check_float(case, sums.design_effect(), &case.expect()["deff"]);
    check_float(case, sums.effective_sent(), &case.expect()["n_eff"]);
    check_interval(case, sums.interval(Sides::Two).unwrap());
    assert_eq!(
        sums.has_few_events(),
        case.expect()["few_events"],
        "{}",
        case.label()
    );
}

fn check_verdict(case: &Case) {
    let parts_per_million = case.given()["target"].as_f64().unwrap() * 1e6;
    let target = LossLimit::from_ppm(format!("{parts_per_million}").parse().unwrap()).unwrap();
    let verdict = loss_sums(&case.given()["stats"]).verdict(target);
    assert_eq!(verdict.as_str(), case.expect()["verdict"], "{}", case.label());
}

fn check_interval(case: &Case, interval: Interval) {
    check_float(case, interval.lower(), &case.expect()["interval"][0]);
    check_float(case, interval.upper(), &case.expect()["interval"][1]);
}

fn check_float(case: &Case, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() <= 1e-12 * expected.abs(),
        "{}: {found} for {expected}",
        case.label()
    );
}

fn loss_sums(value: &Value) -> LossSums {
    LossSums {
        rounds: count(value, "rounds"),
        sent: count(value, "sent"),
        lost: count(value, "lost"),
        lost_sq_sum: count(value, "lost_sq_sum"),
        rounds_lossy: count(value, "rounds_lossy"),
    }
}

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap()
}
