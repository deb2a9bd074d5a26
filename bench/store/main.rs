//! How long a reader waits: what report functions and pages take over a mesh as large as it is promised for.
//!
//! A store is filled through its own interface. Then the report functions are asked, and after them a running
//! collector over HTTP, with a present that lies in the middle of an hour. Questions to InfluxDB are asked once more
//! without the collector, to tell what of the time is ours.

#[path = "../ingest/client.rs"]
#[expect(dead_code, reason = "everything is posted as fast as it is acknowledged")]
mod client;
mod direct;
mod fill;
mod http;
mod influxd;
mod ingest;
mod mesh;
mod proxy;
mod raw;
mod round;
mod serve;
mod settings;
mod size;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Parser, Subcommand};
use collector::startup::storage;
use collector::store::Store;

use crate::direct::Reader;
use crate::fill::Lines;
use crate::http::Visitor;
use crate::influxd::Influxd;
use crate::mesh::Mesh;
use crate::proxy::Proxy;
use crate::raw::Raw;
use crate::serve::{Collector, Serve};
use crate::size::Size;

/// How many short questions take about as long as one of a statement.
const LONG: usize = 40;

/// Measures how long a reader waits: fills a store with a mesh, then asks the report functions and a running collector
///
/// Each p50 and p99 stands beside what is wanted, and what misses it is marked with "!". Questions to InfluxDB are also
/// asked raw: the same Flux as often at a time, its answers read to nowhere.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Inner>,
    #[command(flatten)]
    size: Size,
    /// Times that each short question is asked; one that takes seconds is asked a fortieth of it, at least three times
    #[arg(long, default_value_t = 200)]
    times: usize,
    /// Ask only what has this text in its name, and let no hours be computed
    #[arg(long)]
    only: Option<String>,
    /// Where the store is made, or is already: then its size is the one that it was filled with; a folder of its own
    /// without it
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Measure on an InfluxDB 2 of its own ($INFLUXD, or what scripts/influxd finds) instead of on the embedded store
    #[arg(long)]
    influx: bool,
    /// Also measure how much of its rate ingest keeps while pages are loaded; that leaves results in the store
    #[arg(long)]
    ingest: bool,
}

#[derive(Subcommand)]
enum Inner {
    /// What this program starts as the collector
    #[command(hide = true)]
    Serve(Serve),
}

fn main() {
    let args = Args::parse();
    if let Some(Inner::Serve(serve)) = &args.command {
        return serve::serve(serve);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(measure(&args));
}

async fn measure(args: &Args) {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let filled = Size::of(&folder);
    let measurement = Measurement {
        mesh: Mesh::new(&filled.unwrap_or(args.size)),
        size: filled.unwrap_or(args.size),
        client: http::client(),
        times: args.times,
        long_times: (args.times / LONG).max(3),
        only: args.only.clone(),
        folder,
    };
    println!("{:?}", measurement.size);
    measurement.write_settings();
    let place = measurement.folder.join("influxd");
    let is_other = filled.is_some() && args.influx != place.exists();
    assert!(!is_other, "the folder holds the other store");
    let is_half_filled = filled.is_none() && place.exists();
    assert!(
        !is_half_filled,
        "{} was not filled to its end: remove it",
        place.display()
    );
    let influxd = if args.influx {
        Some(Influxd::start(&place, &measurement.client).await)
    } else {
        None
    };
    if filled.is_none() {
        measurement.fill(influxd.as_ref()).await;
    }
    let raw = influxd.as_ref().map(|influxd| Raw {
        proxy: Proxy::start(influxd.address()),
        url: influxd.url(),
        client: measurement.client.clone(),
    });
    measurement.ask(raw.as_ref()).await;
    measurement.visit(raw.as_ref()).await;
    if args.ingest {
        let url = influxd.as_ref().map(Influxd::url);
        let collector = Collector::start(&measurement.folder, url.as_deref());
        collector.settle(&measurement.client).await;
        let Measurement {
            folder,
            size,
            mesh,
            client,
            ..
        } = &measurement;
        ingest::measure(folder, size, mesh, &collector, client).await;
    }
}

/// What is measured, and how.
struct Measurement {
    folder: PathBuf,
    size: Size,
    mesh: Mesh,
    client: reqwest::Client,
    times: usize,
    long_times: usize,
    only: Option<String>,
}

impl Measurement {
    /// Roster, schedule and keys.
    fn write_settings(&self) {
        settings::write(&self.folder, &self.mesh.roster_text(), &Mesh::schedule_text());
        ingest::write_keys(&self.folder, self.mesh.probes());
    }

    async fn fill(&self, influxd: Option<&Influxd>) {
        let url = influxd.map(Influxd::url);
        let config = settings::config(&self.folder, &self.size, url.as_deref());
        let file = &config.store.embedded_file;
        assert!(
            !file.exists(),
            "{} was not filled to its end: remove it",
            file.display()
        );
        let store = storage::open(&config).expect("a store");
        let lines = url.map(|url| Lines {
            url,
            client: self.client.clone(),
        });
        fill::fill(&store, &self.mesh, &self.size, &config, lines.as_ref(), &|| {
            bytes_in(&self.folder)
        })
        .await;
        self.size.write(&self.folder);
    }

    /// Asks the report functions.
    async fn ask(&self, raw: Option<&Raw>) {
        let open = |url: Option<&str>| -> Arc<dyn Store> {
            storage::open(&settings::config(&self.folder, &self.size, url)).expect("a store")
        };
        let store = open(raw.map(|raw| raw.url.as_str()));
        let behind = raw.map(|raw| (open(Some(&raw.proxy.url())), raw));
        let reader = Reader {
            store: &*store,
            beside: behind.as_ref().map(|(store, raw)| (&**store, *raw)),
            config: &settings::config(&self.folder, &self.size, None),
            mesh: &self.mesh,
            times: self.times,
            long_times: self.long_times,
            only: self.only.as_deref(),
        };
        reader.ask().await;
        if self.only.is_none() {
            reader.roll_up().await;
        }
    }

    /// Asks running collectors.
    async fn visit(&self, raw: Option<&Raw>) {
        let collector = Collector::start(&self.folder, raw.map(|raw| raw.url.as_str()));
        collector.settle(&self.client).await;
        let behind = match raw {
            Some(raw) => {
                let collector = Collector::start(&self.folder, Some(&raw.proxy.url()));
                collector.settle(&self.client).await;
                Some((collector, raw))
            }
            None => None,
        };
        let visitor = Visitor {
            collector: &collector,
            beside: behind.as_ref().map(|(collector, raw)| (collector, *raw)),
            client: self.client.clone(),
            probes: self.mesh.probes(),
            times: self.times,
            long_times: self.long_times,
            only: self.only.as_deref(),
        };
        visitor.ask().await;
    }
}

/// What the files in `folder` take.
fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let length = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It has gone meanwhile.
        Err(_) => 0,
    };
    entries.map(length).sum()
}
