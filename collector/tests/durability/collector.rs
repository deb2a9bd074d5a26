//! The collector as a process that can be killed.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One collector and its files.
pub(crate) struct Collector {
    address: SocketAddr,
    folder: PathBuf,
    keys: BTreeMap<String, String>,
    process: Option<Child>,
}

impl Collector {
    /// Writes the files of a collector into `folder`, with a key for each source; starts nothing.
    pub(crate) fn configure(store: &str, folder: &Path, sources: &[&str]) -> Self {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let entries: Vec<_> = sources
            .iter()
            .map(|name| serde_json::json!({"name": name, "proto": 4, "address": "192.0.2.1"}))
            .collect();
        fs::write(
            folder.join("probes.json"),
            serde_json::json!({ "probes": entries }).to_string(),
        )
        .unwrap();
        let settings = format!(
            "[server]\nlisten = \"{address}\"\n{store}\n[access]\nkeys_file = \"keys.toml\"\nroster_file = \"probes.json\"\n\
             [limits]\nrate = \"1000/s\"\nburst = 1000\n"
        );
        fs::write(folder.join("collector.toml"), settings).unwrap();
        let mut collector = Self {
            address,
            folder: folder.to_owned(),
            keys: BTreeMap::new(),
            process: None,
        };
        for source in sources {
            let printed = collector.run(&["key", "add", "--role", "probe", "--subject", source]);
            let secret = printed
                .split_whitespace()
                .find(|word| word.len() >= 43)
                .expect("a key is printed");
            collector.keys.insert((*source).to_owned(), secret.to_owned());
        }
        collector
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn key(&self, source: &str) -> String {
        self.keys[source].clone()
    }

    /// Runs one command to its end, and returns what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts serving, and returns when it answers; whether its store is ready is another question.
    pub(crate) fn start(&mut self) {
        let log = fs::File::create("/dev/null").unwrap();
        self.process = Some(
            self.command(&["serve"])
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap(),
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connected = async {
            while tokio::net::TcpStream::connect(self.address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let limit = Duration::from_secs(30);
        runtime
            .block_on(async { tokio::time::timeout(limit, connected).await })
            .expect("the collector starts");
    }

    /// The process that serves.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.as_ref().expect("it runs").id()).unwrap())
    }

    /// Waits for the end of a process that was killed by somebody else, and starts another.
    pub(crate) fn start_after_kill(&mut self) {
        self.process.take().expect("it ran").wait().unwrap();
        self.start();
    }

    /// Ends it as a power cut would, and returns when it is gone.
    pub(crate) fn kill(&mut self) {
        kill(self.pid(), Signal::SIGKILL).unwrap();
        self.process.take().expect("it ran").wait().unwrap();
    }

    pub(crate) fn kill_and_start(&mut self) {
        self.kill();
        self.start();
    }

    /// A stop as systemd does it, and a start.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// A stop as systemd does it: what was accepted is finished, the status is 0.
    pub(crate) fn stop(&mut self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
        let status = self.process.take().expect("it ran").wait().unwrap();
        assert!(status.success(), "{status}");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_collector"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("collector.toml"))
            .arg("--data-dir")
            .arg(&self.folder)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
