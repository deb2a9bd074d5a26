//! Cells back from their tables.
//!
//! They lie there hour by hour and are asked for series by series. So one question takes some series for the whole
//! time at once, hour after hour, and hands them over sorted the other way.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use ippm::cell::slices::PackedSlices;
use ippm::cell::{Cell, HOUR};
use ippm::{ProbeName, UnixTime};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Connection, OptionalExtension, Rows};

use super::cells::{self, COLUMNS, number, parts_of, slot_of, slots, time_of};
use super::hours::{self, Hours};
use super::readers::Unreadable;
use super::select::{self, Series};
use crate::store::cell::shared::SharedCells;
use crate::store::cell::{CellCount, CellQuery, CellTally, Resolution, RowTally, StoredCell};
use crate::store::query::RowQuery;
use crate::store::row::Parts;

/// Most cells that are held at a time, about 30 MB; a single series is cut into such times too.
const HELD_CELLS: usize = 32_768;

/// The same with slices, about 20 MB of them as they lie in the file.
const HELD_SLICES: usize = 8192;

/// Cells that are handed over together.
pub(super) const HANDED: usize = 1024;

/// Between the numbers of the first and the last series of a question may be so many times as many as are asked
/// for: then they are read in one go, and those between them passed over.
const DENSE: usize = 4;

type Answer<T> = Result<T, Unreadable>;

/// What is to be read, in which order.
#[derive(Debug)]
pub(super) struct Reading {
    series: Vec<Series>,
    slots: Range<i64>,
    query: CellQuery,
}

/// Where the next part begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    series: usize,
    slot: i64,
}

impl Reading {
    /// What `query` selects, cut to the time of which there is anything.
    pub(super) fn begin(connection: &Connection, query: CellQuery) -> Answer<Self> {
        let table = cells::table(query.resolution);
        let end = |which: &str| {
            connection
                .query_row(&format!("SELECT {which}(id) FROM {table}"), [], |row| {
                    row.get::<_, Option<i64>>(0)
                })
                .optional()
        };
        let mut wanted = slots(query.from, query.to, query.resolution.length());
        match (end("min")?, end("max")?) {
            (Some(Some(first)), Some(Some(last))) => {
                wanted.start = wanted.start.max(parts_of(first).0);
                wanted.end = wanted.end.min(parts_of(last).0 + 1);
            }
            _ => wanted.end = wanted.start,
        }
        let series = select::series(connection, &selection(&query))?;
        Ok(Self {
            series,
            slots: wanted,
            query,
        })
    }

    /// The first part; `None` if there is nothing.
    pub(super) fn first(&self) -> Option<Place> {
        (!self.series.is_empty() && self.slots.start < self.slots.end).then_some(Place {
            series: 0,
            slot: self.slots.start,
        })
    }

    /// The cells of the part at `place` in their order, and where the next part begins.
    pub(super) fn part(
        &self,
        connection: &Connection,
        place: Place,
    ) -> Answer<(Vec<StoredCell>, Option<Place>)> {
        let held = if self.query.parts.slices {
            HELD_SLICES
        } else {
            HELD_CELLS
        };
        let left = usize::try_from(self.slots.end - place.slot).unwrap_or(usize::MAX);
        let number = (held / left.max(1)).clamp(1, self.series.len() - place.series);
        let end = if number == 1 {
            let held = i64::try_from(held).unwrap_or(i64::MAX);
            self.slots.end.min(place.slot.saturating_add(held))
        } else {
            self.slots.end
        };
        let chosen = Chosen::new(&self.series[place.series..place.series + number], place.series);
        let room = usize::try_from(end - place.slot).unwrap_or(0);
        let mut found: Vec<Vec<(i64, Cell)>> = (0..number).map(|_| Vec::with_capacity(room)).collect();
        let mut statement = connection.prepare_cached(&self.sql())?;
        let mut of_slices = connection.prepare_cached(SLICES_SQL)?;
        for slot in place.slot..end {
            for (first, last) in &chosen.ranges {
                let range = [cells::number(slot, *first), cells::number(slot, *last)];
                let mut rows = statement.query(range)?;
                let mut slices = if self.has_slices() {
                    Some(Beside::new(of_slices.query(range)?)?)
                } else {
                    None
                };
                while let Some(row) = rows.next()? {
                    let number = row.get(0)?;
                    let Some(at) = chosen.place_of(parts_of(number).1) else {
                        continue;
                    };
                    let mut cell = cells::cell(row, 1, self.query.parts.hist)?;
                    if let Some(slices) = slices.as_mut().filter(|_| cell.rounds > 0) {
                        cell.slices = slices.of(number)?.map(PackedSlices::from_bytes);
                    }
                    found[at - chosen.first].push((slot, cell));
                }
            }
        }
        let next = if end < self.slots.end {
            Some(Place { slot: end, ..place })
        } else {
            Some(Place {
                series: place.series + number,
                slot: self.slots.start,
            })
        };
        let next = next.filter(|place| place.series < self.series.len());
        let length = self.query.resolution.length();
        let mut all = Vec::with_capacity(found.iter().map(Vec::len).sum());
        for (cells, series) in found.into_iter().zip(&self.series[place.series..]) {
            let stored = |(slot, cell)| StoredCell::new(series.key().clone(), time_of(slot, length), cell);
            all.extend(cells.into_iter().map(stored));
        }
        Ok((all, next))
    }

    fn has_slices(&self) -> bool {
        self.query.parts.slices && self.query.resolution == Resolution::Hour
    }

    fn sql(&self) -> String {
        format!(
            "SELECT id, {COLUMNS} FROM {} WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
            cells::table(self.query.resolution)
        )
    }
}

/// The slices lie apart and are read beside the cells: a join would look up each of them.
const SLICES_SQL: &str = "SELECT id, slices FROM cell_1h_slices WHERE id BETWEEN ?1 AND ?2 ORDER BY id";

/// Slices in the order of their numbers.
struct Beside<'a> {
    rows: Rows<'a>,
    next: Option<i64>,
}

impl<'a> Beside<'a> {
    fn new(rows: Rows<'a>) -> Answer<Self> {
        let mut this = Self { rows, next: None };
        this.advance()?;
        Ok(this)
    }

    /// The slices of the cell `number`, if it has some; the numbers ascend from question to question.
    fn of(&mut self, number: i64) -> Answer<Option<Vec<u8>>> {
        while self.next.is_some_and(|next| next < number) {
            self.advance()?;
        }
        match self.rows.get().map(|row| row.get(1)) {
            Some(slices) if self.next == Some(number) => Ok(slices?),
            _ => Ok(None),
        }
    }

    fn advance(&mut self) -> Answer<()> {
        self.next = self.rows.next()?.map(|row| row.get(0)).transpose()?;
        Ok(())
    }
}

/// The series of one part.
struct Chosen {
    /// Place of the first of them.
    first: usize,
    /// Numbers of series from, to, both included.
    ranges: Vec<(i64, i64)>,
    places: HashMap<i64, usize>,
}

impl Chosen {
    fn new(series: &[Series], first: usize) -> Self {
        let places: HashMap<i64, usize> = (first..)
            .zip(series)
            .map(|(place, series)| (series.id(), place))
            .collect();
        let mut numbers: Vec<i64> = places.keys().copied().collect();
        numbers.sort_unstable();
        let ranges = match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if is_dense(*first, *last, numbers.len()) => vec![(*first, *last)],
            _ => numbers.into_iter().map(|number| (number, number)).collect(),
        };
        Self {
            first,
            ranges,
            places,
        }
    }

    fn place_of(&self, series: i64) -> Option<usize> {
        self.places.get(&series).copied()
    }
}

fn is_dense(first: i64, last: i64, number: usize) -> bool {
    usize::try_from(last - first).is_ok_and(|span| span < number.saturating_mul(DENSE))
}

/// The cells of the hours `slots`, of everybody; `None` if they are more than are kept in memory.
pub(super) fn shared(
    connection: &Connection,
    hours: &Hours,
    slots: Range<i64>,
) -> Answer<Option<Arc<SharedCells>>> {
    let as_of = hours.as_of();
    let series = select::series(connection, &everything())?;
    let most = hours::MOST / series.len().max(1);
    if usize::try_from(slots.end - slots.start).map_or(true, |slots| most < slots) {
        return Ok(None);
    }
    let of_slot = |slot| Ok((time_of(slot, HOUR), hours.of(connection, slot, as_of)?));
    let found = slots.clone().map(of_slot).collect::<Answer<Vec<_>>>()?;
    let series = series.into_iter().map(select::Series::into_parts);
    let shared = Arc::new(SharedCells::new(series.collect(), found));
    hours.share(slots, &shared, as_of);
    Ok(Some(shared))
}

/// How many results each hour that starts in `[from, to)` holds, ordered by (series, time).
pub(super) fn row_tallies(
    connection: &Connection,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Answer<Vec<RowTally>> {
    let wanted = slots(from, to, HOUR);
    let mut statement = connection
        .prepare_cached("SELECT id, [rows] FROM row_count WHERE id >= ?1 AND id < ?2 AND [rows] > 0")?;
    let mut rows = statement.query([number(wanted.start, 0), number(wanted.end, 0)])?;
    let mut found: HashMap<i64, Vec<(UnixTime, u64)>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (slot, series) = parts_of(row.get(0)?);
        let number = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        found
            .entry(series)
            .or_default()
            .push((time_of(slot, HOUR), number));
    }
    let tally = |(series, hours)| RowTally { series, hours };
    Ok(by_series(connection, source, found)?.map(tally).collect())
}

/// Of how many results each cell was made that starts in `[from, to)`, ordered by (series, time).
pub(super) fn cell_tallies(
    connection: &Connection,
    resolution: Resolution,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Answer<Vec<CellTally>> {
    let wanted = slots(from, to, resolution.length());
    let sql = format!(
        "SELECT id, [rows], rounds, rounds_suspect FROM {} WHERE id >= ?1 AND id < ?2",
        cells::table(resolution)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([number(wanted.start, 0), number(wanted.end, 0)])?;
    let mut found: HashMap<i64, Vec<CellCount>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (slot, series) = parts_of(row.get(0)?);
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        found.entry(series).or_default().push(CellCount {
            time: time_of(slot, resolution.length()),
            rows: number(row.get(1)?),
            rounds: number(row.get(2)?),
            rounds_suspect: number(row.get(3)?),
        });
    }
    let tally = |(series, cells)| CellTally { series, cells };
    Ok(by_series(connection, source, found)?.map(tally).collect())
}

/// What was found for each number of a series, in the order of the series.
fn by_series<T>(
    connection: &Connection,
    source: Option<&ProbeName>,
    mut found: HashMap<i64, Vec<T>>,
) -> Answer<impl Iterator<Item = (crate::store::cell::Series, Vec<T>)>> {
    let query = RowQuery {
        source: source.cloned(),
        ..everything()
    };
    let series = select::series(connection, &query)?;
    Ok(series
        .into_iter()
        .filter_map(move |series| Some((series.key().clone(), found.remove(&series.id())?))))
}

fn selection(query: &CellQuery) -> RowQuery {
    RowQuery {
        source: query.source.clone(),
        target: query.target.clone(),
        family: query.family,
        test: query.test.clone(),
        ..everything()
    }
}

const fn everything() -> RowQuery {
    RowQuery {
        source: None,
        target: None,
        family: None,
        test: None,
        from: UnixTime::from_ns(0),
        to: UnixTime::from_ns(i64::MAX),
        parts: Parts::NONE,
    }
}

/// The hour that is running at `time`, as a number without a series: what is smaller is older.
pub(super) fn first_number_of(time: UnixTime, resolution: Resolution) -> i64 {
    number(slot_of(time, resolution.length()), 0)
}
