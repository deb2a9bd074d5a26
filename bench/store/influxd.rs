//! An InfluxDB 2 whose data stays in a folder, so that it can be asked again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Its organization.
pub(crate) const ORG: &str = "exchange";
/// The bucket of the results; the others begin with its name.
pub(crate) const BUCKET: &str = "bench";
/// A token that may do everything.
pub(crate) const TOKEN: &str = "token-of-a-throw-away-influxd-0123456789abcdef";

/// The buckets and the time of their shards. `collector setup` makes the same, by the default retention; here nothing
/// expires, because what is stored lies around a fixed present.
const BUCKETS: [(&str, u64); 4] = [("", 1), ("_ledger", 7), ("_1h", 7), ("_1d", 7)];

/// Longest wait for its start: it looks through what it holds.
const START: Duration = Duration::from_mins(5);

/// A running InfluxDB; it ends with this value.
pub(crate) struct Influxd {
    process: Child,
    address: SocketAddr,
}

impl Influxd {
    /// Starts one on the data in `folder`, or with empty buckets.
    pub(crate) async fn start(folder: &Path, client: &reqwest::Client) -> Self {
        let is_new = !folder.exists();
        fs::create_dir_all(folder).expect("the folder can be made");
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = address.expect("a free port");
        let log = fs::File::create(folder.join("log")).expect("the log");
        let process = Command::new(find())
            .arg("--bolt-path")
            .arg(folder.join("bolt"))
            .arg("--sqlite-path")
            .arg(folder.join("sqlite"))
            .arg("--engine-path")
            .arg(folder.join("engine"))
            .args(["--http-bind-address", &address.to_string()])
            .args(["--reporting-disabled", "--log-level", "error"])
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("influxd");
        let influxd = Self { process, address };
        let began = Instant::now();
        let health = format!("{}/health", influxd.url());
        while !client
            .get(&health)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(
                began.elapsed() < START,
                "influxd does not start: see {}",
                folder.join("log").display()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if is_new {
            influxd.set_up(client).await;
        }
        influxd
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    async fn set_up(&self, client: &reqwest::Client) {
        let first = json!({
            "username": "bench", "password": "bench-bench", "org": ORG, "bucket": "first", "token": TOKEN,
        });
        let made = self.post(client, "setup", &first).await;
        for (name, days) in BUCKETS {
            let bucket = json!({
                "orgID": made["org"]["id"], "name": format!("{BUCKET}{name}"),
                "retentionRules": [{ "type": "expire", "everySeconds": 0, "shardGroupDurationSeconds": days * 86_400 }],
            });
            self.post(client, "buckets", &bucket).await;
        }
    }

    async fn post(&self, client: &reqwest::Client, path: &str, body: &Value) -> Value {
        let request = client
            .post(format!("{}/api/v2/{path}", self.url()))
            .header("Authorization", format!("Token {TOKEN}"));
        let answer = request.json(body).send().await.expect("an answer");
        let status = answer.status();
        let answer: Value = answer.json().await.expect("JSON");
        assert!(status.is_success(), "{path}: {status}: {answer}");
        answer
    }
}

impl Drop for Influxd {
    /// As systemd would end it, so that nothing of what it holds is lost.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// `$INFLUXD`, else what the project's script finds without building anything.
fn find() -> PathBuf {
    if let Some(program) = std::env::var_os("INFLUXD") {
        return PathBuf::from(program);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/influxd");
    let found = Command::new(script)
        .arg("--find")
        .output()
        .expect("the script runs");
    assert!(
        found.status.success(),
        "there is no InfluxDB: run scripts/influxd, or set INFLUXD"
    );
    PathBuf::from(String::from_utf8(found.stdout).expect("a path").trim_end())
}
