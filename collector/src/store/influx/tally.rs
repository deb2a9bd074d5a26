//! How many results each hour holds.
//!
//! InfluxDB counts what lies in an hour; what belongs to an hour is decided by the slot, and therefore by the period
//! of the test. The two are the same for every period that divides an hour, which are all that plans have. A series
//! with another one is read result by result.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ippm::UnixTime;
use ippm::cell::HOUR;
use ippm::cell::row::hour_of;

use super::answer;
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use super::series::{self, Identity};
use crate::store::StoreError;
use crate::store::cell::{RowTally, Series};
use crate::store::point::Value;
use crate::store::query::RowQuery;

type Tallies = BTreeMap<Series, BTreeMap<UnixTime, u64>>;

/// How many results the hours that start in the time of `query` hold, ordered by series.
pub(super) async fn tallies(
    client: &Client,
    bucket: &str,
    query: &RowQuery,
) -> Result<Vec<RowTally>, StoreError> {
    let mut tallies = Tallies::new();
    if let Some((from, to)) = clamp(query.from, query.to) {
        let ours = [Condition::HasTag("family"), Condition::Field(vec!["measured"])];
        // Points of the original collector, which are told by what they lack.
        let original = [Condition::NoTag("family"), Condition::Field(vec!["loss"])];
        for kind in [ours, original] {
            let flux = question(bucket, from, to, query, &kind).count_hours();
            read(client, flux, |series, time, count| {
                let counts = tallies.entry(series).or_default();
                *counts.entry(time.floor(HOUR)).or_default() += u64::try_from(count).unwrap_or(0);
            })
            .await?;
        }
        for series in across_hours(client, bucket, query).await? {
            let counts = by_slot(client, bucket, query, &series).await?;
            tallies.insert(series, counts);
        }
    }
    Ok(tallies
        .into_iter()
        .map(|(series, hours)| RowTally {
            series,
            hours: hours.into_iter().collect(),
        })
        .filter(|tally| !tally.hours.is_empty())
        .collect())
}

/// The series with a period that does not divide an hour, or with more than one period.
async fn across_hours(
    client: &Client,
    bucket: &str,
    query: &RowQuery,
) -> Result<BTreeSet<Series>, StoreError> {
    let mut periods: BTreeMap<Series, BTreeSet<i64>> = BTreeMap::new();
    let Some((from, to)) = clamp(query.from, query.to.saturating_add(HOUR)) else {
        return Ok(BTreeSet::new());
    };
    let flux = question(bucket, from, to, query, &[period()]);
    for flux in [flux.clone().min(), flux.max()] {
        read(client, flux, |series, _, period| {
            periods.entry(series).or_default().insert(period);
        })
        .await?;
    }
    let hour = i64::try_from(HOUR.as_nanos()).unwrap_or(i64::MAX);
    periods.retain(|_, periods| {
        periods.len() > 1 || periods.iter().any(|period| *period < 1 || hour % period != 0)
    });
    Ok(periods.into_keys().collect())
}

/// The tally of one series, each result by the start of its slot.
async fn by_slot(
    client: &Client,
    bucket: &str,
    query: &RowQuery,
    series: &Series,
) -> Result<BTreeMap<UnixTime, u64>, StoreError> {
    let mut counts = BTreeMap::new();
    let query = RowQuery {
        source: Some(series.source.clone()),
        target: Some(series.target.clone()),
        family: Some(series.family),
        test: Some(series.test.clone()),
        ..query.clone()
    };
    // No slot is longer than an hour.
    let Some((from, to)) = clamp(query.from, query.to.saturating_add(HOUR)) else {
        return Ok(counts);
    };
    read(
        client,
        question(bucket, from, to, &query, &[period()]),
        |_, time, period| {
            let hour = hour_of(time, u64::try_from(period).ok().map(Duration::from_nanos));
            if query.from <= hour && hour < query.to {
                *counts.entry(hour).or_default() += 1;
            }
        },
    )
    .await?;
    Ok(counts)
}

fn period() -> Condition {
    Condition::Field(vec!["period_ns"])
}

fn question(bucket: &str, from: UnixTime, to: UnixTime, query: &RowQuery, more: &[Condition]) -> Flux {
    let flux = Flux::from(bucket, from, to);
    let conditions = series::conditions(query);
    conditions.iter().chain(more).fold(flux, Flux::filter)
}

/// Takes the series, the time and the value of each point of `flux`, whose values are whole numbers.
async fn read(
    client: &Client,
    flux: Flux,
    mut take: impl FnMut(Series, UnixTime, i64),
) -> Result<(), StoreError> {
    let columns = ["_time", "_value", "source", "target", "family", "test", "status"];
    let answer = client.query(flux.keep(&columns).group(&[]).as_str()).await?;
    for table in answer::tables(&answer)? {
        let identity = Identity::of(&table);
        let Some(value) = table.column("_value") else {
            continue;
        };
        for record in &table.rows {
            let Some((key, _)) = identity.read(&table, record)? else {
                continue;
            };
            if let Some(Value::Integer(value)) = table.value(record, value)? {
                let time = key.time;
                take(Series::from(key), time, value);
            }
        }
    }
    Ok(())
}
