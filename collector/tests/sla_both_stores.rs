//! The same history in both stores: whatever is asked, the answers are the same bytes.
#![cfg(test)]

mod support {
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
}

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collector::clock::Clock;
use collector::config::Config;
use collector::config::layer::Sources;
use collector::plan::Defaults;
use collector::report::accounting::{self, AccountingQuestion};
use collector::report::directory::Directory;
use collector::report::selection::{Filter, Window};
use collector::report::sla::gather::{self, Ground, NoRecord, Question};
use collector::report::sla::statement::{Period, Statement};
use collector::report::view::View;
use collector::startup::Application;
use collector::statement::{html, text};
use collector::store::Store;
use collector::store::embedded::{self, Embedded};
use collector::store::influx::setup::Retention;
use collector::store::influx::{self, Influx};
use collector::synthetic::{History, Scenario};
use ippm::cell::DAY;
use ippm::class::Class;
use ippm::{Family, TestName, UnixTime};

use support::influxd::Influxd;

const BUCKET: &str = "ixpqos";

/// Four probes, the two days before the last midnight: `InfluxDB` takes nothing that has expired.
fn scenario() -> Scenario {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let end = UnixTime::from_ns(now).floor(DAY);
    let start = end.saturating_sub(DAY * 2);
    Scenario {
        probes: 4,
        start,
        end,
        raw_from: start,
        seed: 11,
    }
}

/// Everything is asked a little after the end, when the last hour is settled.
fn now() -> UnixTime {
    scenario().end.saturating_add(Duration::from_secs(200))
}

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap()
}

async fn influx(influxd: &Influxd) -> Influx {
    let store = Influx::new(&influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(5),
        request_limit: Duration::from_mins(1),
        append_limit: Duration::from_mins(1),
        concurrency: 8,
        gzip: true,
    })
    .unwrap();
    store.setup(&Retention::DEFAULT).await.unwrap();
    store
}

/// The configuration of a collector with promises that leave no verdict out.
fn config(folder: &Path) -> Config {
    let environment = [
        ("STORE__DATA_DIR", folder.to_str().unwrap()),
        ("SERVER__INSTANCE", "test"),
        ("ACCESS__PUBLIC_READ", "true"),
        ("LIMITS__STORE_TIME", "5m"),
        ("SLA__DEFAULT__TARGET_AVAILABILITY", "99.9%"),
        ("SLA__DEFAULT__TARGET_LOSS", "0.1%"),
        ("SLA__DEFAULT__TARGET_DELAY", "5ms"),
        ("SLA__DEFAULT__LEAST_COVERAGE", "50%"),
    ];
    let sources = Sources {
        file: None,
        environment: environment
            .map(|(name, value)| (format!("IXPQOS_{name}"), value.to_owned()))
            .to_vec(),
        flags: Vec::new(),
    };
    Config::load(&sources).unwrap()
}

/// What a collector over `store` answers to each of `paths`.
async fn served(history: &History, store: Arc<dyn Store>, paths: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("probes.json"), history.roster_text()).unwrap();
    fs::write(folder.path().join("schedule.json"), history.schedule_text()).unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let application = Application::build(config(folder.path()), listener, store, Clock::new(now)).unwrap();
    let (url, handle) = (format!("http://{}", application.address()), application.handle());
    let running = actix_web::rt::spawn(application.run_until_stopped());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut answers = Vec::new();
    for path in paths {
        let answer = client.get(format!("{url}{path}")).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 200, "{path}: {text}");
        answers.push(text);
    }
    handle.stop(true).await;
    drop(running);
    answers
}

/// What the reports over `store` say, without HTTP.
async fn reported(history: &History, store: &dyn Store, config: &Config) -> (String, Statement) {
    let scenario = history.scenario();
    let directory = Directory::of(history.roster());
    let view = View {
        directory: &directory,
        limit: config.display.degraded_loss,
        legacy_period: config.legacy.period,
        raw_retention: config.retention.raw,
        hour_retention: config.retention.hour,
        now: now(),
    };
    let question = AccountingQuestion {
        window: Window::new(scenario.start, scenario.end).unwrap(),
        filter: Filter::default(),
    };
    let accounting = accounting::read(store, &view, &question).await.unwrap();
    let total = accounting.total();
    for class in [
        Class::CollectorGap,
        Class::ProbeMissing,
        Class::Suspect,
        Class::Down,
        Class::Degraded,
    ] {
        assert!(0 < total.of(class).count, "{class} occurs");
    }
    let ground = Ground {
        directory: &directory,
        roster: history.roster(),
        loads: &[],
        legacy_period: config.legacy.period,
        raw_retention: config.retention.raw,
        hour_retention: config.retention.hour,
        now: now(),
    };
    let question = Question {
        period: Period::between(scenario.start, scenario.end, "UTC", "two days", now()).unwrap(),
        profile: config.sla[0].clone(),
        sites: Vec::new(),
        source: None,
        target: None,
        family: None,
        test: TestName::icmp(),
    };
    let statement = gather::read(store, &ground, &question, &mut NoRecord)
        .await
        .unwrap();
    (format!("{accounting:#?}"), statement)
}

/// Names the first line that differs; the texts have thousands.
#[track_caller]
fn assert_same(what: &str, embedded: &str, influx: &str) {
    let cut = |text: &str| text.replace("},{", "},\n{").replace("\",\"", "\",\n\"");
    for (one, other) in cut(embedded).lines().zip(cut(influx).lines()) {
        assert_eq!(one, other, "{what}: embedded left, InfluxDB right");
    }
    assert_eq!(embedded.len(), influx.len(), "{what}");
}

#[actix_web::test]
async fn matrix_accounting_and_statement_are_the_same_bytes_from_both_stores() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let history = History::new(scenario(), Defaults::of(&config)).unwrap();
    let (embedded, influx) = (embedded(folder.path()), influx(&influxd).await);
    let (one, other) = tokio::join!(history.write(&embedded), history.write(&influx));
    assert_eq!(one.unwrap(), other.unwrap(), "what was written");

    let one = reported(&history, &embedded, &config).await;
    let other = reported(&history, &influx, &config).await;
    assert_same("accounting", &one.0, &other.0);
    assert_same("statement as text", &text::write(&one.1), &text::write(&other.1));
    let page = |statement| html::write(statement).unwrap();
    assert_same("statement as HTML", &page(&one.1), &page(&other.1));
    assert_eq!(one.1, other.1);

    let time = ippm::wire::time::format;
    let Scenario { start, end, .. } = scenario();
    // The whole, and a part whose edges cut hours.
    let cut = Duration::from_mins(37);
    let windows = [(start, end), (start.saturating_add(cut), end.saturating_sub(cut))];
    let mut paths = Vec::new();
    for (from, to) in windows {
        for what in ["matrix", "sla"] {
            for format in ["json", "csv"] {
                let (from, to) = (time(from), time(to));
                paths.push(format!("/api/v2/{what}?from={from}&to={to}&format={format}"));
            }
        }
    }
    let one = served(&history, Arc::new(embedded), &paths).await;
    let other = served(&history, Arc::new(influx), &paths).await;
    for ((path, one), other) in paths.iter().zip(one).zip(other) {
        assert!(one.contains("ix04"), "{path}: {one}");
        assert_same(path, &one, &other);
    }
}
