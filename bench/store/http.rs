//! Pages and answers of a running collector, until their last byte.

use std::time::Instant;

use ippm::ProbeName;
use reqwest::header::ACCEPT_ENCODING;

use crate::direct::{is_asked, pair};
use crate::raw::{Fetched, Raw};
use crate::serve::Collector;
use crate::size::MONTH;
use crate::table::{self, Answer, Target};

/// Who asks.
pub(crate) struct Visitor<'a> {
    pub(crate) collector: &'a Collector,
    /// A collector whose store is behind the proxy, and what is measured beside it.
    pub(crate) beside: Option<(&'a Collector, &'a Raw)>,
    pub(crate) client: reqwest::Client,
    pub(crate) probes: &'a [ProbeName],
    /// How often a short question is asked.
    pub(crate) times: usize,
    /// How often one that takes seconds is asked.
    pub(crate) long_times: usize,
    /// What a name has in it; `None`: everything is asked.
    pub(crate) only: Option<&'a str>,
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
        table::head("request", true, self.beside.is_some());
        for (path, target) in [
            ("/?last=24h", Target::PAGE),
            ("/?last=24h&metric=p99", Target::PAGE),
            ("/api/v2/matrix?last=24h&percentiles=false", Target::MATRIX),
            ("/api/v2/matrix?last=24h", Target::MATRIX),
            ("/probes", Target::NONE),
        ] {
            self.time(path, self.times, target, |_| path.to_owned()).await;
        }
        for last in ["24h", "30d", "365d"] {
            let name = format!("/pair/A/B?last={last}");
            self.time(&name, self.times, Target::PAIR, |nth| {
                let (source, target) = pair(self.probes, nth);
                format!("/pair/{source}/{target}?last={last}")
            })
            .await;
        }
        println!(
            "largest resident size so far: {} MiB",
            self.collector.peak() / 1024
        );
        self.collector.forget_peak();
        for path in [
            format!("/api/v2/sla?month={MONTH}"),
            format!("/sla?month={MONTH}"),
        ] {
            self.time(&path, self.long_times, Target::STATEMENT, |_| path.clone())
                .await;
        }
        let peak = self.collector.peak() / 1024;
        println!("largest resident size for the month: {peak} MiB, wanted <512");
    }

    async fn time(&self, name: &str, times: usize, target: Target, path: impl Fn(usize) -> String) {
        if !is_asked(name, self.only) {
            return;
        }
        let (plain, _) = self.get(self.collector, &path(0), "identity").await;
        let (mut taken, mut packed) = (Vec::with_capacity(times), 0);
        let mut fetched = Fetched::default();
        for nth in 0..times {
            if let Some((collector, raw)) = self.beside {
                raw.proxy.take();
                self.get(collector, &path(nth), "gzip").await;
            }
            let began = Instant::now();
            let status;
            (packed, status) = self.get(self.collector, &path(nth), "gzip").await;
            taken.push(began.elapsed());
            if status != 200 {
                println!(
                    "{name:<46} answered {status} after {:.1} s",
                    began.elapsed().as_secs_f64()
                );
                return;
            }
            if let Some((_, raw)) = self.beside {
                raw.fetch(&mut fetched).await;
            }
        }
        let raw = self.beside.map(|_| fetched);
        table::row(name, taken, &Answer::Bytes(plain, packed), target, raw);
    }

    /// The number of bytes, and the status.
    async fn get(&self, collector: &Collector, path: &str, encoding: &str) -> (usize, u16) {
        let url = format!("http://{}{path}", collector.address);
        let request = self.client.get(url).header(ACCEPT_ENCODING, encoding);
        let mut answer = request.send().await.expect("an answer");
        let (status, mut bytes) = (answer.status().as_u16(), 0);
        while let Some(part) = answer.chunk().await.expect("the whole answer") {
            bytes += part.len();
        }
        (bytes, status)
    }
}
