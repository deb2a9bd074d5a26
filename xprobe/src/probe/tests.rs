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

#[test]
fn the_cached_plan_is_for_a_collector_that_is_away_and_for_nothing_else() {
    let word = |fetched, cached| match choose(fetched, cached) {
        Choice::Measure(_, Origin::Fetched) => "fetched",
        Choice::Measure(_, Origin::Cached) => "cached",
        Choice::Legacy => "legacy",
        Choice::Nothing(_) => "nothing",
    };
    assert_eq!(word(Fetched::Fresh(plan()), Some(plan())), "fetched");
    assert_eq!(word(Fetched::Unchanged, Some(plan())), "fetched");
    assert_eq!(word(Fetched::Away(refusal()), Some(plan())), "cached");
    assert_eq!(word(Fetched::Away(refusal()), None), "nothing");
    assert_eq!(word(Fetched::Refused(refusal()), Some(plan())), "nothing");
    assert_eq!(word(Fetched::Legacy, Some(plan())), "legacy");
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

#[test]
fn a_round_reports_what_was_measured_and_what_could_not_be() {
    if !may_measure() {
        return;
    }
    let mut plan = short_plan(&json!([
        {"target": "lon1", "family": 4, "address": "127.0.0.2"},
        {"target": "fra1", "family": 4, "address": "no such host"}
    ]));
    let mut unknown = plan["tests"][0].clone();
    unknown["test"] = json!("later");
    unknown["kind"] = json!("later");
    plan["tests"].as_array_mut().unwrap().push(unknown);
    let server = Server::start(move |request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, plan.to_string()).header("date", "Sat, 21 Nov 2026 10:05:00 GMT")
        }
    });
    let host = Host::new("round-full");
    host.round(&server, "k", 2).unwrap();
    assert!(host.kept().is_empty());
    let report = &reports(&server)[0];
    assert_eq!(report["source"], host.name.as_str());
    assert_eq!(report["round_start"], "2026-11-21T10:05:02.000000000Z");
    assert_eq!(
        report["plan"],
        json!({"version": "9f2c41d07b1e55aa", "origin": "fetched"})
    );
    assert_eq!(report["probe"]["clock_synchronised"], true);
    assert!(report["probe"]["collector_offset_ns"].as_i64().unwrap() >= 1_500_000_000);
    let results = report["results"].as_array().unwrap();
    let outcomes: Vec<&Value> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["measured", "error", "error", "error"]);
    assert_eq!(
        (&results[0]["sent"], &results[0]["received"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(results[0]["address"], "127.0.0.2");
    assert_eq!(results[1]["error"], "resolve");
    assert!(
        results[1]["detail"]
            .as_str()
            .unwrap()
            .starts_with("no such host: ")
    );
    assert_eq!(
        (&results[2]["error"], &results[3]["error"]),
        (&json!("unsupported_kind"), &json!("unsupported_kind"))
    );
    // The collector's own checks: parse it as one would.
    let _: ippm::wire::report::ReportV1 = serde_json::from_value(report.clone()).unwrap();
}

#[test]
fn twenty_rounds_without_a_collector_arrive_afterwards_as_they_were() {
    if !may_measure() {
        return;
    }
    // 0: there; 1: nothing answers; 2: a proxy answers that nothing stands behind it.
    let state = Arc::new(Mutex::new(0));
    let answering = Arc::clone(&state);
    let plan = short_plan(&loopback()).to_string();
    // Slots of 20 s leave the shortest time to an attempt that has no hope.
    let plan = plan
        .replace("300000000000", "20000000000")
        .replace("297000000000", "19800000000");
    let server = Server::start(
        move |request| match (*answering.lock().unwrap(), is_report(request)) {
            (1, _) => Reply::close(),
            (2, _) => Reply::new(503, "<html>").header("retry-after", "60"),
            (_, true) => Reply::new(200, OK),
            (_, false) => Reply::new(200, plan.clone()).header("etag", "\"v1\""),
        },
    );
    let host = Host::new("round-twenty");
    host.round(&server, "k", 0).unwrap();
    for number in 1..=20 {
        *state.lock().unwrap() = if number <= 2 { 1 } else { 2 };
        let failure = host.round(&server, "k", 20 * number + 16).unwrap_err();
        assert_eq!(failure.status(), exit::NOT_DELIVERED, "{failure}");
        let line = exit::chain(&failure);
        assert!(line.contains(&format!("kept; {number} in the spool")), "{line}");
    }
    let kept = host.kept();
    assert_eq!(kept.len(), 20);

    let before = server.requests().len();
    *state.lock().unwrap() = 0;
    host.round(&server, "k", 20 * 21).unwrap();
    assert!(host.kept().is_empty());
    let posts: Vec<Request> = server.requests()[before..]
        .iter()
        .filter(|r| is_report(r))
        .cloned()
        .collect();
    // This round's own report first, then the kept ones, oldest first, byte for byte, each once.
    assert_eq!(
        decode(&posts[0].body)["round_start"],
        "2026-11-21T10:12:00.000000000Z"
    );
    let bodies: Vec<&[u8]> = posts[1..].iter().map(|post| post.body.as_slice()).collect();
    let expected: Vec<&[u8]> = kept.values().map(Vec::as_slice).collect();
    assert_eq!(bodies, expected);
    for (number, body) in (1..=20).zip(bodies) {
        let report = decode(body);
        let start = UnixTime::from_ns((SLOT + 20 * number + 16) * 1_000_000_000);
        assert_eq!(report["round_start"], ippm::wire::time::format(start));
        assert_eq!(report["plan"]["origin"], "cached");
        assert!(report["probe"].get("collector_offset_ns").is_none());
        assert_eq!(report["results"][0]["received"], 5);
    }
}

#[test]
fn a_key_rotated_in_mid_drain_ends_it_and_the_next_round_finishes_with_the_new_one() {
    if !may_measure() {
        return;
    }
    let posts = Arc::new(Mutex::new(0));
    let server = Server::start(move |request| {
        let mut posts = posts.lock().unwrap();
        // The old key is revoked after four reports.
        let is_valid = match request.header("x-api-key") {
            Some("new") => true,
            Some("old") => *posts < 4,
            _ => false,
        };
        match (is_valid, is_report(request)) {
            (false, _) => error(401, "key_revoked"),
            (true, false) => Reply::new(200, short_plan(&loopback()).to_string()),
            (true, true) => {
                *posts += 1;
                Reply::new(200, OK)
            }
        }
    });
    let host = Host::new("round-rotate");
    host.round(&server, "old", 0).unwrap();
    // Six reports are kept from an outage before.
    for at in 1..=6 {
        let spool = Spool::open(host.state.path(), &host.name.parse().unwrap(), Limits::STANDARD).unwrap();
        spool
            .keep(UnixTime::from_ns(at), format!("kept {at}").as_bytes())
            .unwrap();
    }
    host.round(&server, "old", 300).unwrap();
    assert_eq!(
        host.kept().len(),
        4,
        "one own and two kept were taken before the key was revoked"
    );
    // Now even the plan is refused; the cached one is used and nothing is lost.
    assert_eq!(
        host.round(&server, "old", 890).unwrap_err().status(),
        exit::NOT_DELIVERED
    );
    assert_eq!(host.kept().len(), 5);
    host.round(&server, "new", 1200).unwrap();
    assert!(host.kept().is_empty());
}

#[test]
fn a_collector_whose_clock_is_behind_keeps_the_reports_waiting_and_moves_no_label() {
    if !may_measure() {
        return;
    }
    let is_behind = Arc::new(Mutex::new(true));
    let behind = Arc::clone(&is_behind);
    let server = Server::start(
        move |request| match (*behind.lock().unwrap(), is_report(request)) {
            (true, true) => error(422, "time_ahead"),
            (false, true) => Reply::new(200, OK),
            (_, false) => Reply::new(200, short_plan(&loopback()).to_string())
                .header("date", "Sat, 21 Nov 2026 09:55:00 GMT"),
        },
    );
    let host = Host::new("round-behind");
    let failure = host.round(&server, "k", 290).unwrap_err();
    assert!(exit::chain(&failure).contains("422 time_ahead"), "{failure}");
    *is_behind.lock().unwrap() = false;
    host.round(&server, "k", 300).unwrap();
    let starts: Vec<Value> = reports(&server)
        .iter()
        .map(|report| report["round_start"].clone())
        .collect();
    assert_eq!(
        starts,
        [
            "2026-11-21T10:09:50.000000000Z",
            "2026-11-21T10:10:00.000000000Z",
            "2026-11-21T10:09:50.000000000Z"
        ]
    );
    assert_eq!(reports(&server)[0]["probe"]["suspect"], json!([]));
}

#[test]
fn a_clock_that_nobody_vouches_for_is_corrected_and_the_correction_outlives_an_outage() {
    if !may_measure() {
        return;
    }
    let is_away = Arc::new(Mutex::new(false));
    let away = Arc::clone(&is_away);
    let server = Server::start(move |request| match (*away.lock().unwrap(), is_report(request)) {
        (false, true) => Reply::new(200, OK),
        (true, true) => error(503, "store_unavailable").header("retry-after", "60"),
        (true, false) => error(503, "store_unavailable"),
        (false, false) => Reply::new(200, short_plan(&loopback()).to_string())
            .header("date", "Sat, 21 Nov 2026 09:55:05 GMT"),
    });
    let host = Host {
        daemon: DaemonState::UNKNOWN,
        ..Host::new("round-corrected")
    };
    // The host says 10:05:00, the collector 09:55:05 and, for all it knows, half a second; a slow
    // machine makes the difference a little larger.
    host.round(&server, "k", 0).unwrap();
    let report = &reports(&server)[0];
    assert!(
        report["round_start"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-21T09:55:0"),
        "{report}"
    );
    assert_eq!(report["probe"]["suspect"], json!(["clock"]));
    *is_away.lock().unwrap() = true;
    host.round(&server, "k", 583).unwrap_err();
    let kept = decode(host.kept().values().next().unwrap());
    assert!(
        kept["round_start"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-21T10:04:4"),
        "{kept}"
    );
    assert_eq!(kept["probe"]["suspect"], json!(["clock"]));
    // A clock that needed a correction does not decide which windows are open.
    let asked: Vec<bool> = server
        .requests()
        .iter()
        .filter(|r| r.method == "GET")
        .map(|r| r.path.contains("start="))
        .collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn an_unchanged_plan_is_not_sent_again() {
    if !may_measure() {
        return;
    }
    let server = Server::start(
        |request| match (is_report(request), request.header("if-none-match")) {
            (true, _) => Reply::new(200, OK),
            (false, Some("\"v1\"")) => Reply::new(304, ""),
            (false, _) => Reply::new(200, short_plan(&loopback()).to_string()).header("etag", "\"v1\""),
        },
    );
    let host = Host::new("round-etag");
    host.round(&server, "k", 0).unwrap();
    host.round(&server, "k", 300).unwrap();
    assert_eq!(reports(&server)[1]["plan"]["origin"], "fetched");
}

#[test]
fn a_plan_that_forbids_measuring_is_obeyed_although_one_is_cached() {
    if !may_measure() {
        return;
    }
    let code = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&code);
    let server = Server::start(
        move |request| match (*answer.lock().unwrap(), is_report(request)) {
            (Some((status, code)), _) => error(status, code),
            (None, true) => Reply::new(200, OK),
            (None, false) => Reply::new(200, short_plan(&loopback()).to_string()),
        },
    );
    let host = Host::new("round-forbidden");
    host.round(&server, "k", 0).unwrap();
    for refusal in [(403, "wrong_role"), (404, "unknown_probe")] {
        *code.lock().unwrap() = Some(refusal);
        let failure = host.round(&server, "k", 300).unwrap_err();
        assert_eq!(failure.status(), exit::NOTHING_MEASURED);
        let line = exit::chain(&failure);
        assert!(
            line.starts_with("nothing measured: no plan from http://127.0.0.1:"),
            "{line}"
        );
        assert!(line.contains(refusal.1), "{line}");
    }
    assert_eq!(reports(&server).len(), 1);
}

#[test]
fn a_round_that_starts_too_late_in_its_slot_measures_nothing_and_says_so() {
    let server = Server::start(|_| Reply::new(200, short_plan(&loopback()).to_string()));
    let host = Host::new("round-late");
    let failure = host.round(&server, "k", 298).unwrap_err();
    assert_eq!(failure.status(), exit::NOTHING_MEASURED);
    assert_eq!(
        exit::chain(&failure),
        "nothing measured: started 298 s into a slot of 300 s, too late to end in it"
    );
}

#[test]
fn a_plan_without_targets_is_a_round_without_results() {
    let server = Server::start(|request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, short_plan(&json!([])).to_string())
        }
    });
    Host::new("round-empty").round(&server, "k", 0).unwrap();
    assert_eq!(reports(&server)[0]["results"], json!([]));
}

#[test]
fn without_a_usable_state_directory_the_round_is_delivered_all_the_same() {
    let server = Server::start(|request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, short_plan(&json!([])).to_string())
        }
    });
    let host = Host::new("round-no-state");
    std::fs::write(host.state.path().join("spool"), "in the way").unwrap();
    host.round(&server, "k", 0).unwrap();
    assert_eq!(reports(&server).len(), 1);
}
