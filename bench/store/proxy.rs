//! A proxy before InfluxDB that notes the questions that pass: what the product asks is asked again, raw.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// The path of questions in Flux.
const QUERY: &str = "/api/v2/query";

/// What is read of an answer at a time.
const PART: usize = 64 << 10;

/// A question that passed.
#[derive(Clone)]
pub(crate) struct Noted {
    /// The path with its parameters.
    pub(crate) path: String,
    /// The question.
    pub(crate) body: Vec<u8>,
    /// When the request was there.
    pub(crate) began: Instant,
    /// When the last byte of the answer passed.
    pub(crate) ended: Instant,
}

type Shared<T> = Arc<Mutex<T>>;

/// A listening proxy; it lives as long as the program.
pub(crate) struct Proxy {
    address: SocketAddr,
    noted: Shared<Vec<Shared<Noted>>>,
}

impl Proxy {
    /// One before `server`.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let noted = Shared::default();
        let shared = Arc::clone(&noted);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let noted = Arc::clone(&shared);
                // A connection that breaks is seen by whoever asked.
                thread::spawn(move || pass(client, server, &noted));
            }
        });
        Self { address, noted }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What passed since the last call, by the time at which it began.
    pub(crate) fn take(&self) -> Vec<Noted> {
        let noted = std::mem::take(&mut *lock(&self.noted));
        let mut noted: Vec<Noted> = noted.iter().map(|noted| lock(noted).clone()).collect();
        noted.sort_by_key(|noted| noted.began);
        noted
    }
}

/// Carries one connection; requests do not overlap on it.
fn pass(client: TcpStream, server: SocketAddr, noted: &Shared<Vec<Shared<Noted>>>) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    server.set_nodelay(true)?;
    client.set_nodelay(true)?;
    let current: Shared<Option<Shared<Noted>>> = Shared::default();
    let (back, answers, answering) = (client.try_clone()?, server.try_clone()?, Arc::clone(&current));
    thread::spawn(move || carry_back(answers, back, &answering));
    let mut client = BufReader::new(client);
    loop {
        let (head, path, length) = head(&mut client)?;
        if head.is_empty() {
            return server.shutdown(Shutdown::Write);
        }
        let mut body = vec![0; length];
        client.read_exact(&mut body)?;
        if path.starts_with(QUERY) {
            let now = Instant::now();
            let question = Arc::new(Mutex::new(Noted {
                path,
                body: body.clone(),
                began: now,
                ended: now,
            }));
            *lock(&current) = Some(Arc::clone(&question));
            lock(noted).push(question);
        } else {
            *lock(&current) = None;
        }
        server.write_all(&head)?;
        server.write_all(&body)?;
    }
}

fn carry_back(mut answers: TcpStream, mut client: TcpStream, current: &Shared<Option<Shared<Noted>>>) {
    let mut part = vec![0; PART];
    while let Ok(length @ 1..) = answers.read(&mut part) {
        if client.write_all(&part[..length]).is_err() {
            break;
        }
        if let Some(question) = &*lock(current) {
            lock(question).ended = Instant::now();
        }
    }
    let _ = client.shutdown(Shutdown::Write);
}

/// The lines up to the empty one, the path in them, and the length of the body.
fn head(client: &mut impl BufRead) -> io::Result<(Vec<u8>, String, usize)> {
    let (mut head, mut path, mut length) = (Vec::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        if client.read_line(&mut line)? == 0 {
            return Ok((Vec::new(), path, 0));
        }
        if head.is_empty() {
            line.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
        }
        head.extend_from_slice(line.as_bytes());
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().map_err(io::Error::other)?;
            }
            None if line.trim_end().is_empty() => return Ok((head, path, length)),
            _ => {}
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
