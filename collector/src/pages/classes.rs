//! What became of expected results, in words.

use std::fmt::Write as _;

use ippm::class::Class;

use crate::report::accounting::Account;

/// Classes from the gravest on: what tells most about the path comes first, what says nothing about it later.
const GRAVITY: [Class; 7] = [
    Class::Down,
    Class::Error,
    Class::ProbeMissing,
    Class::CollectorGap,
    Class::Degraded,
    Class::Suspect,
    Class::Ok,
];

/// `286 of 288 ok, 2 probe-missing`; what can no longer be judged is told apart.
#[must_use]
pub fn text(account: &Account) -> String {
    let mut text = match account.expected() {
        0 => "no result expected".to_owned(),
        expected => format!("{} of {expected} ok", account.of(Class::Ok).count),
    };
    let others = account
        .iter()
        .filter(|(class, slots)| *class != Class::Ok && slots.count > 0);
    for (class, slots) in others {
        // Writing into a String cannot fail.
        let _ = write!(text, ", {} {class}", slots.count);
    }
    if account.in_maintenance() > 0 {
        let _ = write!(text, ", {} in maintenance", account.in_maintenance());
    }
    if account.expired > 0 {
        let _ = write!(text, ", {} no longer kept", account.expired);
    }
    text
}

/// The gravest class that any expected result has.
#[must_use]
pub fn gravest(account: &Account) -> Option<Class> {
    GRAVITY.into_iter().find(|class| account.of(*class).count > 0)
}

/// Measured results, whatever they say, and expected ones; `None` if none was expected.
#[must_use]
pub fn coverage(account: &Account) -> Option<(u64, u64)> {
    let measured = [Class::Ok, Class::Degraded, Class::Down, Class::Suspect];
    let measured = measured.map(|class| account.of(class).count).iter().sum();
    let expected = account.expected();
    (expected > 0).then_some((measured, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::fixture::account;

    #[test]
    fn silence_is_graver_than_loss_below_the_total_and_doubt_covers_nothing() {
        for (slots, class) in [
            (vec![(Class::Ok, 9), (Class::Suspect, 1)], Some(Class::Suspect)),
            (
                vec![(Class::Degraded, 5), (Class::ProbeMissing, 1)],
                Some(Class::ProbeMissing),
            ),
            (
                vec![(Class::CollectorGap, 5), (Class::Down, 1)],
                Some(Class::Down),
            ),
            (vec![], None),
        ] {
            assert_eq!(gravest(&account(&slots)), class, "{slots:?}");
        }
    }

    #[test]
    fn coverage_of_nothing_is_no_number() {
        assert_eq!(coverage(&Account::NOTHING), None);
        assert_eq!(
            coverage(&account(&[(Class::Down, 3), (Class::Error, 1)])),
            Some((3, 4))
        );
        assert_eq!(text(&Account::NOTHING), "no result expected");
        let mut expired = account(&[(Class::Ok, 2)]);
        expired.expired = 7;
        assert_eq!(text(&expired), "2 of 2 ok, 7 no longer kept");
    }
}
