//! Reading: rows a second of the same questions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::store::influx::Influx;
use collector::store::query::RowQuery;
use collector::store::row::Parts;
use collector::store::{Entry, Report, Store};
use influxdb2::models::Query;
use ippm::{Family, ProbeName, UnixTime};

use crate::client::{options, store};
use crate::influxd::Influxd;
use crate::wire::{self, Tap};
use crate::{Args, load, median, range, reports, usage};

const BUCKET: &str = "reading";
const DAY: Duration = Duration::from_hours(24);
/// Targets of the source that is asked for.
const TARGETS: usize = 29;
/// A period that does not divide an hour: results of such a test are counted point by point.
const ODD_PERIOD: Duration = Duration::from_secs(7);
/// The source of the test with it.
const ODD_SOURCE: usize = 1;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// A day of one source, with so many fields in each row.
    Pivoted(&'static str, Parts),
    /// A day of one field of one series, point by point.
    Raw,
}

const QUESTIONS: [Question; 3] = [
    Question::Pivoted(
        "one source, one day, 13 fields, pivoted",
        Parts {
            counts: true,
            ..Parts::NONE
        },
    ),
    Question::Pivoted("one source, one day, 3 fields, pivoted", Parts::NONE),
    Question::Raw,
];

/// One row of the table.
struct Row {
    question: Question,
    client: &'static str,
    requests: usize,
    answers: usize,
    rates: Vec<f64>,
    processor: Vec<f64>,
}

pub(crate) async fn run(args: &Args, influxd: &Influxd) {
    let ours = Arc::new(store(&influxd.url(), BUCKET).await);
    let day = load::days_ago(2);
    fill(&ours, day).await;
    // Without asking for compressed answers, which the feature for compressed writes brings along.
    let theirs = influxdb2::ClientBuilder::new(influxd.url(), Influxd::ORG, Influxd::TOKEN)
        .gzip(false)
        .build()
        .expect("a client");
    let mut rows = Vec::new();
    for question in QUESTIONS {
        let tap = Tap::start(influxd.address()).await;
        let listened = Influx::new(&options(&tap.url(), BUCKET)).expect("a store");
        let answers = question.ask(&listened, day).await;
        let flux = wire::questions(&tap.take());
        assert!(0 < answers && !flux.is_empty(), "{question:?}");
        rows.extend(["ours", "influxdb2"].map(|client| Row {
            question,
            client,
            requests: flux.len(),
            answers,
            rates: Vec::new(),
            processor: Vec::new(),
        }));
        for run in 0..args.runs {
            for turn in 0..2 {
                let is_ours = (run + turn) % 2 == 0;
                let (before, began) = (usage::read().0, Instant::now());
                for _ in 0..args.questions {
                    if is_ours {
                        assert_eq!(question.ask(&ours, day).await, answers);
                    } else {
                        // The questions for the series have answers too.
                        assert!(answers <= ask_theirs(&theirs, &flux).await);
                    }
                }
                let number = (answers * args.questions) as f64;
                let elapsed = began.elapsed().as_secs_f64();
                let processor = usage::read().0.saturating_sub(before).as_secs_f64() * 1e6;
                let at = rows.len() - if is_ours { 2 } else { 1 };
                rows[at].rates.push(number / elapsed);
                rows[at].processor.push(processor / number);
            }
        }
    }
    print(args, &rows);
}

impl Question {
    fn name(self) -> &'static str {
        match self {
            Self::Pivoted(name, _) => name,
            Self::Raw => "one series, one day, one field, not pivoted",
        }
    }

    /// Asks our store; how many rows or points it read.
    async fn ask(self, store: &Influx, day: UnixTime) -> usize {
        match self {
            Self::Pivoted(_, parts) => {
                let query = RowQuery {
                    source: Some(reports::name(0)),
                    target: None,
                    family: Some(Family::V4),
                    test: None,
                    from: day,
                    to: day.saturating_add(DAY),
                    parts,
                };
                let mut rows = store.rows(query);
                let mut number = 0;
                while let Some(row) = rows.next().await.expect("rows") {
                    std::hint::black_box(row);
                    number += 1;
                }
                number
            }
            Self::Raw => {
                let source: ProbeName = reports::name(ODD_SOURCE);
                let tallies = store.row_tallies(Some(&source), day, day.saturating_add(DAY));
                let tallies = tallies.await.expect("tallies");
                let hours = tallies.iter().flat_map(|tally| &tally.hours);
                usize::try_from(hours.map(|(_, count)| count).sum::<u64>()).expect("few")
            }
        }
    }
}

/// The same questions one after the other; how many records came.
async fn ask_theirs(client: &influxdb2::Client, flux: &[String]) -> usize {
    let mut number = 0;
    for flux in flux {
        let records = client
            .query_raw(Some(Query::new(flux.clone())))
            .await
            .expect("records");
        number += std::hint::black_box(records).len();
    }
    number
}

/// A day of one source with many targets, and of one series with a short period.
async fn fill(store: &Influx, day: UnixTime) {
    let rounds = (DAY.as_secs() / reports::PERIOD.as_secs()) as usize;
    let report = |round: usize| {
        let time = day
            .saturating_add(reports::PERIOD * load::number(round))
            .saturating_add(Duration::from_millis(17));
        reports::report(&reports::body(0, time, TARGETS), 0, time)
    };
    let reports: Vec<Report> = (0..rounds).map(report).collect();
    let odd = reports::report(&reports::body(ODD_SOURCE, day, 1), ODD_SOURCE, day);
    let odd = |round: u64| {
        let mut report = odd.clone();
        report.run.time = day.saturating_add(ODD_PERIOD * u32::try_from(round).expect("few"));
        for (_, entry) in &mut report.entries {
            if let Entry::Native(measurement) = entry {
                measurement.period = ODD_PERIOD;
            }
        }
        report
    };
    let odd: Vec<Report> = (0..DAY.as_secs() / ODD_PERIOD.as_secs()).map(odd).collect();
    for reports in [reports, odd] {
        for some in reports.chunks(500) {
            store.append(some).await.expect("appended");
        }
    }
}

fn print(args: &Args, rows: &[Row]) {
    println!(
        "## Reading\n\nEach question {} times a measurement, median of {} interleaved runs (lowest to highest).\n\
         influxdb2 is given the Flux that our store sent, question by question, and makes records of it; ours makes rows.\n",
        args.questions, args.runs
    );
    println!("| question | requests | rows | client | rows/s | CPU µs a row |\n|---|---|---|---|---|---|");
    for row in rows {
        let (least, most) = range(&row.rates);
        println!(
            "| {} | {} | {} | {} | {:.0} ({least:.0} to {most:.0}) | {:.2} |",
            row.question.name(),
            row.requests,
            row.answers,
            row.client,
            median(row.rates.clone()),
            median(row.processor.clone()),
        );
    }
    println!();
}
