//! A collector in a process of its own whose clock stands still: this program again, with the product's own parts.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use collector::clock::Clock;
use collector::startup::{Application, storage};

use crate::settings;
use crate::size::{NOW, Size};

/// Longest wait for the comparison of hours and results that a collector makes when it starts.
const SETTLED: Duration = Duration::from_mins(30);

/// What the process is told.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where the filled store is
    #[arg(long)]
    folder: PathBuf,
    /// The InfluxDB that is the store
    #[arg(long)]
    influx: Option<String>,
}

/// Runs a collector until its standard input ends or the process is killed.
pub(crate) fn serve(args: &Serve) {
    let size = Size::of(&args.folder).expect("a filled store");
    let config = settings::config(&args.folder, &size, args.influx.as_deref());
    let store = storage::open(&config).expect("a store");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    std::thread::spawn(|| {
        // Whoever started it holds the other end and is gone when nothing can come any more.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let application =
            Application::build(config, listener, store, Clock::new(|| NOW)).expect("a collector");
        println!("{}", application.address());
        std::io::stdout().flush().expect("somebody reads it");
        application.run_until_stopped().await.expect("it runs");
    });
}

/// The running process; it ends with this value.
pub(crate) struct Collector {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Collector {
    /// Starts one on the store in `folder`, or on InfluxDB.
    pub(crate) fn start(folder: &Path, influx: Option<&str>) -> Self {
        let influx = influx.into_iter().flat_map(|url| ["--influx", url]);
        let mut process = Command::new("/proc/self/exe")
            .arg("serve")
            .arg("--folder")
            .arg(folder)
            .args(influx)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a collector");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line.trim().parse().expect("the collector says where it listens");
        Self { process, address }
    }

    /// Waits until it has compared hours and results, which it does once a day and when it starts.
    pub(crate) async fn settle(&self, client: &reqwest::Client) {
        let began = Instant::now();
        let url = format!("http://{}/metrics", self.address);
        loop {
            let text = client
                .get(&url)
                .send()
                .await
                .expect("an answer")
                .text()
                .await
                .expect("metrics");
            let passes = text
                .lines()
                .find_map(|line| line.strip_prefix("ixpqos_cells_passes_total "));
            if passes.is_some_and(|number| number != "0") {
                break;
            }
            assert!(
                began.elapsed() < SETTLED,
                "the collector does not come to rest:\n{text}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        println!("collector at rest after {:.1} s", began.elapsed().as_secs_f64());
    }

    /// Lets the largest resident size begin anew.
    pub(crate) fn forget_peak(&self) {
        // As proc_pid_clear_refs(5) has it.
        std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")
            .expect("it is our own process");
    }

    /// Its largest resident size, KiB.
    pub(crate) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or(0)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
