//! A real collector: the release program, as an operator starts it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::reports;

/// A running collector with its folder; it ends with this value.
pub(crate) struct Collector {
    process: Child,
    pub(crate) address: SocketAddr,
    /// The keys of the sources.
    pub(crate) keys: Vec<String>,
    folder: TempDir,
}

impl Collector {
    /// Starts `program` with the store that `store` (TOML) configures, `probes` in the roster, keys for the first `sources`.
    pub(crate) fn start(program: &Path, store: &str, probes: usize, sources: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        let entries: Vec<_> = (0..probes)
            .map(|probe| serde_json::json!({"name": reports::name(probe).as_str(), "proto": 4, "address": "192.0.2.1"}))
            .collect();
        let roster = serde_json::json!({ "probes": entries }).to_string();
        fs::write(folder.path().join("probes.json"), roster).expect("the roster");
        let config = folder.path().join("collector.toml");
        // The rate limit is there against a probe that runs wild, and eight of these do.
        let text = format!(
            "[server]\nlisten = \"{address}\"\n[limits]\nrate = \"1000000/s\"\nburst = 1000000\n{store}\n\
             [access]\nroster_file = \"probes.json\"\nkeys_file = \"keys.toml\"\n"
        );
        let data_dir = folder.path().join("data");
        fs::write(&config, text).expect("the configuration");
        fs::create_dir(&data_dir).expect("the data folder");
        let keys = (0..sources).map(|source| key(program, &config, source)).collect();
        let log = fs::File::create(folder.path().join("log")).expect("the log");
        let process = Command::new(program)
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(&data_dir)
            .arg("serve")
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the collector");
        let collector = Self {
            process,
            address,
            keys,
            folder,
        };
        collector.wait();
        collector
    }

    fn wait(&self) {
        let begin = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "the collector does not start: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        // It then records the plans of the whole roster, which is no part of taking reports.
        let mut before = Duration::MAX;
        while before != self.usage().0 {
            before = self.usage().0;
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Processor time so far, user and kernel, and the largest resident size, from `/proc`.
    pub(crate) fn usage(&self) -> (Duration, u64) {
        usage(self.process.id())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processor time (at 100 ticks a second) and peak resident KiB of a process.
pub(crate) fn usage(process: u32) -> (Duration, u64) {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks: u64 = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    (
        Duration::from_millis(10 * ticks),
        peak.trim().trim_end_matches(" kB").parse().unwrap_or(0),
    )
}

fn key(program: &Path, config: &Path, source: usize) -> String {
    let output = Command::new(program)
        .arg("--config")
        .arg(config)
        .args([
            "key",
            "new",
            "--role",
            "probe",
            "--subject",
            reports::name(source).as_str(),
        ])
        .output()
        .expect("the collector");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
