//! Results that are no measurement of ours, and the rows that a store has to give back for any report.

#![cfg(test)]

use collector::store::row::{Counts, DelayRow, Meta, Row};
use collector::store::{Entry, LegacyResult, LegacyValues, Report};
use ippm::{Delay, Family, Measured, Measurement, Outcome, ProbeName, TestName, UnixTime, codec};

use super::reports::PERIOD;

pub(crate) fn test_name(text: &str) -> TestName {
    text.parse().unwrap()
}

/// A result that could not be measured.
pub(crate) fn marker(target: &ProbeName, error: &str, detail: Option<&str>) -> Entry {
    Entry::Native(Measurement {
        test: TestName::icmp(),
        kind: "icmp".parse().unwrap(),
        target: target.clone(),
        family: Family::V4,
        period: PERIOD,
        outcome: Outcome::Unmeasured {
            error: error.parse().unwrap(),
            detail: detail.map(str::to_owned),
        },
    })
}

/// An item of a legacy post.
pub(crate) fn legacy(target: &ProbeName, values: Option<LegacyValues>) -> Entry {
    Entry::Legacy(LegacyResult {
        target: target.clone(),
        family: Family::V4,
        period: PERIOD,
        values,
    })
}

/// The rows that a store gives back for `reports`, each identity once, in the order of the contract.
pub(crate) fn rows_of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Vec<Row> {
    let mut rows: Vec<Row> = reports
        .into_iter()
        .flat_map(|report| report.entries.iter().map(|(_, entry)| row_of(report, entry)))
        .collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows
}

fn order(row: &Row) -> (&ProbeName, &ProbeName, Family, &TestName, UnixTime, bool) {
    (
        &row.source,
        &row.target,
        row.family,
        &row.test,
        row.time,
        !row.measured,
    )
}

fn row_of(report: &Report, entry: &Entry) -> Row {
    let (target, family, test, period) = match entry {
        Entry::Native(of) => (&of.target, of.family, of.test.clone(), of.period),
        Entry::Legacy(of) => (&of.target, of.family, TestName::icmp(), of.period),
    };
    let row = Row {
        source: report.run.source.clone(),
        target: target.clone(),
        family,
        test,
        time: report.run.time,
        period: Some(period),
        measured: false,
        counts: None,
        legacy: None,
        delay: None,
        ipdv: None,
        hist: None,
        slices: None,
        loss_runs: Vec::new(),
        icmp_errors: Vec::new(),
        hop_limits: Vec::new(),
        dscp_received: Vec::new(),
        path_mtu: None,
        meta: None,
    };
    match entry {
        Entry::Native(measurement) => match &measurement.outcome {
            Outcome::Measured(measured) => measured_row(row, report, measurement, measured),
            Outcome::Unmeasured { error, detail } => Row {
                meta: Some(Meta {
                    error: Some(error.to_string()),
                    detail: detail.as_deref().map(codec::foreign::clean_detail),
                    ..Meta::default()
                }),
                ..row
            },
        },
        Entry::Legacy(legacy) => Row {
            measured: legacy.values.is_some(),
            legacy: legacy.values,
            meta: Some(Meta {
                kind: legacy.values.map(|_| "icmp".to_owned()),
                error: legacy.values.is_none().then(|| "legacy_unmeasured".to_owned()),
                ..Meta::default()
            }),
            ..row
        },
    }
}

fn measured_row(row: Row, report: &Report, measurement: &Measurement, measured: &Measured) -> Row {
    let summary = measured.summary.clone();
    Row {
        measured: true,
        counts: Some(Counts {
            sent: summary.sent,
            received: summary.received,
            late: summary.late,
            duplicates: summary.duplicates,
            reordered: summary.reordered,
            unsent: summary.unsent,
        }),
        delay: summary.delay.as_ref().map(delay_row),
        hist: summary.delay.map(|delay| delay.hist),
        ipdv: summary.ipdv,
        slices: Some(summary.slices),
        loss_runs: summary.loss_runs,
        icmp_errors: summary.icmp_errors,
        hop_limits: summary.hop_limits,
        dscp_received: summary.dscp_received,
        path_mtu: summary.path_mtu,
        meta: Some(Meta {
            kind: Some(measurement.kind.to_string()),
            address: Some(measured.address),
            params: Some(codec::params::encode(&measured.params)),
            clock: measured.clock.as_ref().map(ToString::to_string),
            plan: report.run.native.as_ref().map(|native| native.plan.clone()),
            error: None,
            detail: None,
        }),
        ..row
    }
}

fn delay_row(delay: &Delay) -> DelayRow {
    DelayRow {
        count: delay.count,
        sum_ns: delay.sum_ns,
        m2_ns2: delay.m2_ns2,
        min_ns: delay.min.as_ns(),
        max_ns: delay.max.as_ns(),
        p50_ns: delay.p50.as_ns(),
        p95_ns: delay.p95.as_ns(),
        p99_ns: delay.p99.as_ns(),
    }
}
