//! How much of its rate a collector keeps while pages are loaded from it in a loop.

use std::path::Path;
use std::time::{Duration, Instant};

use collector::key::{KeyDigest, KeyEntry, Role, file};
use collector::store::Entry;
use ippm::cell::DAY;
use ippm::wire::report::ResultV1;
use ippm::wire::time;
use ippm::{Outcome, ProbeName, UnixTime};
use reqwest::header::ACCEPT_ENCODING;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::client::{self, Figures, Pace, Request};
use crate::direct::pair;
use crate::mesh::{Mesh, PERIOD};
use crate::serve::Collector;
use crate::settings;
use crate::size::{NOW, Size};
use crate::table::{self, Times};

/// Connections that post, each for some of the probes.
const CONNECTIONS: usize = 8;
/// Measurements without pages, and as many with them, in turn.
const RUNS: usize = 3;
/// Results of one measurement, about.
const RESULTS: usize = 120_000;
/// Share of the rate that is to be kept.
const KEPT: f64 = 0.9;
/// Rounds of a probe in one slot begin so far apart in the measurements of one folder: each writes anew.
const APART: Duration = Duration::from_secs(2);
/// Says how many measurements a folder has seen.
const SEEN: &str = "ingested";

/// Length of a slice.
const SLICE: Duration = Duration::from_secs(10);

/// Writes a key for every probe into `folder`.
pub(crate) fn write_keys(folder: &Path, probes: &[ProbeName]) {
    let entry = |probe: &ProbeName| {
        file::entry_text(&KeyEntry {
            id: format!("bench-{probe}"),
            role: Role::Probe,
            subject: probe.to_string(),
            digest: KeyDigest::of(key(probe).as_bytes()),
            not_after: None,
        })
    };
    let text: String = probes.iter().map(entry).collect();
    std::fs::write(folder.join(settings::KEYS), text).expect("the folder can be written");
}

fn key(probe: &ProbeName) -> String {
    format!("key-of-{probe}-0123456789abcdefghijklmnopqrs")
}

/// Posts reports of the time before the first stored result, without and with pages.
pub(crate) async fn measure(
    folder: &Path,
    size: &Size,
    mesh: &Mesh,
    collector: &Collector,
    http: &reqwest::Client,
) {
    let seen = std::fs::read_to_string(folder.join(SEEN)).unwrap_or_default();
    let seen: u32 = seen.trim().parse().unwrap_or(0);
    std::fs::write(folder.join(SEEN), (seen + 1).to_string()).expect("the folder can be written");
    // Not so far back that it would be refused as too old.
    let first = NOW
        .saturating_sub(size.raw_retention())
        .saturating_add(DAY / 2)
        .floor(PERIOD);
    let end = size.raw_from();
    let slots = end.since(first).expect("nothing is stored there").as_secs() / PERIOD.as_secs();
    let probes = mesh.probes().len();
    let results_of_slot = 2 * probes * (probes - 1);
    let slots = (slots as usize / (2 * RUNS)).min(RESULTS.div_ceil(results_of_slot));
    let slots = u32::try_from(slots).expect("days");
    let (mut alone, mut beside, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS as u32 {
        for with_pages in [false, true] {
            let from = first.saturating_add(PERIOD * (slots * (2 * run + u32::from(with_pages))));
            let work = work(mesh, from, slots, APART * (seen % 100 + 1));
            let address = collector.address;
            let posting = spawn_blocking(move || client::send(address, &work, Pace::Flat));
            if with_pages {
                beside.push(load(posting, mesh, collector, http, &mut pages).await);
            } else {
                alone.push(posting.await.expect("reports are taken"));
            }
        }
    }
    let (alone, beside) = (median(&alone), median(&beside));
    let kept = beside.rate / alone.rate;
    println!(
        "\ningest keeps {:.0} % of its rate, wanted at least {:.0}{}",
        100.0 * kept,
        100.0 * KEPT,
        if kept < KEPT { " !" } else { "" },
    );
    for (name, figures) in [("alone", alone), ("while pages are loaded", beside)] {
        let (p50, p99) = (table::ms(figures.p50), table::ms(figures.p99));
        println!(
            "{name}: {:.0} results a second, a post p50 {p50:.1} ms, p99 {p99:.1} ms",
            figures.rate
        );
    }
    if !pages.is_empty() {
        let pages = Times::new(pages);
        let (p50, p99) = (table::ms(pages.permille(500)), table::ms(pages.permille(990)));
        println!(
            "pages meanwhile: {}, p50 {p50:.1} ms, p99 {p99:.1} ms",
            pages.number()
        );
    }
}

/// Those of the run with the middle rate.
fn median(runs: &[Figures]) -> Figures {
    let mut runs = runs.to_vec();
    runs.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    runs[runs.len() / 2]
}

/// Loads one page after the other until everything is posted.
async fn load(
    posting: tokio::task::JoinHandle<Figures>,
    mesh: &Mesh,
    collector: &Collector,
    http: &reqwest::Client,
    pages: &mut Vec<Duration>,
) -> Figures {
    for nth in 0.. {
        if posting.is_finished() {
            break;
        }
        let (source, target) = pair(mesh.probes(), nth);
        let path = match nth % 4 {
            0 => "/?last=24h".to_owned(),
            1 => format!("/pair/{source}/{target}?last=24h"),
            2 => format!("/pair/{source}/{target}?last=30d"),
            _ => "/api/v2/matrix?last=24h".to_owned(),
        };
        let began = Instant::now();
        let request = http.get(format!("http://{}{path}", collector.address));
        let answer = request
            .header(ACCEPT_ENCODING, "gzip")
            .send()
            .await
            .expect("an answer");
        let status = answer.status();
        answer.bytes().await.expect("the whole answer");
        if status.is_success() {
            pages.push(began.elapsed());
        } else {
            println!(
                "{path}: answered {status} after {:.1} s",
                began.elapsed().as_secs_f64()
            );
        }
    }
    posting.await.expect("reports are taken")
}

/// The reports of `slots` slots from `from` on, each probe's `later` than the slot; those of one connection in the
/// order of time.
fn work(mesh: &Mesh, from: UnixTime, slots: u32, later: Duration) -> Vec<Vec<Request>> {
    let mut work: Vec<Vec<Request>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for slot in (0..slots).map(|slot| from.saturating_add(PERIOD * slot)) {
        for (number, report) in mesh.reports(slot, true).into_iter().enumerate() {
            let start = report.run.time.saturating_add(later);
            let results: Vec<ResultV1> = report
                .entries
                .iter()
                .filter_map(|(_, entry)| result(entry, start))
                .collect();
            let number_of_results = results.len();
            let body = json!({
                "schema": 1, "source": report.run.source.as_str(), "round_start": time::format(start),
                "duration_ns": 284_104_000_000_u64, "plan": {"version": "9f2c41d07b1e55aa", "origin": "fetched"},
                "probe": {
                    "version": "1.0.0", "engine": "icmp-datagram", "receive_drops": 0, "stamps_missing": 0,
                    "stamps_discarded": 0, "clock_steps": 0, "suspect": [],
                },
                "results": results,
            });
            let key = key(&report.run.source);
            let headers = [("X-API-Key", key.as_str()), ("Content-Type", "application/json")];
            let request = Request::post(
                "/api/v2/reports",
                &headers,
                body.to_string().as_bytes(),
                number_of_results,
            );
            work[number % CONNECTIONS].push(request);
        }
    }
    work
}

/// What a probe says of a measurement whose round began at `start`.
fn result(entry: &Entry, start: UnixTime) -> Option<ResultV1> {
    let Entry::Native(measurement) = entry else {
        return None;
    };
    let mut measurement = measurement.clone();
    if let Outcome::Measured(measured) = &mut measurement.outcome {
        measured.summary.slices.start = start.floor(SLICE);
    }
    Some(ResultV1::new(&measurement))
}
