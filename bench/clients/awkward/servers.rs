//! Servers that are full, slow or somewhere else.

use std::time::{Duration, Instant};

use collector::store::influx::{Influx, Options};
use collector::store::{Report, Store, StoreError};
use futures_util::stream;

use super::{Facts, outcome, quoted};
use crate::client::{data_point, options};
use crate::influxd::Influxd;
use crate::load::{self, Kind};
use crate::reports;
use crate::wire::{Canned, answer};

/// For a request and for all of its tries; the collector's own defaults are 20 s and longer.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) async fn run(facts: &mut Facts) {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let full = || {
            answer(
                status,
                "Retry-After: 30\r\n",
                "{\"code\":\"x\",\"message\":\"full\"}",
            )
        };
        let server = Canned::start(vec![full()]).await;
        let ours = ours(&server.url()).await;
        let theirs = theirs(&server.url()).await;
        facts.tell(
            &format!("write answered {status}, `Retry-After: 30`"),
            ours,
            theirs,
        );
    }
    let wait = || answer("429 Too Many Requests", "Retry-After: 1\r\n", "{}");
    let stored = || answer("204 No Content", "", "");
    let [first, second] = [
        Canned::start(vec![wait(), stored()]).await,
        Canned::start(vec![wait(), stored()]).await,
    ];
    facts.tell(
        "429 with `Retry-After: 1`, then room again",
        ours(&first.url()).await,
        theirs(&second.url()).await,
    );
    let server = Canned::start(vec![None]).await;
    let (ours_waits, theirs_waits) = (ours(&server.url()).await, theirs(&server.url()).await);
    facts.tell("a server that never answers", ours_waits, theirs_waits);
    let [first, second] = [
        Canned::start(vec![stored()]).await,
        Canned::start(vec![stored()]).await,
    ];
    let path = |url: String| format!("{url}/influx");
    ours(&path(first.url())).await;
    theirs(&path(second.url())).await;
    let asked = |server: &Canned| {
        let seen = server.seen();
        let path = seen.first().and_then(|line| line.split([' ', '?']).nth(1));
        let path = path.unwrap_or("nothing");
        let verdict = if path.starts_with("/influx/") {
            "ok"
        } else {
            "**wrong**"
        };
        format!("{verdict}: asks `{path}`")
    };
    facts.tell(
        "InfluxDB behind `/influx` of a proxy",
        asked(&first),
        asked(&second),
    );
}

/// Writes one report with our store, and says what came of it and when.
async fn ours(url: &str) -> String {
    let store = Influx::new(&Options {
        request_limit: LIMIT,
        append_limit: LIMIT,
        ..options(url, "bucket")
    })
    .expect("a store");
    let time = load::days_ago(1);
    let report: [Report; 1] = [reports::report(&reports::body(0, time, 1), 0, time)];
    let began = Instant::now();
    outcome(async move {
        match store.append(&report).await {
            Ok(_) => format!("ok: stored after {:.1} s", began.elapsed().as_secs_f64()),
            Err(StoreError::Unavailable {
                retry_after: Some(wait),
                ..
            }) => format!("error: unavailable, try again after {} s", wait.as_secs()),
            Err(error) => format!(
                "error after {:.1} s: {}",
                began.elapsed().as_secs_f64(),
                quoted(&error.to_string())
            ),
        }
    })
    .await
}

/// Writes one point with influxdb2; its error is shown with everything that it holds.
async fn theirs(url: &str) -> String {
    let client = influxdb2::Client::new(url, Influxd::ORG, Influxd::TOKEN);
    let batch = load::batches(Kind::Small, 1, 1, load::days_ago(1)).remove(0);
    let points: Vec<_> = batch.points().remove(0).1.into_iter().map(data_point).collect();
    let began = Instant::now();
    outcome(async move {
        match client.write("bucket", stream::iter(points)).await {
            Ok(()) => format!("ok: stored after {:.1} s", began.elapsed().as_secs_f64()),
            Err(error) => format!("error, all that it holds: {}", quoted(&format!("{error:?}"))),
        }
    })
    .await
}
