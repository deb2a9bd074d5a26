//! What the tests of a faulty InfluxDB have in common.

#![cfg(test)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use collector::store::Report;
use collector::store::influx::{Influx, Options};
use flate2::read::GzDecoder;
use ippm::Family;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wiremock::{MockServer, Request};

use super::reports::{measured, name, report, round, summary, two_hours_ago};

pub(crate) const TOKEN: &str = "a-marked-token-of-a-test";

/// Options whose names need care in a URL, with limits for a test.
pub(crate) fn options(url: &str) -> Options {
    Options {
        url: url.to_owned(),
        org: "exchange & co".to_owned(),
        bucket: "a b/c".to_owned(),
        token: TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(2),
        request_limit: Duration::from_secs(5),
        append_limit: Duration::from_secs(4),
        concurrency: 2,
        gzip: true,
    }
}

/// A store behind a proxy that shows InfluxDB under a path.
pub(crate) fn store(server: &MockServer) -> Influx {
    Influx::new(&options(&format!("{}/influx/", server.uri()))).unwrap()
}

pub(crate) fn report_of(source: &str, results: usize) -> Report {
    let at = round(two_hours_ago(), 0);
    let entries = (0..results).map(|number| {
        let target = name(&format!("t{number:02}"));
        measured(&target, summary(at, "0.5 0.7 - 0.6"))
    });
    report(&name(source), at, entries.collect())
}

/// The lines of a write, unpacked.
pub(crate) fn lines_of(request: &Request) -> Vec<String> {
    let mut text = String::new();
    if request.headers.contains_key("content-encoding") {
        GzDecoder::new(request.body.as_slice())
            .read_to_string(&mut text)
            .unwrap();
    } else {
        text = String::from_utf8(request.body.clone()).unwrap();
    }
    text.lines().map(str::to_owned).collect()
}

/// A TLS server that stores everything, under a certificate that nobody knows.
pub(crate) struct Tls {
    pub(crate) url: String,
    pub(crate) certificate: Vec<u8>,
}

impl Tls {
    /// `None` where no certificate can be made.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key)
            .stderr(Stdio::null())
            .status();
        if !made.is_ok_and(|status| status.success()) {
            return None;
        }
        let certificate = std::fs::read(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(&certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || serve(&listener, &Arc::new(config)));
        Some(Self { url, certificate })
    }
}

/// One request a connection; whoever does not trust the certificate ends it, which is no fault of ours.
fn serve(listener: &TcpListener, config: &Arc<rustls::ServerConfig>) {
    while let Ok((mut stream, _)) = listener.accept() {
        let mut connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            match tls.read(&mut part) {
                Ok(number) if number > 0 => request.extend_from_slice(&part[..number]),
                _ => break,
            }
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split_once("\r\n")?.0.parse().ok())
            .unwrap_or(0);
        let begin = request
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .map_or(0, |at| at + 4);
        while request.len() < begin + length {
            match tls.read(&mut part) {
                Ok(number) if number > 0 => request.extend_from_slice(&part[..number]),
                _ => break,
            }
        }
        let _ = tls.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        connection.send_close_notify();
        let _ = connection.complete_io(&mut stream);
    }
}
