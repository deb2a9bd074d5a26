//! A round's outcome as the report that the collector reads.

use std::collections::BTreeSet;
use std::error::Error;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use ippm::wire::report::{PlanRefV1, ProbeV1, ReportV1, ResultV1};
use ippm::wire::time;
use ippm::{Measured, Measurement, Outcome, ProbeName, Sample, UnixTime, Word};

use crate::agenda::{Item, REPORT_SCHEMA};
use crate::driver::Unmeasured;
use crate::driver::fitness::Fitness;
use crate::resolve::ResolveError;
use crate::round::CutShort;
use crate::timekeeping::daemon::DaemonState;

/// Longest detail of a result that is an error, in bytes: what a collector keeps of it.
const MAX_DETAIL: usize = 256;

/// Where the plan of a round came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Fetched,
    Cached,
}

/// Everything that a report says about the round as a whole.
#[derive(Debug)]
pub(crate) struct Heading<'a> {
    pub(crate) source: &'a ProbeName,
    pub(crate) round_start: UnixTime,
    pub(crate) duration: Duration,
    pub(crate) plan_version: &'a str,
    pub(crate) origin: Origin,
    pub(crate) cut_short: Option<CutShort>,
    pub(crate) fitness: &'a Fitness,
    pub(crate) daemon: DaemonState,
    /// Probe minus collector; none with a cached plan.
    pub(crate) collector_offset_ns: Option<i64>,
    /// Whether the round's label was corrected.
    pub(crate) is_corrected: bool,
    /// The optional fields that the collector stores; no others are sent.
    pub(crate) report_fields: &'a [String],
}

/// Why an item has no sample, in the words of a report.
#[derive(Debug)]
pub(crate) struct Unreported {
    word: &'static str,
    detail: Option<String>,
}

impl Unreported {
    /// The plan asks for a kind of test that this probe does not know.
    pub(crate) const UNSUPPORTED_KIND: Self = Self {
        word: "unsupported_kind",
        detail: None,
    };

    /// The target's name has no address.
    pub(crate) fn unresolved(error: &ResolveError) -> Self {
        Self {
            word: "resolve",
            detail: Some(shortened(&error.to_string())),
        }
    }

    /// The engine could not measure it; none if it never tried, which is not reported.
    pub(crate) fn unmeasured(error: &Unmeasured) -> Option<Self> {
        let word = match error {
            Unmeasured::Permission(_) => "permission",
            Unmeasured::UnreachableLocally(_) => "unreachable_locally",
            Unmeasured::UnsupportedKind(_) => return Some(Self::UNSUPPORTED_KIND),
            Unmeasured::Socket(_) | Unmeasured::Params(_) | Unmeasured::Refused(_) => "internal",
            Unmeasured::NotTried => return None,
        };
        Some(Self {
            word,
            detail: Some(shortened(&crate::exit::chain(error as &dyn Error))),
        })
    }
}

/// The measurement of `item`: its sample, taken from `address`, or why there is none.
///
/// None if the sample holds no packet that was sent.
pub(crate) fn measurement(item: &Item, taken: Result<(IpAddr, &Sample), Unreported>) -> Option<Measurement> {
    let outcome = match taken {
        Ok((address, sample)) => {
            let summary = sample.summary()?;
            let clock = summary.delay.as_ref().and_then(|_| "kernel".parse().ok());
            Outcome::Measured(Box::new(Measured {
                address,
                params: item.params,
                clock,
                summary,
            }))
        }
        Err(Unreported { word, detail }) => Outcome::Unmeasured {
            error: word.parse::<Word>().ok()?,
            detail,
        },
    };
    Some(Measurement {
        test: item.test.clone(),
        kind: item.kind.clone(),
        target: item.target.clone(),
        family: item.family,
        period: item.period,
        outcome,
    })
}

/// The report as the bytes that are sent and kept: JSON, gzip.
///
/// # Errors
///
/// None in practice: it is written to memory.
pub(crate) fn encode(heading: &Heading<'_>, results: &[Measurement]) -> io::Result<Vec<u8>> {
    let report = report(heading, results).limited_to(heading.report_fields);
    let json = serde_json::to_vec(&report)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&json)?;
    encoder.finish()
}

fn report(heading: &Heading<'_>, results: &[Measurement]) -> ReportV1 {
    let fitness = heading.fitness;
    let mut suspect: BTreeSet<String> = fitness.suspect.iter().map(ToString::to_string).collect();
    if heading.is_corrected {
        suspect.insert("clock".to_owned());
    }
    ReportV1 {
        schema: REPORT_SCHEMA,
        source: heading.source.to_string(),
        round_start: time::format(heading.round_start),
        duration_ns: u64::try_from(heading.duration.as_nanos()).unwrap_or(u64::MAX),
        plan: PlanRefV1 {
            version: heading.plan_version.to_owned(),
            origin: match heading.origin {
                Origin::Fetched => "fetched".to_owned(),
                Origin::Cached => "cached".to_owned(),
            },
        },
        cut_short: heading.cut_short.map(|cause| {
            match cause {
                CutShort::Signal => "signal",
                CutShort::Deadline => "deadline",
                CutShort::LateStart => "late_start",
            }
            .to_owned()
        }),
        probe: ProbeV1 {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: fitness.engine.to_owned(),
            clock_offset_ns: heading.daemon.offset_ns,
            clock_synchronised: heading.daemon.synchronised,
            collector_offset_ns: heading.collector_offset_ns,
            send_lag_p99_ns: fitness.send_lag_p99_ns,
            receive_drops: fitness.receive_drops,
            stamps_missing: fitness.stamps_missing,
            stamps_discarded: fitness.stamps_discarded,
            clock_steps: fitness.clock_steps,
            send_lag_p50_ns: fitness.send_lag_p50_ns,
            send_lag_max_ns: fitness.send_lag_max_ns,
            cpu_steal_ppm: fitness.host.cpu_steal_ppm,
            cpu_own_ns: fitness.host.cpu_own_ns,
            clock_error_ns: heading.daemon.error_ns,
            clock_frequency_ppb: heading.daemon.frequency_ppb,
            interface_errors: fitness.host.interface_errors,
            interface_drops: fitness.host.interface_drops,
            neighbors_unresolved: fitness.host.neighbors_unresolved,
            neighbor_overflows: fitness.host.neighbor_overflows,
            neighbor_limit: fitness.host.neighbor_limit,
            icmp_ratelimit_ms: fitness.host.icmp_ratelimit_ms,
            icmp_msgs_per_s: fitness.host.icmp_msgs_per_s,
            icmp_rate_limited: fitness.host.icmp_rate_limited,
            unsent_errors: fitness.unsent_errors.clone(),
            suspect: suspect.into_iter().collect(),
        },
        results: results.iter().map(ResultV1::new).collect(),
    }
}

/// At most [`MAX_DETAIL`] bytes of `text`, cut between characters.
fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_DETAIL)].to_owned()
}

#[cfg(test)]
mod tests;
