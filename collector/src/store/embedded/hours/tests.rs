use ippm::UnixTime;
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
fn what_was_read_while_something_was_written_is_not_kept() {
    let hours = Hours::new(MOST);
    let found = hours.remember(7, || {
        hours.forget([7]);
        Ok(hour(1))
    });
    assert_eq!(found.unwrap().len(), 1);
    assert!(kept(&hours.lock()).is_empty());
    hours.remember(7, || Ok(hour(2))).unwrap();
    // Now it is there, and not read again.
    assert_eq!(hours.remember(7, || Ok(hour(3))).unwrap().len(), 2);
    hours.forget_all();
    assert_eq!(hours.remember(7, || Ok(hour(3))).unwrap().len(), 3);
}
