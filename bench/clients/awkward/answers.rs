//! Answers to questions: nulls from the real server, and a page of a proxy.

use std::time::Duration;

use collector::store::influx::Influx;
use collector::store::query::RowQuery;
use collector::store::row::{Parts, Row};
use collector::store::{Entry, Report, Store, StoreError};
use influxdb2::models::Query;
use ippm::{Fate, Outcome, Packet, Sample, UnixTime};

use super::{Facts, outcome, quoted};
use crate::client::{self, options};
use crate::influxd::Influxd;
use crate::wire::{self, Canned, Tap, answer};
use crate::{load, reports};

const BUCKET: &str = "nulls";

pub(super) async fn run(influxd: &Influxd, facts: &mut Facts) {
    let store = client::store(&influxd.url(), BUCKET).await;
    let start = load::days_ago(2);
    store.append(&two_rounds(start)).await.expect("appended");
    let theirs = influxdb2::Client::new(influxd.url(), Influxd::ORG, Influxd::TOKEN);
    pivot(influxd, theirs.clone(), start, facts).await;
    aggregate(influxd, theirs, start, facts).await;
    html(start, facts).await;
}

/// A round with replies, and one without any, which has no field of a delay.
fn two_rounds(start: UnixTime) -> [Report; 2] {
    let of = |time| reports::report(&reports::body(0, time, 1), 0, time);
    let mut second = of(start.saturating_add(reports::PERIOD));
    for (_, entry) in &mut second.entries {
        let Entry::Native(measurement) = entry else {
            continue;
        };
        let Outcome::Measured(measured) = &mut measurement.outcome else {
            continue;
        };
        let lost = |second| Packet {
            departure: Duration::from_secs(second),
            fate: Fate::Lost,
            duplicates: 0,
            icmp_error: None,
        };
        let sample = Sample {
            round_start: second.run.time,
            packets: (0..280).map(lost).collect(),
        };
        measured.summary = sample.summary().expect("280 packets");
        measured.clock = None;
    }
    [of(start), second]
}

fn query(start: UnixTime, parts: Parts) -> RowQuery {
    RowQuery {
        source: Some(reports::name(0)),
        target: None,
        family: None,
        test: None,
        from: start,
        to: start.saturating_add(Duration::from_hours(1)),
        parts,
    }
}

/// The Flux that our store asks, with a null where a round has no delay.
async fn pivot(influxd: &Influxd, theirs: influxdb2::Client, start: UnixTime, facts: &mut Facts) {
    let tap = Tap::start(influxd.address()).await;
    let store = Influx::new(&options(&tap.url(), BUCKET)).expect("a store");
    let delays = Parts {
        delay: true,
        ..Parts::NONE
    };
    let ours = outcome(async move {
        told(store.rows(query(start, delays)).collect().await, |row| {
            row.delay.is_none()
        })
    })
    .await;
    let flux = wire::questions(&tap.take());
    let theirs = asked(theirs, flux).await;
    facts.tell(
        "a null in a pivoted answer: a round without a delay",
        ours,
        theirs,
    );
}

/// Windows without a point; our store never asks so, and is given the real answer as one of its own.
async fn aggregate(influxd: &Influxd, theirs: influxdb2::Client, start: UnixTime, facts: &mut Facts) {
    let flux = format!(
        "from(bucket: \"{BUCKET}\") |> range(start: time(v: {}), stop: time(v: {})) \
         |> filter(fn: (r) => r._measurement == \"Ping\" and r._field == \"period_ns\") \
         |> aggregateWindow(every: 1m, fn: max, createEmpty: true) |> rename(columns: {{_value: \"period_ns\"}})",
        start.as_ns(),
        start.saturating_add(reports::PERIOD * 2).as_ns()
    );
    let csv = influxd.query(&flux).await;
    let server = Canned::start(vec![answer(
        "200 OK",
        "Content-Type: text/csv; charset=utf-8\r\n",
        &csv,
    )])
    .await;
    let store = Influx::new(&options(&server.url(), BUCKET)).expect("a store");
    let ours = outcome(async move {
        told(store.rows(query(start, Parts::NONE)).collect().await, |row| {
            row.period.is_none()
        })
    })
    .await;
    let theirs = asked(theirs, vec![flux]).await;
    facts.tell("nulls of `aggregateWindow(createEmpty: true)`", ours, theirs);
}

async fn html(start: UnixTime, facts: &mut Facts) {
    let page = answer(
        "200 OK",
        "Content-Type: text/html\r\n",
        "<html><body><h1>502 Bad Gateway</h1></body></html>\n",
    );
    let server = Canned::start(vec![page]).await;
    let store = Influx::new(&options(&server.url(), BUCKET)).expect("a store");
    let ours = outcome(async move {
        match store.rows(query(start, Parts::NONE)).collect().await {
            Ok(rows) => format!("**wrong**: {} rows and no error", rows.len()),
            Err(error) => format!("refused: {}", quoted(&error.to_string())),
        }
    })
    .await;
    let client = influxdb2::Client::new(server.url(), Influxd::ORG, Influxd::TOKEN);
    let theirs = outcome(async move {
        match client
            .query_raw(Some(Query::new("from(bucket: \"b\")".to_owned())))
            .await
        {
            Ok(records) => format!("**wrong**: {} records and no error", records.len()),
            Err(error) => format!("refused: {}", quoted(&error.to_string())),
        }
    })
    .await;
    facts.tell("a page of HTML with status 200 for an answer", ours, theirs);
}

fn told(rows: Result<Vec<Row>, StoreError>, is_null: impl Fn(&Row) -> bool) -> String {
    match rows {
        Ok(rows) => {
            let nulls = rows.iter().filter(|row| is_null(row)).count();
            format!("ok: {} rows, {nulls} of them without a value", rows.len())
        }
        Err(error) => format!("refused: {}", quoted(&error.to_string())),
    }
}

async fn asked(client: influxdb2::Client, flux: Vec<String>) -> String {
    outcome(async move {
        let mut records = 0;
        for flux in flux {
            match client.query_raw(Some(Query::new(flux))).await {
                Ok(some) => records += some.len(),
                Err(error) => return format!("refused: {}", quoted(&error.to_string())),
            }
        }
        format!("ok: {records} records")
    })
    .await
}
