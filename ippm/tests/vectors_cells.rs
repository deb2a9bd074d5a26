#![cfg(test)]
//! Every published case of the cells: rows of one series, the hours they make, and the days those make.

#[path = "support/vectors.rs"]
mod vectors;

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::cell::row::{CellRow, Counted, RowFinding};
use ippm::cell::{Cell, CellDelay, DAY, needs_redo};
use ippm::codec::{cell_slices, slices};
use ippm::histogram::Histogram;
use ippm::{Moments, UnixTime, wire};
use serde_json::{Value, json};

use vectors::{Case, for_each_case};

#[test]
fn the_cells_reproduce_every_published_case() {
    for_each_case("cells.json", 24, check);
}

fn check(case: &Case) {
    if let Some(redo) = case.given()["redo"].as_array() {
        let found = needs_redo(redo[0].as_u64().unwrap(), redo[1].as_u64());
        assert_eq!(json!(found), case.expect()["redo"], "{}", case.label());
        return;
    }
    let mut hours: BTreeMap<UnixTime, Vec<CellRow>> = BTreeMap::new();
    for row in case.given()["rows"].as_array().unwrap().iter().map(row_of) {
        hours.entry(row.hour()).or_default().push(row);
    }
    let hours: BTreeMap<UnixTime, Cell> = hours
        .into_iter()
        .map(|(hour, rows)| (hour, Cell::of_rows(hour, rows).unwrap()))
        .collect();
    let mut days: BTreeMap<UnixTime, Vec<&Cell>> = BTreeMap::new();
    for (hour, cell) in &hours {
        days.entry(hour.floor(DAY)).or_default().push(cell);
    }
    let days: BTreeMap<UnixTime, Cell> = days
        .into_iter()
        .map(|(day, hours)| (day, Cell::of_hours(hours).unwrap()))
        .collect();
    for (cells, key) in [(hours, "hours"), (days, "days")] {
        let found: Value = cells
            .iter()
            .map(|(time, cell)| (wire::time::format(*time), written(cell)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(found, case.expect()[key], "{key} of {}", case.label());
    }
}

fn row_of(row: &Value) -> CellRow {
    let finding = if row["measured"] == false {
        RowFinding::Unmeasured
    } else if row["legacy"] == true {
        RowFinding::Legacy {
            loss: row["loss"].as_f64().unwrap(),
            avg_ns: row["avg_ns"].as_i64(),
        }
    } else {
        RowFinding::Counted(Box::new(counted_of(row)))
    };
    CellRow {
        time: wire::time::parse(row["time"].as_str().unwrap()).unwrap(),
        period: Some(Duration::from_nanos(number(&row["period_ns"]))),
        is_suspect: row["suspect"] == true,
        finding,
    }
}

fn counted_of(row: &Value) -> Counted {
    let rtt = row.get("rtt");
    let ipdv = |key: &str| row.get("ipdv").map_or(0, |ipdv| number(&ipdv[key]));
    Counted {
        sent: number(&row["sent"]),
        received: number(&row["received"]),
        late: number(&row["late"]),
        duplicates: number(&row["duplicates"]),
        reordered: number(&row["reordered"]),
        unsent: number(&row["unsent"]),
        delay: rtt.map(|rtt| CellDelay {
            moments: Moments {
                count: number(&rtt["count"]),
                sum_ns: number(&rtt["sum_ns"]),
                m2_ns2: rtt["m2_ns2"].as_f64().unwrap(),
            },
            min_ns: number(&rtt["min_ns"]),
            max_ns: number(&rtt["max_ns"]),
        }),
        hist: rtt.map(|rtt| Histogram::decode(rtt["hist"].as_str().unwrap()).unwrap()),
        ipdv_pairs: ipdv("pairs"),
        ipdv_abs_sum_ns: ipdv("abs_sum_ns"),
        slices: row["slices"].as_str().map(|text| slices::decode(text).unwrap()),
    }
}

/// The cell under the names of the stored fields.
fn written(cell: &Cell) -> Value {
    let mut fields = json!({
        "rows": cell.rows,
        "rounds": cell.rounds,
        "rounds_lossy": cell.rounds_lossy,
        "rounds_down": cell.rounds_down,
        "rounds_suspect": cell.rounds_suspect,
        "rounds_error": cell.rounds_error,
        "rounds_legacy": cell.rounds_legacy,
        "sent": cell.sent,
        "received": cell.received,
        "late": cell.late,
        "duplicates": cell.duplicates,
        "reordered": cell.reordered,
        "unsent": cell.unsent,
        "lost_sq_sum": cell.lost_sq_sum,
        "loss_hist": cell.loss_hist,
        "rtt_count": cell.delay.map_or(0, |delay| delay.moments.count),
        "ipdv_pairs": cell.ipdv_pairs,
        "ipdv_abs_sum_ns": cell.ipdv_abs_sum_ns,
        "legacy_avg_count": cell.legacy_avg_count,
        "legacy_avg_sum_ns": cell.legacy_avg_sum_ns,
        "legacy_loss_sum": cell.legacy_loss_sum,
    });
    if let Some(delay) = cell.delay {
        fields["rtt_sum_ns"] = json!(delay.moments.sum_ns);
        fields["rtt_m2_ns2"] = json!(delay.moments.m2_ns2);
        fields["rtt_min_ns"] = json!(delay.min_ns);
        fields["rtt_max_ns"] = json!(delay.max_ns);
        fields["rtt_hist"] = json!(cell.hist.as_ref().unwrap().encode());
    }
    if let Some(slices) = &cell.slices {
        fields["slices"] = json!(cell_slices::encode(slices));
    }
    fields
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
