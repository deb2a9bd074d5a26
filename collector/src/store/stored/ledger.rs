//! Stored points of the ledger as its entries.

use std::time::Duration;

use ippm::class::maintenance::Maintenance;
use ippm::{ProbeName, UnixTime, Word, codec};

use super::{Fault, Fields, beside, unreadable};
use crate::store::StoreError;
use crate::store::ledger::{Condition, MaintenanceVersion, NativeRun, PlanVersion, ProbeRun};
use crate::store::point::Value;
use crate::store::scope;

impl ProbeRun {
    /// The round of `source` at `time` with these fields.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if a field is missing or has another form than we write.
    pub fn from_stored<'a>(
        source: ProbeName,
        time: UnixTime,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, StoreError> {
        let place = source.clone();
        probe_run(source, time, Fields::new(fields))
            .map_err(|fault| unreadable(format_args!("round of {place:?} at {}", time.as_ns()), &fault))
    }
}

impl PlanVersion {
    /// The version of the plan of `probe` that was loaded at `time`, with these fields.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if a field is missing or is no text.
    pub fn from_stored<'a>(
        probe: ProbeName,
        time: UnixTime,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, StoreError> {
        let place = probe.clone();
        plan_version(probe, time, Fields::new(fields))
            .map_err(|fault| unreadable(format_args!("plan of {place:?} at {}", time.as_ns()), &fault))
    }
}

impl MaintenanceVersion {
    /// The version of the announcement `id` that was loaded at `time`, with these fields.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if a field is missing or has another form than we write.
    pub fn from_stored<'a>(
        id: String,
        time: UnixTime,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<Self, StoreError> {
        let place = id.clone();
        maintenance_version(id, time, Fields::new(fields))
            .map_err(|fault| unreadable(format_args!("announcement {place:?} at {}", time.as_ns()), &fault))
    }
}

/// Beside what the fields of a ledger entry have to be: its own time.
const ENTRY: &str = "the time of the entry";

fn probe_run(source: ProbeName, time: UnixTime, mut fields: Fields<'_>) -> Result<ProbeRun, Fault> {
    Ok(ProbeRun {
        source,
        time,
        origin: beside(word(&mut fields, "origin")?, "origin", ENTRY)?,
        results: beside(fields.count("results")?, "results", ENTRY)?,
        received_at: UnixTime::from_ns(beside(fields.integer("received_at")?, "received_at", ENTRY)?),
        skew_ns: fields.integer("skew_ns")?,
        native: native(&mut fields)?,
    })
}

/// `None` for the round of a legacy post.
fn native(fields: &mut Fields<'_>) -> Result<Option<NativeRun>, Fault> {
    let Some(duration_ns) = fields.count("duration_ns")? else {
        return Ok(None);
    };
    Ok(Some(NativeRun {
        duration: Duration::from_nanos(duration_ns),
        // An empty text is not stored.
        plan: fields.text("plan")?.unwrap_or_default(),
        cut_short: word(fields, "cut_short")?,
        version: fields.text("version")?.unwrap_or_default(),
        engine: beside(word(fields, "engine")?, "engine", "duration_ns")?,
        clock_offset_ns: fields.integer("clock_offset_ns")?,
        clock_synchronised: fields.boolean("clock_synchronised")?,
        collector_offset_ns: fields.integer("collector_offset_ns")?,
        send_lag_p99_ns: fields.count("send_lag_p99_ns")?,
        receive_drops: fields.count("receive_drops")?,
        stamps_missing: fields.count("stamps_missing")?,
        stamps_discarded: fields.count("stamps_discarded")?,
        clock_steps: fields.count("clock_steps")?,
        suspect: fields.coded("suspect", words)?.unwrap_or_default(),
        condition: condition(fields)?,
    }))
}

fn condition(fields: &mut Fields<'_>) -> Result<Condition, Fault> {
    Ok(Condition {
        send_lag_p50_ns: fields.count("send_lag_p50_ns")?,
        send_lag_max_ns: fields.count("send_lag_max_ns")?,
        cpu_steal_ppm: fields.count("cpu_steal_ppm")?,
        cpu_own_ns: fields.count("cpu_own_ns")?,
        clock_error_ns: fields.count("clock_error_ns")?,
        clock_frequency_ppb: fields.integer("clock_frequency_ppb")?,
        interface_errors: fields.count("interface_errors")?,
        interface_drops: fields.count("interface_drops")?,
        neighbors_unresolved: fields.count("neighbors_unresolved")?,
        neighbor_overflows: fields.count("neighbor_overflows")?,
        neighbor_limit: fields.count("neighbor_limit")?,
        icmp_ratelimit_ms: fields.count("icmp_ratelimit_ms")?,
        icmp_msgs_per_s: fields.count("icmp_msgs_per_s")?,
        icmp_rate_limited: fields.count("icmp_rate_limited")?,
        unsent_errors: fields
            .coded("unsent_errors", codec::unsent_errors::decode)?
            .unwrap_or_default(),
    })
}

fn plan_version(probe: ProbeName, time: UnixTime, mut fields: Fields<'_>) -> Result<PlanVersion, Fault> {
    Ok(PlanVersion {
        probe,
        time,
        version: beside(fields.text("version")?, "version", ENTRY)?,
        // The CSV of InfluxDB gives a line feed back as carriage return and line feed; a record has no other.
        record: beside(fields.text("record")?, "record", ENTRY)?.replace("\r\n", "\n"),
    })
}

fn maintenance_version(
    id: String,
    time: UnixTime,
    mut fields: Fields<'_>,
) -> Result<MaintenanceVersion, Fault> {
    let mut instant = |name| beside(fields.integer(name)?, name, ENTRY).map(UnixTime::from_ns);
    let (from, to) = (instant("from")?, instant("to")?);
    Ok(MaintenanceVersion {
        entry: Maintenance {
            id,
            loaded: time,
            from,
            to,
            scope: beside(fields.coded("scope", scope::decode)?, "scope", ENTRY)?,
            is_deleted: beside(fields.boolean("deleted")?, "deleted", ENTRY)?,
        },
        // An empty text is not stored.
        reason: fields.text("reason")?.unwrap_or_default(),
    })
}

fn word(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Word>, Fault> {
    fields.coded(name, str::parse)
}

fn words(text: &str) -> Result<Vec<Word>, ippm::WordError> {
    text.split(',').map(str::parse).collect()
}
