//! Probes whose names are hostile and allowed: what goes in under a name comes out under it, everywhere, and as text.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use collector::clock::Clock;
use collector::key::Role;
use collector::store::Store;
use collector::store::embedded::{Embedded, Options};
use collector::store::influx::setup::Retention;
use collector::store::influx::{self, Influx};
use ippm::{Family, UnixTime};
use serde_json::json;

use crate::app::{READ, TestApp};
use crate::decoded::{decode, labels_of, strings, subjects, texts, unescape};
use crate::harmless::check;
use crate::raw::{RawReply, encode};
use crate::support::influxd::Influxd;
use crate::support::posted::wire;
use crate::support::reports::{PERIOD, measured, name, report, summary};

/// Any UTF-8 but control characters, `/` and `\`.
const NAMES: [&str; 20] = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\u{a0}=1",
    "<script>alert(1)<script>",
    "\"><img src=x onerror=alert(1)>",
    "a\"b",
    "';--",
    "' OR '1'='1",
    "a,b=c d",
    "{{7*7}}",
    "${v}",
    "\") |> drop() |> filter(fn: (r) => r.x == \"${r.x}",
    "%0d%0aX-Injected: 1",
    "a?b#c&d=e;f",
    "&lt;b&gt; & co",
    "\u{202e}1sma",
    "cafe\u{301} \u{1f4a9}",
    "caf\u{e9} \u{1f4a9}",
];

/// Those of them that mean something in Flux or in the line protocol: with InfluxDB every further one takes seconds.
const OF_FLUX: std::ops::Range<usize> = 7..14;

/// Sites that they stand at, in turn.
const SITES: [&str; 3] = ["<b>\"AMS\" & 'co'</b>", "=LON", "${f}\\"];

/// A collector that is asked about such probes.
struct Named {
    app: TestApp,
    names: &'static [&'static str],
    /// When it was started, by its clock.
    began: UnixTime,
}

/// The key of the probe with this number.
fn key(at: usize) -> String {
    format!("MARKED-KEY-OF-NAME-{at:02}-0123456789abcdefghijk")
}

fn now() -> UnixTime {
    UnixTime::from_ns(i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap())
}

impl Named {
    /// Starts one as of yesterday, and posts a round of each probe that measured every other one.
    async fn start(names: &'static [&'static str], store: Arc<dyn Store>) -> Self {
        let entries = names.iter().zip(SITES.iter().cycle());
        let entries = entries
            .map(|(name, site)| json!({"name": name, "proto": 4, "address": "192.0.2.1", "site": site}));
        let roster = json!({"probes": entries.collect::<Vec<_>>()}).to_string();
        let secrets: Vec<String> = (0..names.len()).map(key).collect();
        let keys = secrets
            .iter()
            .zip(names.iter().copied())
            .map(|(secret, name)| (secret.as_str(), Role::Probe, name));
        let keys: Vec<_> = keys.chain([(READ, Role::Read, "noc")]).collect();
        let back = Arc::new(AtomicU64::new(26));
        let hours = Arc::clone(&back);
        let clock =
            Clock::new(move || now().saturating_sub(Duration::from_hours(hours.load(Ordering::SeqCst))));
        let settings = [("LIMITS__RATE", "100000/s"), ("LIMITS__BURST", "1000000")];
        let app = TestApp::over(&[("probes.json", &roster)], &keys, &settings, clock, store);
        let began = app.context.clock.now();
        let recorded = async || app.context.store.plan_versions(None, now()).await.unwrap().len();
        for _ in 0..1000 {
            if recorded().await == names.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(recorded().await, names.len(), "every probe has a plan");
        back.store(0, Ordering::SeqCst);
        let at = now()
            .floor(PERIOD)
            .saturating_sub(PERIOD)
            .saturating_add(Duration::from_millis(250));
        for (place, source) in names.iter().enumerate() {
            let others = names.iter().filter(|target| *target != source);
            let results = others.map(|target| measured(&name(target), summary(at, "0.5 - 0.7")));
            let body = wire(&report(&name(source), at, results.collect()));
            let reply = app
                .post("/api/v2/reports", &key(place), serde_json::to_vec(&body).unwrap())
                .await;
            let answer = (reply.status, reply.json()["stored"].as_u64());
            assert_eq!(answer, (200, Some(names.len() as u64 - 1)), "{source}: {reply:?}");
        }
        Self { app, names, began }
    }

    /// The answer to a target, which has to be harmless for every name.
    async fn get(&self, target: &str) -> RawReply {
        let reply = self.app.get_raw(target.as_bytes(), READ).await;
        assert_eq!(
            reply.status,
            200,
            "{target}: {:?}",
            String::from_utf8_lossy(&reply.body)
        );
        for name in self.names {
            check(target, name.as_bytes(), &reply);
        }
        reply
    }

    /// The cells of a table, without the apostrophe that keeps a name from being a formula.
    async fn cells(&self, target: &str) -> BTreeSet<String> {
        let reply = self.get(target).await;
        assert!(
            reply.header("content-type").unwrap().starts_with("text/csv"),
            "{target}"
        );
        let mut reader = csv::Reader::from_reader(reply.body.as_slice());
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let cells = records.iter().flat_map(|record| record.iter());
        cells
            .map(|cell| match cell.strip_prefix('\'') {
                Some(text) if text.trim_start().starts_with(['=', '+', '-', '@']) => text.to_owned(),
                _ => cell.to_owned(),
            })
            .collect()
    }

    fn all(&self) -> BTreeSet<String> {
        self.names.iter().map(ToString::to_string).collect()
    }

    /// Every ordered pair.
    fn pairs(&self) -> BTreeSet<(String, String)> {
        let all = self.all();
        let pairs = all
            .iter()
            .flat_map(|source| all.iter().map(move |target| (source, target)));
        let pairs = pairs.filter(|(source, target)| source != target);
        pairs
            .map(|(source, target)| (source.clone(), target.clone()))
            .collect()
    }
}

/// Everything is read back through every endpoint.
async fn comes_back_as_it_went_in(names: &'static [&'static str], store: Arc<dyn Store>) {
    let exchange = Named::start(names, store).await;
    of_all(&exchange).await;
    of_one(&exchange).await;
    statements(&exchange).await;
    what_is_no_name_is_rejected(&exchange).await;
}

async fn of_all(named: &Named) {
    for target in ["/api/v2/matrix?last=3h", "/api/v2/results?view=latest"] {
        let answer = named.get(target).await.json();
        assert_eq!(subjects(&answer["entries"]), named.pairs(), "{target}");
    }
    for target in [
        "/api/v2/matrix?last=3h&format=csv",
        "/api/v2/results?view=latest&format=csv",
        "/api/v2/probes?format=csv",
    ] {
        let cells = named.cells(target).await;
        assert!(cells.is_superset(&named.all()), "{target}: {cells:?}");
    }
    assert!(strings(&named.get("/api/v2/probes").await.json()).is_superset(&named.all()));
    let metrics = named.get("/metrics").await;
    let labels = metrics
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("ixpqos_loss_ratio{"));
    let found: BTreeSet<(String, String)> = labels.map(labels_of).collect();
    assert_eq!(found, named.pairs());
    for page in ["/", "/probes"] {
        let text = unescape(named.get(page).await.text());
        for name in named.names {
            assert!(text.contains(name), "{name} on {page}");
        }
    }
}

async fn of_one(named: &Named) {
    let matrix = named.get("/").await;
    let links: Vec<String> = matrix
        .text()
        .split(" href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    for (place, source) in named.names.iter().enumerate() {
        let target = named.names[(place + 1) % named.names.len()];
        let pair = format!(
            "source={}&target={}",
            encode(source.as_bytes()),
            encode(target.as_bytes())
        );
        let subject = (BTreeSet::from([((*source).to_owned(), target.to_owned())]), 2);
        let series = named.get(&format!("/api/v2/series?{pair}&last=3h")).await.json();
        let sent: u64 = series["points"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|point| point["figures"]["sent"].as_u64())
            .sum();
        assert_eq!(
            (subjects(&json!([{"subject": series["subject"]}])), sent),
            (subject.0.clone(), 3)
        );
        let rounds = named.get(&format!("/api/v2/results?{pair}&last=3h")).await.json();
        assert_eq!(subjects(&json!([{"subject": rounds["subject"]}])), subject.0);
        assert_eq!(rounds["rounds"].as_array().unwrap().len(), 1, "{source} {target}");
        for table in ["series", "results"] {
            let cells = named
                .cells(&format!("/api/v2/{table}?{pair}&last=3h&format=csv"))
                .await;
            assert!(
                cells.contains(*source) && cells.contains(target),
                "{table}: {cells:?}"
            );
        }
        let others: BTreeSet<String> = named.all().into_iter().filter(|name| name != source).collect();
        let last = named
            .get(&format!("/api/v1/data/probe/{}/last", encode(source.as_bytes())))
            .await
            .json();
        assert_eq!(last["source"], *source);
        assert_eq!(texts(&last["probes"], "name"), others);
        let plan = named
            .get(&format!("/api/v2/plan/{}", encode(source.as_bytes())))
            .await
            .json();
        assert_eq!(plan["probe"], *source);
        assert_eq!(texts(&plan["tests"][0]["targets"], "target"), others);
        // The page is where the matrix says it is.
        let link = links.iter().find(|link| {
            let path = link
                .split('?')
                .next()
                .unwrap()
                .strip_prefix("pair/")
                .unwrap_or_default();
            path.split_once('/')
                .is_some_and(|(a, b)| decode(a) == *source && decode(b) == target)
        });
        let link = link.unwrap_or_else(|| panic!("no link to {source} → {target}"));
        let page = named.get(&format!("/{}", unescape(link))).await;
        let heading = page
            .text()
            .split("<h1>")
            .nth(1)
            .unwrap()
            .split("</h1>")
            .next()
            .unwrap();
        assert_eq!(unescape(heading), format!("{source} → {target}"));
    }
}

/// A statement names every probe and every site.
async fn statements(named: &Named) {
    // From the hour behind the start on something is expected.
    let month =
        jiff::Timestamp::from_nanosecond(named.began.saturating_add(Duration::from_hours(1)).as_ns().into())
            .unwrap()
            .strftime("%Y-%m")
            .to_string();
    let target = format!("/api/v2/sla?month={month}");
    let document = named.get(&target).await.json();
    assert!(strings(&document).is_superset(&named.all()), "{document}");
    let cells = named.cells(&format!("{target}&format=csv")).await;
    assert!(cells.is_superset(&named.all()), "{cells:?}");
    let sites = encode(SITES.join(", ").as_bytes());
    let page = named.get(&format!("/sla?month={month}&sites={sites}")).await;
    let text = unescape(page.text());
    for name in named.names.iter().chain(&SITES) {
        assert!(text.contains(name), "{name}");
    }
    assert!(!page.text().contains("<b>\"AMS\""));
    for site in SITES {
        let target = format!("{target}&site={}", encode(site.as_bytes()));
        assert!(strings(&named.get(&target).await.json()).contains(site), "{site}");
        assert!(
            !named.cells(&format!("{target}&format=csv")).await.is_empty(),
            "{site}"
        );
    }
}

/// Whatever could end a line, a path or an escape is no name, neither of a source nor of a target.
async fn what_is_no_name_is_rejected(named: &Named) {
    let at = now().floor(PERIOD).saturating_add(Duration::from_millis(250));
    let mut body = serde_json::to_value(wire(&report(
        &name(named.names[0]),
        at,
        vec![measured(&name(named.names[1]), summary(at, "0.5"))],
    )))
    .unwrap();
    let result = body["results"][0].clone();
    let bad = [
        "a\nb",
        "a\r\nX-Injected: 1",
        "a\0",
        "a\u{85}b",
        "a/b",
        "a\\",
        "..",
        ".",
        " a",
        "a ",
        "",
    ];
    let results = bad.iter().map(|target| {
        let mut result = result.clone();
        result["target"] = json!(target);
        result
    });
    body["results"] = results.collect();
    let reply = named.app.post("/api/v2/reports", &key(0), body.to_string()).await;
    let answer = reply.json();
    assert_eq!((reply.status, &answer["stored"]), (200, &json!(0)), "{answer}");
    let codes: Vec<&str> = answer["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["bad_name"; 11], "{answer}");
    for source in bad {
        body["source"] = json!(source);
        let reply = named.app.post("/api/v2/reports", &key(0), body.to_string()).await;
        assert!((400..500).contains(&reply.status), "{source:?}: {reply:?}");
    }
    let answer = named.get("/api/v2/results?view=latest").await.json();
    assert_eq!(subjects(&answer["entries"]), named.pairs());
}

#[actix_web::test]
async fn in_the_embedded_store_a_hostile_name_comes_back_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&Options {
        path: folder.path().join("ixpqos.sqlite"),
        legacy_family: Family::V4,
    });
    comes_back_as_it_went_in(&NAMES, Arc::new(store.unwrap())).await;
}

#[actix_web::test]
async fn in_influxdb_a_hostile_name_comes_back_as_it_went_in() {
    let Some(influxd) = Influxd::start() else { return };
    let store = Influx::new(&influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: "named".to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(5),
        request_limit: Duration::from_secs(30),
        append_limit: Duration::from_mins(1),
        concurrency: 4,
        gzip: true,
    })
    .unwrap();
    store.setup(&Retention::DEFAULT).await.unwrap();
    comes_back_as_it_went_in(&NAMES[OF_FLUX], Arc::new(store)).await;
}
