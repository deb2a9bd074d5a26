//! Points of results.

use std::time::Duration;

use ippm::codec::{self, dscp, foreign, hop_limits, icmp_errors, legacy, loss_runs};
use ippm::{Delay, Family, Measured, Measurement, Outcome, ProbeName, TestName};

use super::{Fields, PING, PING_TEST, Point, STATUS_MEASURED, STATUS_UNMEASURED};
use crate::store::ledger::ProbeRun;
use crate::store::{Entry, LegacyResult, LegacyValues};

/// What a legacy item of five nulls has for an error.
const LEGACY_UNMEASURED: &str = "legacy_unmeasured";

/// The point of one result of the round `run`.
pub(super) fn point_of(run: &ProbeRun, entry: &Entry, legacy_family: Family) -> Point {
    let identity = match entry {
        Entry::Native(measurement) => Identity {
            test: Some(&measurement.test).filter(|test| !test.is_icmp()),
            target: &measurement.target,
            family: measurement.family,
            is_measured: matches!(measurement.outcome, Outcome::Measured(_)),
        },
        Entry::Legacy(result) => Identity {
            test: None,
            target: &result.target,
            family: result.family,
            is_measured: result.values.is_some(),
        },
    };
    let fields = match entry {
        Entry::Native(measurement) => native_fields(run, measurement, legacy_family),
        Entry::Legacy(result) => legacy_fields(result),
    };
    Point {
        measurement: if identity.test.is_some() { PING_TEST } else { PING },
        tags: identity.tags(&run.source),
        fields: fields.sorted(),
        time: run.time,
    }
}

/// What tells one result of a round from the others; `test` only if it is not the default one.
struct Identity<'a> {
    test: Option<&'a TestName>,
    target: &'a ProbeName,
    family: Family,
    is_measured: bool,
}

impl Identity<'_> {
    fn tags(&self, source: &ProbeName) -> Vec<(&'static str, String)> {
        let status = if self.is_measured {
            STATUS_MEASURED
        } else {
            STATUS_UNMEASURED
        };
        let mut tags = vec![
            ("family", self.family.to_string()),
            ("source", source.to_string()),
            ("status", status.to_owned()),
            ("target", self.target.to_string()),
        ];
        tags.extend(self.test.map(|test| ("test", test.to_string())));
        tags
    }
}

fn native_fields(run: &ProbeRun, measurement: &Measurement, legacy_family: Family) -> Fields {
    let mut fields = Fields::default();
    period(&mut fields, measurement.period);
    match &measurement.outcome {
        Outcome::Measured(measured) => {
            fields.boolean("measured", true);
            fields.text("kind", measurement.kind.to_string());
            if let Some(native) = &run.native {
                fields.foreign("plan", &native.plan);
            }
            measured_fields(&mut fields, measured);
            if measurement.family == legacy_family {
                legacy_named_fields(&mut fields, measured);
            }
        }
        Outcome::Unmeasured { error, detail } => {
            fields.boolean("measured", false);
            fields.text("error", error.to_string());
            fields.text("detail", detail.as_deref().map(foreign::clean_detail));
        }
    }
    fields
}

fn measured_fields(fields: &mut Fields, measured: &Measured) {
    let summary = &measured.summary;
    fields.text("address", measured.address.to_string());
    fields.text("params", codec::params::encode(&measured.params));
    fields.count("sent", summary.sent);
    fields.count("received", summary.received);
    fields.count("late", summary.late);
    fields.count("duplicates", summary.duplicates);
    fields.count("reordered", summary.reordered);
    fields.count("unsent", summary.unsent);
    fields.text("slices", codec::slices::encode(&summary.slices));
    fields.text("loss_runs", loss_runs::encode(&summary.loss_runs));
    fields.text("icmp_errors", icmp_errors::encode(&summary.icmp_errors));
    fields.text("hop_limits", hop_limits::encode(&summary.hop_limits));
    fields.integer(
        "hop_limit",
        hop_limits::most_frequent(&summary.hop_limits).map(i64::from),
    );
    fields.text("dscp_received", dscp::encode(&summary.dscp_received));
    fields.integer(
        "path_mtu",
        summary.path_mtu.and_then(|mtu| i64::try_from(mtu).ok()),
    );
    if let Some(delay) = &summary.delay {
        delay_fields(fields, delay);
        fields.text("clock", measured.clock.as_ref().map(ToString::to_string));
    }
    if let Some(ipdv) = &summary.ipdv {
        fields.count("ipdv_pairs", ipdv.pairs);
        fields.count("ipdv_abs_sum_ns", ipdv.abs_sum_ns);
        fields.count("ipdv_smoothed_ns", ipdv.smoothed_ns);
    }
}

fn delay_fields(fields: &mut Fields, delay: &Delay) {
    fields.count("rtt_count", delay.count);
    fields.count("rtt_sum_ns", delay.sum_ns);
    fields.float("rtt_m2_ns2", delay.m2_ns2);
    fields.count("rtt_min_ns", delay.min.as_ns());
    fields.count("rtt_max_ns", delay.max.as_ns());
    fields.count("rtt_p50_ns", delay.p50.as_ns());
    fields.count("rtt_p95_ns", delay.p95.as_ns());
    fields.count("rtt_p99_ns", delay.p99.as_ns());
    fields.text("rtt_hist", delay.hist.encode());
}

/// The fields that the dashboards of the original IXPQoS read: milliseconds, and the loss ratio.
fn legacy_named_fields(fields: &mut Fields, measured: &Measured) {
    let summary = &measured.summary;
    fields.float("loss", summary.loss_ratio().map(ippm::LossRatio::get));
    if let Some(delay) = &summary.delay {
        let ms = |ns: u64| legacy::ms_from_ns(i64::try_from(ns).unwrap_or(i64::MAX));
        fields.float("min", ms(delay.min.as_ns()));
        fields.float("max", ms(delay.max.as_ns()));
        fields.float("avg", ms(delay.mean_ns()));
        // Whole nanoseconds like the others, half away from zero.
        fields.float("jitter", delay.stddev_ns().round() / 1e6);
    }
}

fn legacy_fields(result: &LegacyResult) -> Fields {
    let mut fields = Fields::default();
    period(&mut fields, result.period);
    fields.boolean("measured", result.values.is_some());
    match result.values {
        Some(LegacyValues {
            min_ns,
            max_ns,
            avg_ns,
            stddev_ns,
            loss,
        }) => {
            fields.text("kind", "icmp".to_owned());
            fields.float("min", min_ns.map(legacy::ms_from_ns));
            fields.float("max", max_ns.map(legacy::ms_from_ns));
            fields.float("avg", avg_ns.map(legacy::ms_from_ns));
            fields.float("jitter", stddev_ns.map(legacy::ms_from_ns));
            fields.float("loss", loss);
        }
        None => fields.text("error", LEGACY_UNMEASURED.to_owned()),
    }
    fields
}

fn period(fields: &mut Fields, period: Duration) {
    fields.count("period_ns", u64::try_from(period.as_nanos()).ok());
}
