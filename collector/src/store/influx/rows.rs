//! Results back from InfluxDB: question by question, so that neither it nor we hold a month in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::UnixTime;

use super::answer;
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use super::series::{self, ANCHORS, Identity, Span, of_family, of_test};
use crate::store::StoreError;
use crate::store::cell::Series;
use crate::store::layout::{self, Field};
use crate::store::point::{PING, PING_TEST};
use crate::store::query::{AnswerSender, RowQuery};
use crate::store::row::{Parts, Row};
use crate::store::stored::fields_of;

/// Most series of one question times the hours that it spans: at one result in five minutes 2304 rows.
const QUESTION_SERIES_HOURS: u64 = 192;

/// Most series of one question, so that it does not grow without end.
const QUESTION_SERIES: usize = 256;

const HOUR: Duration = Duration::from_hours(1);

/// Sends the rows of `query`, in order, until the reader is gone.
pub(super) async fn send(
    client: &Client,
    bucket: &str,
    query: RowQuery,
    rows: &AnswerSender<Row>,
) -> Result<(), StoreError> {
    let spans: Vec<(Series, Span)> = series::list(client, bucket, &query, &ANCHORS)
        .await?
        .into_iter()
        .collect();
    for question in questions(&spans, QUESTION_SERIES_HOURS) {
        let found = ask(client, bucket, &question, query.parts).await?;
        if rows.send(Ok(found)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The last row of each series of `query`: the fields at its last time, whatever earlier points have.
pub(super) async fn latest(client: &Client, bucket: &str, query: &RowQuery) -> Result<Vec<Row>, StoreError> {
    let spans = series::list(client, bucket, query, &ANCHORS).await?;
    // The results of one round have one time, so that there are few questions for many targets.
    let mut rounds: BTreeMap<(_, UnixTime), Vec<(Series, Span)>> = BTreeMap::new();
    for (series, span) in &spans {
        rounds
            .entry((series.source.clone(), span.last))
            .or_default()
            .push((series.clone(), *span));
    }
    let mut rows = Vec::with_capacity(spans.len());
    for ((_, time), of_round) in rounds {
        for some in of_round.chunks(QUESTION_SERIES) {
            let question = Question {
                series: some,
                from: time,
                to: time.saturating_add(Duration::from_nanos(1)),
            };
            let found = ask(client, bucket, &question, query.parts).await?;
            // A marker of the same time comes after the measured row.
            rows.extend(found.into_iter().filter(|row| {
                let span = spans.get(&row.series());
                span.is_some_and(|span| span.last_is_measured == row.measured)
            }));
        }
    }
    rows.sort_by_cached_key(Row::series);
    Ok(rows)
}

/// Neighbors in the order of the rows, all of one source, and a time.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) series: &'a [(Series, Span)],
    pub(super) from: UnixTime,
    pub(super) to: UnixTime,
}

/// Questions whose answers, one after the other, are the rows in their order; `most` series times the hours that it
/// spans for each of them.
pub(super) fn questions(spans: &[(Series, Span)], most: u64) -> Vec<Question<'_>> {
    let mut questions = Vec::new();
    for of_source in spans.chunk_by(|(a, _), (b, _)| a.source == b.source) {
        let mut rest = of_source;
        while !rest.is_empty() {
            let number = series_of_one_question(rest, most);
            let (some, others) = rest.split_at(number);
            rest = others;
            let (mut from, to) = window(some);
            while from < to {
                // Only a single series is cut in time: the rows of several would not be in order.
                let cut = if number == 1 {
                    let hours = u32::try_from(most).unwrap_or(u32::MAX);
                    from.saturating_add(HOUR * hours).min(to)
                } else {
                    to
                };
                questions.push(Question {
                    series: some,
                    from,
                    to: cut,
                });
                from = cut;
            }
        }
    }
    questions
}

/// How many of the first series one question can ask for.
fn series_of_one_question(spans: &[(Series, Span)], most: u64) -> usize {
    let fits = |number: &usize| {
        let (from, to) = window(&spans[..*number]);
        let hours = to
            .since(from)
            .map_or(0, |span| span.as_secs().div_ceil(HOUR.as_secs()));
        (*number as u64).saturating_mul(hours) <= most
    };
    (2..=spans.len().min(QUESTION_SERIES))
        .take_while(fits)
        .last()
        .unwrap_or(1)
}

/// From the first point of all to after the last.
fn window(spans: &[(Series, Span)]) -> (UnixTime, UnixTime) {
    let first = spans.iter().map(|(_, span)| span.first).min();
    let last = spans.iter().map(|(_, span)| span.last).max();
    let epoch = UnixTime::from_ns(0);
    (
        first.unwrap_or(epoch),
        last.map_or(epoch, |last| last.saturating_add(Duration::from_nanos(1))),
    )
}

/// The rows of one question, in order.
async fn ask(
    client: &Client,
    bucket: &str,
    question: &Question<'_>,
    parts: Parts,
) -> Result<Vec<Row>, StoreError> {
    let Some((from, to)) = clamp(question.from, question.to) else {
        return Ok(Vec::new());
    };
    let mut flux = Flux::from(bucket, from, to);
    for condition in conditions(question) {
        flux = flux.filter(&condition);
    }
    let wanted: Vec<Field> = fields_of(parts)
        .into_iter()
        .filter_map(|name| layout::field(PING, name))
        .collect();
    let names = wanted.iter().map(|(name, _)| *name).collect();
    let flux = flux.filter(&Condition::Field(names)).pivot();
    let answer = client.query(flux.as_str()).await?;
    let mut rows = read(&answer, &wanted, parts)?;
    rows.retain(|row| {
        let series = row.series();
        question
            .series
            .binary_search_by(|(one, _)| one.cmp(&series))
            .is_ok()
    });
    rows.sort_by_cached_key(|row| (row.series(), row.time, !row.measured));
    Ok(rows)
}

pub(super) fn conditions(question: &Question<'_>) -> Vec<Condition> {
    let of = || question.series.iter().map(|(series, _)| series);
    let Some(first) = of().next() else {
        return Vec::new();
    };
    let measurements: &[&str] = if of().all(|series| series.test.is_icmp()) {
        &[PING]
    } else if of().any(|series| series.test.is_icmp()) {
        &[PING, PING_TEST]
    } else {
        &[PING_TEST]
    };
    let mut targets: Vec<String> = of().map(|series| series.target.to_string()).collect();
    targets.dedup();
    let mut conditions = vec![
        Condition::Measurement(measurements),
        Condition::Tag("source", vec![first.source.to_string()]),
        Condition::Tag("target", targets),
    ];
    if of().all(|series| series.family == first.family) {
        conditions.push(of_family(first.family));
    }
    if of().all(|series| series.test == first.test) {
        conditions.extend(of_test(&first.test));
    }
    conditions
}

fn read(answer: &[u8], wanted: &[Field], parts: Parts) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for table in answer::tables(answer)? {
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
            rows.push(Row::from_stored(key, fields, parts)?);
        }
    }
    Ok(rows)
}
