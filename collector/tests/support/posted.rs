//! Reports as they travel.

#![cfg(test)]

use collector::store::{Entry, Report};
use ippm::wire::report::{PlanRefV1, ProbeV1, ReportV1, ResultV1};
use ippm::wire::time;

use super::reports::PLAN;

/// The report as its probe would post it.
pub(crate) fn wire(report: &Report) -> ReportV1 {
    ReportV1 {
        schema: 1,
        source: report.run.source.to_string(),
        round_start: time::format(report.run.time),
        duration_ns: 20_000_000_000,
        plan: PlanRefV1 {
            version: PLAN.to_owned(),
            origin: "fetched".to_owned(),
        },
        cut_short: None,
        probe: ProbeV1 {
            version: "1.0.0".to_owned(),
            engine: "icmp-datagram".to_owned(),
            clock_offset_ns: None,
            clock_synchronised: None,
            collector_offset_ns: None,
            send_lag_p99_ns: Some(1),
            receive_drops: 0,
            stamps_missing: 0,
            stamps_discarded: 0,
            clock_steps: 0,
            send_lag_p50_ns: None,
            send_lag_max_ns: None,
            cpu_steal_ppm: None,
            cpu_own_ns: None,
            clock_error_ns: None,
            clock_frequency_ppb: None,
            interface_errors: None,
            interface_drops: None,
            neighbors_unresolved: None,
            neighbor_overflows: None,
            neighbor_limit: None,
            icmp_ratelimit_ms: None,
            icmp_msgs_per_s: None,
            icmp_rate_limited: None,
            unsent_errors: Vec::new(),
            suspect: Vec::new(),
        },
        results: report
            .entries
            .iter()
            .map(|(_, entry)| match entry {
                Entry::Native(measurement) => ResultV1::new(measurement),
                Entry::Legacy(_) => unreachable!("the load is native"),
            })
            .collect(),
    }
}
