//! A small HTTP/1.1 client that keeps its connection: on two processors, what the client takes the server lacks.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// One request that is sent as it is.
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// How many results are in it.
    pub(crate) results: usize,
}

impl Request {
    /// A POST of `body` to `path` with the given header lines.
    pub(crate) fn post(path: &str, headers: &[(&str, &str)], body: &[u8], results: usize) -> Self {
        let length = format!("Content-Length: {}\r\n", body.len());
        Self {
            bytes: [head("POST", path, headers, &length).as_bytes(), body].concat(),
            results,
        }
    }

    /// A GET of `path` with the given header lines.
    pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        Self {
            bytes: head("GET", path, headers, "").into_bytes(),
            results: 0,
        }
    }
}

fn head(method: &str, path: &str, headers: &[(&str, &str)], more: &str) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\n{more}");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// When requests leave.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// Each as soon as the one before it on its connection is answered.
    Flat,
    /// One after so much time, by turns over the connections; a time runs from when its request was due.
    Every(Duration),
}

/// What a measurement said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Results (or lines) a second.
    pub(crate) rate: f64,
    /// Median time of a request.
    pub(crate) p50: Duration,
    /// 99th percentile, nearest rank.
    pub(crate) p99: Duration,
}

/// Sends each list of `work` over a connection of its own, all at once.
///
/// # Panics
///
/// If anything is answered that is not a 2xx.
pub(crate) fn send(address: SocketAddr, work: &[Vec<Request>], pace: Pace) -> Figures {
    let barrier = Barrier::new(work.len() + 1);
    let (elapsed, mut times) = thread::scope(|scope| {
        let threads: Vec<_> = work
            .iter()
            .enumerate()
            .map(|(number, requests)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut connection = Connection::open(address).expect("a connection");
                    barrier.wait();
                    let begin = Instant::now();
                    let due = |turn: usize| match pace {
                        Pace::Flat => Instant::now(),
                        Pace::Every(time) => {
                            let place = turn * work.len() + number;
                            begin + time * u32::try_from(place).expect("few requests")
                        }
                    };
                    let exchange = |(turn, request)| {
                        let due = due(turn);
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        connection.exchange(request);
                        due.elapsed()
                    };
                    requests.iter().enumerate().map(exchange).collect::<Vec<_>>()
                })
            })
            .collect();
        barrier.wait();
        let begin = Instant::now();
        let times: Vec<Duration> = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a client"))
            .collect();
        (begin.elapsed(), times)
    });
    times.sort_unstable();
    let results: usize = work.iter().flatten().map(|request| request.results).sum();
    Figures {
        rate: results as f64 / elapsed.as_secs_f64(),
        p50: percentile(&times, 500),
        p99: percentile(&times, 990),
    }
}

/// Nearest rank of ascending times; nothing of none.
pub(crate) fn percentile(times: &[Duration], permille: usize) -> Duration {
    let rank = (times.len() * permille).div_ceil(1000).max(1);
    times.get(rank - 1).copied().unwrap_or_default()
}

/// A connection that is kept.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends `request` and reads the whole answer, which has to be a 2xx that rejects nothing.
    fn exchange(&mut self, request: &Request) {
        let (status, body) = self.ask(request);
        assert!(
            (200..300).contains(&status),
            "{status}: {}",
            String::from_utf8_lossy(&body)
        );
        // A result that was rejected would cost nothing and count all the same.
        assert!(
            !body.windows(9).any(|w| w == b"\"index\":0"),
            "{}",
            String::from_utf8_lossy(&body)
        );
    }

    /// Sends `request`; the status and the whole answer, packed as it may be.
    pub(crate) fn ask(&mut self, request: &Request) -> (u16, Vec<u8>) {
        self.0
            .get_mut()
            .write_all(&request.bytes)
            .expect("the request can be sent");
        self.answer().expect("an answer")
    }

    fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let (mut line, mut length, mut is_chunked) = (String::new(), 0, false);
        self.0.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            match line.trim_end().split_once(": ") {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().map_err(io::Error::other)?;
                }
                Some((name, _)) => is_chunked |= name.eq_ignore_ascii_case("transfer-encoding"),
            }
        }
        let mut body = Vec::new();
        while is_chunked {
            line.clear();
            self.0.read_line(&mut line)?;
            length = usize::from_str_radix(line.trim_end(), 16).map_err(io::Error::other)?;
            self.part(&mut body, length)?;
            self.0.read_line(&mut line)?;
            is_chunked = 0 < length;
            length = 0;
        }
        self.part(&mut body, length)?;
        Ok((status, body))
    }

    /// The next `length` bytes, after those that are there.
    fn part(&mut self, body: &mut Vec<u8>, length: usize) -> io::Result<()> {
        let before = body.len();
        body.resize(before + length, 0);
        self.0.read_exact(&mut body[before..])
    }
}
