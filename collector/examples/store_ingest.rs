//! Results per second that both stores make durable, beside the same lines written straight to InfluxDB.
//!
//! `INFLUXDB_URL=http://127.0.0.1:8086 INFLUXDB_ORG=… INFLUXDB_TOKEN=… cargo run --release --example store_ingest`;
//! without these variables only the embedded store is measured. Medians of five interleaved runs.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use collector::store::embedded::{self, Embedded};
use collector::store::influx::setup::Retention;
use collector::store::influx::{self, Influx, line};
use collector::store::ledger::ProbeRun;
use collector::store::point::points_of;
use collector::store::{Entry, Report, Store};
use ippm::{Family, Fate, Measured, Measurement, Outcome, Packet, Params, Rtt, Sample, TestName, UnixTime};
use tokio::task::JoinSet;
use tokio::time::Instant;

type Fault = Box<dyn Error + Send + Sync>;

/// Callers at a time, as a collector has behind its queue.
const CALLERS: usize = 8;
const RUNS: usize = 5;
const RUN: Duration = Duration::from_secs(3);

#[derive(Clone)]
enum Way {
    Through(Arc<dyn Store>),
    Straight {
        http: reqwest::Client,
        url: reqwest::Url,
        token: String,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Fault> {
    let folder = std::env::temp_dir().join(format!("ixpqos-store-ingest-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let mut ways: Vec<(&str, Way)> = Vec::new();
    let path = folder.join("store.sqlite");
    let embedded = Embedded::open(&embedded::Options {
        path,
        legacy_family: Family::V4,
    })?;
    ways.push(("embedded", Way::Through(Arc::new(embedded))));
    if let (Ok(url), Ok(org), Ok(token)) = (
        std::env::var("INFLUXDB_URL"),
        std::env::var("INFLUXDB_ORG"),
        std::env::var("INFLUXDB_TOKEN"),
    ) {
        for (name, gzip) in [("influx, gzip", true), ("influx, plain", false)] {
            let store = Influx::new(&influx::Options {
                url: url.clone(),
                org: org.clone(),
                bucket: "ingest".to_owned(),
                token: token.clone().into(),
                ca: None,
                legacy_family: Family::V4,
                connect_limit: Duration::from_secs(5),
                request_limit: Duration::from_secs(30),
                append_limit: Duration::from_mins(1),
                concurrency: CALLERS,
                gzip,
            })?;
            store.setup(&Retention::DEFAULT).await?;
            ways.push((name, Way::Through(Arc::new(store))));
        }
        let mut write = reqwest::Url::parse(&url)?.join("/api/v2/write")?;
        write.query_pairs_mut().extend_pairs([
            ("org", org.as_str()),
            ("bucket", "ingest"),
            ("precision", "ns"),
        ]);
        let http = reqwest::Client::builder().no_proxy().build()?;
        ways.push((
            "straight",
            Way::Straight {
                http,
                url: write,
                token,
            },
        ));
    }
    let clock = Arc::new(AtomicI64::new(jiff::Timestamp::now().as_second() - 30 * 86_400));
    let mut out = std::io::stdout();
    for results in [50, 1000] {
        let mut rates = vec![Vec::new(); ways.len()];
        let mut waits = vec![Vec::new(); ways.len()];
        for _ in 0..RUNS {
            for (number, (_, way)) in ways.iter().enumerate() {
                let (rate, wait) = run(way, results, &clock).await?;
                rates[number].push(rate);
                waits[number].push(wait);
            }
        }
        for ((name, _), (rates, waits)) in ways.iter().zip(rates.iter_mut().zip(&mut waits)) {
            rates.sort_unstable();
            waits.sort_unstable();
            let (rate, wait) = (rates[RUNS / 2], waits[RUNS / 2]);
            writeln!(
                out,
                "{name:15} {results:5} a post {rate:8} results/s  p99 {wait:?}"
            )?;
        }
    }
    drop(ways);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Results per second, and the 99th percentile of the time of one append.
async fn run(way: &Way, results: usize, clock: &Arc<AtomicI64>) -> Result<(u64, Duration), Fault> {
    let begin = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (way, clock) = (way.clone(), Arc::clone(clock));
        callers.spawn(async move {
            let template = report(caller, results)?;
            let mut waits = Vec::new();
            while begin.elapsed() < RUN {
                let mut report = template.clone();
                report.run.time = UnixTime::from_ns(clock.fetch_add(1, Ordering::Relaxed) * 1_000_000_000);
                let sent = Instant::now();
                append(&way, report).await?;
                waits.push(sent.elapsed());
            }
            Ok::<_, Fault>(waits)
        });
    }
    let mut waits = Vec::new();
    while let Some(caller) = callers.join_next().await {
        waits.extend(caller??);
    }
    waits.sort_unstable();
    let appended = u128::try_from(waits.len() * results)?;
    let rate = u64::try_from(appended * 1000 / begin.elapsed().as_millis().max(1))?;
    Ok((rate, waits[waits.len() * 99 / 100]))
}

async fn append(way: &Way, report: Report) -> Result<(), Fault> {
    match way {
        Way::Through(store) => {
            store.append(&[report]).await?;
        }
        Way::Straight { http, url, token } => {
            let mut lines = String::new();
            for point in &points_of(&report, Family::V4)[..report.entries.len()] {
                line::push(&mut lines, point)?;
            }
            let request = http
                .post(url.clone())
                .header("authorization", format!("Token {token}"));
            request.body(lines).send().await?.error_for_status()?;
        }
    }
    Ok(())
}

/// A round of 280 packets to each of `results` targets, one lost: all the fields that there are.
fn report(caller: usize, results: usize) -> Result<Report, Fault> {
    let time = UnixTime::from_ns(0);
    let packets = (0..280_u64).map(|second| Packet {
        departure: Duration::from_secs(second),
        fate: if second == 77 {
            Fate::Lost
        } else {
            Fate::Returned {
                rtt: Some(Rtt::from_ns(800_000 + second * second * 37 % 90_000)),
                arrival: Duration::from_secs(second) + Duration::from_micros(900),
                hop_limit: Some(64),
                dscp: None,
            }
        },
        duplicates: 0,
        icmp_error: None,
    });
    let sample = Sample {
        round_start: time,
        packets: packets.collect(),
    };
    let summary = sample.summary().ok_or("an empty sample")?;
    let mut entries = Vec::new();
    for index in 0..results {
        entries.push((
            index,
            Entry::Native(Measurement {
                test: TestName::icmp(),
                kind: "icmp".parse()?,
                target: format!("target{index}").parse()?,
                family: Family::V4,
                period: Duration::from_mins(5),
                outcome: Outcome::Measured(Box::new(Measured {
                    address: "192.0.2.10".parse()?,
                    params: Params {
                        count: Some(280),
                        ..Params::NONE
                    },
                    clock: Some("kernel".parse()?),
                    summary: summary.clone(),
                })),
            }),
        ));
    }
    Ok(Report {
        run: ProbeRun {
            source: format!("source{caller}").parse()?,
            time,
            origin: "fetched".parse()?,
            results: results as u64,
            received_at: time,
            skew_ns: None,
            native: None,
        },
        entries,
    })
}
