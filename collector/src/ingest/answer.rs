//! What the sender of a report is told when it is stored.

use ippm::wire::answer::{LegacyStoredV1, RejectedV1, StoredV1};
use ippm::wire::report::reject::{RejectCode, Rejection};

use crate::store::Appended;

/// What was accepted and rejected before the store was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Results handed to the store.
    pub accepted: usize,
    /// Rejected results: their index in the report, and why.
    pub rejected: Vec<(usize, Rejection)>,
    /// Paths of fields that this collector does not know.
    pub ignored: Vec<String>,
}

impl Answer {
    /// The answer to a native report, once the store has answered `appended`.
    #[must_use]
    pub fn native(self, appended: &Appended) -> StoredV1 {
        let (stored, rejected) = merge(self.accepted, self.rejected, appended);
        StoredV1::new(stored, rejected, self.ignored)
    }

    /// The answer to a legacy post, once the store has answered `appended`; `None` if nothing of a
    /// post that was not empty is stored.
    #[must_use]
    pub fn legacy(self, appended: &Appended) -> Option<LegacyStoredV1> {
        let (stored, rejected) = merge(self.accepted, self.rejected, appended);
        (stored > 0 || rejected.is_empty()).then(|| LegacyStoredV1::new(stored, rejected))
    }
}

fn merge(
    accepted: usize,
    mut rejected: Vec<(usize, Rejection)>,
    appended: &Appended,
) -> (u64, Vec<RejectedV1>) {
    let refused = appended
        .refused
        .iter()
        .map(|(index, error)| (*index, Rejection::new(RejectCode::StoreRefused, error)));
    let stored = accepted.saturating_sub(appended.refused.len());
    rejected.extend(refused);
    rejected.sort_by_key(|(index, _)| *index);
    let rejected = rejected
        .into_iter()
        .map(|(index, rejection)| RejectedV1 {
            index,
            code: rejection.code.to_string(),
            error: rejection.error,
        })
        .collect();
    (u64::try_from(stored).unwrap_or(u64::MAX), rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accepted: usize) -> Answer {
        Answer {
            accepted,
            rejected: vec![(4, Rejection::new(RejectCode::BadName, &"no"))],
            ignored: Vec::new(),
        }
    }

    #[test]
    fn what_the_store_refused_is_rejected_in_the_order_of_the_report() {
        let appended = Appended {
            refused: vec![(1, "field type conflict".to_owned())],
        };
        let stored = answer(3).native(&appended);
        assert_eq!(stored.stored, 2);
        let codes: Vec<_> = stored
            .rejected
            .iter()
            .map(|r| (r.index, r.code.as_str()))
            .collect();
        assert_eq!(codes, [(1, "store_refused"), (4, "bad_name")]);
    }

    #[test]
    fn a_legacy_post_of_which_nothing_is_stored_has_no_good_answer() {
        let appended = Appended {
            refused: vec![(0, "no".to_owned())],
        };
        assert_eq!(answer(1).legacy(&appended), None);
        assert!(Answer::default().legacy(&Appended::default()).is_some());
    }
}
