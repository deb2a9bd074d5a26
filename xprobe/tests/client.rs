//! The real binary against scripted collectors: what it prints, keeps, sends and ends with.

#![cfg(test)]

#[expect(dead_code, reason = "the unit tests use the rest of it")]
#[path = "support/server.rs"]
mod server;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use server::{Reply, Request, Server};

const OK: &str = r#"{"status":"ok","stored":1,"rejected":[],"ignored":[]}"#;
/// Longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A command line of the probe `name` against `server`; every test has a name of its own, because the
/// lock is taken on the whole host.
fn xprobe(name: &str, server: &Server) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"));
    command
        .args(["-n", &unique(name), "-r", &server.url()])
        .env_remove("XPROBE_KEY");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn unique(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

/// A plan of one slot per hour, measured at once: `count` packets over `spread_ms`.
fn plan(count: u64, spread_ms: u64) -> String {
    away_from_the_end_of_a_slot();
    json!({
        "schema": 1, "probe": "ams1", "version": "9f2c41d07b1e55aa",
        "period_ns": 3_600_000_000_000_u64, "end_before_ns": 3_564_000_000_000_u64,
        "report_schemas": [1], "limits": {"pps": 2000, "pps_per_target": 200},
        "tests": [{
            "test": "icmp", "kind": "icmp", "period_ns": 3_600_000_000_000_u64,
            "params": {"count": count, "spread_ns": spread_ms * 1_000_000, "timeout_ns": 50_000_000},
            "targets": [{"target": "lon1", "family": 4, "address": "127.0.0.2"}]
        }]
    })
    .to_string()
}

/// The binary reads the real clock, and every slot ends with the hour: waits for the next one if need be.
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn away_from_the_end_of_a_slot() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 3600;
    while second() > 3600 - 100 {
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

fn may_measure() -> bool {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"))
        .args(["ping", "-c", "1", "-W", "0.2", "127.0.0.1"])
        .output()
        .unwrap();
    if output.status.code() != Some(3) {
        return true;
    }
    let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|part| part == "icmp"), "needs icmp");
    eprintln!("skipped: needs icmp");
    false
}

fn is_report(request: &Request) -> bool {
    request.method == "POST" && request.path == "/api/v2/reports"
}

/// A collector that gives this plan and answers every report so.
fn collector(plan: String, answer: Reply) -> Server {
    Server::start(move |request| {
        if is_report(request) {
            answer.clone()
        } else {
            Reply::new(200, plan.clone())
        }
    })
}

fn decode(body: &[u8]) -> Value {
    let mut json = String::new();
    GzDecoder::new(body).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// Ends the process with the value, whatever the test does.
struct Running(Child);

impl Running {
    fn spawn(mut command: Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until a line of its stderr contains `text`.
    fn wait_for(&mut self, text: &str) {
        let mut reader = BufReader::new(self.0.stderr.take().unwrap());
        loop {
            let mut line = String::new();
            assert_ne!(reader.read_line(&mut line).unwrap(), 0, "ended without {text:?}");
            if line.contains(text) {
                break;
            }
        }
        self.0.stderr = Some(reader.into_inner());
    }

    fn status(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already in every test that passes.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spooled(state: &Path) -> Vec<Vec<u8>> {
    let items = std::fs::read_dir(state.join("spool"))
        .unwrap()
        .map(Result::unwrap);
    let files = items.filter(|item| item.file_type().unwrap().is_file());
    files.map(|item| std::fs::read(item.path()).unwrap()).collect()
}

#[test]
fn a_delivered_round_prints_nothing_and_leaves_nothing_behind() {
    if !may_measure() {
        return;
    }
    let server = collector(plan(3, 30), Reply::new(200, OK));
    let directory = tempfile::tempdir().unwrap();
    let output = xprobe("bin-silent", &server)
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .env("TMPDIR", directory.path())
        .env("XPROBE_KEY", "the-key")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "no state directory, no file"
    );
    let requests = server.requests();
    assert!(
        requests[0]
            .path
            .starts_with(&format!("/api/v2/plan/{}?start=20", unique("bin-silent")))
    );
    assert!(
        requests
            .iter()
            .all(|request| request.header("x-api-key") == Some("the-key"))
    );
}

#[test]
fn a_second_round_of_the_same_name_ends_at_once_with_2() {
    let (asked, wait) = mpsc::channel();
    let server = Server::start(move |_| {
        let _ = asked.send(());
        Reply::stall()
    });
    let first = Running::spawn(xprobe("bin-lock", &server));
    // Whoever asks for the plan holds the lock.
    wait.recv_timeout(PATIENCE).unwrap();
    let second = xprobe("bin-lock", &server).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let line = String::from_utf8(second.stderr).unwrap();
    assert!(
        line.starts_with("xprobe: nothing measured: another round of bin-lock-"),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
    assert_eq!(server.requests().len(), 1);
    // The time limit of the plan request ends the first one.
    assert_eq!(first.status(), Some(2));
}

#[test]
fn a_kill_while_delivering_loses_nothing() {
    if !may_measure() {
        return;
    }
    let plan = plan(3, 30);
    let (posted, wait) = mpsc::channel();
    let server = Server::start(move |request| {
        if !is_report(request) {
            return Reply::new(200, plan.clone());
        }
        let _ = posted.send(request.body.clone());
        Reply::stall()
    });
    let state = tempfile::tempdir().unwrap();
    let mut command = xprobe("bin-kill", &server);
    command.arg("--state-dir").arg(state.path());
    let running = Running::spawn(command);
    let body = wait.recv_timeout(PATIENCE).unwrap();
    running.signal(Signal::SIGKILL);
    assert_eq!(running.status(), None);
    assert_eq!(
        spooled(state.path()),
        [body],
        "what was on the wire is what is kept"
    );
}

#[test]
fn a_signal_in_mid_round_delivers_what_was_measured() {
    if !may_measure() {
        return;
    }
    // Ten minutes, if nobody interrupts it.
    let server = collector(plan(6000, 600_000), Reply::new(200, OK));
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut command = xprobe("bin-signal", &server);
        command.arg("-v");
        let mut running = Running::spawn(command);
        running.wait_for("packets are leaving");
        running.signal(signal);
        assert_eq!(running.status(), Some(0));
        let report = decode(&server.requests().last().unwrap().body);
        assert_eq!(report["cut_short"], "signal");
        let result = &report["results"][0];
        let sent = result["sent"].as_u64().unwrap();
        assert!(sent > 0 && sent < 6000, "{sent}");
        assert_eq!(result["received"], sent);
    }
}

#[test]
fn a_signal_while_the_last_replies_are_awaited_ends_the_delivery_after_one_attempt() {
    if !may_measure() {
        return;
    }
    let away = Reply::new(503, r#"{"error":"words","code":"store_unavailable"}"#);
    let server = collector(plan(1, 10), away);
    let mut command = xprobe("bin-linger", &server);
    command.arg("-v");
    let mut running = Running::spawn(command);
    // The only packet has left: for four seconds nothing but its reply is awaited.
    running.wait_for("packets are leaving");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.status(), Some(1));
    let requests = server.requests();
    let posted: Vec<_> = requests.iter().filter(|request| is_report(request)).collect();
    assert_eq!(posted.len(), 1, "an ended round does not try again");
    assert_eq!(decode(&posted[0].body)["cut_short"], Value::Null);
}

#[test]
fn a_round_that_may_not_open_sockets_reports_that_and_exits_3() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root || range.split_whitespace().next() != Some("1") {
        eprintln!("skipped: needs root and a closed net.ipv4.ping_group_range");
        return;
    }
    let server = collector(plan(3, 30), Reply::new(200, OK));
    let directory = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    // 65534 is nobody, who may not read the build directory everywhere.
    let copy = directory.path().join("xprobe");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("xprobe"), &copy).unwrap();
    let words = ["-n", &unique("bin-permission"), "-r", &server.url()];
    let mut command = Command::new(copy);
    command.args(words).uid(65534).gid(65534);
    let output = run_copy(&mut command);
    assert_eq!(output.status.code(), Some(3));
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        line.contains("grant CAP_NET_RAW or widen net.ipv4.ping_group_range"),
        "{line}"
    );
    let result = &decode(&server.requests().last().unwrap().body)["results"][0];
    assert_eq!(
        (&result["outcome"], &result["error"]),
        (&json!("error"), &json!("permission"))
    );
}

/// Runs a copied binary: another test that forks at this moment holds the copy open for writing
/// until its own program is started.
fn run_copy(command: &mut Command) -> Output {
    loop {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => return output.unwrap(),
        }
    }
}

#[test]
fn the_marks_of_a_key_are_in_no_output_no_file_and_no_argument() {
    const MARK: &str = "marked-9f2c41d07b1e55aa";
    let plan = plan(3, 30);
    let server = Server::start(
        move |request| match (is_report(request), request.header("x-api-key")) {
            (_, None) => Reply::new(418, ""),
            (true, _) => Reply::new(401, r#"{"error":"no such key","code":"key_unknown"}"#),
            (false, _) => Reply::new(200, plan.clone()),
        },
    );
    let state = tempfile::tempdir().unwrap();
    let files = tempfile::tempdir().unwrap();
    let (key, config) = (files.path().join("key"), files.path().join("xprobe.toml"));
    std::fs::write(&key, MARK).unwrap();
    std::fs::write(&config, format!("key = '{MARK}'\n")).unwrap();
    let broken = files.path().join("broken.toml");
    std::fs::write(&broken, format!("key = {MARK}\n")).unwrap();
    let nowhere = Server::start(|_| Reply::close());
    let ways: [&dyn Fn(&mut Command); 5] = [
        &|command| _ = command.arg("--key-file").arg(&key),
        &|command| _ = command.env("XPROBE_KEY", MARK),
        &|command| _ = command.env("XPROBE_KEY", format!("{MARK} and more")),
        &|command| _ = command.arg("--config").arg(&config),
        &|command| _ = command.arg("--config").arg(&broken),
    ];
    let mut running = Vec::new();
    let runs = [&server, &nowhere]
        .into_iter()
        .flat_map(|server| ways.map(|way| (server, way)));
    for (index, (server, way)) in runs.enumerate() {
        let mut command = xprobe(&format!("bin-secret-{index}"), server);
        command.args(["-v", "--state-dir"]).arg(state.path());
        way(&mut command);
        running.push(command.spawn().unwrap());
    }
    for child in running {
        let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_ne!(output.status.code(), Some(0));
        for text in [&arguments, &output.stdout, &output.stderr] {
            assert!(
                !String::from_utf8_lossy(text).contains(MARK),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }
    assert!(
        server
            .requests()
            .iter()
            .any(|request| request.header("x-api-key") == Some(MARK))
    );
    let mut directories = vec![state.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for item in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if item.file_type().unwrap().is_dir() {
                directories.push(item.path());
                continue;
            }
            let mut content = std::fs::read(item.path()).unwrap();
            if item.path().extension().is_some_and(|end| end == "gz") {
                content = decode(&content).to_string().into_bytes();
            }
            assert!(
                !String::from_utf8_lossy(&content).contains(MARK),
                "{:?}",
                item.path()
            );
        }
    }
}

/// A server that speaks only the original's contract.
fn legacy_server(status: u16, body: &'static str) -> Server {
    Server::start(
        move |request| {
            match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/backend/api/v1/conf/probes") => Reply::new(
            200,
            json!({"probes": [
                {"address": "127.0.0.1", "name": unique("bin-legacy"), "proto": 4},
                {"address": "127.0.0.2", "name": "p2", "proto": 4, "site": "unknown keys are passed over"},
                {"address": "not a host", "name": "p3", "proto": 4}
            ]})
            .to_string(),
        ),
        ("POST", "/backend/api/v1/data/probe-result") => Reply::new(status, body),
        _ => Reply::new(404, "<!doctype html>\n<title>404 Not Found</title>").header("server", "Werkzeug"),
    }
        },
    )
}

fn legacy(server: &Server) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"));
    let remote = format!("{}/backend/", server.url());
    command.args([
        "-n",
        &unique("bin-legacy"),
        "-k",
        "shared",
        "-c",
        "4",
        "-d",
        "20",
        "-r",
        &remote,
    ]);
    command
}

#[test]
fn a_collector_that_speaks_only_the_original_contract_gets_all_nine_keys_as_floats() {
    if !may_measure() {
        return;
    }
    // Any success is one, and the body is not read.
    let server = legacy_server(200, r#"{"status":"ok"}"#);
    let output = legacy(&server).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // What could not be measured is named; the others are delivered, so the round is a success.
    assert_eq!(
        stderr,
        "xprobe: p3 (IPv4) was not measured: not a host: no host name has a zone, port or space in it\n"
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    let post = server
        .requests()
        .into_iter()
        .find(|request| request.method == "POST")
        .unwrap();
    assert_eq!(post.header("x-api-key"), Some("shared"));
    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.header("content-encoding"), None);
    let body: Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(body["source"], unique("bin-legacy").as_str());
    let probes = body["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 1, "neither itself nor what could not be measured");
    let item = probes[0].as_object().unwrap();
    let mut keys: Vec<&str> = item.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "address",
            "name",
            "ping_avg",
            "ping_jitter",
            "ping_loss",
            "ping_max",
            "ping_min",
            "pinged",
            "proto"
        ]
    );
    for key in ["ping_avg", "ping_jitter", "ping_loss", "ping_max", "ping_min"] {
        assert!(item[key].is_f64(), "{key} is {}", item[key]);
    }
    assert_eq!(
        (&item["proto"], &item["pinged"], &item["ping_loss"]),
        (&json!(4), &json!(true), &json!(0.0))
    );
    // In the text, too: an integer would make another field type in the store.
    assert!(
        String::from_utf8(post.body)
            .unwrap()
            .contains(r#""ping_loss":0.0"#)
    );
}

#[test]
fn a_legacy_post_that_is_refused_exits_1_and_is_not_kept() {
    if !may_measure() {
        return;
    }
    let server = legacy_server(500, r#"{"error":"unable to store probe result"}"#);
    let state = tempfile::tempdir().unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"))
        .args(["-n", &unique("bin-legacy-refused"), "-c", "1", "-d", "20", "-r"])
        .arg(format!("{}/backend/", server.url()))
        .arg("--state-dir")
        .arg(state.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("500 (unable to store probe result)"), "{text}");
    assert!(spooled(state.path()).is_empty());
}
