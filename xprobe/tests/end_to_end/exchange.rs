//! A whole exchange on one machine: probes in namespaces, nginx with TLS, collectors, InfluxDB 2.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::influxd::Influxd;
use crate::lab::Lab;
use crate::nginx::Nginx;

/// The running exchange. Everything ends with this value.
pub(crate) struct Exchange {
    pub(crate) lab: Lab,
    pub(crate) influxd: Influxd,
    pub(crate) nginx: Nginx,
    collector: Option<Child>,
    listen: SocketAddr,
    folder: TempDir,
}

/// One probe of the roster: its name, and the last byte of its address.
pub(crate) type Host = (&'static str, u8);

impl Exchange {
    /// Bucket of the raw results.
    pub(crate) const BUCKET: &'static str = "ixpqos";

    /// An exchange whose roster holds `hosts` with both families; those of `alive` exist. Rounds
    /// spread thirty packets over three seconds. `None` where a part is missing.
    pub(crate) fn start(hosts: &[Host], alive: &[&str]) -> Option<Self> {
        let mut lab = Lab::new()?;
        let influxd = Influxd::start()?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let nginx = Nginx::start_on(IpAddr::V4(Lab::SERVER), &[listen])?;
        for (name, last) in hosts.iter().filter(|(name, _)| alive.contains(name)) {
            lab.add_host(name, *last);
        }
        let folder = tempfile::tempdir().unwrap();
        let mut exchange = Self {
            lab,
            influxd,
            nginx,
            collector: None,
            listen,
            folder,
        };
        exchange.write_configuration(hosts);
        exchange.collector_command(&["setup"]);
        for (name, _) in hosts {
            let key = exchange.collector_command(&["key", "add", "--role", "probe", "--subject", name]);
            fs::write(exchange.path(&format!("{name}.key")), secret_in(&key)).unwrap();
        }
        let key = exchange.collector_command(&["key", "add", "--role", "read", "--subject", "tests"]);
        fs::write(exchange.path("read.key"), secret_in(&key)).unwrap();
        fs::write(exchange.path("ca.pem"), exchange.nginx.certificate()).unwrap();
        exchange.start_collector();
        Some(exchange)
    }

    /// Starts the collector, and returns when it is ready.
    pub(crate) fn start_collector(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("collector.log"))
            .unwrap();
        let child = Command::new(collector_program())
            .args(["serve", "--config"])
            .arg(self.path("collector.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.collector = Some(child);
        crate::http::until_ready(self.listen);
    }

    /// Ends the collector with SIGTERM, and waits until it is gone.
    pub(crate) fn stop_collector(&mut self) {
        if let Some(mut child) = self.collector.take() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
            assert!(child.wait().unwrap().success(), "{}", self.collector_log());
        }
    }

    /// Runs one round on `host`, which trusts nginx by `--ca-file`, and returns how it ended.
    pub(crate) fn round(&self, host: &str, more: &[&str]) -> Output {
        let mut xprobe = self.xprobe(host);
        xprobe.arg("--ca-file").arg(self.path("ca.pem")).args(more);
        xprobe.output().unwrap()
    }

    /// Runs one round on `host`, whose operating system trusts nginx.
    pub(crate) fn round_by_os_trust(&self, host: &str) -> Output {
        let mut xprobe = self.xprobe(host);
        xprobe.env("SSL_CERT_FILE", self.path("ca.pem"));
        xprobe.output().unwrap()
    }

    /// Runs one round on `host` that has no reason to trust nginx.
    pub(crate) fn round_without_trust(&self, host: &str) -> Output {
        self.xprobe(host).output().unwrap()
    }

    fn xprobe(&self, host: &str) -> Command {
        until_the_slot_has_room();
        let mut xprobe = self.lab.command(host, env!("CARGO_BIN_EXE_xprobe"));
        xprobe
            .args(["-n", host, "-r", &format!("{}:{}", Lab::SERVER, self.nginx.https)])
            .arg("--key-file")
            .arg(self.path(&format!("{host}.key")));
        xprobe
    }

    /// A file of this exchange.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the collector listens, without nginx.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    pub(crate) fn collector_log(&self) -> String {
        fs::read_to_string(self.path("collector.log")).unwrap_or_default()
    }

    fn write_configuration(&self, hosts: &[Host]) {
        let entries: Vec<_> = hosts
            .iter()
            .flat_map(|(name, last)| {
                [
                    json!({"name": name, "proto": 4, "address": format!("10.99.0.{last}")}),
                    json!({"name": name, "proto": 6, "address": format!("fd99::{last}")}),
                ]
            })
            .collect();
        fs::write(self.path("probes.json"), json!({ "probes": entries }).to_string()).unwrap();
        fs::write(self.path("token"), Influxd::TOKEN).unwrap();
        let configuration = format!(
            "[server]\nlisten = \"{}\"\ninstance = \"e2e\"\n\
             [store]\nbackend = \"influx\"\n\
             [store.influx]\nurl = \"{}\"\norg = \"{}\"\nbucket = \"{}\"\ntoken_file = \"token\"\n\
             [access]\nkeys_file = \"keys.toml\"\nroster_file = \"probes.json\"\n\
             [plan]\nperiod = \"1h\"\nspread = \"3s\"\ncount = 30\n",
            self.listen,
            self.influxd.url(),
            Influxd::ORG,
            Self::BUCKET,
        );
        fs::write(self.path("collector.toml"), configuration).unwrap();
    }

    #[track_caller]
    fn collector_command(&self, arguments: &[&str]) -> String {
        let output = Command::new(collector_program())
            .args(arguments)
            .arg("--config")
            .arg(self.path("collector.toml"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "collector {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(mut child) = self.collector.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The collector as this crate's example of that name: built together with the tests of the crate,
/// and built here when one test target runs alone.
fn collector_program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_xprobe"))
        .with_file_name("examples")
        .join("collector");
    if !program.exists() {
        let cargo = [
            "build",
            "--quiet",
            "--package",
            "xprobe",
            "--example",
            "collector",
        ];
        assert!(
            Command::new(env!("CARGO"))
                .args(cargo)
                .status()
                .unwrap()
                .success()
        );
    }
    program
}

/// Rounds of one hour leave no time for another one only at the end of the hour: then waits for the
/// next, as cron would.
fn until_the_slot_has_room() {
    const NEEDED: i64 = 90;
    let left = 3600 - jiff::Timestamp::now().as_second().rem_euclid(3600);
    if left < NEEDED {
        std::thread::sleep(std::time::Duration::from_secs(left.unsigned_abs()));
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The secret in what `collector key add` prints.
fn secret_in(printed: &str) -> &str {
    printed
        .split_whitespace()
        .find(|word| word.len() >= 43)
        .expect("a key is printed")
}
