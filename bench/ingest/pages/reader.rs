//! Somebody who loads pages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ippm::ProbeName;

use crate::client::{Connection, Request};
use crate::collector::Collector;

/// What a reader loads, by turns.
pub(super) const PAGES: [&str; 3] = [
    "/?last=24h",
    "/pair/SOURCE/TARGET?last=24h",
    "/api/v2/matrix?last=24h",
];

/// Who loads pages meanwhile, over one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Nobody,
    /// A page begins in every second, as when somebody looks at one that renews itself.
    EverySecond,
    /// A page begins when the one before it is there.
    Loop,
}

impl Reader {
    /// How the table says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::EverySecond => "one a second",
            Self::Loop => "in a loop",
        }
    }
}

/// What a reader saw.
pub(super) struct Read {
    /// Place in [`PAGES`] and time of each page, a refused one too.
    pub(super) times: Vec<(usize, Duration)>,
    /// Pages that were not shown, because the store did not answer in time.
    pub(super) refused: usize,
    elapsed: Duration,
}

impl Read {
    /// Pages a second.
    pub(super) fn rate(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Loads pages until `stop`, but `least` in any case.
pub(super) fn read(collector: &Collector, reader: Reader, least: usize, stop: &AtomicBool) -> Read {
    let mut connection = Connection::open(collector.address).expect("a connection");
    let begin = Instant::now();
    let (mut times, mut refused) = (Vec::new(), 0);
    while reader != Reader::Nobody && (times.len() < least || !stop.load(Ordering::Relaxed)) {
        let (kind, page) = page(&collector.sources, times.len());
        let before = Instant::now();
        let (status, body) = connection.ask(&page);
        times.push((kind, before.elapsed()));
        match status {
            200 => {}
            503 => refused += 1,
            _ => panic!("{status}: {}", String::from_utf8_lossy(&body)),
        }
        if reader == Reader::EverySecond {
            let next = Duration::from_secs(times.len() as u64);
            while begin.elapsed() < next && !stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
    Read {
        times,
        refused,
        elapsed: begin.elapsed(),
    }
}

/// One page after the other, that of a pair each time of another one; as a browser asks that has nothing of it yet.
fn page(sources: &[ProbeName], at: usize) -> (usize, Request) {
    let (kind, turn) = (at % PAGES.len(), at / PAGES.len());
    let source = turn % sources.len();
    let target = (source + 1 + turn % (sources.len() - 1)) % sources.len();
    let path = PAGES[kind]
        .replace("SOURCE", sources[source].as_str())
        .replace("TARGET", sources[target].as_str());
    (kind, Request::get(&path, &[("Accept-Encoding", "gzip")]))
}
