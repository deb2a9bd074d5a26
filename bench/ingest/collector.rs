//! A real collector: the release program, as an operator starts it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ippm::ProbeName;
use tempfile::TempDir;

use crate::reports;

/// A running collector with its folder; it ends with this value.
pub(crate) struct Collector {
    process: Child,
    pub(crate) address: SocketAddr,
    /// Probes that have a key.
    pub(crate) sources: Vec<ProbeName>,
    /// The keys of the sources.
    pub(crate) keys: Vec<String>,
    folder: TempDir,
}

impl Collector {
    /// Starts `program` with the store that `store` (TOML) configures, `probes` in the roster, keys for the first `sources`.
    pub(crate) fn start(program: &Path, store: &str, probes: usize, sources: usize) -> Self {
        let prepared = Prepared::new(program, store);
        let entries: Vec<_> = (0..probes)
            .map(|probe| serde_json::json!({"name": reports::name(probe).as_str(), "proto": 4, "address": "192.0.2.1"}))
            .collect();
        let roster = serde_json::json!({ "probes": entries }).to_string();
        fs::write(prepared.folder.path().join("probes.json"), roster).expect("the roster");
        prepared.serve((0..sources).map(reports::name).collect())
    }

    /// The same with a mesh of `probes` that all have a key, and with results of the last day and more of all of them.
    pub(crate) fn start_with_history(program: &Path, store: &str, probes: usize) -> Self {
        let prepared = Prepared::new(program, store);
        // Writes the roster too.
        prepared.run(&["synthetic", "--days", "1", "--probes", &probes.to_string()]);
        let roster = fs::read(prepared.folder.path().join("probes.json")).expect("the roster");
        let roster: serde_json::Value = serde_json::from_slice(&roster).expect("the roster");
        let names = roster["probes"].as_array().into_iter().flatten();
        let names = names.map(|probe| probe["name"].as_str().expect("a name").parse().expect("a name"));
        prepared.serve(names.collect())
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

/// Processor time so far of everything that this process started and that runs: the collector, and InfluxDB.
pub(crate) fn children() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    children
        .flat_map(|children| {
            let processes = children.split_ascii_whitespace().map(str::parse);
            processes
                .filter_map(Result::ok)
                .map(|process| usage(process).0)
                .collect::<Vec<_>>()
        })
        .sum()
}

/// Processor time of the machine so far that was not idle.
pub(crate) fn machine() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks = first.split_ascii_whitespace().skip(1).take(8).enumerate();
    // The fourth is idle, the fifth waits for the disk.
    let busy = ticks.filter(|(place, _)| !matches!(place, 3 | 4));
    let busy: u64 = busy.filter_map(|(_, ticks)| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * busy)
}

/// A folder with a configuration, for commands of `program`.
struct Prepared<'a> {
    program: &'a Path,
    address: SocketAddr,
    folder: TempDir,
}

impl<'a> Prepared<'a> {
    fn new(program: &'a Path, store: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port");
        // The rate limit is there against a probe that runs wild, and eight of these do.
        let text = format!(
            "[server]\nlisten = \"{address}\"\n[limits]\nrate = \"1000000/s\"\nburst = 1000000\n{store}\n\
             [access]\nroster_file = \"probes.json\"\nkeys_file = \"keys.toml\"\npublic_read = true\n"
        );
        fs::write(folder.path().join("collector.toml"), text).expect("the configuration");
        fs::create_dir(folder.path().join("data")).expect("the data folder");
        Self {
            program,
            address,
            folder,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .arg("--config")
            .arg(self.folder.path().join("collector.toml"))
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(arguments)
            .env("RUST_LOG", "warn");
        command
    }

    /// Runs a command to its end; what it prints.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the collector");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Makes keys for `sources` and starts the collector.
    fn serve(self, sources: Vec<ProbeName>) -> Collector {
        let key =
            |source: &ProbeName| self.run(&["key", "new", "--role", "probe", "--subject", source.as_str()]);
        let keys = sources.iter().map(key).collect();
        let log = fs::File::create(self.folder.path().join("log")).expect("the log");
        let process = self
            .command(&["serve"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the collector");
        let collector = Collector {
            process,
            address: self.address,
            sources,
            keys,
            folder: self.folder,
        };
        collector.wait();
        collector
    }
}
