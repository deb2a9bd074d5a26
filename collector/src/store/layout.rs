//! The kind of every stored field: what a table's column and a field of InfluxDB have to agree on.

use crate::store::point::{COLLECTOR_RUN, MAINTENANCE, PING, PING_TEST, PLAN_VERSION, PROBE_RUN, Value};

/// What kind of value a field holds, in both stores and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer,
    /// A finite number.
    Float,
    /// A truth value.
    Boolean,
    /// A text.
    Text,
}

impl Kind {
    /// The kind of `value`.
    #[must_use]
    pub const fn of(value: &Value) -> Self {
        match value {
            Value::Integer(_) => Self::Integer,
            Value::Float(_) => Self::Float,
            Value::Boolean(_) => Self::Boolean,
            Value::Text(_) => Self::Text,
        }
    }

    /// The word for it in a message.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Text => "string",
        }
    }
}

/// A field: its name and its kind.
pub type Field = (&'static str, Kind);

/// The fields of a result that are not text, sorted by name.
pub const RESULT_NUMBERS: &[Field] = &[
    ("avg", Kind::Float),
    ("duplicates", Kind::Integer),
    ("hop_limit", Kind::Integer),
    ("ipdv_abs_sum_ns", Kind::Integer),
    ("ipdv_pairs", Kind::Integer),
    ("ipdv_smoothed_ns", Kind::Integer),
    ("jitter", Kind::Float),
    ("late", Kind::Integer),
    ("loss", Kind::Float),
    ("max", Kind::Float),
    ("measured", Kind::Boolean),
    ("min", Kind::Float),
    ("path_mtu", Kind::Integer),
    ("period_ns", Kind::Integer),
    ("received", Kind::Integer),
    ("reordered", Kind::Integer),
    ("rtt_count", Kind::Integer),
    ("rtt_m2_ns2", Kind::Float),
    ("rtt_max_ns", Kind::Integer),
    ("rtt_min_ns", Kind::Integer),
    ("rtt_p50_ns", Kind::Integer),
    ("rtt_p95_ns", Kind::Integer),
    ("rtt_p99_ns", Kind::Integer),
    ("rtt_sum_ns", Kind::Integer),
    ("sent", Kind::Integer),
    ("unsent", Kind::Integer),
];

/// The fields of a result that are text, sorted by name.
pub const RESULT_TEXTS: &[Field] = &[
    ("address", Kind::Text),
    ("clock", Kind::Text),
    ("detail", Kind::Text),
    ("dscp_received", Kind::Text),
    ("error", Kind::Text),
    ("hop_limits", Kind::Text),
    ("icmp_errors", Kind::Text),
    ("kind", Kind::Text),
    ("loss_runs", Kind::Text),
    ("params", Kind::Text),
    ("plan", Kind::Text),
    ("rtt_hist", Kind::Text),
    ("slices", Kind::Text),
];

/// The fields of a `ProbeRun`, sorted by name.
pub const PROBE_RUN_FIELDS: &[Field] = &[
    ("clock_error_ns", Kind::Integer),
    ("clock_frequency_ppb", Kind::Integer),
    ("clock_offset_ns", Kind::Integer),
    ("clock_steps", Kind::Integer),
    ("clock_synchronised", Kind::Boolean),
    ("collector_offset_ns", Kind::Integer),
    ("cpu_own_ns", Kind::Integer),
    ("cpu_steal_ppm", Kind::Integer),
    ("cut_short", Kind::Text),
    ("duration_ns", Kind::Integer),
    ("engine", Kind::Text),
    ("icmp_msgs_per_s", Kind::Integer),
    ("icmp_rate_limited", Kind::Integer),
    ("icmp_ratelimit_ms", Kind::Integer),
    ("interface_drops", Kind::Integer),
    ("interface_errors", Kind::Integer),
    ("neighbor_limit", Kind::Integer),
    ("neighbor_overflows", Kind::Integer),
    ("neighbors_unresolved", Kind::Integer),
    ("origin", Kind::Text),
    ("plan", Kind::Text),
    ("receive_drops", Kind::Integer),
    ("received_at", Kind::Integer),
    ("results", Kind::Integer),
    ("send_lag_max_ns", Kind::Integer),
    ("send_lag_p50_ns", Kind::Integer),
    ("send_lag_p99_ns", Kind::Integer),
    ("skew_ns", Kind::Integer),
    ("stamps_discarded", Kind::Integer),
    ("stamps_missing", Kind::Integer),
    ("suspect", Kind::Text),
    ("unsent_errors", Kind::Text),
    ("version", Kind::Text),
];

/// The field of a `CollectorRun`.
pub const COLLECTOR_RUN_FIELDS: &[Field] = &[("listening", Kind::Boolean)];

/// The fields of a `PlanVersion`, sorted by name.
pub const PLAN_VERSION_FIELDS: &[Field] = &[("record", Kind::Text), ("version", Kind::Text)];

/// The fields of a `Maintenance`, sorted by name.
pub const MAINTENANCE_FIELDS: &[Field] = &[
    ("deleted", Kind::Boolean),
    ("from", Kind::Integer),
    ("reason", Kind::Text),
    ("scope", Kind::Text),
    ("to", Kind::Integer),
];

/// The numbers of a cell, the rounds by loss among them, sorted by name.
pub const CELL_NUMBERS: &[Field] = &[
    ("duplicates", Kind::Integer),
    ("ipdv_abs_sum_ns", Kind::Integer),
    ("ipdv_pairs", Kind::Integer),
    ("late", Kind::Integer),
    ("legacy_avg_count", Kind::Integer),
    ("legacy_avg_sum_ns", Kind::Integer),
    ("legacy_loss_sum", Kind::Float),
    ("loss_hist", Kind::Text),
    ("lost_sq_sum", Kind::Integer),
    ("received", Kind::Integer),
    ("reordered", Kind::Integer),
    ("rounds", Kind::Integer),
    ("rounds_down", Kind::Integer),
    ("rounds_error", Kind::Integer),
    ("rounds_legacy", Kind::Integer),
    ("rounds_lossy", Kind::Integer),
    ("rounds_suspect", Kind::Integer),
    ("rows", Kind::Integer),
    ("rtt_count", Kind::Integer),
    ("rtt_m2_ns2", Kind::Float),
    ("rtt_max_ns", Kind::Integer),
    ("rtt_min_ns", Kind::Integer),
    ("rtt_sum_ns", Kind::Integer),
    ("sent", Kind::Integer),
    ("unsent", Kind::Integer),
];

/// The distribution of a cell's delays.
pub const CELL_HIST: Field = ("rtt_hist", Kind::Text);

/// The slices of an hour.
pub const CELL_SLICES: Field = ("slices", Kind::Text);

/// The fields of a measurement of results or of the ledger; none for one that this version does not know.
pub fn fields(measurement: &str) -> impl Iterator<Item = Field> {
    let (first, second): (&[Field], &[Field]) = match measurement {
        PING | PING_TEST => (RESULT_NUMBERS, RESULT_TEXTS),
        PROBE_RUN => (PROBE_RUN_FIELDS, &[]),
        COLLECTOR_RUN => (COLLECTOR_RUN_FIELDS, &[]),
        PLAN_VERSION => (PLAN_VERSION_FIELDS, &[]),
        MAINTENANCE => (MAINTENANCE_FIELDS, &[]),
        _ => (&[], &[]),
    };
    first.iter().chain(second).copied()
}

/// The field called `name` of a measurement.
#[must_use]
pub fn field(measurement: &str, name: &str) -> Option<Field> {
    fields(measurement).find(|(known, _)| *known == name)
}
