//! The schedule against its definition, and against chance.

use std::net::IpAddr;

use super::*;

/// 2026-11-21T10:05:00Z.
const ROUND_START: UnixTime = UnixTime::from_ns(1_795_255_500_000_000_000);

fn flow(count: u64, spread: Duration, rhythm: Rhythm) -> Flow {
    Flow {
        destination: IpAddr::from([192, 0, 2, 1]),
        count,
        spread,
        timeout: Duration::from_secs(2),
        rhythm,
    }
}

fn seed(probe: &str, target: &str, round_start: UnixTime) -> Seed {
    let (probe, target) = (probe.parse().unwrap(), target.parse().unwrap());
    Seed::new(&probe, &TestName::icmp(), &target, Family::V4, round_start)
}

/// The flow of the default plan: 280 packets over 280 s.
fn default_flow(probe: &str, target: &str, round_start: UnixTime) -> Flow {
    let rhythm = Rhythm::Random(seed(probe, target, round_start));
    flow(280, Duration::from_secs(280), rhythm)
}

fn dues(flow: &Flow) -> Vec<Duration> {
    (0..flow.count).map(|index| flow.due(index, 0, 1)).collect()
}

#[test]
fn targets_share_a_cell_evenly_and_keep_their_place_in_every_cell() {
    let flow = flow(10, Duration::from_secs(10), Rhythm::Regular);
    let dues: Vec<u128> = (0..4).map(|rank| flow.due(0, rank, 4).as_millis()).collect();
    assert_eq!(dues, [0, 250, 500, 750]);
    assert_eq!(flow.due(9, 3, 4), Duration::from_millis(9750));
}

#[test]
fn a_cell_begins_at_spread_times_index_div_count() {
    let flow = flow(3, Duration::from_millis(1), Rhythm::Regular);
    let dues: Vec<u128> = (0..3).map(|index| flow.due(index, 0, 1).as_nanos()).collect();
    assert_eq!(dues, [0, 333_333, 666_666]);
}

#[test]
fn the_seed_and_its_numbers_are_those_of_the_definition() {
    // python3 -c 'import hashlib; print(hashlib.sha256(b"ams1/icmp/lon1/4/1795255500000000000").hexdigest()[:16])'
    assert_eq!(seed("ams1", "lon1", ROUND_START), Seed(0x24c8_81db_bafd_e2fe));
    // The published first outputs of SplitMix64 for the state 1234567.
    let known = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
    ];
    for (index, number) in (0..).zip(known) {
        assert_eq!(Seed(1_234_567).number(index), number);
    }
}

#[test]
fn every_packet_is_due_inside_its_own_cell_whatever_the_period() {
    // The shortest and the longest period of a plan, the default one, and cells that do not divide.
    for (count, spread) in [
        (10, Duration::from_secs(10)),
        (280, Duration::from_secs(280)),
        (3580, Duration::from_secs(3580)),
        (7, Duration::from_nanos(10)),
        (1, Duration::from_secs(40)),
    ] {
        let flow = flow(count, spread, Rhythm::Random(seed("ams1", "lon1", ROUND_START)));
        for (index, due) in (0..).zip(dues(&flow)) {
            let begin = plan::departure(spread, count, index).unwrap();
            let end = plan::departure(spread, count, index + 1).unwrap_or(spread);
            assert!(begin <= due && due < end, "{count} {index}: {due:?}");
        }
    }
}

#[test]
fn the_same_round_has_the_same_schedule_and_every_other_one_another() {
    let one = dues(&default_flow("ams1", "lon1", ROUND_START));
    assert_eq!(one, dues(&default_flow("ams1", "lon1", ROUND_START)));
    let later = ROUND_START.saturating_add(Duration::from_nanos(1));
    for other in [
        default_flow("ams2", "lon1", ROUND_START),
        default_flow("ams1", "lon2", ROUND_START),
        default_flow("ams1", "lon1", later),
    ] {
        assert_ne!(one, dues(&other));
    }
}

/// The largest distance between the distribution of `values` and the uniform one over `[0, length)`:
/// the statistic D of Kolmogorov and Smirnov.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds far below 2^53")]
fn distance(mut values: Vec<u128>, length: Duration) -> f64 {
    values.sort_unstable();
    let (count, length) = (values.len() as f64, length.as_nanos() as f64);
    values.iter().enumerate().fold(0.0, |most: f64, (index, &value)| {
        let at = value as f64 / length;
        let (below, above) = (index as f64 / count, (index + 1) as f64 / count);
        most.max(at - below).max(above - at)
    })
}

/// The bound that D of so many independent uniform values exceeds once in a thousand times: 1.949 ÷ √n
/// (the limiting distribution of Kolmogorov, n > 100).
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn bound(count: usize) -> f64 {
    1.949 / (count as f64).sqrt()
}

#[test]
fn the_places_in_the_cells_are_uniform_for_one_probe() {
    // A day of rounds of one pair: 288 × 280 places, each in its cell of one second.
    let second = Duration::from_secs(1);
    let mut places = Vec::new();
    for round in 0..288 {
        let start = ROUND_START.saturating_add(Duration::from_mins(5) * round);
        let dues = dues(&default_flow("ams1", "lon1", start));
        places.extend(dues.iter().map(|due| due.as_nanos() % second.as_nanos()));
    }
    let (found, bound) = (distance(places.clone(), second), bound(places.len()));
    assert!(found < bound, "{found} {bound}");
}

#[test]
fn the_departures_of_fifty_probes_are_uniform_over_the_spread_in_one_round() {
    let mut all = Vec::new();
    for probe in 0..50 {
        let flow = default_flow(&format!("probe{probe}"), "lon1", ROUND_START);
        all.extend(dues(&flow).iter().map(Duration::as_nanos));
    }
    // One packet in each cell makes them more even than chance: D is far below its bound.
    let (found, bound) = (distance(all.clone(), Duration::from_secs(280)), bound(all.len()));
    assert!(found < bound, "{found} {bound}");

    // Per millisecond of a second, what arrives from fifty probes: 14,000 packets in 1000 bins of 14.
    let mut bins = vec![0.0_f64; 1000];
    for due in &all {
        bins[usize::try_from(due % 1_000_000_000 / 1_000_000).unwrap()] += 1.0;
    }
    let chi_square: f64 = bins.iter().map(|&seen| (seen - 14.0_f64).powi(2) / 14.0).sum();
    // 999 degrees of freedom: exceeded once in a thousand times above 1142.8 (mean 999, σ 44.7).
    assert!(chi_square < 1142.8, "{chi_square}");
}

#[test]
fn fifty_probes_that_start_together_do_not_send_their_first_packets_together() {
    let firsts: Vec<u128> = (0..50)
        .map(|probe| {
            default_flow(&format!("probe{probe}"), "lon1", ROUND_START)
                .due(0, 0, 1)
                .as_millis()
        })
        .collect();
    let in_one_tenth = (0..10).map(|tenth| firsts.iter().filter(|&&ms| ms / 100 == tenth).count());
    // Five are expected in a tenth of a second; more than 14 would be one chance in ten thousand.
    assert!(in_one_tenth.max().unwrap() <= 14, "{firsts:?}");
}

#[test]
fn the_gaps_between_packets_are_those_of_two_uniform_places() {
    // The gap of two neighbors is triangular over 0 to 2 cells: an eighth of them is below half a cell.
    let mut gaps = Vec::new();
    for round in 0..36 {
        let start = ROUND_START.saturating_add(Duration::from_mins(5) * round);
        let dues = dues(&default_flow("ams1", "lon1", start));
        gaps.extend(dues.windows(2).map(|pair| pair[1].saturating_sub(pair[0])));
    }
    let short = gaps.iter().filter(|gap| gap.as_millis() < 500).count();
    // 10,044 gaps: 1255.5 expected, σ of independent ones 33; 150 is more than four of them.
    assert!(short.abs_diff(1255) < 150, "{short}");
}
