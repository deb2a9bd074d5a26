//! The ledger back from InfluxDB.

use std::collections::BTreeSet;
use std::time::Duration;

use csv::StringRecord;
use ippm::{ProbeName, UnixTime};

use super::answer::{self, Table};
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use super::series::time;
use crate::store::StoreError;
use crate::store::layout::{
    COLLECTOR_RUN_FIELDS, Field, Kind, MAINTENANCE_FIELDS, PLAN_VERSION_FIELDS, PROBE_RUN_FIELDS,
};
use crate::store::ledger::{CollectorRun, MaintenanceVersion, PlanVersion, ProbeRun, Reported};
use crate::store::point::{COLLECTOR_RUN, MAINTENANCE, PLAN_VERSION, PROBE_RUN, Value};

/// Longest time of one question: 9216 rounds of a probe, or 276,480 beats of a collector.
const QUESTION: Duration = Duration::from_hours(32 * 24);

/// A question about all probes spans at most this.
const QUESTION_OF_ALL: Duration = Duration::from_hours(12);

/// The rounds of `source`, or of all, in `[from, to)`, ordered by (source, time).
pub(super) async fn probe_runs(
    client: &Client,
    bucket: &str,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Result<Vec<ProbeRun>, StoreError> {
    let rounds = rounds(client, bucket, source, (from, to), PROBE_RUN_FIELDS).await?;
    let run = |(source, entry): (ProbeName, Entry)| ProbeRun::from_stored(source, entry.time, entry.fields);
    rounds.into_iter().map(run).collect()
}

/// Who reported when in `[from, to)`, ordered by (source, time).
pub(super) async fn reported(
    client: &Client,
    bucket: &str,
    source: Option<&ProbeName>,
    from: UnixTime,
    to: UnixTime,
) -> Result<Vec<Reported>, StoreError> {
    let rounds = rounds(client, bucket, source, (from, to), REPORTED_FIELDS).await?;
    let reported = rounds.into_iter().map(|(source, entry)| Reported {
        source,
        time: entry.time,
        is_suspect: entry.fields.iter().any(|(name, _)| *name == "suspect"),
    });
    Ok(reported.collect())
}

/// What of a round tells that it was reported, and whether its probe doubted itself: the first is on every point.
const REPORTED_FIELDS: &[Field] = &[("results", Kind::Integer), ("suspect", Kind::Text)];

/// The rounds of `source`, or of all, in `[from, to)` with `fields`, ordered by (source, time).
async fn rounds(
    client: &Client,
    bucket: &str,
    source: Option<&ProbeName>,
    (from, to): (UnixTime, UnixTime),
    fields: &'static [Field],
) -> Result<Vec<(ProbeName, Entry)>, StoreError> {
    let step = if source.is_some() {
        QUESTION
    } else {
        QUESTION_OF_ALL
    };
    let measurement = Condition::Measurement(&[PROBE_RUN]);
    let mut rounds = Vec::new();
    for (from, to) in windows(client, bucket, measurement.clone(), from, to, step).await? {
        let mut flux = Flux::from(bucket, from, to).filter(&measurement);
        if let Some(source) = source {
            flux = flux.filter(&Condition::Tag("source", vec![source.to_string()]));
        }
        let names = fields.iter().map(|(name, _)| *name).collect();
        let flux = flux.filter(&Condition::Field(names)).pivot();
        for entry in entries(client, &flux, "source", fields).await? {
            if let Ok(source) = entry.name.parse() {
                rounds.push((source, entry));
            }
        }
    }
    rounds.sort_by(|(a, one), (b, other): &(ProbeName, Entry)| (a, one.time).cmp(&(b, other.time)));
    Ok(rounds)
}

/// The beats in `[from, to)`, ordered by (time, instance).
pub(super) async fn collector_runs(
    client: &Client,
    bucket: &str,
    from: UnixTime,
    to: UnixTime,
) -> Result<Vec<CollectorRun>, StoreError> {
    let mut runs = Vec::new();
    let measurement = Condition::Measurement(&[COLLECTOR_RUN]);
    for (from, to) in windows(client, bucket, measurement.clone(), from, to, QUESTION).await? {
        let flux = Flux::from(bucket, from, to)
            .filter(&measurement)
            .filter(&Condition::Field(
                COLLECTOR_RUN_FIELDS.iter().map(|(name, _)| *name).collect(),
            ))
            .keep(&["_time", "instance"])
            .group(&[]);
        for entry in entries(client, &flux, "instance", &[]).await? {
            runs.push(CollectorRun {
                instance: entry.name,
                time: entry.time,
            });
        }
    }
    runs.sort_by(|a, b| (a.time, &a.instance).cmp(&(b.time, &b.instance)));
    Ok(runs)
}

/// The versions of the plan of `probe`, or of all, before `to`, ordered by (probe, time).
pub(super) async fn plan_versions(
    client: &Client,
    bucket: &str,
    probe: Option<&ProbeName>,
    to: UnixTime,
) -> Result<Vec<PlanVersion>, StoreError> {
    let Some((from, to)) = clamp(UnixTime::from_ns(0), to) else {
        return Ok(Vec::new());
    };
    let mut flux = Flux::from(bucket, from, to).filter(&Condition::Measurement(&[PLAN_VERSION]));
    if let Some(probe) = probe {
        flux = flux.filter(&Condition::Tag("probe", vec![probe.to_string()]));
    }
    let names = PLAN_VERSION_FIELDS.iter().map(|(name, _)| *name).collect();
    let flux = flux.filter(&Condition::Field(names)).pivot();
    let mut versions = Vec::new();
    for entry in entries(client, &flux, "probe", PLAN_VERSION_FIELDS).await? {
        if let Ok(probe) = entry.name.parse() {
            versions.push(PlanVersion::from_stored(probe, entry.time, entry.fields)?);
        }
    }
    versions.sort_by(|a, b| (&a.probe, a.time).cmp(&(&b.probe, b.time)));
    Ok(versions)
}

/// The versions of announced work loaded before `to`, ordered by (id, time).
pub(super) async fn maintenance_versions(
    client: &Client,
    bucket: &str,
    to: UnixTime,
) -> Result<Vec<MaintenanceVersion>, StoreError> {
    let Some((from, to)) = clamp(UnixTime::from_ns(0), to) else {
        return Ok(Vec::new());
    };
    let names = MAINTENANCE_FIELDS.iter().map(|(name, _)| *name).collect();
    let flux = Flux::from(bucket, from, to)
        .filter(&Condition::Measurement(&[MAINTENANCE]))
        .filter(&Condition::Field(names))
        .pivot();
    let mut versions = Vec::new();
    for entry in entries(client, &flux, "id", MAINTENANCE_FIELDS).await? {
        versions.push(MaintenanceVersion::from_stored(
            entry.name,
            entry.time,
            entry.fields,
        )?);
    }
    versions.sort_by(|a, b| (&a.entry.id, a.entry.loaded).cmp(&(&b.entry.id, b.entry.loaded)));
    Ok(versions)
}

/// `[from, to)` in pieces of at most `step`; a longer time is first narrowed to where there is something.
async fn windows(
    client: &Client,
    bucket: &str,
    measurement: Condition,
    from: UnixTime,
    to: UnixTime,
    step: Duration,
) -> Result<Vec<(UnixTime, UnixTime)>, StoreError> {
    let Some((mut from, mut to)) = clamp(from, to) else {
        return Ok(Vec::new());
    };
    if to.since(from).is_some_and(|span| span > step) {
        let flux = Flux::from(bucket, from, to).filter(&measurement);
        let mut times = BTreeSet::new();
        for flux in [flux.clone().first(), flux.last()] {
            let flux = flux.keep(&["_time"]).group(&[]);
            let found = entries(client, &flux, "", &[]).await?;
            times.extend(found.into_iter().map(|entry| entry.time));
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Ok(Vec::new());
        };
        (from, to) = (*first, last.saturating_add(Duration::from_nanos(1)));
    }
    let mut windows = Vec::new();
    while from < to {
        let cut = from.saturating_add(step).min(to);
        windows.push((from, cut));
        from = cut;
    }
    Ok(windows)
}

/// One entry of an answer.
struct Entry {
    time: UnixTime,
    name: String,
    fields: Vec<(&'static str, Value)>,
}

/// The entries that `flux` finds: their time, the tag called `tag`, and their fields.
async fn entries(
    client: &Client,
    flux: &Flux,
    tag: &str,
    wanted: &[Field],
) -> Result<Vec<Entry>, StoreError> {
    let answer = client.query(flux.as_str()).await?;
    let mut entries = Vec::new();
    for table in answer::tables(&answer)? {
        let columns: Vec<(usize, &'static str)> = wanted
            .iter()
            .filter_map(|(name, _)| Some((table.column(name)?, *name)))
            .collect();
        for row in &table.rows {
            entries.push(entry(&table, row, tag, &columns)?);
        }
    }
    Ok(entries)
}

fn entry(
    table: &Table,
    row: &StringRecord,
    tag: &str,
    columns: &[(usize, &'static str)],
) -> Result<Entry, StoreError> {
    let text = |name| table.column(name).map_or("", |column| table.text(row, column));
    let mut fields = Vec::with_capacity(columns.len());
    for (column, name) in columns {
        fields.extend(table.value(row, *column)?.map(|value| (*name, value)));
    }
    Ok(Entry {
        time: time(text("_time"))?,
        name: text(tag).to_owned(),
        fields,
    })
}
