//! Stands between collector and InfluxDB, so that a kill falls exactly where it hurts.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::collector_process::Collector;

/// Where the collector is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// InfluxDB has acknowledged a write, the collector has not heard it.
    AfterWrite,
    /// InfluxDB has got the first half of the lines of a write.
    InsideBatch,
}

/// The proxy. Its threads end with the process.
pub(crate) struct Proxy {
    address: SocketAddr,
    armed: Arc<Mutex<Option<(Fault, Pid)>>>,
    struck: Receiver<()>,
}

impl Proxy {
    /// Starts to listen in front of `upstream`.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Arc::new(Mutex::new(None));
        let (sender, struck) = channel();
        let shared = Arc::clone(&armed);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let connection = Connection {
                    upstream,
                    armed: Arc::clone(&shared),
                    struck: sender.clone(),
                };
                // An error is a connection that one side gave up, which is what this test is about.
                std::thread::spawn(move || connection.serve(client).ok());
            }
        });
        Self {
            address,
            armed,
            struck,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the collector at its next write, where `fault` says, and starts another.
    pub(crate) fn strike(&self, fault: Fault, collector: &mut Collector) {
        *self.armed.lock().unwrap() = Some((fault, collector.pid()));
        self.struck
            .recv_timeout(Duration::from_mins(1))
            .expect("the collector writes");
        collector.start_after_kill();
    }
}

struct Connection {
    upstream: SocketAddr,
    armed: Arc<Mutex<Option<(Fault, Pid)>>>,
    struck: Sender<()>,
}

impl Connection {
    /// One request after the other, each over a connection of its own to InfluxDB.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        loop {
            let Some((head, body)) = read_request(&mut client)? else {
                return Ok(());
            };
            let is_write = head.starts_with("POST /api/v2/write");
            let armed = if is_write {
                self.armed.lock().unwrap().take()
            } else {
                None
            };
            match armed {
                None => {
                    let answer = self.forward(&head, &body)?;
                    client.write_all(&answer)?;
                    // The answer said "Connection: close".
                    return Ok(());
                }
                Some((Fault::AfterWrite, pid)) => {
                    let answer = self.forward(&head, &body)?;
                    assert!(
                        answer.starts_with(b"HTTP/1.1 204"),
                        "{}",
                        String::from_utf8_lossy(&answer)
                    );
                    self.kill(pid);
                }
                Some((Fault::InsideBatch, pid)) => {
                    let text = inflate(&head, &body);
                    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                    let half = lines[..lines.len().div_ceil(2)].concat();
                    let answer = self.forward(&without_encoding(&head), &half)?;
                    assert!(
                        answer.starts_with(b"HTTP/1.1 204"),
                        "{}",
                        String::from_utf8_lossy(&answer)
                    );
                    self.kill(pid);
                }
            }
        }
    }

    fn kill(&self, pid: Pid) {
        kill(pid, Signal::SIGKILL).unwrap();
        self.struck.send(()).unwrap();
    }

    fn forward(&self, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut upstream = TcpStream::connect(self.upstream)?;
        let kept = head.lines().filter(|line| {
            let line = line.to_ascii_lowercase();
            !line.is_empty()
                && !line.starts_with("content-length:")
                && !line.starts_with("connection:")
                && !line.starts_with("transfer-encoding:")
        });
        let head = kept.collect::<Vec<_>>().join("\r\n");
        upstream.write_all(
            format!(
                "{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            )
            .as_bytes(),
        )?;
        upstream.write_all(body)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// Head and body of one request; `None` at the end of the connection.
fn read_request(client: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0_u8; 65536];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&buffer[..read]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    assert_eq!(
        header(&head, "transfer-encoding"),
        None,
        "the store's client knows the length of what it sends"
    );
    let mut body = bytes.split_off(end);
    while body.len() < length {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        body.extend_from_slice(&buffer[..read]);
    }
    Ok(Some((head, body)))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn inflate(head: &str, body: &[u8]) -> Vec<u8> {
    if header(head, "content-encoding") != Some("gzip") {
        return body.to_vec();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap();
    text
}

fn without_encoding(head: &str) -> String {
    let kept = head
        .lines()
        .filter(|line| !line.to_ascii_lowercase().starts_with("content-encoding:"));
    kept.collect::<Vec<_>>().join("\r\n")
}
