//! What holds for every set of rounds, and the edges of a verdict.

use proptest::prelude::*;

use super::*;

#[test]
fn nothing_sent_has_neither_ratio_nor_interval() {
    assert_eq!(LossSums::NONE.ratio(), None);
    assert_eq!(LossSums::NONE.interval(Sides::Two), None);
    assert_eq!(zero_loss_upper_bound(0), None);
    assert_eq!(
        LossSums::NONE.verdict(LossLimit::DISPLAY_DEFAULT),
        Verdict::InsufficientData
    );
}

#[test]
fn a_target_of_no_loss_at_all_can_never_be_judged() {
    let mut sums = LossSums::NONE;
    sums.add_round(u64::MAX, 0);
    assert_eq!(
        sums.verdict(LossLimit::from_ppm(0).unwrap()),
        Verdict::InsufficientData
    );
}

#[test]
fn exactly_three_packets_per_unit_of_the_target_are_enough() {
    let target = LossLimit::from_ppm(500).unwrap();
    let verdict = |sent| {
        LossSums {
            rounds: 22,
            sent,
            ..LossSums::NONE
        }
        .verdict(target)
    };
    assert_eq!(verdict(5999), Verdict::InsufficientData);
    assert_eq!(verdict(6000), Verdict::Met);
}

fn rounds() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let round = prop_oneof![
        (1..=3600_u64).prop_flat_map(|sent| (Just(sent), 0..=sent)),
        (1..=u64::MAX).prop_flat_map(|sent| (Just(sent), 0..=sent)),
    ];
    proptest::collection::vec(round, 1..50)
}

proptest! {
    #[test]
    fn the_interval_lies_in_the_range_of_a_ratio_and_around_it(rounds in rounds()) {
        let mut sums = LossSums::NONE;
        for (sent, lost) in rounds {
            sums.add_round(sent, lost);
        }
        let ratio = sums.ratio().unwrap().get();
        prop_assert!(1.0 <= sums.design_effect());
        for sides in [Sides::One, Sides::Two] {
            for interval in [sums.interval(sides), wilson(sums.lost, sums.sent, sides)] {
                let Interval { lower, upper } = interval.unwrap();
                prop_assert!(0.0 <= lower && lower <= upper && upper <= 1.0);
                prop_assert!(lower <= ratio + 1e-12 && ratio - 1e-12 <= upper);
            }
        }
    }

    #[test]
    fn merging_sums_equals_adding_all_rounds(left in rounds(), right in rounds()) {
        let sums = |rounds: &[(u64, u64)]| {
            let mut sums = LossSums::NONE;
            for (sent, lost) in rounds {
                sums.add_round(*sent, *lost);
            }
            sums
        };
        let mut merged = sums(&left);
        merged.merge(&sums(&right));
        prop_assert_eq!(merged, sums(&[left, right].concat()));
    }
}
