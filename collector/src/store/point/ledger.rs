//! Points of the ledger.

use ippm::codec;

use super::{COLLECTOR_RUN, Fields, MAINTENANCE, PLAN_VERSION, PROBE_RUN, Point};
use crate::store::ledger::{CollectorRun, Condition, MaintenanceVersion, NativeRun, PlanVersion, ProbeRun};
use crate::store::scope;

impl From<&ProbeRun> for Point {
    fn from(run: &ProbeRun) -> Self {
        let mut fields = Fields::default();
        fields.text("origin", run.origin.to_string());
        fields.count("results", run.results);
        fields.integer("received_at", run.received_at.as_ns());
        fields.integer("skew_ns", run.skew_ns);
        if let Some(native) = &run.native {
            native_fields(&mut fields, native);
        }
        Self {
            measurement: PROBE_RUN,
            tags: vec![("source", run.source.to_string())],
            fields: fields.sorted(),
            time: run.time,
        }
    }
}

fn native_fields(fields: &mut Fields, native: &NativeRun) {
    fields.count("duration_ns", u64::try_from(native.duration.as_nanos()).ok());
    fields.foreign("plan", &native.plan);
    fields.text("cut_short", native.cut_short.as_ref().map(ToString::to_string));
    fields.foreign("version", &native.version);
    fields.text("engine", native.engine.to_string());
    fields.integer("clock_offset_ns", native.clock_offset_ns);
    fields.boolean("clock_synchronised", native.clock_synchronised);
    fields.integer("collector_offset_ns", native.collector_offset_ns);
    fields.count("send_lag_p99_ns", native.send_lag_p99_ns);
    fields.count("receive_drops", native.receive_drops);
    fields.count("stamps_missing", native.stamps_missing);
    fields.count("stamps_discarded", native.stamps_discarded);
    fields.count("clock_steps", native.clock_steps);
    condition_fields(fields, &native.condition);
    let suspect: Vec<&str> = native.suspect.iter().map(ippm::Word::as_str).collect();
    fields.text("suspect", suspect.join(","));
}

fn condition_fields(fields: &mut Fields, condition: &Condition) {
    fields.count("send_lag_p50_ns", condition.send_lag_p50_ns);
    fields.count("send_lag_max_ns", condition.send_lag_max_ns);
    fields.count("cpu_steal_ppm", condition.cpu_steal_ppm);
    fields.count("cpu_own_ns", condition.cpu_own_ns);
    fields.count("clock_error_ns", condition.clock_error_ns);
    fields.integer("clock_frequency_ppb", condition.clock_frequency_ppb);
    fields.count("interface_errors", condition.interface_errors);
    fields.count("interface_drops", condition.interface_drops);
    fields.count("neighbors_unresolved", condition.neighbors_unresolved);
    fields.count("neighbor_overflows", condition.neighbor_overflows);
    fields.count("neighbor_limit", condition.neighbor_limit);
    fields.count("icmp_ratelimit_ms", condition.icmp_ratelimit_ms);
    fields.count("icmp_msgs_per_s", condition.icmp_msgs_per_s);
    fields.count("icmp_rate_limited", condition.icmp_rate_limited);
    fields.text(
        "unsent_errors",
        codec::unsent_errors::encode(&condition.unsent_errors),
    );
}

impl From<&CollectorRun> for Point {
    /// A beat says all there is to say by its time; a point needs a field all the same.
    fn from(run: &CollectorRun) -> Self {
        let mut fields = Fields::default();
        fields.boolean("listening", true);
        Self {
            measurement: COLLECTOR_RUN,
            tags: vec![("instance", run.instance.clone())],
            fields: fields.sorted(),
            time: run.time,
        }
    }
}

impl From<&PlanVersion> for Point {
    /// The record keeps its line feeds: it is our own text, and the version is computed over it.
    fn from(plan: &PlanVersion) -> Self {
        let mut fields = Fields::default();
        fields.text("version", plan.version.clone());
        fields.text("record", plan.record.clone());
        Self {
            measurement: PLAN_VERSION,
            tags: vec![("probe", plan.probe.to_string())],
            fields: fields.sorted(),
            time: plan.time,
        }
    }
}

impl From<&MaintenanceVersion> for Point {
    /// A version that takes the announcement back repeats what it takes back.
    fn from(version: &MaintenanceVersion) -> Self {
        let entry = &version.entry;
        let mut fields = Fields::default();
        fields.integer("from", entry.from.as_ns());
        fields.integer("to", entry.to.as_ns());
        fields.text("scope", scope::encode(&entry.scope));
        fields.foreign("reason", &version.reason);
        fields.boolean("deleted", entry.is_deleted);
        Self {
            measurement: MAINTENANCE,
            tags: vec![("id", entry.id.clone())],
            fields: fields.sorted(),
            time: entry.loaded,
        }
    }
}
