//! What the store makes of an InfluxDB, or a proxy before it, that is away, full, slow or something else.

#![cfg(test)]

mod support {
    pub(crate) mod faults;
    pub(crate) mod reports;
}

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use collector::store::influx::Influx;
use collector::store::row::Parts;
use collector::store::{Appended, Report, Store, StoreError};
use tokio::time::Instant;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use support::faults::{TOKEN, Tls, lines_of, options, report_of, store};
use support::reports::name;

/// Answers writes as a rule says, and counts.
async fn write_answers(server: &MockServer, answer: impl Respond + 'static) {
    Mock::given(method("POST"))
        .and(path("/influx/api/v2/write"))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn stored(_: &Request) -> ResponseTemplate {
    ResponseTemplate::new(204)
}

#[tokio::test]
async fn lines_go_compressed_under_the_configured_path_and_the_ledger_goes_last() {
    let server = MockServer::start().await;
    write_answers(&server, stored).await;
    let reports = [report_of("ams1", 40), report_of("fra1", 1)];
    let appended = store(&server).append(&reports).await.unwrap();
    assert_eq!(appended, vec![Appended::default(); 2]);
    let requests = server.received_requests().await.unwrap();
    let shown: Vec<_> = requests
        .iter()
        .map(|request| (request.url.query().unwrap().to_owned(), lines_of(request).len()))
        .collect();
    assert_eq!(
        shown,
        [
            ("org=exchange+%26+co&bucket=a+b%2Fc&precision=ns".to_owned(), 41),
            (
                "org=exchange+%26+co&bucket=a+b%2Fc_ledger&precision=ns".to_owned(),
                2
            ),
        ]
    );
    for request in &requests {
        assert_eq!(request.headers["authorization"], format!("Token {TOKEN}"));
    }
    assert_eq!(requests[0].headers["content-encoding"], "gzip");
    assert!(lines_of(&requests[0])[0].starts_with("Ping,family=4,source=ams1,"));
    assert!(lines_of(&requests[1])[0].starts_with("ProbeRun,source=ams1 "));
}

#[tokio::test]
async fn only_influxdbs_own_204_means_stored() {
    for (status, body) in [(200, "OK"), (201, "{}"), (202, ""), (206, "")] {
        let server = MockServer::start().await;
        write_answers(&server, ResponseTemplate::new(status).set_body_string(body)).await;
        let error = store(&server).append(&[report_of("ams1", 1)]).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Unavailable { .. }),
            "{status}: {error:?}"
        );
    }
}

/// A result that was refused is deleted by its probe: nobody but InfluxDB may say so.
#[tokio::test]
async fn the_page_of_a_proxy_never_costs_a_result() {
    let html = "<html><h1>400 Bad Request</h1>unable to parse, partial write</html>";
    let no_bucket = r#"{"code":"not found","message":"bucket \"a\" not found"}"#;
    let precision = r#"{"code":"invalid","message":"invalid precision; valid precision units are ns"}"#;
    for (status, body) in [
        (400, html),
        (422, html),
        (400, precision),
        (401, "{}"),
        (403, "{}"),
        (404, no_bucket),
        (405, html),
        (302, ""),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("location", format!("{}/elsewhere", server.uri()))
            .set_body_string(body);
        write_answers(&server, answer).await;
        let error = store(&server).append(&[report_of("ams1", 3)]).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{status}: {error:?}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_halved() {
    let server = MockServer::start().await;
    write_answers(&server, |request: &Request| {
        let lines = lines_of(request).len();
        ResponseTemplate::new(if lines > 10 { 413 } else { 204 })
    })
    .await;
    store(&server).append(&[report_of("ams1", 40)]).await.unwrap();
    let mut names: Vec<String> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(lines_of)
        .filter(|lines| lines.len() <= 10)
        .flatten()
        .filter(|line| line.starts_with("Ping,"))
        .collect();
    assert_eq!(names.len(), 40);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 40);
    // A limit that no line keeps is for the operator to mend, and costs no result.
    server.reset().await;
    write_answers(&server, ResponseTemplate::new(413)).await;
    let error = store(&server).append(&[report_of("ams1", 3)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refused_line_is_found_and_the_rest_is_stored() {
    let server = MockServer::start().await;
    let conflict = r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: field type conflict: x dropped=1"}"#;
    write_answers(&server, move |request: &Request| {
        let lines = lines_of(request);
        let is_bad = lines
            .iter()
            .any(|line| line.contains("target=t07,") || line.contains("target=t07 "));
        if is_bad {
            ResponseTemplate::new(422).set_body_string(conflict)
        } else {
            ResponseTemplate::new(204)
        }
    })
    .await;
    let appended = store(&server).append(&[report_of("ams1", 32)]).await.unwrap();
    let refused: Vec<_> = appended[0].refused.iter().map(|(index, _)| *index).collect();
    assert_eq!(refused, [7]);
    assert!(appended[0].refused[0].1.contains("field type conflict"));
    // 32 lines are halved five times: eleven requests, and one for the ledger.
    assert_eq!(server.received_requests().await.unwrap().len(), 12);
}

#[tokio::test]
async fn lines_that_are_all_refused_need_one_request() {
    let server = MockServer::start().await;
    Mock::given(query_param("bucket", "a b/c"))
        .respond_with(ResponseTemplate::new(422).set_body_string(
            r#"{"code":"unprocessable entity","message":"partial write: points beyond retention policy dropped=32"}"#,
        ))
        .mount(&server)
        .await;
    Mock::given(query_param("bucket", "a b/c_ledger"))
        .respond_with(stored)
        .mount(&server)
        .await;
    let appended = store(&server).append(&[report_of("ams1", 32)]).await.unwrap();
    assert_eq!(appended[0].refused.len(), 32);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// The next answers, one after the other; the last one stays.
fn one_after_the_other(answers: Vec<ResponseTemplate>) -> impl Respond {
    let at = std::sync::atomic::AtomicUsize::new(0);
    move |_: &Request| {
        let at = at.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        answers[at.min(answers.len() - 1)].clone()
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_with_the_same_bytes() {
    let server = MockServer::start().await;
    let answers = [429, 500, 503, 204].map(ResponseTemplate::new);
    write_answers(&server, one_after_the_other(answers.to_vec())).await;
    store(&server).append(&[report_of("ams1", 3)]).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 5);
    for again in &requests[1..4] {
        assert_eq!(again.body, requests[0].body);
        assert_eq!(again.url, requests[0].url);
    }
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_kept_or_passed_on() {
    let server = MockServer::start().await;
    let busy = |wait: &str| ResponseTemplate::new(429).insert_header("retry-after", wait);
    write_answers(
        &server,
        one_after_the_other(vec![busy("1"), ResponseTemplate::new(204)]),
    )
    .await;
    let begin = Instant::now();
    store(&server).append(&[report_of("ams1", 1)]).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(1));

    server.reset().await;
    let date = busy("Sat, 21 Nov 2026 10:07:00 GMT").insert_header("date", "Sat, 21 Nov 2026 10:05:00 GMT");
    write_answers(&server, date).await;
    let error = store(&server).append(&[report_of("ams1", 1)]).await.unwrap_err();
    let StoreError::Unavailable { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_mins(2)));
    // Longer than the append may take: it is not waited for.
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn tries_are_bounded() {
    let server = MockServer::start().await;
    write_answers(&server, ResponseTemplate::new(503).set_body_string("away")).await;
    let error = store(&server).append(&[report_of("ams1", 1)]).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
    let tries = server.received_requests().await.unwrap().len();
    assert!((2..=6).contains(&tries), "{tries}");
}

/// A server that takes a connection and says `greeting`, then nothing more.
fn mute(greeting: &'static str, then_close: bool) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = vec![0; 65_536];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(greeting.as_bytes());
            if !then_close {
                open.push(stream);
            }
        }
    });
    format!("http://{address}")
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/csv; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test]
async fn a_server_that_says_nothing_is_left_in_time() {
    let quiet = Influx::new(&collector::store::influx::Options {
        url: mute("", false),
        request_limit: Duration::from_millis(300),
        append_limit: Duration::from_millis(900),
        ..options("")
    })
    .unwrap();
    let begin = Instant::now();
    let reports = [report_of("ams1", 1)];
    let (append, rows, ready) = tokio::join!(
        quiet.append(&reports),
        quiet.latest(None, reports[0].run.time, Parts::ALL),
        quiet.ready()
    );
    let errors = [append.unwrap_err(), rows.unwrap_err(), ready.unwrap_err()];
    assert!(begin.elapsed() < Duration::from_secs(10));
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let header = "#datatype,string,long\r\n#group,false,false\r\n#default,_result,\r\n,result,table\r\n";
    let chunk: &'static str = Box::leak(format!("{HEAD}{:x}\r\n{header}\r\n", header.len()).into_boxed_str());
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 18\r\n\r\n<html>502</html>\r\n";
    let not_csv =
        "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 18\r\n\r\n<html>502</html>\r\n";
    let cut =
        "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 23\r\n\r\n#datatype,string,long\r\n";
    for (greeting, then_close) in [
        (chunk, true),
        (chunk, false),
        (html, true),
        (not_csv, true),
        (cut, true),
    ] {
        let broken = Influx::new(&collector::store::influx::Options {
            url: mute(greeting, then_close),
            request_limit: Duration::from_millis(300),
            ..options("")
        })
        .unwrap();
        let since = report_of("ams1", 0).run.time;
        broken.latest(None, since, Parts::ALL).await.unwrap_err();
        broken.names(since).await.unwrap_err();
        broken
            .probe_runs(None, since, ippm::UnixTime::from_ns(i64::MAX))
            .await
            .unwrap_err();
        let query = collector::store::query::RowQuery {
            source: Some(name("ams1")),
            target: None,
            family: None,
            test: None,
            from: since,
            to: ippm::UnixTime::from_ns(i64::MAX),
            parts: collector::store::row::Parts::ALL,
        };
        broken.rows(query).collect().await.unwrap_err();
    }
}

#[tokio::test]
async fn a_beat_is_tried_once() {
    let server = MockServer::start().await;
    write_answers(&server, ResponseTemplate::new(503)).await;
    let beat = collector::store::ledger::CollectorRun {
        instance: "a".to_owned(),
        time: report_of("ams1", 0).run.time,
    };
    store(&server).put_collector_run(&beat).await.unwrap_err();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    // A name that no tag can hold is the operator's to mend.
    let backslash = collector::store::ledger::CollectorRun {
        instance: "a\\".to_owned(),
        ..beat
    };
    let error = store(&server).put_collector_run(&backslash).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_without_its_secrets() {
    let with = |url: &str, token: &str, ca: Option<&str>| {
        let options = collector::store::influx::Options {
            token: token.into(),
            ca: ca.map(|ca| ca.as_bytes().to_vec()),
            ..options(url)
        };
        assert!(!format!("{options:?}").contains(TOKEN));
        Influx::new(&options).map(|_| ()).unwrap_err().to_string()
    };
    for (error, word) in [
        (with("influxdb:8086", TOKEN, None), "http://"),
        (with("ftp://influxdb", TOKEN, None), "http://"),
        (
            with("http://user:marked-password@influxdb", TOKEN, None),
            "user or a password",
        ),
        (with("http://influxdb", "marked-token\n", None), "token"),
        (
            with("http://influxdb", TOKEN, Some("no certificate")),
            "holds none",
        ),
    ] {
        assert!(error.contains(word), "{error}");
        assert!(!error.contains("marked") && !error.contains(TOKEN), "{error}");
    }
}

#[tokio::test]
async fn a_certificate_is_trusted_only_through_the_configured_ca() {
    let Some(tls) = Tls::start() else {
        println!("skipped: needs openssl to make a certificate");
        return;
    };
    let trusting = |ca: Option<Vec<u8>>| {
        Influx::new(&collector::store::influx::Options {
            ca,
            // More than all tries and their pauses take on a busy machine: the last error is what is looked at.
            append_limit: Duration::from_secs(20),
            ..options(&tls.url)
        })
        .unwrap()
    };
    let reports: [Report; 1] = [report_of("ams1", 1)];
    trusting(Some(tls.certificate.clone()))
        .append(&reports)
        .await
        .unwrap();
    let other = Tls::start().unwrap();
    for ca in [None, Some(other.certificate.clone())] {
        let error = trusting(ca).append(&reports).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}
