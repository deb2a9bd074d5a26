//! The ledger's tables.

use std::fmt::Write as _;

use ippm::{ProbeName, UnixTime};
use rusqlite::{Connection, OptionalExtension, params};

use super::readers::Unreadable;
use super::select::{name, values};
use crate::store::layout::{Field, MAINTENANCE_FIELDS, PLAN_VERSION_FIELDS, PROBE_RUN_FIELDS};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};

type Answer<T> = Result<T, Unreadable>;

/// The rounds of `source`, or of all, in `[from, to)`, ordered by (source, time).
pub(super) fn probe_runs(
    connection: &Connection,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Answer<Vec<ProbeRun>> {
    let sources = match source {
        Some(source) => vec![source.clone()],
        None => sources(connection)?,
    };
    let sql = format!(
        "SELECT time{} FROM probe_run WHERE source = ?1 AND time >= ?2 AND time < ?3 ORDER BY time",
        columns(PROBE_RUN_FIELDS)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut runs = Vec::new();
    for source in sources {
        let mut rows = statement.query(params![source.as_str(), from.as_ns(), to.as_ns()])?;
        while let Some(row) = rows.next()? {
            let time = UnixTime::from_ns(row.get(0)?);
            let fields = values(row, 1, PROBE_RUN_FIELDS)?;
            runs.push(ProbeRun::from_stored(source.clone(), time, fields)?);
        }
    }
    Ok(runs)
}

/// Who reported when in `[from, to)`, ordered by (source, time).
pub(super) fn reported(
    connection: &Connection,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Answer<Vec<Reported>> {
    let sources = match source {
        Some(source) => vec![source.clone()],
        None => sources(connection)?,
    };
    let mut statement = connection.prepare_cached(
        "SELECT time, suspect IS NOT NULL FROM probe_run WHERE source = ?1 AND time >= ?2 AND time < ?3 ORDER BY time",
    )?;
    let mut reported = Vec::new();
    for source in sources {
        let mut rows = statement.query(params![source.as_str(), from.as_ns(), to.as_ns()])?;
        while let Some(row) = rows.next()? {
            reported.push(Reported {
                source: source.clone(),
                time: UnixTime::from_ns(row.get(0)?),
                is_suspect: row.get(1)?,
            });
        }
    }
    Ok(reported)
}

/// All sources of rounds: from one to the next, because ten years of rounds lie between them.
fn sources(connection: &Connection) -> Answer<Vec<ProbeName>> {
    let mut statement = connection
        .prepare_cached("SELECT source FROM probe_run WHERE source > ?1 ORDER BY source LIMIT 1")?;
    let mut sources: Vec<ProbeName> = Vec::new();
    while let Some(next) = statement
        .query_row([sources.last().map_or("", ProbeName::as_str)], |row| {
            Ok(name(row, 0))
        })
        .optional()?
    {
        sources.push(next?);
    }
    Ok(sources)
}

/// The beats in `[from, to)`, ordered by (time, instance).
pub(super) fn collector_runs(
    connection: &Connection,
    from: UnixTime,
    to: UnixTime,
) -> Answer<Vec<CollectorRun>> {
    let mut statement = connection.prepare_cached(
        "SELECT time, instance FROM collector_run WHERE time >= ?1 AND time < ?2 ORDER BY time, instance",
    )?;
    let mut rows = statement.query(params![from.as_ns(), to.as_ns()])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(CollectorRun {
            time: UnixTime::from_ns(row.get(0)?),
            instance: row.get(1)?,
        });
    }
    Ok(runs)
}

/// The versions of the plan of `probe`, or of all, before `to`, ordered by (probe, time).
pub(super) fn plan_versions(
    connection: &Connection,
    probe: Option<&ProbeName>,
    to: UnixTime,
) -> Answer<Vec<PlanVersion>> {
    let sql = format!(
        "SELECT probe, time{} FROM plan_version WHERE (?1 IS NULL OR probe = ?1) AND time < ?2 ORDER BY probe, time",
        columns(PLAN_VERSION_FIELDS)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![probe.map(ProbeName::as_str), to.as_ns()])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let time = UnixTime::from_ns(row.get(1)?);
        let fields = values(row, 2, PLAN_VERSION_FIELDS)?;
        versions.push(PlanVersion::from_stored(name(row, 0)?, time, fields)?);
    }
    Ok(versions)
}

/// The versions of announced work loaded before `to`, ordered by (id, time).
pub(super) fn maintenance_versions(connection: &Connection, to: UnixTime) -> Answer<Vec<MaintenanceVersion>> {
    let sql = format!(
        "SELECT id, time{} FROM maintenance WHERE time < ?1 ORDER BY id, time",
        columns(MAINTENANCE_FIELDS)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([to.as_ns()])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let time = UnixTime::from_ns(row.get(1)?);
        let fields = values(row, 2, MAINTENANCE_FIELDS)?;
        versions.push(MaintenanceVersion::from_stored(row.get(0)?, time, fields)?);
    }
    Ok(versions)
}

fn columns(fields: &[Field]) -> String {
    fields.iter().fold(String::new(), |mut sql, (name, _)| {
        // Writing to a String cannot fail.
        let _ = write!(sql, ", [{name}]");
        sql
    })
}
