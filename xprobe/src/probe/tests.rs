//! Whole rounds against scripted collectors.
//!
//! # Layout
//!
//! * here: a host whose rounds are labeled by the test
//! * `plans`: what is measured, and under which label
//! * `delivery`: what arrives, and what is kept until it does

mod delivery;
mod plans;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::sync::{Arc, Mutex};

use flate2::read::GzDecoder;
use ippm::UnixTime;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cli::Parsed;
use crate::exit;
use crate::net::Setup;
use crate::spool::{Limits, Spool};
use crate::test_server::{Reply, Request, Server};

const OK: &str = r#"{"status":"ok","stored":1,"rejected":[],"ignored":[]}"#;
/// 10:05:00 of a day: the start of a slot.
const SLOT: i64 = 1_795_255_500;

fn plan() -> CachedPlan {
    CachedPlan {
        etag: None,
        body: String::new(),
    }
}

fn refusal() -> Refusal {
    Refusal::NotACollector { status: 200 }
}

/// A plan that is measured in a tenth of a second.
fn short_plan(targets: &Value) -> Value {
    json!({
        "schema": 1, "probe": "ams1", "version": "9f2c41d07b1e55aa",
        "period_ns": 300_000_000_000_u64, "end_before_ns": 297_000_000_000_u64,
        "report_schemas": [1], "limits": {"pps": 2000, "pps_per_target": 200},
        "tests": [{
            "test": "icmp", "kind": "icmp", "period_ns": 300_000_000_000_u64,
            "params": {"count": 5, "spread_ns": 50_000_000, "timeout_ns": 50_000_000},
            "targets": targets
        }]
    })
}

fn loopback() -> Value {
    json!([{"target": "lon1", "family": 4, "address": "127.0.0.2"}])
}

/// A probe with a state directory, whose rounds are labeled by the test.
struct Host {
    state: TempDir,
    name: String,
    daemon: DaemonState,
}

impl Host {
    fn new(name: &str) -> Self {
        // The lock is taken on the whole host, so every test measures under a name of its own.
        let name = format!("{name}-{}", std::process::id());
        let daemon = DaemonState::stated(true);
        Self {
            state: tempfile::tempdir().unwrap(),
            name,
            daemon,
        }
    }

    /// Runs the round that begins `seconds` after the slot's start.
    fn round(&self, server: &Server, key: &str, seconds: i64) -> Result<(), Failure> {
        let words = ["xprobe", "-n", &self.name, "-r", &server.url(), "--state-dir"].map(OsString::from);
        let words = words
            .into_iter()
            .chain([self.state.path().as_os_str().to_owned()]);
        let Ok(Parsed::Run(args)) = crate::cli::parse(words) else {
            panic!()
        };
        let wall = UnixTime::from_ns((SLOT + seconds) * 1_000_000_000);
        let surroundings = Surroundings {
            clock: crate::clock::for_tests_at(wall),
            daemon: Some(self.daemon),
            linger: Some(Duration::ZERO),
        };
        round_in(args.round, Some(SecretString::from(key)), surroundings)
    }

    /// The kept reports by their name.
    fn kept(&self) -> BTreeMap<String, Vec<u8>> {
        let items = std::fs::read_dir(self.state.path().join("spool")).unwrap();
        items
            .map(|item| item.unwrap())
            .filter(|item| item.file_type().unwrap().is_file())
            .map(|item| {
                (
                    item.file_name().into_string().unwrap(),
                    std::fs::read(item.path()).unwrap(),
                )
            })
            .collect()
    }
}

fn is_report(request: &Request) -> bool {
    request.method == "POST" && request.path == "/api/v2/reports"
}

fn reports(server: &Server) -> Vec<Value> {
    server
        .requests()
        .iter()
        .filter(|request| is_report(request))
        .map(|r| decode(&r.body))
        .collect()
}

fn decode(body: &[u8]) -> Value {
    let mut json = String::new();
    GzDecoder::new(body).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn error(status: u16, code: &str) -> Reply {
    Reply::new(status, format!(r#"{{"error":"words","code":"{code}"}}"#))
}

/// Measuring needs sockets that not every builder may open.
fn may_measure() -> bool {
    let open = crate::net::Socket::open(&Setup::new(ippm::Family::V4, 1));
    if open.is_ok() {
        return true;
    }
    assert!(
        !std::env::var("IXPQOS_REQUIRE")
            .unwrap_or_default()
            .split(',')
            .any(|part| part == "icmp"),
        "needs icmp"
    );
    eprintln!("skipped: needs icmp");
    false
}
