//! What goes over the wire: a forwarder that keeps it, and a server that answers what it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::{future, io, mem};

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Forwards to the real server, and keeps what clients sent; connection by connection.
pub(crate) struct Tap {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Tap {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let (listener, address) = listen().await;
        let sent: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let tap = Self {
            address,
            sent: Arc::clone(&sent),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = {
                    let mut sent = sent.lock().expect("nobody panics with it");
                    sent.push(Vec::new());
                    sent.len() - 1
                };
                let sent = Arc::clone(&sent);
                tokio::spawn(async move {
                    // A client that is gone ends its connection, which is no fault.
                    let _ = forward(client, server, |bytes| {
                        sent.lock().expect("nobody panics with it")[number].extend_from_slice(bytes);
                    })
                    .await;
                });
            }
        });
        tap
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was sent since the last call.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut sent = self.sent.lock().expect("nobody panics with it");
        sent.iter_mut().flat_map(mem::take).collect()
    }
}

async fn forward(client: TcpStream, server: SocketAddr, mut keep: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = from_client.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        keep(&buffer[..length]);
        to_server.write_all(&buffer[..length]).await?;
    }
}

/// The Flux of every question in what a client sent.
pub(crate) fn questions(mut sent: &[u8]) -> Vec<String> {
    let mut questions = Vec::new();
    while let Some(end) = find(sent, b"\r\n\r\n") {
        let (head, rest) = sent.split_at(end + 4);
        let (body, others) = rest.split_at(length_of(head).min(rest.len()));
        let json: Json = serde_json::from_slice(body).unwrap_or_default();
        questions.extend(json["query"].as_str().map(str::to_owned));
        sent = others;
    }
    questions
}

/// Answers in their order, the last one again and again; `None` says nothing and keeps the connection.
pub(crate) struct Canned {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    pub(crate) async fn start(answers: Vec<Option<String>>) -> Self {
        let (listener, address) = listen().await;
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let server = Self {
            address,
            seen: Arc::clone(&seen),
        };
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((client, _)) = listener.accept().await {
                let answer = answers[number.min(answers.len() - 1)].clone();
                number += 1;
                tokio::spawn(serve(client, answer, Arc::clone(&seen)));
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first line of each request.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panics with it").clone()
    }
}

/// An answer of HTTP; the connection ends with it.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

async fn serve(mut client: TcpStream, answer: Option<String>, seen: Arc<Mutex<Vec<String>>>) {
    let Ok(head) = request(&mut client).await else {
        return;
    };
    let first = head.lines().next().unwrap_or_default().to_owned();
    seen.lock().expect("nobody panics with it").push(first);
    match answer {
        // A client that is gone needs no answer.
        Some(answer) => drop(client.write_all(answer.as_bytes()).await),
        None => future::pending().await,
    }
}

/// Reads a whole request, and returns its head.
async fn request(client: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            let head = &bytes[..end + 4];
            let is_whole = if find(head, b"chunked").is_some() {
                bytes.ends_with(b"0\r\n\r\n")
            } else {
                bytes.len() >= head.len() + length_of(head)
            };
            if is_whole {
                return Ok(String::from_utf8_lossy(head).into_owned());
            }
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn length_of(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or(0)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
