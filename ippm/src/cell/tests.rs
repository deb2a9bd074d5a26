use super::*;

fn counted(sent: u64, received: u64) -> Counted {
    Counted {
        sent,
        received,
        late: 0,
        duplicates: 0,
        reordered: 0,
        unsent: 0,
        delay: None,
        hist: None,
        ipdv_pairs: 0,
        ipdv_abs_sum_ns: 0,
        slices: None,
    }
}

fn row(seconds: i64, period: Option<u64>, finding: RowFinding) -> CellRow {
    CellRow {
        time: UnixTime::from_ns(seconds * 1_000_000_000),
        period: period.map(Duration::from_secs),
        is_suspect: false,
        finding,
    }
}

fn round(seconds: i64, counted: Counted) -> CellRow {
    row(seconds, Some(300), RowFinding::Counted(Box::new(counted)))
}

const HOUR_0: UnixTime = UnixTime::from_ns(0);

#[test]
fn no_row_makes_no_cell_and_no_hour_no_day() {
    assert_eq!(Cell::of_rows(HOUR_0, Vec::new()), None);
    assert_eq!(Cell::of_hours([]), None);
}

#[test]
fn a_marker_beside_a_measured_result_of_the_slot_is_no_error() {
    let rows = vec![
        row(1, Some(300), RowFinding::Unmeasured),
        round(2, counted(10, 9)),
    ];
    let cell = Cell::of_rows(HOUR_0, rows).unwrap();
    assert_eq!((cell.rows, cell.rounds, cell.rounds_error), (2, 1, 0));
}

#[test]
fn results_of_two_periods_are_of_two_slots() {
    let other = row(2, Some(600), RowFinding::Counted(Box::new(counted(7, 7))));
    let cell = Cell::of_rows(HOUR_0, vec![round(1, counted(10, 10)), other]).unwrap();
    assert_eq!((cell.rounds, cell.sent), (2, 17));
}

#[test]
fn a_result_without_a_period_is_a_slot_of_its_own() {
    let legacy = || RowFinding::Legacy {
        loss: 0.5,
        avg_ns: Some(-3),
    };
    let cell = Cell::of_rows(HOUR_0, vec![row(1, None, legacy()), row(2, None, legacy())]).unwrap();
    assert_eq!((cell.rounds_legacy, cell.legacy_avg_sum_ns), (2, -6));
    assert_eq!(cell.legacy_loss_sum.to_bits(), 1.0_f64.to_bits());
}

#[test]
fn slices_outside_the_hour_are_left_out() {
    let slices = |start_s: i64| Slices {
        start: UnixTime::from_ns(start_s * 1_000_000_000),
        sent: vec![10, 10],
        lost: vec![1, 2],
        rtt_count: vec![9, 8],
        rtt_sum_ns: vec![90, 80],
    };
    let with = |start_s| Counted {
        slices: Some(slices(start_s)),
        ..counted(20, 17)
    };
    let cell = Cell::of_rows(HOUR_0, vec![round(3590, with(3590)), round(-10, with(-10))]).unwrap();
    let found = cell.slices.unwrap().unpack().unwrap().to_slices();
    assert_eq!((found.start, found.len()), (HOUR_0, Slices::MAX));
    assert_eq!((found.lost[0], found.lost[359]), (2, 1));
    assert_eq!(found.lost.iter().sum::<u64>(), 3);
}

#[test]
fn a_distribution_that_one_part_lacks_is_unknown_for_all() {
    let moments = Moments {
        count: 1,
        sum_ns: 5,
        m2_ns2: 0.0,
    };
    let delay = CellDelay {
        moments,
        min_ns: 5,
        max_ns: 5,
    };
    let mut hist = Histogram::new();
    hist.record(5);
    let part = |hist: Option<Histogram>| Cell {
        delay: Some(delay),
        hist,
        ..Cell::nothing()
    };
    let none = Cell::nothing();
    let whole = Cell::of_hours([&none, &part(Some(hist.clone())), &none]).unwrap();
    assert_eq!(whole.hist.as_ref(), Some(&hist));
    let cut = Cell::of_hours([&whole, &part(None)]).unwrap();
    assert_eq!((cut.hist, cut.delay.unwrap().moments.count), (None, 2));
}

#[test]
fn rounds_above_a_limit_are_told_only_for_a_bound() {
    let mut cell = Cell::nothing();
    cell.loss_hist = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];
    let above = |ppm| cell.rounds_above(LossLimit::from_ppm(ppm).unwrap());
    assert_eq!(above(0), Some(4094));
    assert_eq!(above(10_000), Some(4096 - 32));
    assert_eq!(above(500_000), Some(1024 + 2048));
    assert_eq!(above(1_000_000), Some(0));
    assert_eq!(above(15_000), None);
}
