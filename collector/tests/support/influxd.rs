//! A real InfluxDB 2 in a throw-away folder.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// Times a free port is chosen again, because another process took it before the daemon did.
const ATTEMPTS: usize = 5;

/// A running InfluxDB 2, set up with an organization and a token; it ends with this value.
pub(crate) struct Influxd {
    process: Option<Child>,
    address: SocketAddr,
    folder: TempDir,
}

impl Influxd {
    /// Its organization.
    pub(crate) const ORG: &'static str = "exchange";
    /// The bucket that the set-up makes; the tests make their own.
    const FIRST_BUCKET: &'static str = "first";
    /// A token that may do everything.
    pub(crate) const TOKEN: &'static str = "token-of-a-throw-away-influxd-0123456789abcdef";

    /// Starts one; `None` after a line that says what is missing.
    ///
    /// # Panics
    ///
    /// If there is none although `IXPQOS_REQUIRE` names it, or if it does not start.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = find() else {
            let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|part| part == "influx"),
                "an InfluxDB 2 is required"
            );
            println!("skipped: needs InfluxDB 2 (scripts/influxd builds one)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..ATTEMPTS {
            let address = free_address();
            if let Some(process) = launch(&program, folder.path(), address) {
                let influxd = Self {
                    process: Some(process),
                    address,
                    folder,
                };
                influxd.set_up();
                return Some(influxd);
            }
        }
        panic!("influxd does not start: {}", log(folder.path()));
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it at once, as a power cut would, and returns when it is gone.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Ends it as systemd would, and returns when it is gone.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let ended = Command::new("kill")
                .arg(process.id().to_string())
                .status()
                .unwrap();
            assert!(ended.success(), "it ran");
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same address and data.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "still running");
        let process = launch(&find().unwrap(), self.folder.path(), self.address);
        self.process = Some(
            process.unwrap_or_else(|| panic!("influxd does not start again: {}", log(self.folder.path()))),
        );
    }

    /// The annotated CSV (data types named) that a Flux query answers.
    pub(crate) async fn query(&self, flux: &str) -> String {
        let answer = client()
            .post(format!("{}/api/v2/query?org={}", self.url(), Self::ORG))
            .header("Authorization", format!("Token {}", Self::TOKEN))
            .json(&serde_json::json!({"query": flux, "dialect": {"annotations": ["datatype"]}}))
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}\n{flux}");
        text
    }

    fn set_up(&self) {
        let answer = block_on(async {
            client()
                .post(format!("{}/api/v2/setup", self.url()))
                .json(&serde_json::json!({
                    "username": "tests", "password": "tests-tests", "org": Self::ORG,
                    "bucket": Self::FIRST_BUCKET, "token": Self::TOKEN,
                }))
                .send()
                .await
                .unwrap()
                .status()
        });
        assert_eq!(answer, 201, "set-up of influxd");
    }
}

impl Drop for Influxd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `$INFLUXD`, else what the project's script finds without building anything.
fn find() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os("INFLUXD") {
        return Some(PathBuf::from(program));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/influxd");
    let found = Command::new(script)
        .arg("--find")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let path = String::from_utf8(found.stdout).ok()?;
    found.status.success().then(|| PathBuf::from(path.trim_end()))
}

/// `None` if it ended before it was up.
fn launch(program: &Path, folder: &Path, address: SocketAddr) -> Option<Child> {
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut process = Command::new(program)
        .arg("--bolt-path")
        .arg(folder.join("bolt"))
        .arg("--sqlite-path")
        .arg(folder.join("sqlite"))
        .arg("--engine-path")
        .arg(folder.join("engine"))
        .args([
            "--http-bind-address",
            &address.to_string(),
            "--reporting-disabled",
            "--log-level",
            "error",
        ])
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let up = block_on(async {
        let client = client();
        let poll = async {
            while process.try_wait().unwrap().is_none() {
                let answer = client.get(format!("http://{address}/health")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        };
        tokio::time::timeout(Duration::from_mins(1), poll)
            .await
            .unwrap_or(false)
    });
    if up {
        return Some(process);
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

fn client() -> reqwest::Client {
    // A second call finds the provider of the first one, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

/// On a thread of its own, so that a test that is itself asynchronous may call it; the thread shares
/// the caller's network namespace.
fn block_on<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    std::thread::scope(|scope| {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
        };
        scope.spawn(move || runtime().block_on(future)).join().unwrap()
    })
}
