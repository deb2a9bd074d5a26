//! A collector on a port of its own, with an embedded store and a clock that the test moves.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use actix_web::web;
use collector::clock::Clock;
use collector::config::Config;
use collector::config::layer::Sources;
use collector::context::Context;
use collector::key::{KeyDigest, KeyEntry, Role, file};
use collector::plan::Defaults;
use collector::startup::{Application, storage};
use collector::synthetic::{History, Scenario};
use ippm::UnixTime;
use serde_json::json;
use tempfile::TempDir;

use crate::story::{HOSTILE, NOW, SITES, START};

/// A read key.
pub(crate) const READ: &str = "MARKED-KEY-TO-READ-0123456789abcdefghijklmn";

/// A running collector.
pub(crate) struct App {
    address: String,
    clock: Arc<AtomicI64>,
    pub(crate) context: web::Data<Context>,
    _folder: TempDir,
}

impl App {
    /// One with the roster of the story, whose plans are in force since [`START`]; its clock stands at [`NOW`].
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let mut probes = Vec::new();
        for (name, site) in SITES {
            let number = probes.len() + 10;
            probes.push(
                json!({"name": name, "proto": 4, "address": format!("192.0.2.{number}"), "site": site}),
            );
            if name == "lon1" {
                probes.push(json!({"name": name, "proto": 6, "address": "2001:db8::12", "site": site}));
            }
        }
        probes.push(json!({"name": HOSTILE, "proto": 4, "address": "192.0.2.99"}));
        let app = Self::build(settings, Some(json!({"probes": probes}).to_string()), None, START);
        let context = app.context.clone();
        wait(async || !context.store.plan_versions(None, NOW).await.unwrap().is_empty()).await;
        app.clock.store(NOW.as_ns(), Ordering::SeqCst);
        app
    }

    /// One without roster and results.
    pub(crate) fn empty(settings: &[(&str, &str)]) -> Self {
        let app = Self::build(settings, None, None, START);
        app.clock.store(NOW.as_ns(), Ordering::SeqCst);
        app
    }

    /// One of a synthetic exchange with so many probes, from `start` to `end`; its clock stands so much `later`.
    pub(crate) async fn synthetic(probes: usize, start: UnixTime, end: UnixTime, later: Duration) -> Self {
        let scenario = Scenario {
            probes,
            start,
            end,
            raw_from: start,
            seed: 1,
        };
        let config = Config::load(&Sources::default()).unwrap();
        let history = History::new(scenario, Defaults::of(&config)).unwrap();
        let settings = [("ACCESS__PUBLIC_READ", "true")];
        let roster = Some(history.roster_text().to_owned());
        let app = Self::build(&settings, roster, Some(history.schedule_text()), start);
        history.write(app.context.store.as_ref()).await.unwrap();
        app.clock
            .store(end.saturating_add(later).as_ns(), Ordering::SeqCst);
        app
    }

    fn build(
        settings: &[(&str, &str)],
        roster: Option<String>,
        schedule: Option<&str>,
        start: UnixTime,
    ) -> Self {
        // Another test may have chosen the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let key = file::entry_text(&KeyEntry {
            id: "read-noc".to_owned(),
            role: Role::Read,
            subject: "noc".to_owned(),
            digest: KeyDigest::of(READ.as_bytes()),
            not_after: None,
        });
        fs::write(folder.path().join("keys.toml"), key).unwrap();
        if let Some(roster) = roster {
            fs::write(folder.path().join("probes.json"), roster).unwrap();
        }
        if let Some(schedule) = schedule {
            fs::write(folder.path().join("schedule.json"), schedule).unwrap();
        }
        let own = [
            ("STORE__DATA_DIR", folder.path().to_str().unwrap()),
            ("SERVER__INSTANCE", "e2e"),
        ];
        let environment = own.iter().chain(settings);
        let environment = environment.map(|(name, value)| (format!("IXPQOS_{name}"), (*value).to_owned()));
        let config = Config::load(&Sources {
            file: None,
            environment: environment.collect(),
            flags: Vec::new(),
        })
        .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let store = storage::open(&config).unwrap();
        let clock = Arc::new(AtomicI64::new(start.as_ns()));
        let time = Arc::clone(&clock);
        let application = Application::build(
            config,
            listener,
            store,
            Clock::new(move || UnixTime::from_ns(time.load(Ordering::SeqCst))),
        )
        .unwrap();
        let (address, context) = (application.address().to_string(), application.context());
        actix_web::rt::spawn(application.run_until_stopped());
        Self {
            address,
            clock,
            context,
            _folder: folder,
        }
    }

    /// So many seconds pass.
    pub(crate) fn pass(&self, seconds: u64) {
        let ns = i64::try_from(Duration::from_secs(seconds).as_nanos()).unwrap();
        self.clock.fetch_add(ns, Ordering::SeqCst);
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The same with user and password.
    pub(crate) fn url_with(&self, path: &str, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}{path}", self.address)
    }
}

/// Waits until `condition` holds, at most thirty seconds.
pub(crate) async fn wait(condition: impl AsyncFn() -> bool) {
    for _ in 0..1500 {
        if condition().await {
            return;
        }
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within thirty seconds");
}
