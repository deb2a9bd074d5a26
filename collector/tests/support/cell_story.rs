//! What every store has to do with hours, days and announced work, told once.

#![cfg(test)]

use std::time::Duration;

use collector::store::cell::{CellParts, CellQuery, CellTally, Resolution, RowTally, Series, StoredCell};
use collector::store::ledger::MaintenanceVersion;
use collector::store::{Report, Store};
use ippm::cell::{Cell, DAY, HOUR};
use ippm::class::maintenance::{Maintenance, Scope};
use ippm::{Family, ProbeName, UnixTime};

use super::reports::{measured, name, report, summary};
use super::rows::{marker, rows_of, test_name};
use super::story::{all_of, assert_rows};

/// The whole story; its times begin at the hour of `start`.
pub(crate) async fn tell(store: &dyn Store, start: UnixTime) {
    let hour = start.floor(HOUR);
    announced_work_comes_back(store, start).await;
    results_are_counted_in_the_hour_of_their_slot(store, hour).await;
    cells_come_back(store, hour).await;
    a_question_selects_cells_by_every_part_of_the_key(store, hour).await;
    a_cell_replaces_the_one_that_was_there(store, hour).await;
    thousands_of_cells_come_as_one_ordered_stream(store, hour).await;
}

async fn announced_work_comes_back(store: &dyn Store, start: UnixTime) {
    let version = |id: &str, seconds: u64, reason: &str, scope: Scope, is_deleted: bool| MaintenanceVersion {
        entry: Maintenance {
            id: id.to_owned(),
            loaded: start.saturating_add(Duration::from_secs(seconds)),
            from: start.saturating_sub(DAY),
            to: start.saturating_add(DAY),
            scope,
            is_deleted,
        },
        reason: reason.to_owned(),
    };
    let narrow = Scope {
        probe: Some(name("quo\"te, \u{202e}é")),
        source: Some(name("ams1")),
        target: Some(name("lon1")),
        site: Some("north hall".to_owned()),
        test: Some(test_name("large")),
    };
    let versions = [
        version("cells a b", 5, "", Scope::ALL, false),
        version(
            "cells a b",
            9,
            "new optics, \"second\" try",
            narrow.clone(),
            false,
        ),
        version("cells-b", 1, "moved", narrow, true),
    ];
    store.put_maintenance(&versions[1..]).await.unwrap();
    store.put_maintenance(&versions[..2]).await.unwrap();
    let known = |until: u64| {
        let until = start.saturating_add(Duration::from_secs(until));
        async move {
            let mut found = store.maintenance_versions(until).await.unwrap();
            found.retain(|version| version.entry.id.starts_with("cells"));
            found
        }
    };
    assert_eq!(known(10).await, versions);
    // A version is known from when it was loaded: the end of the question is not part of it.
    assert_eq!(known(9).await, [versions[0].clone(), versions[2].clone()]);
    assert_eq!(known(0).await, []);
}

/// Reports of `source`: `rounds` of five minutes from `hour` on.
fn rounds(source: &ProbeName, hour: UnixTime, rounds: u32) -> Vec<Report> {
    (0..rounds)
        .map(|round| {
            let at = hour.saturating_add(Duration::from_mins(5) * round + Duration::from_millis(400));
            report(
                source,
                at,
                vec![
                    measured(&name("lon1"), summary(at, "0.5 0.7 - 0.6")),
                    marker(&name("gone"), "resolve", None),
                ],
            )
        })
        .collect()
}

fn series(source: &ProbeName, target: &str) -> Series {
    Series {
        source: source.clone(),
        target: name(target),
        family: Family::V4,
        test: ippm::TestName::icmp(),
    }
}

async fn results_are_counted_in_the_hour_of_their_slot(store: &dyn Store, hour: UnixTime) {
    let source = name("cells counted");
    let mut reports = rounds(&source, hour, 15);
    // A slot of seven minutes: the one that begins before the next hour holds times of it.
    let period = Duration::from_mins(7);
    let next = hour.saturating_add(HOUR);
    let slot = next.floor(period);
    let times = [
        slot,
        slot.saturating_add(period)
            .saturating_sub(Duration::from_nanos(1)),
        slot.saturating_add(period),
    ];
    for at in times {
        let mut odd = report(&source, at, vec![measured(&name("odd"), summary(at, "1.5"))]);
        for (_, entry) in &mut odd.entries {
            if let collector::store::Entry::Native(measurement) = entry {
                measurement.period = period;
            }
        }
        reports.push(odd);
    }
    store.append(&reports).await.unwrap();
    // A report that comes again is no other report.
    store.append(&reports[..3]).await.unwrap();
    let tallies = |from, to| store.row_tallies(Some(&source), from, to);
    let of_odd: Vec<(UnixTime, u64)> = {
        let hour_of = |at: UnixTime| at.floor(period).floor(HOUR);
        let mut hours: Vec<(UnixTime, u64)> = Vec::new();
        for at in times {
            match hours.last_mut() {
                Some((last, number)) if *last == hour_of(at) => *number += 1,
                _ => hours.push((hour_of(at), 1)),
            }
        }
        hours
    };
    let tally = |target: &str, hours: Vec<(UnixTime, u64)>| RowTally {
        series: series(&source, target),
        hours,
    };
    let far = hour.saturating_add(DAY);
    let expected = [
        tally("gone", vec![(hour, 12), (next, 3)]),
        tally("lon1", vec![(hour, 12), (next, 3)]),
        tally("odd", of_odd.clone()),
    ];
    assert_eq!(tallies(hour.saturating_sub(DAY), far).await.unwrap(), expected);
    let mut of_next = vec![tally("gone", vec![(next, 3)]), tally("lon1", vec![(next, 3)])];
    let odd: Vec<_> = of_odd.into_iter().filter(|(hour, _)| *hour == next).collect();
    if !odd.is_empty() {
        of_next.push(tally("odd", odd));
    }
    assert_eq!(tallies(next, next.saturating_add(HOUR)).await.unwrap(), of_next);
    let nobody = name("nobody");
    let none = store.row_tallies(Some(&nobody), hour, far).await.unwrap();
    assert_eq!(none, []);
    let all = store.row_tallies(None, hour, far).await.unwrap();
    assert!(all.is_sorted_by(|a, b| a.series < b.series));
    assert!(all.iter().any(|tally| tally.series == expected[0].series));
}

/// Cells of the hours of some reports, each series in its order.
fn hours_of<'a>(reports: impl IntoIterator<Item = &'a Report>) -> Vec<StoredCell> {
    let rows = rows_of(reports);
    let mut cells = Vec::new();
    for rows in rows.chunk_by(|a, b| a.series() == b.series()) {
        let series = rows[0].series();
        let mut hours: std::collections::BTreeMap<UnixTime, Vec<_>> = std::collections::BTreeMap::new();
        for row in rows {
            let row = row.clone().into_cell_row(false);
            hours.entry(row.hour()).or_default().push(row);
        }
        for (hour, rows) in hours {
            let cell = Cell::of_rows(hour, rows).unwrap();
            cells.push(StoredCell::new(series.clone(), hour, cell));
        }
    }
    cells
}

fn day_of(hours: &[StoredCell]) -> StoredCell {
    let cell = Cell::of_hours(hours.iter().map(|hour| &hour.cell)).unwrap();
    StoredCell::new(hours[0].series(), hours[0].time.floor(DAY), cell)
}

/// Every cell of `source`, with everything.
fn cells_of(source: &ProbeName, resolution: Resolution) -> CellQuery {
    CellQuery {
        source: Some(source.clone()),
        target: None,
        family: None,
        test: None,
        from: UnixTime::from_ns(0),
        to: UnixTime::from_ns(i64::MAX),
        resolution,
        parts: CellParts::ALL,
    }
}

async fn cells(store: &dyn Store, query: CellQuery) -> Vec<StoredCell> {
    store.cells(query).collect().await.unwrap()
}

#[track_caller]
fn assert_cells(found: &[StoredCell], expected: &[StoredCell]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

async fn cells_come_back(store: &dyn Store, hour: UnixTime) {
    let source = name("cells, of \"one\" =é");
    assert_cells(&cells(store, cells_of(&source, Resolution::Hour)).await, &[]);
    assert_cells(&cells(store, cells_of(&source, Resolution::Day)).await, &[]);
    let reports = rounds(&source, hour, 30);
    let hours = hours_of(&reports);
    let days: Vec<StoredCell> = hours
        .chunk_by(|a, b| a.series() == b.series())
        .map(day_of)
        .collect();
    assert_eq!((hours.len(), days.len()), (6, 2));
    store.put_cells(Resolution::Hour, &hours).await.unwrap();
    store.put_cells(Resolution::Day, &days).await.unwrap();
    store.put_cells(Resolution::Hour, &[]).await.unwrap();
    assert_cells(&cells(store, cells_of(&source, Resolution::Hour)).await, &hours);
    assert_cells(&cells(store, cells_of(&source, Resolution::Day)).await, &days);
    everyone_sees_what_was_written_last(store, &source, &hours).await;
    for parts in [
        CellParts::NUMBERS,
        CellParts {
            hist: true,
            slices: false,
        },
        CellParts {
            hist: false,
            slices: true,
        },
    ] {
        let only = |cells: &[StoredCell]| {
            let mut cells = cells.to_vec();
            for stored in &mut cells {
                stored.cell.hist = stored.cell.hist.take().filter(|_| parts.hist);
                stored.cell.slices = stored.cell.slices.take().filter(|_| parts.slices);
            }
            cells
        };
        for (resolution, all) in [(Resolution::Hour, &hours), (Resolution::Day, &days)] {
            let query = CellQuery {
                parts,
                ..cells_of(&source, resolution)
            };
            assert_cells(&cells(store, query).await, &only(all));
        }
    }
    let tallies = store
        .cell_tallies(
            Resolution::Hour,
            Some(&source),
            hour,
            hour.saturating_add(HOUR * 2),
        )
        .await
        .unwrap();
    let counts: Vec<(Series, Vec<_>)> = tallies
        .into_iter()
        .map(|CellTally { series, cells }| {
            let counts = cells.iter().map(|cell| (cell.time, cell.rows, cell.rounds));
            (series, counts.collect::<Vec<_>>())
        })
        .collect();
    let expected = |rounds| vec![(hour, 12, rounds), (hour.saturating_add(HOUR), 12, rounds)];
    assert_eq!(
        counts,
        [
            (series(&source, "gone"), expected(0)),
            (series(&source, "lon1"), expected(12)),
        ]
    );
    // Cells are no results.
    assert_rows(&store.rows(all_of(&source)).collect().await.unwrap(), &[]);
}

/// The question of the matrix: all pairs over some hours, again and again while they are written.
async fn everyone_sees_what_was_written_last(store: &dyn Store, source: &ProbeName, hours: &[StoredCell]) {
    let first = hours.iter().map(|cell| cell.time).min().unwrap();
    let of_all = CellQuery {
        source: None,
        from: first,
        to: first.saturating_add(HOUR * 10),
        parts: CellParts {
            hist: true,
            slices: false,
        },
        ..cells_of(source, Resolution::Hour)
    };
    let own = async || {
        let mut own = cells(store, of_all.clone()).await;
        own.retain(|cell| cell.source == *source);
        own
    };
    let mut expected = hours.to_vec();
    for cell in &mut expected {
        cell.cell.slices = None;
    }
    assert_cells(&own().await, &expected);
    assert_cells(&own().await, &expected);
    let mut later = hours.to_vec();
    for (later, expected) in later.iter_mut().zip(&mut expected) {
        later.cell.sent += 7;
        expected.cell.sent += 7;
    }
    store.put_cells(Resolution::Hour, &later).await.unwrap();
    assert_cells(&own().await, &expected);
    store.put_cells(Resolution::Hour, hours).await.unwrap();
}

async fn a_question_selects_cells_by_every_part_of_the_key(store: &dyn Store, hour: UnixTime) {
    let source = name("cells chosen");
    let one = hours_of(&rounds(&source, hour, 12));
    let of = |target: &str, family: Family, test: &str, number: u32| {
        let mut stored = one[1].clone();
        stored.target = name(target);
        stored.family = family;
        stored.test = test.parse().unwrap();
        stored.time = hour.saturating_add(HOUR * number);
        // Slices lie where the cell lies.
        let slices = stored.cell.slices.take();
        stored.cell.slices = slices.map(|slices| slices.unpack().unwrap().starting(stored.time).pack());
        stored
    };
    let stored = [
        of("a", Family::V4, "icmp", 0),
        of("a", Family::V4, "icmp", 1),
        of("a", Family::V4, "large", 0),
        of("a", Family::V6, "icmp", 0),
        of("b", Family::V4, "icmp", 1),
        of("b", Family::V6, "large", 2),
    ];
    store.put_cells(Resolution::Hour, &stored).await.unwrap();
    let query = cells_of(&source, Resolution::Hour);
    let chosen = |query: CellQuery, wanted: &'static [usize]| {
        let stored = &stored;
        async move {
            let expected: Vec<StoredCell> = wanted.iter().map(|at| stored[*at].clone()).collect();
            assert_cells(&cells(store, query).await, &expected);
        }
    };
    chosen(query.clone(), &[0, 1, 2, 3, 4, 5]).await;
    let of_target = |target: &str| CellQuery {
        target: Some(name(target)),
        ..query.clone()
    };
    chosen(of_target("b"), &[4, 5]).await;
    let of_family = CellQuery {
        family: Some(Family::V6),
        ..query.clone()
    };
    chosen(of_family, &[3, 5]).await;
    let of_test = |test: &str| CellQuery {
        test: Some(test.parse().unwrap()),
        ..query.clone()
    };
    chosen(of_test("icmp"), &[0, 1, 3, 4]).await;
    chosen(of_test("large"), &[2, 5]).await;
    let in_time = |from: UnixTime, to: UnixTime| CellQuery {
        from,
        to,
        ..query.clone()
    };
    let next = hour.saturating_add(HOUR);
    chosen(in_time(hour, next), &[0, 2, 3]).await;
    let nanosecond = Duration::from_nanos(1);
    chosen(
        in_time(hour.saturating_add(nanosecond), next.saturating_add(nanosecond)),
        &[1, 4],
    )
    .await;
    chosen(in_time(next, next), &[]).await;
}

/// A round that turns out to be suspect leaves a cell without delays and slices, whatever was there before.
async fn a_cell_replaces_the_one_that_was_there(store: &dyn Store, hour: UnixTime) {
    let source = name("cells again");
    let reports = rounds(&source, hour, 1);
    let first = hours_of(&reports);
    store.put_cells(Resolution::Hour, &first).await.unwrap();
    let rows = rows_of(&reports);
    let suspect: Vec<StoredCell> = rows
        .into_iter()
        .map(|row| {
            let series = row.series();
            let cell = Cell::of_rows(hour, vec![row.into_cell_row(true)]).unwrap();
            StoredCell::new(series, hour, cell)
        })
        .collect();
    assert!(suspect[1].cell.delay.is_none() && first[1].cell.delay.is_some());
    store.put_cells(Resolution::Hour, &suspect).await.unwrap();
    assert_cells(&cells(store, cells_of(&source, Resolution::Hour)).await, &suspect);
    store.put_cells(Resolution::Hour, &first).await.unwrap();
    assert_cells(&cells(store, cells_of(&source, Resolution::Hour)).await, &first);
}

async fn thousands_of_cells_come_as_one_ordered_stream(store: &dyn Store, hour: UnixTime) {
    let source = name("cells many");
    let one = hours_of(&rounds(&source, hour, 12)).remove(1);
    let mut stored = Vec::new();
    // Written hour by hour, so that the order is the reader's work.
    for number in 0..400 {
        for target in 0..6 {
            let mut cell = one.clone();
            cell.target = name(&format!("t{target}"));
            cell.time = hour.saturating_sub(HOUR * number);
            cell.cell.rows = u64::from(number);
            cell.cell.slices = None;
            stored.push(cell);
        }
    }
    store.put_cells(Resolution::Hour, &stored).await.unwrap();
    stored.sort_by_key(|cell| (cell.series(), cell.time));
    assert_cells(&cells(store, cells_of(&source, Resolution::Hour)).await, &stored);
}
