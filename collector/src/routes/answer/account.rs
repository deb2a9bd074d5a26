//! Expected slots by class.

use ippm::class::Class;
use serde::Serialize;
use utoipa::ToSchema;

use crate::csv::Cell;
use crate::report::accounting::{Account, SlotClass};

/// What became of the expected slots. The classes add up to `expected`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountAnswer {
    /// Slots that have a class.
    expected: u64,
    /// Slots whose result may still come: in no class.
    pending: u64,
    /// Slots that can no longer be judged, because the results that they need are not kept any more: in no class.
    expired: u64,
    /// Slots that announced work touched, of any class.
    in_maintenance: u64,
    /// No report, and no collector was there to take it.
    collector_gap: u64,
    /// No report, though a collector was there.
    probe_missing: u64,
    /// A report without a measurement of this pair.
    error: u64,
    /// Measured by a probe that doubted itself.
    suspect: u64,
    /// Nothing was received.
    down: u64,
    /// Loss above the display limit.
    degraded: u64,
    /// Measured, loss at most at the display limit.
    ok: u64,
}

impl From<&Account> for AccountAnswer {
    fn from(account: &Account) -> Self {
        let count = |class| account.of(class).count;
        Self {
            expected: account.expected(),
            pending: account.pending,
            expired: account.expired,
            in_maintenance: account.in_maintenance(),
            collector_gap: count(Class::CollectorGap),
            probe_missing: count(Class::ProbeMissing),
            error: count(Class::Error),
            suspect: count(Class::Suspect),
            down: count(Class::Down),
            degraded: count(Class::Degraded),
            ok: count(Class::Ok),
        }
    }
}

/// Columns of an account in a table.
pub(crate) const COLUMNS: [&str; 11] = [
    "slots_expected",
    "slots_pending",
    "slots_expired",
    "slots_in_maintenance",
    "slots_collector_gap",
    "slots_probe_missing",
    "slots_error",
    "slots_suspect",
    "slots_down",
    "slots_degraded",
    "slots_ok",
];

/// The account in a row.
pub(crate) fn cells(account: &Account) -> [Cell; COLUMNS.len()] {
    let account = AccountAnswer::from(account);
    [
        account.expected,
        account.pending,
        account.expired,
        account.in_maintenance,
        account.collector_gap,
        account.probe_missing,
        account.error,
        account.suspect,
        account.down,
        account.degraded,
        account.ok,
    ]
    .map(Cell::plain)
}

/// One expected slot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SlotAnswer {
    /// Its first instant.
    start: String,
    /// First instant behind it.
    end: String,
    /// `collector-gap`, `probe-missing`, `error`, `suspect`, `down`, `degraded` or `ok`; null while its result may
    /// still come.
    class: Option<&'static str>,
    /// Whether announced work touched it.
    in_maintenance: bool,
    /// Whether our own throughput test ran on the path.
    loaded: bool,
}

impl From<&SlotClass> for SlotAnswer {
    fn from(slot: &SlotClass) -> Self {
        Self {
            start: super::time(slot.start),
            end: super::time(slot.end),
            class: slot.class.map(Class::as_str),
            in_maintenance: slot.in_maintenance,
            loaded: slot.is_loaded,
        }
    }
}
