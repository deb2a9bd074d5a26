//! What is left of the rate at which results are taken while somebody loads pages.

mod reader;
mod table;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ippm::{Family, ProbeName, UnixTime};

use self::reader::{PAGES, Read, Reader};
use crate::client::{self, Connection, Figures, Pace, Request};
use crate::collector::Collector;
use crate::{Args, collector, now, reports};

/// A mesh of 30 probes with both families sends 5.8 results a second.
const OFFERS: [Offer; 3] = [Offer::Flat, Offer::Rate(1000), Offer::Rate(5000)];
const READERS: [Reader; 3] = [Reader::Nobody, Reader::EverySecond, Reader::Loop];
/// Longest wait for what an earlier measurement left to be done.
const SETTLED: Duration = Duration::from_mins(2);
const DAY: Duration = Duration::from_hours(24);
/// Days before today that posts stay away from: the history that the pages show lies in them.
const HISTORY_DAYS: usize = 3;
/// Days that are used at most: what is older is refused.
const DAYS: usize = 85;

/// How many results are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Nothing,
    /// As fast as they are acknowledged.
    Flat,
    /// So many a second.
    Rate(usize),
}

impl Offer {
    fn name(self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Flat => "as fast as acknowledged".to_owned(),
            Self::Rate(rate) => format!("{rate}/s"),
        }
    }
}

/// What one measurement said.
struct Measured {
    /// Nothing if nothing was posted.
    posts: Option<Figures>,
    read: Read,
    /// Processors that were not idle while results were posted, of all of the machine.
    busy: f64,
    /// Processors that the collector had.
    collector: f64,
    /// Processors that InfluxDB had.
    store: f64,
}

/// One row of the table, with every run.
struct Row {
    store: &'static str,
    offer: Offer,
    reader: Reader,
    runs: Vec<Measured>,
}

/// What all stores said.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Measures one store.
    pub(crate) fn measure(&mut self, args: &Args, store: &'static str, collector: &Collector) {
        assert!(
            HISTORY_DAYS + args.runs * settings(args, 0).len() <= DAYS,
            "every measurement takes a day, and 90 are kept"
        );
        settle();
        check_history(collector);
        for run in 0..args.runs {
            let settings = settings(args, run);
            for (part, (offer, reader)) in settings.iter().copied().enumerate() {
                let day = HISTORY_DAYS + run * settings.len() + part;
                let measured = measure(args, collector, day, offer, reader);
                eprintln!(
                    "run {run}: {store}, {}, pages {}: {:.0}/s; {:.2} pages/s, {} refused",
                    offer.name(),
                    reader.name(),
                    measured.posts.map_or(0.0, |posts| posts.rate),
                    measured.read.rate(),
                    measured.read.refused
                );
                let is_it = |row: &&mut Row| (row.store, row.offer, row.reader) == (store, offer, reader);
                match self.0.iter_mut().find(is_it) {
                    Some(row) => row.runs.push(measured),
                    None => self.0.push(Row {
                        store,
                        offer,
                        reader,
                        runs: vec![measured],
                    }),
                }
            }
        }
    }
}

/// What is measured in a run; another reader begins in every one.
fn settings(args: &Args, run: usize) -> Vec<(Offer, Reader)> {
    let offers = OFFERS
        .into_iter()
        .filter(|offer| !args.flat || *offer == Offer::Flat);
    let beside = |offer| (0..READERS.len()).map(move |turn| (offer, READERS[(run + turn) % READERS.len()]));
    let alone = (!args.flat).then_some((Offer::Nothing, Reader::Loop));
    alone.into_iter().chain(offers.flat_map(beside)).collect()
}

/// The pages have something to show, for the first pair and the last one.
///
/// The matrix itself is not asked for: with InfluxDB it may take longer than a page is given.
fn check_history(collector: &Collector) {
    let mut connection = Connection::open(collector.address).expect("a connection");
    let (Some(first), Some(last)) = (collector.sources.first(), collector.sources.last()) else {
        return;
    };
    for (source, target, family) in [(first, last, 4), (last, first, 6)] {
        let path =
            format!("/api/v2/results?source={source}&target={target}&family={family}&test=icmp&last=24h");
        let (status, body) = connection.ask(&Request::get(&path, &[]));
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("rounds");
        let rounds = answer["rounds"].as_array().map_or(0, Vec::len);
        // Of 288, without those of the incidents and those since the last full hour.
        assert!(
            200 < rounds,
            "{source} to {target}: only {rounds} rounds of a day"
        );
    }
}

fn measure(args: &Args, collector: &Collector, day: usize, offer: Offer, reader: Reader) -> Measured {
    let (results, pace) = match offer {
        Offer::Nothing => (0, Pace::Flat),
        Offer::Flat => (args.results, Pace::Flat),
        Offer::Rate(rate) => {
            let size = 2.0 * (args.probes - 1) as f64;
            let time = Duration::from_secs_f64(size / rate as f64);
            (rate * args.seconds, Pace::Every(time))
        }
    };
    let work = (offer != Offer::Nothing).then(|| {
        let mut posts = posts(args, collector, day, results);
        // The first round is not measured: it makes the day in the store.
        let measured = posts.split_off(collector.sources.len());
        client::send(collector.address, &dealt(posts, args.connections), Pace::Flat);
        dealt(measured, args.connections)
    });
    settle();
    let stop = AtomicBool::new(false);
    let least = if work.is_none() { PAGES.len() } else { 0 };
    let (begin, used_before) = (Instant::now(), Used::now(collector));
    thread::scope(|scope| {
        let reading = scope.spawn(|| reader::read(collector, reader, least, &stop));
        let posts = work
            .as_ref()
            .map(|work| client::send(collector.address, work, pace));
        if posts.is_none() {
            thread::sleep(Duration::from_secs(args.seconds as u64));
        }
        // A page that is under way is waited for, but no part of what the posts were measured in.
        let (elapsed, used) = (begin.elapsed().as_secs_f64(), Used::now(collector));
        stop.store(true, Ordering::Relaxed);
        let since =
            |of: fn(&Used) -> Duration| of(&used).saturating_sub(of(&used_before)).as_secs_f64() / elapsed;
        Measured {
            posts,
            read: reading.join().expect("the reader"),
            busy: since(|used| used.machine),
            collector: since(|used| used.collector),
            store: since(|used| used.children) - since(|used| used.collector),
        }
    })
}

/// Waits until what earlier measurements left is done: hours to be computed, questions that nobody waits for.
fn settle() {
    let begin = Instant::now();
    let pause = Duration::from_secs(1);
    while begin.elapsed() < SETTLED {
        let before = collector::children();
        thread::sleep(pause);
        if collector::children().saturating_sub(before) < pause / 10 {
            return;
        }
    }
}

/// Processor time so far.
struct Used {
    machine: Duration,
    /// Of the collector and of InfluxDB.
    children: Duration,
    collector: Duration,
}

impl Used {
    fn now(collector: &Collector) -> Self {
        Self {
            machine: collector::machine(),
            children: collector::children(),
            collector: collector.usage().0,
        }
    }
}

/// Rounds of the whole mesh, probe by probe, with a first one more than `results` takes.
fn posts(args: &Args, collector: &Collector, day: usize, results: usize) -> Vec<Request> {
    let sources = &collector.sources;
    let start = now()
        .floor(DAY)
        .saturating_sub(DAY * u32::try_from(day).expect("few days"));
    let number = (results / (2 * (args.probes - 1))).max(args.connections);
    let post = |at: usize| {
        let (round, place) = (at / sources.len(), at % sources.len());
        let time = start
            .saturating_add(reports::PERIOD * u32::try_from(round).expect("few rounds"))
            .saturating_add(Duration::from_millis(17 * (1 + place as u64)));
        let targets = targets(sources, place);
        post(collector, place, time, &targets)
    };
    (0..sources.len() + number).map(post).collect()
}

/// Everybody else, over both families.
fn targets(sources: &[ProbeName], place: usize) -> Vec<(ProbeName, Family)> {
    let others = sources.iter().enumerate().filter(|(at, _)| *at != place);
    others
        .flat_map(|(_, target)| [Family::V4, Family::V6].map(|family| (target.clone(), family)))
        .collect()
}

fn post(collector: &Collector, place: usize, time: UnixTime, targets: &[(ProbeName, Family)]) -> Request {
    let headers = [
        ("X-API-Key", collector.keys[place].as_str()),
        ("Content-Type", "application/json"),
    ];
    let body = reports::body_of(&collector.sources[place], place, time, targets);
    Request::post("/api/v2/reports", &headers, &body, targets.len())
}

/// To connections, by turns.
fn dealt(posts: Vec<Request>, connections: usize) -> Vec<Vec<Request>> {
    let mut work: Vec<Vec<Request>> = (0..connections).map(|_| Vec::new()).collect();
    for (at, post) in posts.into_iter().enumerate() {
        work[at % connections].push(post);
    }
    work
}
