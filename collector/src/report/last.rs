//! The latest round of one probe, in the words of the original.

use std::time::Duration;

use ippm::class::maintenance::Calendar;
use ippm::class::result::Run;
use ippm::class::slot::{Aliases, Expected};
use ippm::class::watch::Beats;
use ippm::class::{Class, Evidence, classify};
use ippm::codec::legacy::{ms_from_ns, whole_ns};
use ippm::limit::LossLimit;
use ippm::roster::Roster;
use ippm::{Family, ProbeName, UnixTime};

use crate::report::slot::result_of;
use crate::store::ledger::ProbeRun;
use crate::store::row::Row;

/// One result of the round. Delays in milliseconds; absent where there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct LastResult {
    /// The probe that was measured.
    pub target: ProbeName,
    /// The family.
    pub family: Family,
    /// The address that was used, or that the roster has now.
    pub address: Option<String>,
    /// Whether it was measured.
    pub measured: bool,
    /// Smallest RTT, ms.
    pub min: Option<f64>,
    /// Largest RTT, ms.
    pub max: Option<f64>,
    /// Mean RTT, ms.
    pub avg: Option<f64>,
    /// Population standard deviation of the RTT, ms.
    pub stddev: Option<f64>,
    /// Lost ÷ sent, 0 to 1.
    pub loss: Option<f64>,
    /// What the result by itself says about the path.
    pub class: Class,
}

/// The results among `rows` that came with `run`, tests other than `icmp` left out.
#[must_use]
pub fn results(
    rows: &[Row],
    run: &ProbeRun,
    roster: Option<&Roster>,
    legacy_period: Duration,
) -> Vec<LastResult> {
    rows.iter()
        .filter(|row| row.source == run.source && row.time == run.time && row.test.is_icmp())
        .map(|row| result(row, run, roster, legacy_period))
        .collect()
}

fn result(row: &Row, run: &ProbeRun, roster: Option<&Roster>, legacy_period: Duration) -> LastResult {
    let used = row
        .meta
        .as_ref()
        .and_then(|meta| meta.address)
        .map(|address| address.to_string());
    let listed = || {
        let mut entries = roster?.entries().iter();
        let entry = entries.find(|entry| entry.name == row.target && entry.family == row.family)?;
        Some(entry.address.to_string())
    };
    let ns = |ns: u64| i64::try_from(ns).ok().map(ms_from_ns);
    let (min, max, avg, stddev) = match (&row.delay, &row.legacy) {
        (Some(delay), _) => (
            ns(delay.min_ns),
            ns(delay.max_ns),
            delay.moments().and_then(|moments| ns(moments.mean_ns())),
            delay
                .moments()
                .and_then(|moments| whole_ns(moments.stddev_ns()))
                .map(ms_from_ns),
        ),
        (None, Some(values)) => (
            values.min_ns.map(ms_from_ns),
            values.max_ns.map(ms_from_ns),
            values.avg_ns.map(ms_from_ns),
            values.stddev_ns.map(ms_from_ns),
        ),
        (None, None) => (None, None, None, None),
    };
    LastResult {
        target: row.target.clone(),
        family: row.family,
        address: used.or_else(listed),
        measured: row.measured,
        min,
        max,
        avg,
        stddev,
        loss: loss(row),
        class: class(row, run, legacy_period),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of packets stay far below 2^53")]
fn loss(row: &Row) -> Option<f64> {
    match (&row.counts, &row.legacy) {
        (Some(counts), _) if counts.sent > 0 => {
            Some(counts.sent.saturating_sub(counts.received) as f64 / counts.sent as f64)
        }
        (None, Some(values)) => Some(values.loss),
        _ => None,
    }
}

/// The class of a slot of which this result is all that is known.
fn class(row: &Row, run: &ProbeRun, legacy_period: Duration) -> Class {
    let period = row.period.unwrap_or(legacy_period);
    let result = result_of(row, legacy_period);
    let expected = Expected {
        source: &row.source,
        source_site: None,
        target: &row.target,
        target_site: None,
        family: row.family,
        test: &row.test,
        period,
        plan_period: period,
        spread: Duration::ZERO,
        count: 1,
        slot_start: row.time.floor(period),
    };
    let evidence = Evidence {
        results: &[result],
        runs: &[Run {
            source: &run.source,
            time: run.time,
            is_suspect: run.is_suspect(),
        }],
        beats: &Beats::from_iter([]),
        aliases: &Aliases::NONE,
        calendar: &Calendar::from_iter([]),
        is_loaded: false,
        limit: LossLimit::DISPLAY_DEFAULT,
        now: UnixTime::from_ns(row.time.as_ns()),
    };
    // A result that is there is never too early to be classified.
    classify(&expected, &evidence).map_or(Class::Error, |classified| classified.class)
}
