//! Hours and days: measurements of the same names in buckets of their own.

use std::collections::BTreeMap;

use ippm::UnixTime;

use super::answer;
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use super::rows::{Question, conditions, questions};
use super::series::{self, Identity, Span};
use crate::store::StoreError;
use crate::store::cell::{CellCount, CellQuery, CellTally, Resolution, Series, StoredCell};
use crate::store::layout::Field;
use crate::store::point::Value;
use crate::store::query::{AnswerSender, RowQuery};
use crate::store::row::Parts;
use crate::store::stored::cell::cell_fields;

/// Most series of one question times the hours that it spans: so many cells of an hour, 20 MB with their slices.
const QUESTION_SERIES_HOURS: u64 = 8192;

/// The field that every cell has.
const ANCHOR: [&str; 1] = ["rows"];

/// Of how many results a cell was made.
const COUNTS: [&str; 3] = ["rounds", "rounds_suspect", "rows"];

/// The bucket of the cells that belong to `bucket`.
pub(super) fn bucket_of(bucket: &str, resolution: Resolution) -> String {
    format!("{bucket}_{}", resolution.name())
}

/// Sends the cells of `query`, in order, until the reader is gone.
pub(super) async fn send(
    client: &Client,
    bucket: &str,
    query: CellQuery,
    cells: &AnswerSender<StoredCell>,
) -> Result<(), StoreError> {
    let bucket = bucket_of(bucket, query.resolution);
    let spans = series::list(client, &bucket, &selection(&query), &ANCHOR).await?;
    let spans: Vec<(Series, Span)> = spans.into_iter().collect();
    let wanted = cell_fields(query.parts);
    // A day of cells of days is one cell.
    let most =
        QUESTION_SERIES_HOURS * (query.resolution.length().as_secs() / Resolution::Hour.length().as_secs());
    for question in questions(&spans, most) {
        let found = ask(client, &bucket, &question, &wanted).await?;
        if cells.send(Ok(found)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The cells of one question, in order.
async fn ask(
    client: &Client,
    bucket: &str,
    question: &Question<'_>,
    wanted: &[Field],
) -> Result<Vec<StoredCell>, StoreError> {
    let mut flux = match clamp(question.from, question.to) {
        Some((from, to)) => Flux::from(bucket, from, to),
        None => return Ok(Vec::new()),
    };
    for condition in conditions(question) {
        flux = flux.filter(&condition);
    }
    let mut cells = Vec::new();
    read(client, flux, wanted, |series, time, fields| {
        let is_asked_for = question
            .series
            .binary_search_by(|(one, _)| one.cmp(&series))
            .is_ok();
        if is_asked_for {
            cells.push(StoredCell::from_stored(series, time, fields)?);
        }
        Ok(())
    })
    .await?;
    cells.sort_by_cached_key(|cell| (cell.series(), cell.time));
    Ok(cells)
}

/// Of how many results the cells that start in `[from, to)` were made, ordered by (series, time).
pub(super) async fn tallies(
    client: &Client,
    bucket: &str,
    resolution: Resolution,
    query: &RowQuery,
) -> Result<Vec<CellTally>, StoreError> {
    let Some((from, to)) = clamp(query.from, query.to) else {
        return Ok(Vec::new());
    };
    let mut flux = Flux::from(&bucket_of(bucket, resolution), from, to);
    for condition in series::conditions(query) {
        flux = flux.filter(&condition);
    }
    let wanted: Vec<Field> = cell_fields(crate::store::cell::CellParts::NUMBERS)
        .into_iter()
        .filter(|(name, _)| COUNTS.contains(name))
        .collect();
    let mut found: BTreeMap<Series, Vec<CellCount>> = BTreeMap::new();
    read(client, flux, &wanted, |series, time, fields| {
        let number = |name: &str| {
            let value = fields.iter().find(|(field, _)| *field == name);
            match value {
                Some((_, Value::Integer(number))) => u64::try_from(*number).unwrap_or(0),
                _ => 0,
            }
        };
        let count = CellCount {
            time,
            rows: number("rows"),
            rounds: number("rounds"),
            rounds_suspect: number("rounds_suspect"),
        };
        found.entry(series).or_default().push(count);
        Ok(())
    })
    .await?;
    let sorted = |mut cells: Vec<CellCount>| {
        cells.sort_unstable_by_key(|cell| cell.time);
        cells
    };
    Ok(found
        .into_iter()
        .map(|(series, cells)| CellTally {
            series,
            cells: sorted(cells),
        })
        .collect())
}

/// Takes each point of `flux` with the fields that are wanted.
async fn read(
    client: &Client,
    flux: Flux,
    wanted: &[Field],
    mut take: impl FnMut(Series, UnixTime, Vec<(&'static str, Value)>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let names = wanted.iter().map(|(name, _)| *name).collect();
    let flux = flux.filter(&Condition::Field(names)).pivot();
    let answer = client.query(flux.as_str()).await?;
    for table in answer::tables(&answer)? {
        let identity = Identity::of(&table);
        let columns: Vec<(usize, Field)> = wanted
            .iter()
            .filter_map(|field| Some((table.column(field.0)?, *field)))
            .collect();
        for record in &table.rows {
            let Some((key, _)) = identity.read(&table, record)? else {
                continue;
            };
            let mut fields = Vec::with_capacity(columns.len());
            for (column, (name, _)) in &columns {
                fields.extend(table.value(record, *column)?.map(|value| (*name, value)));
            }
            let time = key.time;
            take(Series::from(key), time, fields)?;
        }
    }
    Ok(())
}

fn selection(query: &CellQuery) -> RowQuery {
    RowQuery {
        source: query.source.clone(),
        target: query.target.clone(),
        family: query.family,
        test: query.test.clone(),
        from: query.from,
        to: query.to,
        parts: Parts::NONE,
    }
}
