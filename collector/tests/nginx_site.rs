//! The shipped nginx site, run by a real nginx in front of invented collectors.
#![cfg(test)]

use std::{
    io::{BufRead, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

use crate::support::nginx::Nginx;

mod support {
    pub(crate) mod nginx;
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
const AWAY: &str = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 29\r\n\
                    Content-Type: application/json\r\n\r\n{\"code\":\"store_unavailable\"}\n";
/// Reads the request and closes the connection, as a collector does that is killed before its answer.
const CLOSE: &str = "";

const REPORTS: &str = "/api/v2/reports";
const LEGACY_RESULT: &str = "/backend/api/v1/data/probe-result";

#[tokio::test]
async fn the_prefix_of_the_original_is_stripped() {
    let collector = FakeCollector::start(OK);
    let Some(nginx) = Nginx::start(&[collector.address]) else {
        return;
    };
    for path in [
        "/backend/api/v1/conf/probes",
        "/api/v1/conf/probes",
        "/backend/api/v2/plan/a%20b%C3%A9?start=x%2By",
    ] {
        send(&nginx, Method::GET, path, Vec::new()).await;
    }
    assert_eq!(
        collector.request_lines(),
        [
            "GET /api/v1/conf/probes HTTP/1.1",
            "GET /api/v1/conf/probes HTTP/1.1",
            "GET /api/v2/plan/a%20b%C3%A9?start=x%2By HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn the_collector_learns_the_address_that_nginx_saw_and_no_claim() {
    let collector = FakeCollector::start(OK);
    let Some(nginx) = Nginx::start(&[collector.address]) else {
        return;
    };
    for path in ["/readyz", REPORTS, LEGACY_RESULT] {
        send(&nginx, Method::POST, path, Vec::new()).await;
    }
    for head in collector.seen() {
        let head = head.to_lowercase();
        assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n"), "{head}");
        assert!(!head.contains("203.0.113.9"), "{head}");
        assert!(head.contains("x-request-id: "), "{head}");
        assert!(head.contains("x-api-key: k"), "{head}");
    }
}

#[tokio::test]
async fn a_legacy_result_is_never_sent_twice() {
    let (killed, healthy) = (FakeCollector::start(CLOSE), FakeCollector::start(OK));
    let Some(nginx) = Nginx::start(&[killed.address, healthy.address]) else {
        return;
    };
    let mut refused = 0;
    for _ in 0..4 {
        let response = send(&nginx, Method::POST, LEGACY_RESULT, b"{}".to_vec()).await;
        if response.status() != StatusCode::OK {
            assert_error(response, StatusCode::BAD_GATEWAY, "bad_gateway", Some("5")).await;
            refused += 1;
        }
    }
    assert_eq!(
        (killed.seen().len(), healthy.seen().len()),
        (refused, 4 - refused)
    );
    assert!(refused > 0, "the killed collector was never asked");
}

#[tokio::test]
async fn a_legacy_result_reaches_the_other_collector_when_one_is_not_there() {
    let healthy = FakeCollector::start(OK);
    let Some(nginx) = Nginx::start(&[unused_address(), healthy.address]) else {
        return;
    };
    for _ in 0..4 {
        let response = send(&nginx, Method::POST, LEGACY_RESULT, b"{}".to_vec()).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(healthy.seen().len(), 4);
}

#[tokio::test]
async fn a_native_report_goes_on_to_another_collector() {
    for answer in [CLOSE, AWAY] {
        let (failing, healthy) = (FakeCollector::start(answer), FakeCollector::start(OK));
        let Some(nginx) = Nginx::start(&[failing.address, healthy.address]) else {
            return;
        };
        for _ in 0..4 {
            for path in [REPORTS, "/backend/api/v2/reports"] {
                let response = send(&nginx, Method::POST, path, b"{}".to_vec()).await;
                assert_eq!(response.status(), StatusCode::OK, "{}", nginx.log());
            }
        }
        assert_eq!(healthy.seen().len(), 8);
        assert!(
            !failing.seen().is_empty(),
            "the failing collector was never asked"
        );
        assert!(
            healthy
                .request_lines()
                .iter()
                .all(|line| line == "POST /api/v2/reports HTTP/1.1")
        );
    }
}

#[tokio::test]
async fn the_errors_of_nginx_speak_the_language_of_the_api() {
    let Some(nginx) = Nginx::start(&[unused_address()]) else {
        return;
    };
    let get = |path: &'static str| send(&nginx, Method::GET, path, Vec::new());
    assert_error(
        get("/readyz").await,
        StatusCode::BAD_GATEWAY,
        "bad_gateway",
        Some("5"),
    )
    .await;
    let large = send(&nginx, Method::POST, REPORTS, vec![b' '; 21 << 20]).await;
    assert_error(large, StatusCode::PAYLOAD_TOO_LARGE, "too_large", None).await;
    let long = format!("/{}", "a".repeat(9000));
    let long = send(&nginx, Method::GET, &long, Vec::new()).await;
    assert_error(long, StatusCode::URI_TOO_LONG, "uri_too_long", None).await;
    let header = client(&nginx)
        .get(url(&nginx, "/"))
        .header("x", "a".repeat(9000))
        .send()
        .await
        .unwrap();
    assert_error(
        header,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "header_too_large",
        None,
    )
    .await;
}

#[tokio::test]
async fn the_errors_of_the_collector_pass_untouched() {
    let collector = FakeCollector::start(AWAY);
    let Some(nginx) = Nginx::start(&[collector.address]) else {
        return;
    };
    let response = send(&nginx, Method::GET, "/api/v2/results", Vec::new()).await;
    assert_error(
        response,
        StatusCode::SERVICE_UNAVAILABLE,
        "store_unavailable",
        Some("7"),
    )
    .await;
}

#[tokio::test]
async fn one_address_cannot_ask_without_end() {
    let collector = FakeCollector::start(OK);
    let Some(nginx) = Nginx::start(&[collector.address]) else {
        return;
    };
    let client = client(&nginx);
    for _ in 0..2000 {
        let response = request(&client, &nginx, Method::GET, "/readyz", Vec::new()).await;
        if response.status() != StatusCode::OK {
            assert_error(
                response,
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_requests",
                Some("1"),
            )
            .await;
            return;
        }
    }
    panic!("2000 requests were answered");
}

#[tokio::test]
async fn a_reload_costs_no_report() {
    let collector = FakeCollector::start(OK);
    let Some(nginx) = Nginx::start(&[collector.address]) else {
        return;
    };
    for number in 0..100 {
        if number % 20 == 10 {
            nginx.reload();
        }
        let response = send(&nginx, Method::POST, REPORTS, b"{}".to_vec()).await;
        assert_eq!(response.status(), StatusCode::OK, "{}", nginx.log());
    }
}

#[tokio::test]
async fn plain_http_is_sent_to_https() {
    let Some(nginx) = Nginx::start(&[unused_address()]) else {
        return;
    };
    let url = format!("http://127.0.0.1:{}/backend/api/v1/conf/probes?x=1", nginx.http);
    let response = client(&nginx).get(url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(
        response.headers()["location"],
        "https://qos.example.net/backend/api/v1/conf/probes?x=1"
    );
}

/// Answers every request with the same bytes, or with none, and keeps what it was asked.
struct FakeCollector {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl FakeCollector {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(&connection.unwrap(), answer, &kept));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn request_lines(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|head| head.lines().next().unwrap().to_owned())
            .collect()
    }
}

/// Serves one connection until either side has enough.
fn serve(mut connection: &TcpStream, answer: &str, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(connection);
    while let Some(head) = read_head(&mut reader) {
        let length = head
            .to_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).unwrap();
        seen.lock().unwrap().push(head);
        if answer == CLOSE || connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

/// An address on which nobody listens.
fn unused_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
}

fn client(nginx: &Nginx) -> Client {
    // The second call of a process finds the provider installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = reqwest::Certificate::from_pem(&nginx.certificate()).unwrap();
    Client::builder()
        .tls_certs_only([certificate])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

async fn send(nginx: &Nginx, method: Method, path: &str, body: Vec<u8>) -> Response {
    request(&client(nginx), nginx, method, path, body).await
}

async fn request(client: &Client, nginx: &Nginx, method: Method, path: &str, body: Vec<u8>) -> Response {
    client
        .request(method, url(nginx, path))
        .header("x-api-key", "k")
        .header("x-forwarded-for", "203.0.113.9")
        .body(body)
        .send()
        .await
        .unwrap()
}

fn url(nginx: &Nginx, path: &str) -> String {
    format!("https://localhost:{}{path}", nginx.https)
}

async fn assert_error(response: Response, status: StatusCode, code: &str, retry_after: Option<&str>) {
    assert_eq!(response.status(), status);
    let headers = response.headers().clone();
    let values = |name: &str| {
        headers
            .get_all(name)
            .iter()
            .map(|v| v.to_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(values("retry-after"), retry_after.into_iter().collect::<Vec<_>>());
    assert_eq!(values("content-type"), ["application/json"]);
    assert_eq!(values("strict-transport-security"), ["max-age=31536000"]);
    assert_eq!(values("x-content-type-options"), ["nosniff"]);
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["code"], code, "{body}");
}
