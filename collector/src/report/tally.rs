//! What a cell says about the slots of its time, without reading one of its results again.

use ippm::UnixTime;
use ippm::cell::Cell;
use ippm::class::Class;
use ippm::limit::LossLimit;

use crate::report::accounting::{Account, Slots};

/// The classes that a result can have.
const CLASSES: [Class; 5] = [
    Class::Error,
    Class::Suspect,
    Class::Down,
    Class::Degraded,
    Class::Ok,
];

/// Slots of one cell by the class of the result that counts for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// `None` if the cell alone does not tell: its loss limit is no bound of cells, or results without packet counts
    /// had loss.
    by_class: Option<[u64; CLASSES.len()]>,
}

impl Tally {
    pub(super) fn of(cell: &Cell, limit: LossLimit) -> Self {
        let by_class = cell.rounds_above(limit).and_then(|above| {
            if 0.0 < cell.legacy_loss_sum {
                return None;
            }
            let degraded = above.saturating_sub(cell.rounds_down);
            let ok = cell.rounds.saturating_sub(cell.rounds_down + degraded);
            Some([
                cell.rounds_error,
                cell.rounds_suspect,
                cell.rounds_down,
                degraded,
                ok + cell.rounds_legacy,
            ])
        });
        Self { by_class }
    }
}

/// What cells say about the slots of their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was expected.
    Nothing,
    /// Nothing came.
    Silent,
    /// All results have a class, and so many slots have no result.
    Known { account: Account, missing: u64 },
    /// Single results have to be asked.
    Unclear,
}

/// The verdict of `tallies`, each with the start of its cell, on `slots` expected slots of one length, `announced` of
/// which announced work touched.
pub(super) fn verdict(tallies: &[(UnixTime, Tally)], slots: u64, announced: u64) -> Verdict {
    let tally = match tallies {
        _ if slots == 0 => return Verdict::Nothing,
        [] => return Verdict::Silent,
        [(_, tally)] => tally,
        // The same time under two names: which of two results of a slot counts, only they can tell.
        [..] => return Verdict::Unclear,
    };
    let is_split = announced != 0 && announced != slots;
    let Some(by_class) = tally.by_class.filter(|_| !is_split) else {
        return Verdict::Unclear;
    };
    let mut account = Account::NOTHING;
    for (class, count) in CLASSES.into_iter().zip(by_class) {
        account.add(class, Slots::counted(count, announced != 0));
    }
    match slots.checked_sub(account.expected()) {
        Some(missing) => Verdict::Known { account, missing },
        // More results than slots: some are of a plan that was not in force.
        None => Verdict::Unclear,
    }
}
