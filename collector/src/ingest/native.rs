//! One report of our own probe.

use std::time::Duration;

use ippm::wire::report::envelope::{ReceivedReport, ReportError};
use ippm::wire::report::reject::{RejectCode, Rejection};
use ippm::wire::time;
use ippm::{Measurement, ProbeName, UnixTime};
use thiserror::Error;

use crate::ingest::answer::Answer;
use crate::ingest::names::Names;
use crate::ingest::{Accepted, Settings};
use crate::store::ledger::{Condition, NativeRun, ProbeRun};
use crate::store::{Entry, Report};

/// How far the start of a round may lie ahead of our clock.
pub const MAX_AHEAD: Duration = Duration::from_mins(5);

/// When a report came, by our clock, and when it left, by the probe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Our clock when the request was read.
    pub at: UnixTime,
    /// The probe's clock when it sent this attempt, if it said so.
    pub sent_at: Option<UnixTime>,
}

/// Why a whole report is not stored.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It cannot be read, or is larger than a report may be.
    #[error(transparent)]
    Unreadable(#[from] ReportError),
    /// The key belongs to another probe.
    #[error("this key belongs to another probe than the source of the report")]
    OtherSource,
    /// The round began too far ahead of our clock; the probe keeps the report.
    #[error(
        "the round starts at {}, more than {} s ahead of this collector's {}",
        time::format(*.round_start), MAX_AHEAD.as_secs(), time::format(*.arrival)
    )]
    TimeAhead {
        /// Start of the round.
        round_start: UnixTime,
        /// When the report arrived.
        arrival: UnixTime,
    },
    /// The round is older than what is kept.
    #[error(
        "the round starts at {}, more than the {} s that are kept before this collector's {}",
        time::format(*.round_start), .retention.as_secs(), time::format(*.arrival)
    )]
    TimeExpired {
        /// Start of the round.
        round_start: UnixTime,
        /// When the report arrived.
        arrival: UnixTime,
        /// How long results are kept.
        retention: Duration,
    },
}

impl Refusal {
    /// The stable code; the message is for people, and holds nothing that the sender must not know.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(ReportError::Schema { .. }) => "schema_unsupported",
            Self::Unreadable(ReportError::TooManyBytes { .. } | ReportError::TooManyResults { .. }) => {
                "too_large"
            }
            Self::Unreadable(_) => "bad_json",
            Self::OtherSource => "forbidden",
            Self::TimeAhead { .. } => "time_ahead",
            Self::TimeExpired { .. } => "time_expired",
        }
    }
}

/// Judges the report in `body`, not compressed, that the key of `probe` sent.
///
/// `aliases` are former names of the probe, under which it may still send what it has kept.
///
/// # Errors
///
/// [`Refusal`] if nothing of the report is to be stored.
pub fn accept(
    body: &[u8],
    arrival: Arrival,
    probe: &ProbeName,
    aliases: &[ProbeName],
    settings: &Settings,
    names: &Names,
) -> Result<Accepted, Refusal> {
    let received = ReceivedReport::parse(body)?;
    let source = std::iter::once(probe)
        .chain(aliases)
        .find(|name| name.as_str() == received.source)
        .ok_or(Refusal::OtherSource)?;
    check_time(received.round_start, arrival.at, settings.retention)?;

    let run = probe_run(source, &received, arrival);
    let mut entries = Vec::with_capacity(received.results.len());
    let mut rejected = Vec::new();
    for (index, result) in received.results.into_iter().enumerate() {
        match result.and_then(|measurement| bounded(measurement, source, arrival.at, names)) {
            Ok(measurement) => entries.push((index, Entry::Native(measurement))),
            Err(rejection) => rejected.push((index, rejection)),
        }
    }
    Ok(Accepted {
        answer: Answer {
            accepted: entries.len(),
            rejected,
            ignored: received.ignored,
        },
        report: Report { run, entries },
    })
}

fn check_time(round_start: UnixTime, arrival: UnixTime, retention: Duration) -> Result<(), Refusal> {
    if round_start.since(arrival).is_some_and(|ahead| ahead > MAX_AHEAD) {
        return Err(Refusal::TimeAhead { round_start, arrival });
    }
    if arrival.since(round_start).is_some_and(|age| age > retention) {
        return Err(Refusal::TimeExpired {
            round_start,
            arrival,
            retention,
        });
    }
    Ok(())
}

fn bounded(
    measurement: Measurement,
    source: &ProbeName,
    now: UnixTime,
    names: &Names,
) -> Result<Measurement, Rejection> {
    match names.admit(source, &measurement.target, now) {
        Ok(()) => Ok(measurement),
        Err(error) => Err(Rejection::new(RejectCode::TooManyUnknownNames, &error)),
    }
}

fn probe_run(source: &ProbeName, received: &ReceivedReport, arrival: Arrival) -> ProbeRun {
    let probe = &received.probe;
    ProbeRun {
        source: source.clone(),
        time: received.round_start,
        origin: received.plan_origin.clone(),
        results: u64::try_from(received.results.len()).unwrap_or(u64::MAX),
        received_at: arrival.at,
        skew_ns: arrival.sent_at.map(|sent_at| arrival.at.ns_after(sent_at)),
        native: Some(NativeRun {
            duration: received.duration,
            plan: received.plan_version.clone(),
            cut_short: received.cut_short.clone(),
            version: probe.version.clone(),
            engine: received.engine.clone(),
            clock_offset_ns: probe.clock_offset_ns,
            clock_synchronised: probe.clock_synchronised,
            collector_offset_ns: probe.collector_offset_ns,
            send_lag_p99_ns: probe.send_lag_p99_ns,
            receive_drops: Some(probe.receive_drops),
            stamps_missing: Some(probe.stamps_missing),
            stamps_discarded: Some(probe.stamps_discarded),
            clock_steps: Some(probe.clock_steps),
            suspect: received.suspect.clone(),
            condition: condition(received),
        }),
    }
}

fn condition(received: &ReceivedReport) -> Condition {
    let probe = &received.probe;
    Condition {
        send_lag_p50_ns: probe.send_lag_p50_ns,
        send_lag_max_ns: probe.send_lag_max_ns,
        cpu_steal_ppm: probe.cpu_steal_ppm,
        cpu_own_ns: probe.cpu_own_ns,
        clock_error_ns: probe.clock_error_ns,
        clock_frequency_ppb: probe.clock_frequency_ppb,
        interface_errors: probe.interface_errors,
        interface_drops: probe.interface_drops,
        neighbors_unresolved: probe.neighbors_unresolved,
        neighbor_overflows: probe.neighbor_overflows,
        neighbor_limit: probe.neighbor_limit,
        icmp_ratelimit_ms: probe.icmp_ratelimit_ms,
        icmp_msgs_per_s: probe.icmp_msgs_per_s,
        icmp_rate_limited: probe.icmp_rate_limited,
        unsent_errors: received.unsent_errors.clone(),
    }
}
