//! From points to rows of the tables, field by field.

use std::collections::HashMap;
use std::fmt::Write as _;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Result, params};

use super::cells;
use crate::store::cell::{Resolution, StoredCell};
use crate::store::layout::{
    COLLECTOR_RUN_FIELDS, Field, MAINTENANCE_FIELDS, PLAN_VERSION_FIELDS, PROBE_RUN_FIELDS, RESULT_NUMBERS,
    RESULT_TEXTS,
};
use crate::store::point::{COLLECTOR_RUN, MAINTENANCE, PLAN_VERSION, PROBE_RUN, Point, Value};

/// Series that are remembered; beyond it the memory starts anew.
const REMEMBERED_SERIES: usize = 65_536;

/// Writes points inside a transaction.
#[derive(Debug)]
pub(super) struct Inserter {
    sql: Sql,
    series: HashMap<String, i64>,
}

/// The texts of the statements, made once.
#[derive(Debug)]
struct Sql {
    insert_numbers: String,
    insert_texts: String,
    update_numbers: String,
    update_texts: String,
    probe_run: String,
    collector_run: String,
    plan_version: String,
    maintenance: String,
}

impl Inserter {
    pub(super) fn new() -> Self {
        Self {
            sql: Sql {
                insert_numbers: insert("ping", &["series", "time", "status", "text"], RESULT_NUMBERS),
                insert_texts: insert("ping_text", &[], RESULT_TEXTS),
                update_numbers: update("ping", &["series", "time", "status"], RESULT_NUMBERS),
                update_texts: update("ping_text", &["id"], RESULT_TEXTS),
                probe_run: upsert("probe_run", &["source", "time"], PROBE_RUN_FIELDS),
                collector_run: upsert("collector_run", &["instance", "time"], COLLECTOR_RUN_FIELDS),
                plan_version: upsert("plan_version", &["probe", "time"], PLAN_VERSION_FIELDS),
                maintenance: upsert("maintenance", &["id", "time"], MAINTENANCE_FIELDS),
            },
            series: HashMap::new(),
        }
    }

    /// Forgets what a transaction that came to nothing may have numbered, or what was deleted since.
    pub(super) fn forget_series(&mut self) {
        self.series.clear();
    }

    /// Writes `point`: a new identity as it is, a known one field by field.
    pub(super) fn put(&mut self, connection: &Connection, point: &Point) -> Result<()> {
        match point.measurement {
            PROBE_RUN => put_ledger(connection, &self.sql.probe_run, "source", PROBE_RUN_FIELDS, point),
            COLLECTOR_RUN => put_ledger(
                connection,
                &self.sql.collector_run,
                "instance",
                COLLECTOR_RUN_FIELDS,
                point,
            ),
            PLAN_VERSION => put_ledger(
                connection,
                &self.sql.plan_version,
                "probe",
                PLAN_VERSION_FIELDS,
                point,
            ),
            MAINTENANCE => put_ledger(connection, &self.sql.maintenance, "id", MAINTENANCE_FIELDS, point),
            _ => self.put_result(connection, point),
        }
    }

    fn put_result(&mut self, connection: &Connection, point: &Point) -> Result<()> {
        let series = self.series_of(connection, point)?;
        let (time, status) = (point.time.as_ns(), tag(point, "status"));
        let known: Option<(i64, Option<i64>)> = connection
            .prepare_cached(
                "SELECT text, period_ns FROM ping WHERE series = ?1 AND time = ?2 AND status = ?3",
            )?
            .query(params![series, time, status])?
            .next()?
            .map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?)))
            .transpose()?;
        let period = period_of(point);
        let before = known.map(|(_, period_ns)| cells::Before { period_ns });
        cells::count_row(
            connection,
            series,
            point.time,
            period.or(before.and_then(|before| before.period_ns)),
            before,
        )?;
        if let Some((text, _)) = known {
            let mut texts = connection.prepare_cached(&self.sql.update_texts)?;
            texts.raw_bind_parameter(1, text)?;
            bind_fields(&mut texts, 2, RESULT_TEXTS, point)?;
            texts.raw_execute()?;
            let mut numbers = connection.prepare_cached(&self.sql.update_numbers)?;
            numbers.raw_bind_parameter(1, series)?;
            numbers.raw_bind_parameter(2, time)?;
            numbers.raw_bind_parameter(3, status)?;
            bind_fields(&mut numbers, 4, RESULT_NUMBERS, point)?;
            numbers.raw_execute()?;
        } else {
            let mut texts = connection.prepare_cached(&self.sql.insert_texts)?;
            bind_fields(&mut texts, 1, RESULT_TEXTS, point)?;
            texts.raw_execute()?;
            let mut numbers = connection.prepare_cached(&self.sql.insert_numbers)?;
            numbers.raw_bind_parameter(1, series)?;
            numbers.raw_bind_parameter(2, time)?;
            numbers.raw_bind_parameter(3, status)?;
            numbers.raw_bind_parameter(4, connection.last_insert_rowid())?;
            bind_fields(&mut numbers, 5, RESULT_NUMBERS, point)?;
            numbers.raw_execute()?;
        }
        Ok(())
    }

    /// The number of the point's series, a new one if it is new.
    fn series_of(&mut self, connection: &Connection, point: &Point) -> Result<i64> {
        let (source, target) = (tag(point, "source"), tag(point, "target"));
        let (family, test) = (tag(point, "family"), tag(point, "test"));
        let test = if test.is_empty() { "icmp" } else { test };
        self.series_number(connection, [source, target, family, test])
    }

    /// Writes a cell in the place of the one that was there.
    pub(super) fn put_cell(
        &mut self,
        connection: &Connection,
        resolution: Resolution,
        cell: &StoredCell,
    ) -> Result<()> {
        let (source, target) = (cell.source.as_str(), cell.target.as_str());
        let family = cell.family.to_string();
        let series = self.series_number(connection, [source, target, &family, cell.test.as_str()])?;
        cells::put(connection, resolution, series, cell)
    }

    fn series_number(
        &mut self,
        connection: &Connection,
        [source, target, family, test]: [&str; 4],
    ) -> Result<i64> {
        // Line feeds occur in no name.
        let key = format!("{source}\n{target}\n{family}\n{test}");
        if let Some(id) = self.series.get(&key) {
            return Ok(*id);
        }
        let family: i64 = if family == "6" { 6 } else { 4 };
        connection
            .prepare_cached(
                "INSERT INTO series (source, target, family, test) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?
            .execute(params![source, target, family, test])?;
        let id = connection
            .prepare_cached(
                "SELECT id FROM series WHERE source = ?1 AND target = ?2 AND family = ?3 AND test = ?4",
            )?
            .query_row(params![source, target, family, test], |row| row.get(0))?;
        if self.series.len() >= REMEMBERED_SERIES {
            self.series.clear();
        }
        self.series.insert(key, id);
        Ok(id)
    }
}

fn put_ledger(
    connection: &Connection,
    sql: &str,
    name: &str,
    columns: &[Field],
    point: &Point,
) -> Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.raw_bind_parameter(1, tag(point, name))?;
    statement.raw_bind_parameter(2, point.time.as_ns())?;
    bind_fields(&mut statement, 3, columns, point)?;
    statement.raw_execute()?;
    Ok(())
}

/// The tag called `name`; empty if the point has none.
fn tag<'a>(point: &'a Point, name: &str) -> &'a str {
    let found = point.tags.iter().find(|(tag, _)| *tag == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// Binds the fields of `point` that are `columns`, from parameter `first` on; both are sorted by name.
fn bind_fields(
    statement: &mut CachedStatement<'_>,
    first: usize,
    columns: &[Field],
    point: &Point,
) -> Result<()> {
    let mut fields = point.fields.iter().peekable();
    for (at, (column, _)) in (first..).zip(columns) {
        while fields.next_if(|(name, _)| name < column).is_some() {}
        match fields.next_if(|(name, _)| name == column) {
            Some((_, value)) => statement.raw_bind_parameter(at, output(value))?,
            None => statement.raw_bind_parameter(at, rusqlite::types::Null)?,
        }
    }
    Ok(())
}

fn output(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Integer(value) => ValueRef::Integer(*value),
        Value::Float(value) => ValueRef::Real(*value),
        Value::Boolean(value) => ValueRef::Integer(i64::from(*value)),
        Value::Text(value) => ValueRef::Text(value.as_bytes()),
    })
}

/// The period of a result, if its point has one.
fn period_of(point: &Point) -> Option<i64> {
    point.fields.iter().find_map(|(name, value)| match value {
        Value::Integer(period) if *name == "period_ns" => Some(*period),
        _ => None,
    })
}

/// A name of a column, of which some are words of SQL.
fn quoted(name: &str) -> String {
    format!("[{name}]")
}

/// `INSERT` of the key columns, then of the fields.
fn insert(table: &str, keys: &[&str], fields: &[Field]) -> String {
    let names: Vec<String> = keys
        .iter()
        .copied()
        .chain(fields.iter().map(|(name, _)| *name))
        .map(quoted)
        .collect();
    let places: Vec<String> = (1..=names.len()).map(|at| format!("?{at}")).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        names.join(", "),
        places.join(", ")
    )
}

/// `UPDATE` of the fields that are bound to something, in the row with these keys.
fn update(table: &str, keys: &[&str], fields: &[Field]) -> String {
    let mut sql = format!("UPDATE {table} SET ");
    for (at, (name, _)) in (0..).zip(fields) {
        let comma = if at == 0 { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            "{comma}[{name}] = coalesce(?{}, [{name}])",
            keys.len() + 1 + at
        );
    }
    let conditions: Vec<String> = (1..)
        .zip(keys)
        .map(|(at, key)| format!("{key} = ?{at}"))
        .collect();
    format!("{sql} WHERE {}", conditions.join(" AND "))
}

/// [`insert`], or for known keys the replacement of what is bound to something.
fn upsert(table: &str, keys: &[&str], fields: &[Field]) -> String {
    let replaced: Vec<String> = fields
        .iter()
        .map(|(name, _)| format!("[{name}] = coalesce(excluded.[{name}], [{name}])"))
        .collect();
    format!(
        "{} ON CONFLICT ({}) DO UPDATE SET {}",
        insert(table, keys, fields),
        keys.join(", "),
        replaced.join(", ")
    )
}
