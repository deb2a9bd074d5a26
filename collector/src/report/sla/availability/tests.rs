//! Stories of slices, a letter each, and what the window makes of them.

use proptest::prelude::*;

use super::*;

const HALF: Window = Window {
    length: 3,
    threshold: LossLimit::DISPLAY_DEFAULT,
};

/// `.` no loss, `x` all lost, `-` no packets; `m` and `M` are the first two in announced work.
fn slices(story: &str) -> Vec<Slice> {
    (0..)
        .zip(story.chars().filter(|c| !c.is_whitespace()))
        .filter(|(_, letter)| *letter != '-')
        .map(|(number, letter)| Slice {
            number,
            sent: 10,
            lost: if matches!(letter, 'x' | 'M') { 10 } else { 0 },
            in_maintenance: matches!(letter, 'm' | 'M'),
        })
        .collect()
}

fn availability(story: &str) -> Availability {
    let mut machine = Machine::new(HALF);
    for slice in slices(story) {
        machine.push(slice);
    }
    machine.finish()
}

#[track_caller]
fn check(story: &str, judged: u64, unavailable: u64, unjudged: u64) {
    let found = availability(story);
    assert_eq!(
        (
            found.unavailable.whole(),
            found.unavailable.part(),
            found.unjudged
        ),
        (judged, unavailable, unjudged),
        "{story}: judged, unavailable, unjudged"
    );
}

#[test]
fn a_window_of_high_loss_begins_an_outage_with_its_first_slice() {
    check("......", 6, 0, 0);
    check("..xx..", 6, 0, 0);
    check("..xxx...", 8, 3, 0);
    check("..xxxx...", 9, 4, 0);
}

#[test]
fn an_outage_ends_with_the_first_of_a_window_of_good_slices() {
    check("xxx..x...", 9, 6, 0);
    check("xxx..x..", 8, 8, 0);
    check("xxx...xx", 8, 3, 0);
}

#[test]
fn what_follows_the_last_whole_window_stays_in_its_state() {
    check("...xx", 5, 0, 0);
    check("xxx..", 5, 5, 0);
}

#[test]
fn windows_run_over_the_slices_that_have_packets() {
    check("..xx--x...", 8, 3, 0);
    check("..xx---x...", 8, 3, 0);
}

#[test]
fn a_hole_longer_than_a_window_ends_the_sequence() {
    check("...xx----x...", 9, 0, 0);
    // Two slices are no window: they are not judged.
    check("...----xx----...", 6, 0, 2);
    check("xx", 0, 0, 2);
}

#[test]
fn announced_work_is_counted_apart() {
    let found = availability("...xxxMMmmm");
    assert_eq!(found.in_maintenance, (5, 2));
    assert_eq!(found.unavailable.part(), 5);
}

#[test]
fn outages_are_dated() {
    let found = availability("..xxx....xxx");
    let span = |from: i64, to: i64, slices| Outage {
        from: UnixTime::from_ns(from * SLICE_NS),
        to: UnixTime::from_ns(to * SLICE_NS),
        slices,
    };
    assert_eq!(found.outages, [span(2, 5, 3), span(9, 12, 3)]);
    assert_eq!(found.outages_total, 2);
}

#[test]
fn loss_of_available_time_leaves_the_outage_out() {
    let found = availability(".x.xxx...");
    // Six available slices of ten packets, one of them lost.
    assert_eq!((found.loss.part(), found.loss.whole()), (10, 60));
    assert_eq!(found.high_loss, 4);
}

#[test]
fn exactly_the_threshold_is_no_high_loss() {
    let mut machine = Machine::new(Window {
        length: 1,
        threshold: LossLimit::from_ppm(500_000).unwrap(),
    });
    for (number, lost) in [(0, 5), (1, 6)] {
        machine.push(Slice {
            number,
            sent: 10,
            lost,
            in_maintenance: false,
        });
    }
    assert_eq!(machine.finish().unavailable.part(), 1);
}

#[test]
fn an_hour_is_one_cluster() {
    let mut machine = Machine::new(HALF);
    for number in 357..363 {
        machine.push(Slice {
            number,
            sent: 10,
            lost: 10,
            in_maintenance: false,
        });
    }
    let sums = *machine.finish().unavailable.sums();
    assert_eq!((sums.rounds, sums.rounds_lossy, sums.lost_sq_sum), (2, 2, 18));
}

/// The definition as it is written, over a whole sequence: MEF 10.2.1 §6.9.8.
fn by_definition(is_high: &[bool], n: usize) -> Vec<bool> {
    let mut available = Vec::new();
    let mut state = true;
    for k in 0..is_high.len() {
        if let Some(window) = is_high.get(k..k + n) {
            if state && window.iter().all(|high| *high) {
                state = false;
            } else if !state && window.iter().all(|high| !*high) {
                state = true;
            }
        }
        available.push(state);
    }
    available
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_machine_is_the_definition(is_high in proptest::collection::vec(any::<bool>(), 0..60), length in 1..6_usize) {
        let mut machine = Machine::new(Window { length, threshold: LossLimit::DISPLAY_DEFAULT });
        for (number, high) in (0..).zip(&is_high) {
            machine.push(Slice { number, sent: 10, lost: if *high { 10 } else { 0 }, in_maintenance: false });
        }
        let found = machine.finish();
        if is_high.len() < length {
            prop_assert_eq!(found.unjudged, is_high.len() as u64);
        } else {
            let unavailable = by_definition(&is_high, length).iter().filter(|available| !**available).count();
            prop_assert_eq!((found.unavailable.whole(), found.unavailable.part()), (is_high.len() as u64, unavailable as u64));
        }
    }

    #[test]
    fn an_hour_at_once_is_the_same_as_slice_by_slice(
        before in proptest::collection::vec(prop_oneof![6 => Just(1_u64), 1 => 0..3_u64], 0..20),
        kinds in proptest::collection::vec(
            // No loss, a little, a high loss, no packets: for less than a window and for more.
            prop_oneof![
                (Just((10, 0)), 1..5_usize), (Just((300, 1)), 1..4_usize), (Just((10, 1)), 1..5_usize), (Just((0, 0)), 1..6_usize),
            ],
            0..6,
        ),
        after in proptest::collection::vec(0..3_u64, 0..4),
        in_maintenance: bool,
    ) {
        let repeated = kinds.iter().flat_map(|(counts, times)| std::iter::repeat_n(*counts, *times));
        let end: Vec<(u64, u64)> = repeated.collect();
        let hour: Vec<(u64, u64)> = std::iter::repeat_n((10, 0), 360 - end.len()).chain(end).collect();
        let (mut one, mut other) = (Machine::new(HALF), Machine::new(HALF));
        let slice = |(number, kind): (i64, &u64)| Slice {
            number,
            sent: 10 * kind.min(&1),
            lost: if *kind == 2 { 10 } else { 0 },
            in_maintenance: false,
        };
        let first = 360 - i64::try_from(before.len()).unwrap();
        for slice in (first..).zip(&before).map(slice).filter(|slice| slice.sent > 0) {
            one.push(slice);
            other.push(slice);
        }
        let lists: (Vec<u64>, Vec<u64>) = hour.iter().copied().unzip();
        one.push_hour(360, &lists.0.into_iter().collect(), &lists.1.into_iter().collect(), in_maintenance);
        for (number, (sent, lost)) in (360..).zip(hour).filter(|(_, (sent, _))| *sent > 0) {
            other.push(Slice { number, sent, lost, in_maintenance });
        }
        for slice in (720..).zip(&after).map(slice).filter(|slice| slice.sent > 0) {
            one.push(slice);
            other.push(slice);
        }
        prop_assert_eq!(one.finish(), other.finish());
    }
}
