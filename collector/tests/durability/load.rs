//! Probes that post all the time, through nginx, and remember what was acknowledged.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use collector::store::{Entry, Report};
use ippm::UnixTime;

use crate::posted::wire;
use crate::reports::{measured, name, report, summary};
use crate::rows::marker;

/// The probes that post.
pub(crate) const SOURCES: &[&str] = &["p0", "p1", "p2", "p3"];
/// Reports a second of one probe.
const RATE: u32 = 20;
/// What has to be acknowledged, or refused, between two blows.
const SOME: usize = 8;

/// What became of all reports.
#[derive(Default)]
pub(crate) struct Posted {
    /// Answered with a success.
    pub(crate) acknowledged: Vec<Report>,
    /// Never answered with one.
    pub(crate) open: Vec<Report>,
    attempts_failed: usize,
}

/// The running load.
pub(crate) struct Load {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    posted: Mutex<Posted>,
    changed: Condvar,
    stop: AtomicBool,
}

/// The earliest round of the load: an hour that is over, inside every retention.
pub(crate) fn start() -> UnixTime {
    static START: std::sync::OnceLock<UnixTime> = std::sync::OnceLock::new();
    *START.get_or_init(|| crate::reports::two_hours_ago().saturating_sub(Duration::from_hours(10)))
}

impl Load {
    /// Starts one thread for each of [`SOURCES`].
    pub(crate) fn start(https: u16, certificate: &[u8], key: impl Fn(&str) -> String) -> Self {
        // A second call finds the provider of the first one, which is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let shared = Arc::new(Shared::default());
        let workers = SOURCES.iter().zip(2_u8..).map(|(source, host)| {
            let worker = Worker {
                source,
                url: format!("https://localhost:{https}/backend/api/v2/reports"),
                key: key(source),
                shared: Arc::clone(&shared),
                client: reqwest::Client::builder()
                    .tls_certs_only([reqwest::Certificate::from_pem(certificate).unwrap()])
                    // An address of its own: nginx limits the rate of each.
                    .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)))
                    .resolve("localhost", (Ipv4Addr::LOCALHOST, https).into())
                    .timeout(Duration::from_secs(20))
                    .no_proxy()
                    .build()
                    .unwrap(),
            };
            std::thread::spawn(move || {
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(worker.work());
            })
        });
        let workers = workers.collect();
        Self { shared, workers }
    }

    /// Returns when some more reports were acknowledged.
    pub(crate) fn until_more_is_acknowledged(&self) {
        self.until_more("acknowledged", |posted| posted.acknowledged.len());
    }

    /// Returns when some more attempts were not.
    pub(crate) fn until_more_is_refused(&self) {
        self.until_more("refused", |posted| posted.attempts_failed);
    }

    /// Ends the load.
    pub(crate) fn stop(self) -> Posted {
        self.shared.stop.store(true, Ordering::Release);
        for worker in self.workers {
            worker.join().unwrap();
        }
        std::mem::take(&mut *self.shared.posted.lock().unwrap())
    }

    fn until_more(&self, what: &str, number: impl Fn(&Posted) -> usize) {
        let posted = self.shared.posted.lock().unwrap();
        let wanted = number(&posted) + SOME;
        let limit = Duration::from_mins(1);
        let (posted, timeout) = self
            .shared
            .changed
            .wait_timeout_while(posted, limit, |posted| number(posted) < wanted)
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "no more is {what} than {} after {limit:?}",
            number(&posted)
        );
    }
}

struct Worker {
    source: &'static str,
    url: String,
    key: String,
    shared: Arc<Shared>,
    client: reqwest::Client,
}

impl Worker {
    /// Posts one report after the other. Of those that fail every second one is posted again, the same
    /// bytes, until it is acknowledged; the others stay open.
    async fn work(self) {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / RATE);
        let mut number = 0;
        while !self.shared.stop.load(Ordering::Acquire) {
            pace.tick().await;
            let report = make_report(self.source, number);
            let body = serde_json::to_vec(&wire(&report)).unwrap();
            let mut acknowledged = self.post(&body, report.entries.len()).await;
            while !acknowledged && number % 2 == 0 {
                pace.tick().await;
                acknowledged = self.post(&body, report.entries.len()).await;
            }
            self.note(|posted| {
                let list = if acknowledged {
                    &mut posted.acknowledged
                } else {
                    &mut posted.open
                };
                list.push(report);
            });
            number += 1;
        }
    }

    async fn post(&self, body: &[u8], results: usize) -> bool {
        let request = self.client.post(&self.url).header("X-API-Key", &self.key);
        let answer = request
            .header("Content-Type", "application/json")
            .body(body.to_vec())
            .send()
            .await;
        let acknowledged = match answer {
            Ok(answer) if answer.status() == 200 => match answer.json::<serde_json::Value>().await {
                Ok(body) => {
                    assert_eq!(
                        (&body["stored"], body["rejected"].as_array().map(Vec::len)),
                        (&results.into(), Some(0)),
                        "{body}"
                    );
                    true
                }
                // The status came, the rest did not: a probe that saw the status would be content too.
                Err(_) => true,
            },
            Ok(answer) => {
                let status = answer.status().as_u16();
                assert!(
                    matches!(status, 429 | 502 | 503 | 504),
                    "{status}: {:?}",
                    answer.text().await
                );
                false
            }
            Err(_) => false,
        };
        if !acknowledged {
            self.note(|posted| posted.attempts_failed += 1);
        }
        acknowledged
    }

    fn note(&self, change: impl FnOnce(&mut Posted)) {
        change(&mut self.shared.posted.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.changed.notify_all();
    }
}

/// Report `number` of a source: no two are alike.
fn make_report(source: &str, number: u32) -> Report {
    let time = start()
        .saturating_add(Duration::from_secs(u64::from(number)) + Duration::from_nanos(u64::from(number)));
    let delays = format!("0.{:06} - 1.{number:04} u 0.5 !", 100_000 + number);
    let entries: Vec<Entry> = vec![
        measured(&name("a"), summary(time, &delays)),
        measured(&name("b"), summary(time, "- - -")),
        marker(&name("c"), "resolve", Some("c.example: \"no\" such host\\")),
    ];
    report(&name(source), time, entries)
}
