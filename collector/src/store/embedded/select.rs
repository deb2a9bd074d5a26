//! From rows of the tables back to what was measured.

use std::fmt::Write as _;

use ippm::{Family, ProbeName, TestName, UnixTime};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row as SqlRow, params};

use super::readers::Unreadable;
use crate::store::StoreError;
use crate::store::cell;
use crate::store::layout::{self, Field, Kind, RESULT_NUMBERS, RESULT_TEXTS};
use crate::store::point::{PING, Value};
use crate::store::query::RowQuery;
use crate::store::row::{Parts, Row};
use crate::store::stored::{RowKey, fields_of};

/// Most rows of one answer; a reader that is slow holds up nobody between two answers.
const CHUNK_ROWS: usize = 1024;

type Answer<T> = Result<T, Unreadable>;

/// What the rows of one (source, target, family, test) are numbered by.
#[derive(Debug, Clone)]
pub(super) struct Series {
    id: i64,
    key: cell::Series,
}

impl Series {
    /// The number.
    pub(super) const fn id(&self) -> i64 {
        self.id
    }

    /// What is numbered.
    pub(super) const fn key(&self) -> &cell::Series {
        &self.key
    }

    /// The number, and what it numbers.
    pub(super) fn into_parts(self) -> (i64, cell::Series) {
        (self.id, self.key)
    }
}

/// Where the next answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    series: usize,
    /// The last row that was given: its time and whether it was measured.
    after: Option<(i64, bool)>,
}

impl Place {
    /// The first row of all.
    pub(super) const START: Self = Self {
        series: 0,
        after: None,
    };
}

/// The series that `query` selects, in the order of their rows.
pub(super) fn series(connection: &Connection, query: &RowQuery) -> Answer<Vec<Series>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, source, target, family, test FROM series
         WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR target = ?2)
           AND (?3 IS NULL OR family = ?3) AND (?4 IS NULL OR test = ?4)
         ORDER BY source, target, family, test",
    )?;
    let mut rows = statement.query(params![
        query.source.as_ref().map(ProbeName::as_str),
        query.target.as_ref().map(ProbeName::as_str),
        query.family.map(Family::number),
        query.test.as_ref().map(TestName::as_str),
    ])?;
    let mut series = Vec::new();
    while let Some(row) = rows.next()? {
        let family: u8 = row.get(3)?;
        let key = cell::Series {
            source: name(row, 1)?,
            target: name(row, 2)?,
            family: if family == 6 { Family::V6 } else { Family::V4 },
            test: name(row, 4)?,
        };
        series.push(Series { id: row.get(0)?, key });
    }
    Ok(series)
}

/// The next rows of `series` from `place` on, and where those after them begin; `None` at the end.
pub(super) fn rows(
    connection: &Connection,
    series: &[Series],
    query: &RowQuery,
    mut place: Place,
) -> Answer<(Vec<Row>, Option<Place>)> {
    let columns = Columns::of(query.parts);
    // `ok` comes before `unmeasured`.
    let sql = columns.select(
        "p.series = ?1 AND p.time >= ?2 AND p.time < ?3 AND (p.time, p.status) > (?4, ?5)
         ORDER BY p.time, p.status LIMIT ?6",
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    while let Some(one) = series.get(place.series) {
        let wanted = CHUNK_ROWS - found.len();
        if wanted == 0 {
            return Ok((found, Some(place)));
        }
        let before = found.len();
        let (after_time, after_status) = match place.after {
            Some((time, true)) => (time, "ok"),
            Some((time, false)) => (time, "unmeasured"),
            None => (i64::MIN, ""),
        };
        let limit = i64::try_from(wanted).unwrap_or(i64::MAX);
        let mut rows = statement.query(params![
            one.id,
            query.from.as_ns(),
            query.to.as_ns(),
            after_time,
            after_status,
            limit
        ])?;
        while let Some(row) = rows.next()? {
            found.push(columns.read(row, one, query.parts)?);
        }
        if found.len() - before < wanted {
            place = Place {
                series: place.series + 1,
                after: None,
            };
        } else if let Some(last) = found.last() {
            place.after = Some((last.time.as_ns(), last.measured));
        }
    }
    Ok((found, None))
}

/// The rows of each of `series`, and the latest one not before `since` of those of which none was measured. For a time
/// with few rows: the answer is whole.
pub(super) fn lately(
    connection: &Connection,
    series: &[Series],
    query: &RowQuery,
    since: UnixTime,
) -> Answer<Vec<Row>> {
    let columns = Columns::of(query.parts);
    let sql = columns.select("p.series = ?1 AND p.time >= ?2 AND p.time < ?3 ORDER BY p.time, p.status");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for one in series {
        let first = found.len();
        let mut rows = statement.query(params![one.id, query.from.as_ns(), query.to.as_ns()])?;
        while let Some(row) = rows.next()? {
            found.push(columns.read(row, one, query.parts)?);
        }
        if found[first..].iter().any(|row: &Row| row.measured) {
            continue;
        }
        let latest = latest(connection, std::slice::from_ref(one), since, query.parts)?;
        for row in latest {
            if row.time < query.from {
                found.insert(first, row);
            } else if query.to <= row.time {
                found.push(row);
            }
        }
    }
    Ok(found)
}

/// The last row of each of `series` not before `since`.
pub(super) fn latest(
    connection: &Connection,
    series: &[Series],
    since: UnixTime,
    parts: Parts,
) -> Answer<Vec<Row>> {
    let columns = Columns::of(parts);
    let sql = columns.select("p.series = ?1 AND p.time >= ?2 ORDER BY p.time DESC, p.status LIMIT 1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    for one in series {
        let mut rows = statement.query(params![one.id, since.as_ns()])?;
        if let Some(row) = rows.next()? {
            found.push(columns.read(row, one, parts)?);
        }
    }
    Ok(found)
}

/// The names of all sources and targets with a row since `since`, sorted.
pub(super) fn names(connection: &Connection, since: UnixTime) -> Answer<Vec<ProbeName>> {
    let mut statement = connection.prepare_cached(
        "WITH recent AS (
             SELECT source, target FROM series
             WHERE EXISTS (SELECT 1 FROM ping WHERE ping.series = series.id AND ping.time >= ?1))
         SELECT source FROM recent UNION SELECT target FROM recent ORDER BY 1",
    )?;
    let mut rows = statement.query([since.as_ns()])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.push(name(row, 0)?);
    }
    Ok(names)
}

/// The columns that some parts of a row lie in.
struct Columns(Vec<Field>);

/// Columns before the fields: time and status.
const KEYS: usize = 2;

impl Columns {
    fn of(parts: Parts) -> Self {
        let wanted = fields_of(parts);
        Self(
            wanted
                .iter()
                .filter_map(|name| layout::field(PING, name))
                .collect(),
        )
    }

    /// The texts are looked at only if one of them is wanted.
    fn select(&self, condition: &str) -> String {
        let mut sql = "SELECT p.time, p.status".to_owned();
        for (name, _) in &self.0 {
            let table = if RESULT_NUMBERS.iter().any(|(number, _)| number == name) {
                "p"
            } else {
                "t"
            };
            // Writing to a String cannot fail.
            let _ = write!(sql, ", {table}.{name}");
        }
        sql += " FROM ping p";
        let is_text = |name: &str| RESULT_TEXTS.iter().any(|(text, _)| *text == name);
        if self.0.iter().any(|(name, _)| is_text(name)) {
            sql += " LEFT JOIN ping_text t ON t.id = p.text";
        }
        sql + " WHERE " + condition
    }

    fn read(&self, row: &SqlRow<'_>, series: &Series, parts: Parts) -> Answer<Row> {
        let key = RowKey {
            source: series.key.source.clone(),
            target: series.key.target.clone(),
            family: Some(series.key.family),
            test: Some(series.key.test.clone()),
            time: UnixTime::from_ns(row.get(0)?),
        };
        Ok(Row::from_stored(key, values(row, KEYS, &self.0)?, parts)?)
    }
}

/// The fields that lie in the columns from `first` on; what is null is absent.
pub(super) fn values(row: &SqlRow<'_>, first: usize, fields: &[Field]) -> Answer<Vec<(&'static str, Value)>> {
    let mut values = Vec::with_capacity(fields.len());
    for (at, (name, kind)) in (first..).zip(fields) {
        let value = match (row.get_ref(at)?, kind) {
            (ValueRef::Null, _) => continue,
            (ValueRef::Integer(value), Kind::Boolean) => Value::Boolean(value != 0),
            (ValueRef::Integer(value), _) => Value::Integer(value),
            (ValueRef::Real(value), _) => Value::Float(value),
            (ValueRef::Text(text) | ValueRef::Blob(text), _) => {
                Value::Text(String::from_utf8_lossy(text).into_owned())
            }
        };
        values.push((*name, value));
    }
    Ok(values)
}

/// The name in a column.
pub(super) fn name<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &SqlRow<'_>,
    column: usize,
) -> Answer<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: T::Err| {
        Unreadable::Content(StoreError::Unreadable {
            reason: format!("a stored name: {error}"),
        })
    })
}
