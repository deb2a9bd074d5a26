//! Native reports: a report made of the results that were accepted is accepted, and means the same.

#![no_main]

use std::time::Duration;

use ippm::wire::report::envelope::{MAX_IGNORED, MAX_RESULTS, MAX_SUSPECT, ReceivedReport, SCHEMA};
use ippm::wire::report::{PlanRefV1, ReportV1, ResultV1};
use ippm::wire::time;
use ippm::{Measured, Measurement, Outcome};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(report) = ReceivedReport::parse(body) else {
        return;
    };
    assert!(report.results.len() <= MAX_RESULTS);
    assert!(report.suspect.len() <= MAX_SUSPECT && report.suspect.is_sorted());
    assert!(report.ignored.len() <= MAX_IGNORED && report.ignored.is_sorted());
    let accepted: Vec<&Measurement> = report.results.iter().flatten().collect();
    for measurement in &accepted {
        assert!((Duration::from_secs(1)..=Duration::from_hours(1)).contains(&measurement.period));
        if let Outcome::Measured(measured) = &measurement.outcome {
            check(measured);
        }
    }
    let again = written(&report, &accepted);
    let read = ReceivedReport::parse(&serde_json::to_vec(&again).unwrap()).unwrap();
    assert!(read.ignored.is_empty());
    assert_eq!(read.results.iter().flatten().collect::<Vec<_>>(), accepted);
    assert_eq!(
        (read.round_start, read.duration),
        (report.round_start, report.duration)
    );
    assert_eq!(read.probe, report.probe);
});

fn check(measured: &Measured) {
    let summary = &measured.summary;
    assert!(summary.sent > 0 && summary.received <= summary.sent);
    let lost = summary.sent - summary.received;
    assert!(summary.late <= lost);
    assert_eq!(summary.slices.sent.iter().sum::<u64>(), summary.sent);
    assert_eq!(summary.slices.lost.iter().sum::<u64>(), lost);
    assert_eq!(
        summary
            .loss_runs
            .iter()
            .map(|(length, number)| length * number)
            .sum::<u64>(),
        lost
    );
    assert!(summary.hop_limits.iter().map(|(_, count)| count).sum::<u64>() <= summary.received);
    if let Some(delay) = &summary.delay {
        assert!((1..=summary.received).contains(&delay.count));
        assert!([delay.min, delay.p50, delay.p95, delay.p99, delay.max].is_sorted());
        assert!(delay.m2_ns2.is_finite() && delay.m2_ns2 >= 0.0);
        assert_eq!(delay.hist.total(), delay.count);
    }
    let delays = summary.delay.as_ref().map_or(0, |delay| delay.count);
    assert!(summary.ipdv.as_ref().is_none_or(|ipdv| ipdv.pairs < delays));
}

fn written(report: &ReceivedReport, accepted: &[&Measurement]) -> ReportV1 {
    ReportV1 {
        schema: SCHEMA,
        source: report.source.clone(),
        round_start: time::format(report.round_start),
        duration_ns: u64::try_from(report.duration.as_nanos()).unwrap(),
        plan: PlanRefV1 {
            version: report.plan_version.clone(),
            origin: report.plan_origin.to_string(),
        },
        cut_short: report.cut_short.as_ref().map(ToString::to_string),
        probe: report.probe.clone(),
        results: accepted
            .iter()
            .map(|measurement| ResultV1::new(measurement))
            .collect(),
    }
}
