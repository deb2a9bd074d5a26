use ippm::UnixTime;
use ippm::cell::Cell;
use ippm::cell::row::{CellRow, RowFinding};

use super::*;

/// An hour with so many cells.
fn hour(cells: i64) -> HourOfAll {
    let unmeasured = CellRow {
        time: UnixTime::from_ns(0),
        period: None,
        is_suspect: false,
        finding: RowFinding::Unmeasured,
    };
    let cell = Cell::of_rows(UnixTime::from_ns(0), vec![unmeasured]).unwrap();
    (0..cells).map(|series| (series, cell.clone())).collect()
}

fn kept(inner: &Inner) -> Vec<i64> {
    inner.of.keys().copied().collect()
}

#[test]
fn the_hour_that_nobody_asked_for_longest_goes_first_and_never_are_there_too_many() {
    let mut inner = Inner::default();
    for slot in 1..=3 {
        inner.find(slot);
        inner.keep(slot, &hour(10), 35);
    }
    assert_eq!((kept(&inner), inner.cells), (vec![1, 2, 3], 30));
    assert!(inner.find(1).is_some());
    inner.keep(4, &hour(20), 35);
    // 2 and 3 went: without 3 it would be 40.
    assert_eq!((kept(&inner), inner.cells), (vec![1, 4], 30));
    inner.keep(5, &hour(36), 35);
    assert_eq!(
        kept(&inner),
        [1, 4],
        "an hour that is too large pushes out nothing"
    );
    inner.keep(1, &hour(5), 35);
    assert_eq!(inner.cells, 25, "an hour stands in its own place");
}

#[test]
fn hours_are_shared_until_one_of_them_is_forgotten() {
    let hours = Hours::new(MOST);
    let shared = Arc::new(SharedCells::new(Vec::new(), Vec::new()));
    let begun = hours.as_of();
    hours.share(3..5, &shared, begun);
    hours.share(7..9, &shared, begun);
    let which = || [3..5, 4..5, 7..9].map(|slots| hours.shared(&slots).is_some());
    assert_eq!(which(), [true, false, true]);
    hours.forget([5, 8]);
    assert_eq!(which(), [true, false, false]);
    // Of before.
    hours.share(7..9, &shared, begun);
    assert_eq!(which(), [true, false, false]);
    hours.share(7..9, &shared, hours.as_of());
    assert_eq!(which(), [true, false, true]);
    hours.forget_all();
    assert_eq!(which(), [false, false, false]);
    for slot in 0..10 {
        hours.share(slot..slot + 1, &shared, hours.as_of());
    }
    assert_eq!(hours.lock().shared.len(), MOST_SHARED);
    assert!(hours.shared(&(9..10)).is_some());
}

#[test]
fn what_was_read_while_something_was_written_is_not_kept() {
    let hours = Hours::new(MOST);
    let remember = |slot: i64, as_of: AsOf, cells: i64| {
        let hour = hours.remember(slot, as_of, || Ok(hour(cells)));
        hour.unwrap().len()
    };
    let begun = hours.as_of();
    let found = hours.remember(7, begun, || {
        hours.forget([7]);
        Ok(hour(1))
    });
    assert_eq!(found.unwrap().len(), 1);
    assert!(kept(&hours.lock()).is_empty());
    // A transaction that began before sees the hour of before, whenever it reads it; of another hour that is right.
    assert_eq!(remember(7, begun, 1), 1);
    assert_eq!(remember(8, begun, 1), 1);
    assert_eq!(kept(&hours.lock()), [8]);
    assert_eq!(remember(7, hours.as_of(), 2), 2);
    // Now it is there, and not read again.
    assert_eq!(remember(7, hours.as_of(), 3), 2);
    let begun = hours.as_of();
    hours.forget_all();
    assert_eq!(remember(7, begun, 2), 2);
    assert_eq!(remember(7, hours.as_of(), 3), 3);
}
