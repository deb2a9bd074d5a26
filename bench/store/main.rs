//! How fast the embedded store answers what pages and statements ask, and what a mesh takes on the disk.
//!
//! A store is filled through the store's own interface, and each question is asked as the reader asks it, until its
//! last answer has been looked at.

mod mesh;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use collector::metrics::Metrics;
use collector::rollup::Rollup;
use collector::rollup::mark::Marks;
use collector::store::Store;
use collector::store::cell::{CellParts, CellQuery, Resolution, StoredCell};
use collector::store::embedded::{Embedded, Options};
use collector::store::query::RowQuery;
use collector::store::row::Parts;
use ippm::cell::{Cell, DAY, HOUR};
use ippm::{Family, ProbeName, UnixTime};

use crate::mesh::Mesh;

/// The end of everything that is stored: a full hour, so that a window of 24 hours touches 24 of them.
const END: UnixTime = UnixTime::from_ns(1_795_255_200_000_000_000);

#[derive(Parser)]
struct Args {
    /// Probes; every one measures every other over both families
    #[arg(long, default_value_t = 30)]
    probes: usize,
    /// Days of results, one in five minutes
    #[arg(long, default_value_t = 7)]
    raw_days: u32,
    /// Days of hours
    #[arg(long, default_value_t = 31)]
    hour_days: u32,
    /// Days of days
    #[arg(long, default_value_t = 365)]
    day_days: u32,
    /// Times that each short question is asked
    #[arg(long, default_value_t = 200)]
    times: usize,
    /// Where the store is made, or is already if it is of the same size; a folder of its own without it
    #[arg(long)]
    folder: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args = Args::parse();
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    let path = folder.join("ixpqos.sqlite");
    let is_there = path.exists();
    let store = Embedded::open(&Options {
        path: path.clone(),
        legacy_family: Family::V4,
    })
    .expect("a store");
    let mesh = Mesh::new(args.probes);
    if !is_there {
        fill(&store, &mesh, &args, &path).await;
    }
    ask(&store, &mesh, &args).await;
}

async fn fill(store: &Embedded, mesh: &Mesh, args: &Args, path: &Path) {
    let days = |days: u32| END.saturating_sub(DAY * days);
    let size = || {
        let wal = std::fs::metadata(path.with_extension("sqlite-wal")).map_or(0, |file| file.len());
        std::fs::metadata(path).map_or(0, |file| file.len()) + wal
    };
    let mut before = size();
    let mut told = |what: &str, number: u64, began: Instant| {
        let grown = size().saturating_sub(before);
        before = size();
        println!(
            "{what:<24} {number:>9}   {:>7.0}/s   {:>8.1} MB   {:>6} B each",
            per_second(number, began.elapsed()),
            grown as f64 / 1e6,
            grown / number.max(1),
        );
    };
    let (began, mut rows) = (Instant::now(), 0);
    let mut slot = days(args.raw_days);
    while slot < END {
        let reports = mesh.reports(slot);
        rows += reports.iter().map(|report| report.entries.len() as u64).sum::<u64>();
        store.append(&reports).await.expect("appended");
        slot = slot.saturating_add(mesh::PERIOD);
    }
    told("results", rows, began);
    for (resolution, number) in [(Resolution::Hour, args.hour_days), (Resolution::Day, args.day_days)] {
        let (began, mut cells) = (Instant::now(), 0);
        let mut time = days(number).floor(resolution.length());
        while time < END {
            let of_time = mesh.cells(time, resolution);
            cells += of_time.len() as u64;
            store.put_cells(resolution, &of_time).await.expect("put");
            time = time.saturating_add(resolution.length());
        }
        told(
            if resolution == Resolution::Hour { "hours" } else { "days" },
            cells,
            began,
        );
    }
}

async fn ask(store: &Embedded, mesh: &Mesh, args: &Args) {
    println!("\n{:<44} {:>9} {:>10} {:>10}", "question", "answers", "p50 ms", "p99 ms");
    let (source, target) = (mesh.probe(0).clone(), mesh.probe(mesh.probes() - 1).clone());
    let family = Some(Family::V4);
    let since = |time: Duration| END.saturating_sub(time);
    let cells = |from: UnixTime, resolution: Resolution, hist: bool, pair: bool| CellQuery {
        source: pair.then(|| source.clone()),
        target: pair.then(|| target.clone()),
        family,
        test: None,
        from,
        to: END,
        resolution,
        parts: CellParts { hist, slices: false },
    };
    for (name, query) in [
        ("matrix 24 h, hours, loss", cells(since(DAY), Resolution::Hour, false, false)),
        ("matrix 24 h, hours, percentiles", cells(since(DAY), Resolution::Hour, true, false)),
        ("matrix 7 d, days, percentiles", cells(since(DAY * 7), Resolution::Day, true, false)),
        ("pair 30 d, hours, percentiles", cells(since(DAY * 30), Resolution::Hour, true, true)),
        ("pair 1 y, days, percentiles", cells(since(DAY * 365), Resolution::Day, true, true)),
    ] {
        let mut times = Vec::new();
        let mut answers = 0;
        for _ in 0..args.times {
            let began = Instant::now();
            answers = merged(store, query.clone()).await;
            times.push(began.elapsed());
        }
        tell(name, answers, times);
    }
    let (mut times, mut answers) = (Vec::new(), 0);
    for _ in 0..args.times {
        let began = Instant::now();
        answers = rows(store, &source, &target, since(DAY)).await;
        times.push(began.elapsed());
    }
    tell("pair 24 h, results, percentiles", answers, times);
    for at_once in [1, 2] {
        let began = Instant::now();
        let answers = month(store, mesh, at_once).await;
        tell(
            &format!("31 d of hours with slices, {at_once} at a time"),
            answers,
            vec![began.elapsed()],
        );
    }
    let (marks, metrics) = (Marks::default(), Metrics::default());
    let rollup = Rollup {
        store,
        marks: &marks,
        metrics: &metrics,
    };
    let began = Instant::now();
    rollup.pass(END, DAY).await.expect("a pass");
    tell("pass over the last day that finds nothing new", metrics.cells_written.get(), vec![began.elapsed()]);
    let reports = mesh.reports(END.saturating_sub(mesh::PERIOD));
    let began = Instant::now();
    reports.iter().for_each(|report| marks.mark(report));
    rollup.marked().await.expect("marked hours");
    tell("one hour of all probes computed", metrics.cells_written.get(), vec![began.elapsed()]);
}

/// Reads cells as the matrix and the pair page do: everything of a pair as one.
async fn merged(store: &Embedded, query: CellQuery) -> u64 {
    let mut stream = store.cells(query);
    let mut number = 0;
    let mut of_pair: Vec<StoredCell> = Vec::new();
    while let Some(cell) = stream.next().await.expect("cells") {
        number += 1;
        if of_pair.last().is_some_and(|last| last.series() != cell.series()) {
            std::hint::black_box(Cell::of_hours(of_pair.iter().map(|stored| &stored.cell)));
            of_pair.clear();
        }
        of_pair.push(cell);
    }
    std::hint::black_box(Cell::of_hours(of_pair.iter().map(|stored| &stored.cell)));
    number
}

async fn rows(store: &Embedded, source: &ProbeName, target: &ProbeName, from: UnixTime) -> u64 {
    let mut stream = store.rows(RowQuery {
        source: Some(source.clone()),
        target: Some(target.clone()),
        family: Some(Family::V4),
        test: None,
        from,
        to: END,
        parts: Parts {
            counts: true,
            delay: true,
            hist: true,
            ..Parts::NONE
        },
    });
    let mut number = 0;
    while stream.next().await.expect("rows").is_some() {
        number += 1;
    }
    number
}

/// What a statement of the whole mesh reads, source by source, and a look at every slice.
async fn month(store: &Embedded, mesh: &Mesh, at_once: usize) -> u64 {
    let of_source = |source: ProbeName| async move {
        let mut stream = store.cells(CellQuery {
            source: Some(source),
            target: None,
            family: None,
            test: None,
            from: END.saturating_sub(DAY * 31),
            to: END,
            resolution: Resolution::Hour,
            parts: CellParts::ALL,
        });
        let (mut number, mut lost) = (0, 0);
        while let Some(stored) = stream.next().await.expect("cells") {
            number += 1;
            lost += stored.cell.slices.map_or(0, |slices| slices.lost.iter().sum::<u64>());
        }
        std::hint::black_box(lost);
        number
    };
    let mut number = 0;
    let sources: Vec<ProbeName> = (0..mesh.probes()).map(|at| mesh.probe(at).clone()).collect();
    for some in sources.chunks(at_once) {
        number += match some {
            [a, b] => {
                let (a, b) = tokio::join!(of_source(a.clone()), of_source(b.clone()));
                a + b
            }
            [a, ..] => of_source(a.clone()).await,
            [] => 0,
        };
    }
    number
}

fn tell(name: &str, answers: u64, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |permille: usize| {
        let at = (times.len() * permille).div_ceil(1000).max(1) - 1;
        times[at].as_secs_f64() * 1e3
    };
    println!("{name:<44} {answers:>9} {:>10.1} {:>10.1}", ms(500), ms(990));
}

fn per_second(number: u64, time: Duration) -> f64 {
    number as f64 / time.as_secs_f64()
}

/// Times that the store works in: an hour of a mesh is a report of every probe in every slot.
const _: () = assert!(HOUR.as_secs() % mesh::PERIOD.as_secs() == 0);
