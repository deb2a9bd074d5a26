//! The end of a round that somebody asked for, at any moment of it: what was measured is never lost.

#![cfg(test)]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "support/server.rs"]
mod server;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{PoisonError, RwLock, mpsc};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flate2::read::GzDecoder;
use ippm::wire::report::envelope::ReceivedReport;
use ippm::{Measurement, Outcome};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use server::{Reply, Request, Server};

const OK: &str = r#"{"status":"ok","stored":1,"rejected":[],"ignored":[]}"#;
const AWAY: &str = r#"{"error":"words","code":"store_unavailable"}"#;

/// Packets of a round, to each of its two targets.
const COUNT: u64 = 30;
/// Over how long they are spread: a test's own spread, much shorter than its period.
const SPREAD: Duration = Duration::from_secs(3);
/// The part of it in which signals come: the word of the first packet comes within 200 ms after it.
const SIGNALED: Duration = Duration::from_millis(2800);
/// The waiting time of each.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Rounds that are ended, and how many of them run at once.
const ROUNDS: u32 = 200;
const AT_ONCE: u32 = 50;
/// Rounds that are killed.
const KILLED: u32 = 25;

/// A plan of one slot per hour.
fn plan(spread: Duration) -> String {
    away_from_the_end_of_a_slot();
    let target = |name, address| json!({"target": name, "family": 4, "address": address});
    json!({
        "schema": 1, "probe": "ams1", "version": "9f2c41d07b1e55aa",
        "period_ns": 3_600_000_000_000_u64, "end_before_ns": 3_564_000_000_000_u64,
        "report_schemas": [1], "report_fields": ippm::wire::report::OPTIONAL_FIELDS,
        "limits": {"pps": 2000, "pps_per_target": 200},
        "tests": [{
            "test": "icmp", "kind": "icmp", "period_ns": 3_600_000_000_000_u64,
            "params": {
                "count": COUNT,
                "spread_ns": u64::try_from(spread.as_nanos()).unwrap(),
                "timeout_ns": u64::try_from(TIMEOUT.as_nanos()).unwrap(),
            },
            "targets": [target("lon1", "127.0.0.2"), target("fra1", "127.0.0.3")]
        }]
    })
    .to_string()
}

/// The binary reads the real clock, and every slot ends with the hour: waits for the next one if need be.
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn away_from_the_end_of_a_slot() {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 3600;
    while second() > 3600 - 150 {
        thread::park_timeout(Duration::from_secs(1));
    }
}

/// Rounds of several tests may run at once, except beside one whose process is stopped: a raw socket is handed the
/// replies to everybody on the loopback, and would drop those of the others.
static LOOPBACK: RwLock<()> = RwLock::new(());

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

/// A round that runs; ended if the test fails.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(name: &str, server: &Server, state: &Path) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"))
            .args(["-v", "-n", name, "-r", &server.url(), "--state-dir"])
            .arg(state)
            .env_remove("XPROBE_KEY")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Reads on until the program says so; false if it ended before.
    fn says(&mut self, words: &str) -> bool {
        let mut line = String::new();
        while self.stderr.read_line(&mut line).unwrap() > 0 {
            if line.contains(words) {
                return true;
            }
            line.clear();
        }
        false
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// The exit status, and what it said since.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A name that no other test uses: the lock is taken on the whole host.
fn unique(name: &str, number: u32) -> String {
    format!("{name}-{}-{number}", std::process::id())
}

/// The report in `body`, which the collector's own reader finds nothing wrong with.
#[track_caller]
fn read(body: &[u8]) -> ReceivedReport {
    let mut json = Vec::new();
    GzDecoder::new(body).read_to_end(&mut json).unwrap();
    let report = ReceivedReport::parse(&json).unwrap();
    assert_eq!(report.ignored, [""; 0]);
    report
}

/// The reports of `source` that were posted.
fn posted(server: &Server, source: &str) -> Vec<ReceivedReport> {
    let requests = server.requests();
    let reports = requests.iter().filter(|request| is_report(request));
    reports
        .map(|request| read(&request.body))
        .filter(|report| report.source == source)
        .collect()
}

/// The reports that are kept under `state`.
fn kept(state: &Path) -> Vec<ReceivedReport> {
    let Ok(items) = std::fs::read_dir(state.join("spool")) else {
        return Vec::new();
    };
    let files = items
        .map(|item| item.unwrap())
        .filter(|item| item.file_type().unwrap().is_file());
    files
        .map(|item| item.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .map(|path| read(&std::fs::read(path).unwrap()))
        .collect()
}

/// Packets that were sent and that came back, over all results.
#[track_caller]
fn counts(report: &ReceivedReport) -> (u64, u64) {
    report.results.iter().fold((0, 0), |(sent, received), result| {
        let Ok(Measurement {
            outcome: Outcome::Measured(measured),
            ..
        }) = result
        else {
            panic!("{result:?}");
        };
        (sent + measured.summary.sent, received + measured.summary.received)
    })
}

/// Runs `round` for each number below `rounds`, [`AT_ONCE`] of them at a time, and returns what they return.
fn in_parallel<T: Send>(rounds: u32, round: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let mut all = Vec::new();
    for first in (0..rounds).step_by(AT_ONCE as usize) {
        thread::scope(|scope| {
            let numbers = first..rounds.min(first + AT_ONCE);
            let round = &round;
            let running: Vec<_> = numbers.map(|number| scope.spawn(move || round(number))).collect();
            all.extend(running.into_iter().map(|round| round.join().unwrap()));
        });
    }
    all
}

#[test]
fn a_signal_at_any_moment_between_the_first_packet_and_the_last_reply_loses_no_measurement() {
    if !may_measure() {
        return;
    }
    let _together = LOOPBACK.read().unwrap_or_else(PoisonError::into_inner);
    let plan = plan(SPREAD);
    // A collector that takes reports, and one whose store is away.
    let [here, away] = [(200, OK), (503, AWAY)].map(|(status, body)| {
        let plan = plan.clone();
        Server::start(move |request| {
            if is_report(request) {
                Reply::new(status, body)
            } else {
                Reply::new(200, plan.clone())
            }
        })
    });
    let marked = in_parallel(ROUNDS, |number| {
        let state = tempfile::tempdir().unwrap();
        let name = unique("signals-mid", number);
        let server = if number % 2 == 0 { &here } else { &away };
        let mut running = Running::start(&name, server, state.path());
        assert!(running.says("packets are leaving"));
        thread::park_timeout(SIGNALED * number / ROUNDS);
        running.signal(if number % 4 < 2 {
            Signal::SIGTERM
        } else {
            Signal::SIGINT
        });
        let (status, said) = running.end();
        let (expected, reports) = if number % 2 == 0 {
            assert_eq!(kept(state.path()).len(), 0, "{said}");
            (Some(0), posted(server, &name))
        } else {
            (Some(1), kept(state.path()))
        };
        assert_eq!(status, expected, "{number}: {said}");
        let [report] = &reports[..] else {
            panic!("{number}: {} reports: {said}", reports.len());
        };
        let (sent, received) = counts(report);
        assert_eq!(sent, received, "{number}: what was under way was waited for");
        let is_marked = report
            .cut_short
            .as_ref()
            .is_some_and(|word| word.as_str() == "signal");
        assert_eq!(
            is_marked,
            sent < 2 * COUNT,
            "{number}: {sent} {:?}",
            report.cut_short
        );
        is_marked
    });
    // The last packets of some rounds left before their signal came; all others are marked.
    let marked = marked.into_iter().filter(|marked| *marked).count();
    assert!(marked >= ROUNDS as usize * 3 / 4, "{marked}");
}

#[test]
fn a_signal_before_the_first_packet_ends_the_round_with_status_2_and_no_report() {
    if !may_measure() {
        return;
    }
    let _together = LOOPBACK.read().unwrap_or_else(PoisonError::into_inner);
    // The plan comes only when its round was signaled.
    let (signaled, waits) = mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let plan = plan(SPREAD);
    let (asked, questions) = mpsc::channel();
    let server = Server::start(move |request| {
        if is_report(request) {
            return Reply::new(200, OK);
        }
        asked.send(()).unwrap();
        waits.lock().unwrap().recv().unwrap();
        Reply::new(200, plan.clone())
    });
    for number in 0..10 {
        let state = tempfile::tempdir().unwrap();
        let running = Running::start(&unique("signals-early", number), &server, state.path());
        questions.recv().unwrap();
        running.signal(Signal::SIGTERM);
        signaled.send(()).unwrap();
        let (status, said) = running.end();
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains("ended by a signal before the first packet"),
            "{said}"
        );
        assert_eq!(kept(state.path()).len(), 0);
    }
    assert!(!server.requests().iter().any(is_report));
}

#[test]
fn a_signal_after_the_last_reply_delivers_the_finished_report() {
    if !may_measure() {
        return;
    }
    let _together = LOOPBACK.read().unwrap_or_else(PoisonError::into_inner);
    let plan = plan(Duration::from_millis(300));
    let (arrived, arrivals) = mpsc::channel::<()>();
    let (signaled, waits) = mpsc::channel::<()>();
    let waits = std::sync::Mutex::new(waits);
    let server = Server::start(move |request| {
        if !is_report(request) {
            return Reply::new(200, plan.clone());
        }
        arrived.send(()).unwrap();
        waits.lock().unwrap().recv().unwrap();
        Reply::new(200, OK)
    });
    let state = tempfile::tempdir().unwrap();
    let name = unique("signals-late", 0);
    let running = Running::start(&name, &server, state.path());
    arrivals.recv().unwrap();
    running.signal(Signal::SIGTERM);
    signaled.send(()).unwrap();
    let (status, said) = running.end();
    assert_eq!(status, Some(0), "{said}");
    let reports = posted(&server, &name);
    assert_eq!(reports.len(), 1);
    assert_eq!(
        (counts(&reports[0]), &reports[0].cut_short),
        ((2 * COUNT, 2 * COUNT), &None)
    );
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_that_blocks_the_next_round() {
    if !may_measure() {
        return;
    }
    let _together = LOOPBACK.read().unwrap_or_else(PoisonError::into_inner);
    let plan = plan(Duration::from_millis(300));
    let server = Server::start(move |request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, plan.clone())
        }
    });
    in_parallel(KILLED, |number| {
        let state = tempfile::tempdir().unwrap();
        let name = unique("signals-kill", number);
        let running = Running::start(&name, &server, state.path());
        // From before the lock is taken to the delivery and the end: a round takes a little over four seconds.
        thread::park_timeout(Duration::from_millis(4600) * number / KILLED);
        running.signal(Signal::SIGKILL);
        drop(running);
        let before = posted(&server, &name).len();
        let (status, said) = Running::start(&name, &server, state.path()).end();
        assert_eq!(status, Some(0), "{number}: {said}");
        let reports = posted(&server, &name);
        let last = reports.last().unwrap();
        assert_eq!((counts(last), &last.cut_short), ((2 * COUNT, 2 * COUNT), &None));
        // What the killed round had kept is delivered as well.
        assert!(
            reports.len() > before && kept(state.path()).is_empty(),
            "{number}: {said}"
        );
    });
}

#[test]
fn a_round_that_was_stopped_for_two_seconds_says_so_and_its_delays_stay_right() {
    if !may_measure() {
        return;
    }
    let _alone = LOOPBACK.write().unwrap_or_else(PoisonError::into_inner);
    let plan = plan(SPREAD);
    let server = Server::start(move |request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, plan.clone())
        }
    });
    let state = tempfile::tempdir().unwrap();
    let name = unique("signals-stop", 0);
    let mut running = Running::start(&name, &server, state.path());
    assert!(running.says("packets are leaving"));
    running.signal(Signal::SIGSTOP);
    thread::park_timeout(Duration::from_secs(2));
    running.signal(Signal::SIGCONT);
    let (status, said) = running.end();
    assert_eq!(status, Some(0), "{said}");
    let reports = posted(&server, &name);
    let probe = &reports[0].probe;
    assert_eq!(probe.suspect, ["send_lag"]);
    assert!(
        probe.send_lag_max_ns.is_some_and(|ns| ns > 1_000_000_000),
        "{probe:?}"
    );
    assert_eq!(counts(&reports[0]), (2 * COUNT, 2 * COUNT));
    for result in &reports[0].results {
        let Ok(Measurement {
            outcome: Outcome::Measured(measured),
            ..
        }) = result
        else {
            panic!("{result:?}");
        };
        let delay = measured.summary.delay.as_ref().unwrap();
        // The loopback takes microseconds, of a busy host milliseconds; the stop took two seconds.
        assert!(
            delay.count == COUNT && delay.max.as_ns() < 500_000_000,
            "{delay:?}"
        );
    }
}
