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
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Self {
            bytes: [head.as_bytes(), body].concat(),
            results,
        }
    }
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
pub(crate) fn send(address: SocketAddr, work: &[Vec<Request>]) -> Figures {
    let barrier = Barrier::new(work.len() + 1);
    let (elapsed, mut times) = thread::scope(|scope| {
        let threads: Vec<_> = work
            .iter()
            .map(|requests| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let mut connection = Connection::open(address).expect("a connection");
                    barrier.wait();
                    requests
                        .iter()
                        .map(|request| connection.exchange(request))
                        .collect::<Vec<_>>()
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
    let at = |permille: usize| times[(times.len() * permille).div_ceil(1000).max(1) - 1];
    Figures {
        rate: results as f64 / elapsed.as_secs_f64(),
        p50: at(500),
        p99: at(990),
    }
}

struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends `request` and reads the whole answer; how long that took.
    fn exchange(&mut self, request: &Request) -> Duration {
        let begin = Instant::now();
        self.0
            .get_mut()
            .write_all(&request.bytes)
            .expect("the request can be sent");
        let (status, body) = self.answer().expect("an answer");
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
        begin.elapsed()
    }

    fn answer(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let (mut line, mut length) = (String::new(), 0);
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
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, body))
    }
}
