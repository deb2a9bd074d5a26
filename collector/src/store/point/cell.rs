//! Points of cells.

use ippm::cell::Cell;
use ippm::codec::{cell_slices, loss_hist};
use ippm::histogram::Histogram;

use super::{Fields, PING, PING_TEST, Point};
use crate::store::cell::StoredCell;

impl From<&StoredCell> for Point {
    /// Named as the results that it was made of, in a bucket of its own.
    fn from(stored: &StoredCell) -> Self {
        let test = Some(&stored.test).filter(|test| !test.is_icmp());
        let mut tags = vec![
            ("family", stored.family.to_string()),
            ("source", stored.source.to_string()),
            ("target", stored.target.to_string()),
        ];
        tags.extend(test.map(|test| ("test", test.to_string())));
        Self {
            measurement: if test.is_some() { PING_TEST } else { PING },
            tags,
            fields: fields_of(&stored.cell).sorted(),
            time: stored.time,
        }
    }
}

/// A cell without delays says so by its count, and has no other field of them.
fn fields_of(cell: &Cell) -> Fields {
    let mut fields = Fields::default();
    for (name, value) in [
        ("rows", cell.rows),
        ("rounds", cell.rounds),
        ("rounds_lossy", cell.rounds_lossy),
        ("rounds_down", cell.rounds_down),
        ("rounds_suspect", cell.rounds_suspect),
        ("rounds_error", cell.rounds_error),
        ("rounds_legacy", cell.rounds_legacy),
        ("sent", cell.sent),
        ("received", cell.received),
        ("late", cell.late),
        ("duplicates", cell.duplicates),
        ("reordered", cell.reordered),
        ("unsent", cell.unsent),
        ("lost_sq_sum", cell.lost_sq_sum),
        ("rtt_count", cell.delay.map_or(0, |delay| delay.moments.count)),
        ("ipdv_pairs", cell.ipdv_pairs),
        ("ipdv_abs_sum_ns", cell.ipdv_abs_sum_ns),
        ("legacy_avg_count", cell.legacy_avg_count),
    ] {
        fields.count(name, value);
    }
    fields.integer("legacy_avg_sum_ns", cell.legacy_avg_sum_ns);
    fields.float("legacy_loss_sum", cell.legacy_loss_sum);
    fields.text("loss_hist", loss_hist::encode(&cell.loss_hist));
    if let Some(delay) = cell.delay {
        fields.count("rtt_sum_ns", delay.moments.sum_ns);
        fields.float("rtt_m2_ns2", delay.moments.m2_ns2);
        fields.count("rtt_min_ns", delay.min_ns);
        fields.count("rtt_max_ns", delay.max_ns);
        fields.text("rtt_hist", cell.hist.as_ref().map(Histogram::encode));
    }
    fields.text("slices", cell.slices.as_ref().map(cell_slices::encode));
    fields
}
