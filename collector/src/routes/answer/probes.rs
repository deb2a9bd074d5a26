//! Which probes report, and what they say about themselves.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::csv::{Cell, Table};
use crate::report::liveness::{Liveness, ProbeLiveness, ProbeState};
use crate::store::ledger::{Condition, NativeRun, ProbeRun};

/// `GET /api/v2/probes`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProbesAnswer {
    /// Start of the youngest round of any probe; null if none has reported lately.
    latest: Option<String>,
    /// Every probe that has a plan, or has reported lately, by name.
    probes: Vec<ProbeAnswer>,
}

/// One probe.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProbeAnswer {
    /// Its present name.
    probe: String,
    /// Where it is.
    site: Option<String>,
    /// `reporting`, `suspect`, `missing`, `silent` or `retired`.
    state: &'static str,
    /// The period of its plan.
    period_ns: Option<u64>,
    /// When its next report has to be there.
    expected_next: Option<String>,
    /// Its latest report.
    last: Option<RunAnswer>,
}

/// One report, without its results.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    /// Start of the round.
    time: String,
    /// When it arrived.
    received_at: String,
    /// Arrival minus what the probe's clock said when it sent.
    skew_ns: Option<i64>,
    /// `fetched`, `cached`, `local` or `legacy`.
    origin: String,
    /// Results in it.
    results: u64,
    /// What only a native report tells.
    fitness: Option<FitnessAnswer>,
}

/// What the probe says about itself. What it could not know is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FitnessAnswer {
    /// Version of the probe's program.
    version: String,
    /// `icmp-datagram` or `icmp-raw`.
    engine: String,
    /// Version of the plan that was followed.
    plan: String,
    /// From the round's start until the report was made.
    duration_ns: u64,
    /// `signal`, `deadline` or `late_start`.
    cut_short: Option<String>,
    /// Why the round says nothing about the network.
    suspect: Vec<String>,
    clock_synchronised: Option<bool>,
    clock_offset_ns: Option<i64>,
    clock_error_ns: Option<u64>,
    clock_frequency_ppb: Option<i64>,
    collector_offset_ns: Option<i64>,
    clock_steps: Option<u64>,
    send_lag_p50_ns: Option<u64>,
    send_lag_p99_ns: Option<u64>,
    send_lag_max_ns: Option<u64>,
    receive_drops: Option<u64>,
    stamps_missing: Option<u64>,
    stamps_discarded: Option<u64>,
    cpu_steal_ppm: Option<u64>,
    cpu_own_ns: Option<u64>,
    interface_errors: Option<u64>,
    interface_drops: Option<u64>,
    neighbors_unresolved: Option<u64>,
}

impl From<&Liveness> for ProbesAnswer {
    fn from(liveness: &Liveness) -> Self {
        Self {
            latest: liveness.freshness.latest.map(time),
            probes: liveness.probes.iter().map(ProbeAnswer::from).collect(),
        }
    }
}

impl From<&ProbeLiveness> for ProbeAnswer {
    fn from(probe: &ProbeLiveness) -> Self {
        Self {
            probe: probe.probe.to_string(),
            site: probe.site.clone(),
            state: word(probe.state),
            period_ns: probe
                .period
                .map(|period| u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)),
            expected_next: probe.expected_next.map(time),
            last: probe.last.as_ref().map(RunAnswer::from),
        }
    }
}

impl From<&ProbeRun> for RunAnswer {
    fn from(run: &ProbeRun) -> Self {
        Self {
            time: time(run.time),
            received_at: time(run.received_at),
            skew_ns: run.skew_ns,
            origin: run.origin.to_string(),
            results: run.results,
            fitness: run.native.as_ref().map(FitnessAnswer::from),
        }
    }
}

impl From<&NativeRun> for FitnessAnswer {
    fn from(run: &NativeRun) -> Self {
        let Condition {
            send_lag_p50_ns,
            send_lag_max_ns,
            cpu_steal_ppm,
            cpu_own_ns,
            clock_error_ns,
            clock_frequency_ppb,
            interface_errors,
            interface_drops,
            neighbors_unresolved,
            ..
        } = run.condition;
        Self {
            version: run.version.clone(),
            engine: run.engine.to_string(),
            plan: run.plan.clone(),
            duration_ns: u64::try_from(run.duration.as_nanos()).unwrap_or(u64::MAX),
            cut_short: run.cut_short.as_ref().map(ToString::to_string),
            suspect: run.suspect.iter().map(ToString::to_string).collect(),
            clock_synchronised: run.clock_synchronised,
            clock_offset_ns: run.clock_offset_ns,
            clock_error_ns,
            clock_frequency_ppb,
            collector_offset_ns: run.collector_offset_ns,
            clock_steps: run.clock_steps,
            send_lag_p50_ns,
            send_lag_p99_ns: run.send_lag_p99_ns,
            send_lag_max_ns,
            receive_drops: run.receive_drops,
            stamps_missing: run.stamps_missing,
            stamps_discarded: run.stamps_discarded,
            cpu_steal_ppm,
            cpu_own_ns,
            interface_errors,
            interface_drops,
            neighbors_unresolved,
        }
    }
}

const fn word(state: ProbeState) -> &'static str {
    match state {
        ProbeState::Reporting => "reporting",
        ProbeState::Suspect => "suspect",
        ProbeState::Missing => "missing",
        ProbeState::Silent => "silent",
        ProbeState::Retired => "retired",
    }
}

/// The probes as a table.
pub(crate) fn table(liveness: &Liveness) -> Table {
    let mut table = Table::new(&[
        "probe",
        "site",
        "state",
        "last_time",
        "expected_next",
        "period_ns",
        "version",
        "engine",
        "suspect",
        "clock_synchronised",
        "clock_offset_ns",
        "send_lag_p99_ns",
        "receive_drops",
    ]);
    for probe in &liveness.probes {
        let native = probe.last.as_ref().and_then(|run| run.native.as_ref());
        let suspect: Option<Vec<String>> =
            native.map(|native| native.suspect.iter().map(ToString::to_string).collect());
        table.row([
            Cell::text(probe.probe.as_str()),
            Cell::maybe_text(probe.site.as_deref()),
            Cell::plain(word(probe.state)),
            Cell::maybe(probe.last.as_ref().map(|run| time(run.time))),
            Cell::maybe(probe.expected_next.map(time)),
            Cell::maybe(probe.period.map(|period| period.as_nanos())),
            Cell::maybe_text(native.map(|native| native.version.as_str())),
            Cell::maybe(native.map(|native| native.engine.to_string())),
            Cell::maybe_text(suspect.map(|words| words.join(" "))),
            Cell::maybe(native.and_then(|native| native.clock_synchronised)),
            Cell::maybe(native.and_then(|native| native.clock_offset_ns)),
            Cell::maybe(native.and_then(|native| native.send_lag_p99_ns)),
            Cell::maybe(native.and_then(|native| native.receive_drops)),
        ]);
    }
    table
}
