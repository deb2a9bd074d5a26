//! How long a reader waits: what report functions and pages take over a mesh as large as it is promised for.
//!
//! A store is filled through its own interface. Then the report functions are asked, and after them a running
//! collector over HTTP, with a present that lies in the middle of an hour.

mod direct;
mod fill;
mod http;
mod mesh;
mod round;
mod serve;
mod settings;
mod size;
mod table;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use collector::startup::storage;

use crate::direct::Reader;
use crate::http::Visitor;
use crate::mesh::Mesh;
use crate::serve::{Collector, Serve};
use crate::size::Size;

/// How many short questions take about as long as one of a statement.
const LONG: usize = 40;

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
    /// Where the store is made, or is already: then its size is the one that it was filled with; a folder of its own
    /// without it
    #[arg(long)]
    folder: Option<PathBuf>,
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
    let (times, long_times) = (args.times, (args.times / LONG).max(3));
    let filled = Size::of(&folder);
    let size = filled.unwrap_or(args.size);
    println!("{size:?}");
    let mesh = Mesh::new(&size);
    if filled.is_none() {
        fill(&folder, &mesh, &size).await;
    }
    let config = settings::config(&folder, &size);
    {
        let store = storage::open(&config).expect("a store");
        let reader = Reader {
            store: &*store,
            config: &config,
            mesh: &mesh,
            times,
            long_times,
        };
        reader.ask().await;
        reader.roll_up().await;
    }
    let collector = Collector::start(&folder);
    let client = http::client();
    collector.settle(&client).await;
    let visitor = Visitor {
        collector: &collector,
        client,
        probes: mesh.probes(),
        times,
        long_times,
    };
    visitor.ask().await;
}

/// Fills a new store in `folder`.
async fn fill(folder: &Path, mesh: &Mesh, size: &Size) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    settings::write(folder, &mesh.roster_text(), &Mesh::schedule_text());
    let config = settings::config(folder, size);
    let file = config.store.embedded_file.clone();
    assert!(
        !file.exists(),
        "{} is there and was not filled to its end: remove it",
        file.display()
    );
    let store = storage::open(&config).expect("a store");
    let size_of = || {
        let length = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let wal = format!("{}-wal", file.display());
        length(&file) + length(Path::new(&wal))
    };
    fill::fill(&store, mesh, size, &config, &size_of).await;
    drop(store);
    size.write(folder);
}
