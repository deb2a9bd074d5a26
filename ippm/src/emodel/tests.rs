//! What holds for every path, and the inputs that make none.

use proptest::prelude::*;

use super::*;

#[test]
fn losses_in_pairs_are_about_twice_as_bursty_as_chance() {
    // 4 of 400 lost in 2 runs: mean length 2 over 1/(1 − 0.01).
    assert_eq!(BurstRatio::observed(400, 4, 2), BurstRatio::new(1.98));
}

#[test]
fn a_burst_ratio_needs_both_loss_and_something_received() {
    assert_eq!(BurstRatio::observed(10, 0, 0), None);
    assert_eq!(BurstRatio::observed(10, 10, 1), None);
    assert_eq!(BurstRatio::observed(10, 1, 2), None);
}

#[test]
fn factors_that_would_divide_by_zero_make_no_codec() {
    assert_eq!(Codec::new(0.0, 0.0, Duration::ZERO), None);
    assert_eq!(Codec::new(f64::NAN, 1.0, Duration::ZERO), None);
    assert_eq!(Codec::new(96.0, 1.0, Duration::ZERO), None);
}

proptest! {
    #[test]
    fn every_path_has_a_rating_and_a_score(
        rtt: u64, jitter_buffer: u64, sent in 1..u64::MAX, lost: u64, burst in 1e-300..1e300,
    ) {
        let loss = LossRatio::of(lost.min(sent), sent).unwrap();
        let (rtt, jitter_buffer) = (Duration::from_nanos(rtt), Duration::from_nanos(jitter_buffer));
        let burst = BurstRatio::new(burst).unwrap();
        let ratings = [
            VoicePath { rtt, jitter_buffer, loss, burst, codec: Codec::G711 }.rating(),
            effective_latency_rating(rtt, jitter_buffer, loss),
        ];
        for rating in ratings {
            prop_assert!(rating.get().is_finite());
            prop_assert!((1.0..=4.5).contains(&Mos::from(rating).get()));
        }
    }

    #[test]
    fn more_loss_is_never_a_better_score(lost in 0..=1000_u64, more in 0..=1000_u64) {
        let score = |lost: u64| Mos::from(VoicePath {
            rtt: Duration::from_millis(20),
            jitter_buffer: Duration::from_millis(20),
            loss: LossRatio::of(lost, 1000).unwrap(),
            burst: BurstRatio::RANDOM,
            codec: Codec::G711_CONCEALED,
        }.rating());
        prop_assert!(score(lost.max(more)) <= score(lost.min(more)));
    }
}
