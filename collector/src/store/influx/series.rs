//! Which results there are: the series of a bucket, and the time that each spans.

use std::collections::BTreeMap;

use csv::StringRecord;
use ippm::{Family, TestName, UnixTime};
use jiff::Timestamp;

use super::answer::{self, Table};
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use crate::store::StoreError;
use crate::store::cell::Series;
use crate::store::point::{PING, PING_TEST, STATUS_UNMEASURED};
use crate::store::query::RowQuery;
use crate::store::stored::RowKey;

/// The fields of which one is on every point: `measured` on ours, `loss` on those of the original collector.
pub(super) const ANCHORS: [&str; 2] = ["loss", "measured"];

/// From the first to the last point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: UnixTime,
    pub(super) last: UnixTime,
    /// Whether there is a measured point at `last`; it stands before a marker of the same time.
    pub(super) last_is_measured: bool,
}

/// The conditions of `query` that a tag can answer.
pub(super) fn conditions(query: &RowQuery) -> Vec<Condition> {
    let mut conditions = vec![Condition::Measurement(match &query.test {
        None => &[PING, PING_TEST],
        Some(test) if test.is_icmp() => &[PING],
        Some(_) => &[PING_TEST],
    })];
    if let Some(source) = &query.source {
        conditions.push(Condition::Tag("source", vec![source.to_string()]));
    }
    if let Some(target) = &query.target {
        conditions.push(Condition::Tag("target", vec![target.to_string()]));
    }
    conditions.extend(query.family.map(of_family));
    conditions.extend(query.test.as_ref().and_then(of_test));
    conditions
}

/// A point without family was written by the original collector, which knew IPv4 alone.
pub(super) fn of_family(family: Family) -> Condition {
    match family {
        Family::V4 => Condition::TagOrNone("family", "4".to_owned()),
        Family::V6 => Condition::Tag("family", vec!["6".to_owned()]),
    }
}

/// The default test is told by its measurement, and has no tag.
pub(super) fn of_test(test: &TestName) -> Option<Condition> {
    (!test.is_icmp()).then(|| Condition::Tag("test", vec![test.to_string()]))
}

/// The series that `query` selects, with their spans inside its time.
///
/// One of `anchors` is on every point. Two questions, which InfluxDB answers from one block of each series.
pub(super) async fn list(
    client: &Client,
    bucket: &str,
    query: &RowQuery,
    anchors: &[&'static str],
) -> Result<BTreeMap<Series, Span>, StoreError> {
    let mut spans = BTreeMap::new();
    let Some((from, to)) = clamp(query.from, query.to) else {
        return Ok(spans);
    };
    let mut flux = Flux::from(bucket, from, to);
    for condition in conditions(query) {
        flux = flux.filter(&condition);
    }
    let flux = flux.filter(&Condition::Field(anchors.to_vec()));
    let columns = ["_time", "source", "target", "family", "test", "status"];
    for flux in [flux.clone().first(), flux.last()] {
        let answer = client.query(flux.keep(&columns).group(&[]).as_str()).await?;
        for table in answer::tables(&answer)? {
            let identity = Identity::of(&table);
            for row in &table.rows {
                if let Some((key, is_measured)) = identity.read(&table, row)? {
                    extend(&mut spans, key, is_measured);
                }
            }
        }
    }
    Ok(spans)
}

fn extend(spans: &mut BTreeMap<Series, Span>, key: RowKey, is_measured: bool) {
    let time = key.time;
    let span = spans.entry(Series::from(key)).or_insert(Span {
        first: time,
        last: time,
        last_is_measured: is_measured,
    });
    span.first = span.first.min(time);
    if time > span.last {
        (span.last, span.last_is_measured) = (time, is_measured);
    } else if time == span.last {
        span.last_is_measured |= is_measured;
    }
}

impl From<RowKey> for Series {
    fn from(key: RowKey) -> Self {
        Self {
            source: key.source,
            target: key.target,
            family: key.family.unwrap_or(Family::V4),
            test: key.test.unwrap_or_else(TestName::icmp),
        }
    }
}

/// Where in a table the identity of a result lies.
pub(super) struct Identity {
    time: Option<usize>,
    source: Option<usize>,
    target: Option<usize>,
    family: Option<usize>,
    test: Option<usize>,
    status: Option<usize>,
}

impl Identity {
    pub(super) fn of(table: &Table) -> Self {
        Self {
            time: table.column("_time"),
            source: table.column("source"),
            target: table.column("target"),
            family: table.column("family"),
            test: table.column("test"),
            status: table.column("status"),
        }
    }

    /// The identity of a row, and whether it was measured; `None` for a point that no probe of ours, nor one of
    /// the original's with a name that we take, can have sent.
    pub(super) fn read(
        &self,
        table: &Table,
        row: &StringRecord,
    ) -> Result<Option<(RowKey, bool)>, StoreError> {
        let cell = |column: Option<usize>| column.map_or("", |column| table.text(row, column));
        let time = time(cell(self.time))?;
        let family = match cell(self.family) {
            "" => None,
            "4" => Some(Family::V4),
            "6" => Some(Family::V6),
            _ => return Ok(None),
        };
        let test = match cell(self.test) {
            "" => None,
            test => match test.parse() {
                Ok(test) => Some(test),
                Err(_) => return Ok(None),
            },
        };
        let (Ok(source), Ok(target)) = (cell(self.source).parse(), cell(self.target).parse()) else {
            return Ok(None);
        };
        let key = RowKey {
            source,
            target,
            family,
            test,
            time,
        };
        Ok(Some((key, cell(self.status) != STATUS_UNMEASURED)))
    }
}

/// A time as InfluxDB writes it.
pub(super) fn time(text: &str) -> Result<UnixTime, StoreError> {
    let parsed: Option<Timestamp> = text.parse().ok();
    let ns = parsed.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    ns.map(UnixTime::from_ns).ok_or_else(|| StoreError::Unreadable {
        reason: format!("InfluxDB: a time is {text:?}"),
    })
}
