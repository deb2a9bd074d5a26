//! A stored result as a row.

use std::time::Duration;

use ippm::codec::{dscp, hop_limits, icmp_errors, legacy, loss_runs, slices};
use ippm::histogram::Histogram;
use ippm::{Family, IpdvSummary, TestName};

use super::{Fault, Fields, RowKey, beside, unreadable};
use crate::store::point::Value;
use crate::store::row::{Counts, DelayRow, Meta, Parts, Row};
use crate::store::{LegacyValues, StoreError};

impl Row {
    /// The row of a stored point with the parts that were asked for; see
    /// [`fields_of`](crate::store::stored::fields_of) for the fields that it needs.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if a field has another type, lacks a field that is always beside
    /// it, or holds a coded text that no encoder wrote.
    pub fn from_stored<'a>(
        key: RowKey,
        fields: impl IntoIterator<Item = (&'a str, Value)>,
        parts: Parts,
    ) -> Result<Self, StoreError> {
        let mut row = empty(key);
        match read(&mut row, Fields::new(fields), parts) {
            Ok(()) => Ok(row),
            Err(fault) => Err(unreadable(
                format_args!(
                    "result of {:?} to {:?} at {}",
                    row.source,
                    row.target,
                    row.time.as_ns()
                ),
                &fault,
            )),
        }
    }
}

fn empty(key: RowKey) -> Row {
    Row {
        source: key.source,
        target: key.target,
        family: key.family.unwrap_or(Family::V4),
        test: key.test.unwrap_or_else(TestName::icmp),
        time: key.time,
        period: None,
        measured: true,
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
    }
}

fn read(row: &mut Row, mut fields: Fields<'_>, parts: Parts) -> Result<(), Fault> {
    row.period = fields.count("period_ns")?.map(Duration::from_nanos);
    // The original collector wrote no point for what it had not measured.
    row.measured = fields.boolean("measured")?.unwrap_or(true);
    if parts.counts {
        row.counts = counts(&mut fields)?;
        if row.counts.is_none() {
            row.legacy = legacy_values(&mut fields)?;
        }
    }
    if parts.delay {
        row.delay = delay(&mut fields)?;
        row.ipdv = ipdv(&mut fields)?;
    }
    if parts.hist {
        row.hist = fields.coded("rtt_hist", Histogram::decode)?;
    }
    if parts.slices {
        row.slices = fields.coded("slices", slices::decode)?;
        row.loss_runs = fields.coded("loss_runs", loss_runs::decode)?.unwrap_or_default();
    }
    if parts.icmp {
        row.icmp_errors = fields
            .coded("icmp_errors", icmp_errors::decode)?
            .unwrap_or_default();
        row.hop_limits = fields
            .coded("hop_limits", hop_limits::decode)?
            .unwrap_or_default();
        row.dscp_received = fields.coded("dscp_received", dscp::decode)?.unwrap_or_default();
        row.path_mtu = fields.count("path_mtu")?;
    }
    if parts.meta {
        row.meta = Some(meta(&mut fields)?);
    }
    Ok(())
}

fn counts(fields: &mut Fields<'_>) -> Result<Option<Counts>, Fault> {
    let Some(sent) = fields.count("sent")? else {
        return Ok(None);
    };
    let mut count = |name| beside(fields.count(name)?, name, "sent");
    Ok(Some(Counts {
        sent,
        received: count("received")?,
        late: count("late")?,
        duplicates: count("duplicates")?,
        reordered: count("reordered")?,
        unsent: count("unsent")?,
    }))
}

/// The values of a legacy result; `None` for a marker.
fn legacy_values(fields: &mut Fields<'_>) -> Result<Option<LegacyValues>, Fault> {
    let Some(loss) = fields.float("loss")? else {
        return Ok(None);
    };
    // The original stored whatever it was sent; what is no time at all is absent.
    let mut ns = |name| Ok(fields.float(name)?.and_then(legacy::ns_from_ms));
    Ok(Some(LegacyValues {
        min_ns: ns("min")?,
        max_ns: ns("max")?,
        avg_ns: ns("avg")?,
        stddev_ns: ns("jitter")?,
        loss,
    }))
}

fn delay(fields: &mut Fields<'_>) -> Result<Option<DelayRow>, Fault> {
    let Some(count) = fields.count("rtt_count")? else {
        return Ok(None);
    };
    let m2_ns2 = beside(fields.float("rtt_m2_ns2")?, "rtt_m2_ns2", "rtt_count")?;
    let mut ns = |name| beside(fields.count(name)?, name, "rtt_count");
    Ok(Some(DelayRow {
        count,
        sum_ns: ns("rtt_sum_ns")?,
        m2_ns2,
        min_ns: ns("rtt_min_ns")?,
        max_ns: ns("rtt_max_ns")?,
        p50_ns: ns("rtt_p50_ns")?,
        p95_ns: ns("rtt_p95_ns")?,
        p99_ns: ns("rtt_p99_ns")?,
    }))
}

fn ipdv(fields: &mut Fields<'_>) -> Result<Option<IpdvSummary>, Fault> {
    let Some(pairs) = fields.count("ipdv_pairs")? else {
        return Ok(None);
    };
    let mut ns = |name| beside(fields.count(name)?, name, "ipdv_pairs");
    Ok(Some(IpdvSummary {
        pairs,
        abs_sum_ns: ns("ipdv_abs_sum_ns")?,
        smoothed_ns: ns("ipdv_smoothed_ns")?,
    }))
}

fn meta(fields: &mut Fields<'_>) -> Result<Meta, Fault> {
    Ok(Meta {
        kind: fields.text("kind")?,
        address: fields.coded("address", str::parse)?,
        params: fields.text("params")?,
        clock: fields.text("clock")?,
        plan: fields.text("plan")?,
        error: fields.text("error")?,
        detail: fields.text("detail")?,
    })
}
