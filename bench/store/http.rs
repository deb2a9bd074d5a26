//! Pages and answers of a running collector, until their last byte.

use std::time::Instant;

use ippm::ProbeName;
use reqwest::header::ACCEPT_ENCODING;

use crate::direct::pair;
use crate::serve::Collector;
use crate::size::MONTH;
use crate::table::{self, Target};

/// Who asks.
pub(crate) struct Visitor<'a> {
    pub(crate) collector: &'a Collector,
    pub(crate) client: reqwest::Client,
    pub(crate) probes: &'a [ProbeName],
    /// How often a short question is asked.
    pub(crate) times: usize,
    /// How often one that takes seconds is asked.
    pub(crate) long_times: usize,
}

/// A client that keeps its connection and unpacks nothing.
pub(crate) fn client() -> reqwest::Client {
    // A second call finds the provider of the first one, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

impl Visitor<'_> {
    /// Asks everything.
    pub(crate) async fn ask(&self) {
        table::head_of_requests("request");
        let (short, long) = (self.times, self.long_times);
        for (path, target) in [
            ("/?last=24h", Target::PAGE),
            ("/?last=24h&metric=p99", Target::PAGE),
            ("/api/v2/matrix?last=24h&percentiles=false", Target::MATRIX),
            ("/api/v2/matrix?last=24h", Target::MATRIX),
        ] {
            self.time(path, short, target, |_| path.to_owned()).await;
        }
        for last in ["24h", "30d", "365d"] {
            self.time(&format!("/pair/A/B?last={last}"), short, Target::PAIR, |nth| {
                let (source, target) = pair(self.probes, nth);
                format!("/pair/{source}/{target}?last={last}")
            })
            .await;
        }
        self.time("/probes", short, Target::NONE, |_| "/probes".to_owned())
            .await;
        self.time(
            &format!("/api/v2/sla?month={MONTH}"),
            long,
            Target::STATEMENT,
            |_| format!("/api/v2/sla?month={MONTH}"),
        )
        .await;
        self.time(&format!("/sla?month={MONTH}"), long, Target::STATEMENT, |_| {
            format!("/sla?month={MONTH}")
        })
        .await;
        println!(
            "largest resident size of the collector: {} MiB",
            self.collector.peak() / 1024
        );
    }

    async fn time(&self, name: &str, times: usize, target: Target, path: impl Fn(usize) -> String) {
        let (plain, _) = self.get(&path(0), "identity").await;
        let (mut taken, mut packed) = (Vec::with_capacity(times), 0);
        for nth in 0..times {
            let began = Instant::now();
            let status;
            (packed, status) = self.get(&path(nth), "gzip").await;
            taken.push(began.elapsed());
            if status != 200 {
                println!(
                    "{name:<46} answered {status} after {:.1} s",
                    began.elapsed().as_secs_f64()
                );
                return;
            }
        }
        table::row_of_request(name, taken, (plain, packed), target);
    }

    /// The number of bytes, and the status.
    async fn get(&self, path: &str, encoding: &str) -> (usize, u16) {
        let url = format!("http://{}{path}", self.collector.address);
        let request = self.client.get(url).header(ACCEPT_ENCODING, encoding);
        let mut answer = request.send().await.expect("an answer");
        let (status, mut bytes) = (answer.status().as_u16(), 0);
        while let Some(part) = answer.chunk().await.expect("the whole answer") {
            bytes += part.len();
        }
        (bytes, status)
    }
}
