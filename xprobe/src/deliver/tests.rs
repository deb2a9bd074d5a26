use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ippm::UnixTime;
use tempfile::TempDir;

use super::*;
use crate::spool::Limits;
use crate::test_server::{Reply, Request, Server};

const OK: &str = r#"{"status":"ok","stored":1,"rejected":[],"ignored":[]}"#;

struct Bench {
    directory: TempDir,
    spool: Spool,
    client: Client,
    stop: Stop,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path(), &"ams1".parse().unwrap(), Limits::STANDARD).unwrap();
        let clock = crate::clock::for_tests();
        let client = Client::new(None, None, clock).unwrap();
        Self {
            directory,
            spool,
            client,
            stop: Stop::new(),
            clock,
        }
    }

    fn keep(&self, at: i64, body: &str) -> Entry {
        self.spool.keep(UnixTime::from_ns(at), body.as_bytes()).unwrap().0
    }

    fn courier(&self, server: &Server, seconds: u64) -> Courier<'_> {
        Courier {
            client: &self.client,
            url: format!("{}/api/v2/reports", server.url()).parse().unwrap(),
            clock: self.clock,
            deadline: self.clock.elapsed() + Duration::from_secs(seconds),
            stop: &self.stop,
            console: Console { verbose: false },
        }
    }

    /// The kept bodies, oldest first.
    fn kept(&self) -> Vec<String> {
        let entries = self.spool.entries().unwrap();
        entries
            .iter()
            .map(|entry| String::from_utf8(self.spool.load(entry).unwrap()).unwrap())
            .collect()
    }

    fn set_aside(&self) -> usize {
        std::fs::read_dir(self.directory.path().join("spool/refused"))
            .unwrap()
            .count()
            / 2
    }
}

fn text(request: &Request) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

/// Delivers report 3 with reports 1 and 2 kept before it, to a server that answers report 1 with
/// `reply` and the others with 200; compares what is kept, set aside and tried afterwards.
#[track_caller]
fn check_drain(reply: Reply, kept: &[&str], set_aside: usize, tried: &[&str]) {
    let bench = Bench::new();
    bench.keep(1, "one");
    bench.keep(2, "two");
    let own = bench.keep(3, "three");
    let server = Server::start(move |request| match text(request).as_str() {
        "one" => reply.clone(),
        _ => Reply::new(200, OK),
    });
    bench
        .courier(&server, 2)
        .deliver(b"three", Some(&bench.spool), Some(&own))
        .unwrap();
    assert_eq!(bench.kept(), kept);
    assert_eq!(bench.set_aside(), set_aside);
    let order: Vec<String> = server.requests().iter().map(text).collect();
    assert_eq!(order, tried);
}

fn error(status: u16, code: &str) -> Reply {
    Reply::new(status, format!(r#"{{"error":"words","code":"{code}"}}"#))
}

#[test]
fn a_stored_report_is_deleted_and_the_next_one_tried() {
    check_drain(Reply::new(200, OK), &[], 0, &["three", "one", "two"]);
}

#[test]
fn a_report_that_is_refused_for_good_is_set_aside_and_the_next_one_tried() {
    for reply in [
        error(400, "bad_json"),
        error(413, "too_large"),
        error(422, "time_expired"),
    ] {
        check_drain(reply, &[], 1, &["three", "one", "two"]);
    }
}

#[test]
fn every_other_refusal_keeps_the_report_and_the_next_one_is_tried() {
    for reply in [
        error(400, "something_new"),
        error(403, "wrong_role"),
        error(404, "not_found"),
        error(413, "proxy_limit"),
        error(415, "unsupported_media_type"),
        error(422, "schema_unsupported"),
        error(422, "time_ahead"),
        Reply::new(404, "<html>"),
        Reply::new(413, "<html>"),
        Reply::new(301, "").header("location", "http://127.0.0.1:1/"),
        Reply::new(204, ""),
        Reply::new(200, "<html>welcome to the hotel</html>"),
        Reply::new(200, r#"{"status":"error"}"#),
    ] {
        check_drain(reply, &["one"], 0, &["three", "one", "two"]);
    }
}

#[test]
fn the_drain_ends_where_nothing_else_would_fare_better() {
    for reply in [
        error(401, "key_expired"),
        error(429, "too_many_requests"),
        error(500, "internal"),
        error(503, "store_unavailable"),
        // A server in trouble does not decide that a report is lost for good.
        error(500, "bad_json"),
        Reply::new(502, "<html>"),
        Reply::close(),
        Reply::new(200, OK).truncated(),
    ] {
        check_drain(reply, &["one", "two"], 0, &["three", "one"]);
    }
}

#[test]
fn a_server_that_stalls_ends_the_drain_at_the_deadline() {
    check_drain(Reply::stall(), &["one", "two"], 0, &["three", "one"]);
}

#[test]
fn an_answer_without_end_is_cut_and_the_report_kept() {
    check_drain(Reply::endless(), &["one", "two"], 0, &["three", "one"]);
}

#[test]
fn an_own_report_that_meets_a_closed_door_is_kept_and_nothing_else_is_tried() {
    let bench = Bench::new();
    bench.keep(1, "one");
    let own = bench.keep(2, "two");
    let server = Server::start(|_| error(401, "key_revoked"));
    let undelivered = bench
        .courier(&server, 2)
        .deliver(b"two", Some(&bench.spool), Some(&own))
        .unwrap_err();
    let line = crate::exit::chain(&undelivered);
    assert!(
        line.contains("kept; 2 in the spool") && line.contains("401 key_revoked (words): check the key"),
        "{line}"
    );
    assert_eq!(server.requests().len(), 1);
    assert_eq!(bench.kept(), ["one", "two"]);
}

#[test]
fn an_own_report_that_is_refused_for_good_is_set_aside_and_the_line_says_so() {
    let bench = Bench::new();
    let own = bench.keep(2, "two");
    let server = Server::start(|_| error(422, "time_expired"));
    let undelivered = bench
        .courier(&server, 2)
        .deliver(b"two", Some(&bench.spool), Some(&own))
        .unwrap_err();
    assert!(
        crate::exit::chain(&undelivered).contains("set aside in"),
        "{undelivered}"
    );
    assert_eq!((bench.kept().len(), bench.set_aside()), (0, 1));
}

#[test]
fn without_a_state_directory_the_line_says_that_the_report_is_lost() {
    let bench = Bench::new();
    let server = Server::start(|_| error(422, "schema_unsupported"));
    let undelivered = bench.courier(&server, 2).deliver(b"two", None, None).unwrap_err();
    assert!(
        crate::exit::chain(&undelivered).contains("lost: there is no --state-dir"),
        "{undelivered}"
    );
}

#[test]
fn a_collector_in_trouble_is_tried_again_with_the_identical_body() {
    let bench = Bench::new();
    let attempts = AtomicUsize::new(0);
    let server = Server::start(move |_| match attempts.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::close(),
        1 => error(503, "store_unavailable").header("retry-after", "0"),
        _ => Reply::new(200, OK),
    });
    bench.courier(&server, 20).deliver(b"body", None, None).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.body, b"body");
        assert_eq!(request.method, "POST");
        assert_eq!(request.path, "/api/v2/reports");
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
    // Each attempt says when it was sent.
    let sent: Vec<i64> = requests
        .iter()
        .map(|r| r.header("ixpqos-sent-at").unwrap().parse().unwrap())
        .collect();
    assert!(sent[0] < sent[1] && sent[1] < sent[2], "{sent:?}");
}

#[test]
fn a_collector_that_asks_for_more_time_than_there_is_is_not_tried_again() {
    let bench = Bench::new();
    let server = Server::start(|_| error(503, "store_unavailable").header("retry-after", "3600"));
    bench
        .courier(&server, 20)
        .deliver(b"body", None, None)
        .unwrap_err();
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_signal_lets_the_own_report_go_out_once_and_ends_the_drain() {
    let bench = Bench::new();
    bench.keep(1, "one");
    bench.stop.ask();
    let server = Server::start(|_| Reply::new(200, OK));
    let own = bench.keep(2, "two");
    bench
        .courier(&server, 20)
        .deliver(b"two", Some(&bench.spool), Some(&own))
        .unwrap();
    assert_eq!(bench.kept(), ["one"]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn two_hundred_kept_reports_arrive_byte_for_byte_and_once() {
    let bench = Bench::new();
    let hash = |body: &[u8]| {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        hasher.finish()
    };
    let mut expected = Vec::new();
    for at in 0..200_u8 {
        let body: Vec<u8> = (0..2000_u32)
            .map(|i| (i * u32::from(at)).to_le_bytes()[0])
            .collect();
        bench.spool.keep(UnixTime::from_ns(i64::from(at)), &body).unwrap();
        expected.push(hash(&body));
    }
    // Every third report is stored, but its answer is lost on the way: it must come again, equal.
    let seen: Mutex<BTreeMap<u64, usize>> = Mutex::default();
    let server = Server::start(move |request| {
        let mut seen = seen.lock().unwrap();
        let times = seen.entry(hash(&request.body)).or_default();
        *times += 1;
        if *times == 1 && seen.len().is_multiple_of(3) {
            Reply::close()
        } else {
            Reply::new(200, OK)
        }
    });
    while !bench.spool.entries().unwrap().is_empty() {
        bench.courier(&server, 30).drain(&bench.spool, None);
    }
    let mut arrived: Vec<u64> = server
        .requests()
        .iter()
        .map(|request| hash(&request.body))
        .collect();
    arrived.dedup();
    assert_eq!(
        arrived, expected,
        "each body in order, a repeated one only right after itself"
    );
    assert!(server.requests().len() > 250);
}

#[test]
fn rejected_results_of_a_stored_report_are_named() {
    let receipt = Receipt::read(
        br#"{"status":"ok","stored":1,"rejected":[{"index":4,"code":"bad_name","error":"no"}],"new":1}"#,
    );
    assert_eq!(
        receipt.unwrap().rejected().unwrap(),
        "delivered, but the collector rejected 1 result(s), the first at index 4: bad_name no"
    );
    assert!(Receipt::read(OK.as_bytes()).unwrap().rejected().is_none());
}
