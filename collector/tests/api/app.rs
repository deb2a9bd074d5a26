//! A collector on a port of its own, with a store in memory.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use collector::clock::Clock;
use collector::config::Config;
use collector::config::layer::Sources;
use collector::context::Context;
use collector::key::{KeyDigest, KeyEntry, Role, file};
use collector::startup::Application;
use collector::store::Store;
use collector::store::embedded::{self, Embedded};
use ippm::Family;
use serde_json::Value;
use tempfile::TempDir;

use crate::memory::Memory;

/// Three probes; the second has both families.
pub(crate) const ROSTER: &str = r#"{"probes":[
    {"name":"ams1","proto":4,"address":"192.0.2.10","site":"AMS"},
    {"name":"lon1","proto":4,"address":"192.0.2.20"},
    {"name":"lon1","proto":6,"address":"2001:db8::20"},
    {"name":"fra1","proto":4,"address":"fra1.example","legacy":true}]}"#;

/// The files of the tests beside the keys.
const FILES: [(&str, &str); 1] = [("probes.json", ROSTER)];

/// The keys of the tests: secret, role, subject.
pub(crate) const KEYS: [(&str, Role, &str); 4] = [
    (AMS1, Role::Probe, "ams1"),
    (LON1, Role::Probe, "lon1"),
    (READ, Role::Read, "noc"),
    (ADMIN, Role::Admin, "noc"),
];
/// Key of the probe `ams1`.
pub(crate) const AMS1: &str = "MARKED-KEY-OF-ams1-0123456789abcdefghijklmn";
/// Key of the probe `lon1`.
pub(crate) const LON1: &str = "MARKED-KEY-OF-lon1-0123456789abcdefghijklmn";
/// A read key.
pub(crate) const READ: &str = "MARKED-KEY-TO-READ-0123456789abcdefghijklmn";
/// An admin key.
pub(crate) const ADMIN: &str = "MARKED-KEY-OF-ADMIN-123456789abcdefghijklmn";
/// The key that all original probes share.
pub(crate) const SHARED: &str = "MARKED-SHARED-KEY";

/// A running collector.
pub(crate) struct TestApp {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    pub(crate) store: Arc<Memory>,
    pub(crate) context: web::Data<Context>,
    pub(crate) handle: ServerHandle,
    pub(crate) folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The status and the code.
    #[track_caller]
    pub(crate) fn code(&self) -> (u16, String) {
        let body = self.json();
        assert!(
            body["error"].as_str().is_some_and(|text| !text.is_empty()),
            "no error text: {self:?}"
        );
        (self.status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl TestApp {
    /// Starts one with the defaults.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with these settings, `SECTION__KEY` and value.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::build(settings, Clock::system())
    }

    /// Starts one.
    pub(crate) fn build(settings: &[(&str, &str)], clock: Clock) -> Self {
        Self::with_keys(&KEYS, settings, clock)
    }

    /// Starts one with these keys.
    pub(crate) fn with_keys(keys: &[(&str, Role, &str)], settings: &[(&str, &str)], clock: Clock) -> Self {
        Self::on(Arc::new(Memory::default()), keys, settings, clock)
    }

    /// Starts one on a store that others may use too.
    pub(crate) fn on(
        store: Arc<Memory>,
        keys: &[(&str, Role, &str)],
        settings: &[(&str, &str)],
        clock: Clock,
    ) -> Self {
        Self::launch(&FILES, keys, settings, clock, Arc::clone(&store), |_| store)
    }

    /// Starts one on a real store in its own folder; `store` stays empty.
    pub(crate) fn embedded(settings: &[(&str, &str)], clock: Clock) -> Self {
        let open = |folder: &Path| -> Arc<dyn Store> {
            let options = embedded::Options {
                path: folder.join("store.sqlite"),
                legacy_family: Family::V4,
            };
            Arc::new(Embedded::open(&options).unwrap())
        };
        Self::launch(&FILES, &KEYS, settings, clock, Arc::default(), open)
    }

    /// Starts one with these files beside its key file, on `store`; its own stays empty.
    pub(crate) fn over(
        files: &[(&str, &str)],
        keys: &[(&str, Role, &str)],
        settings: &[(&str, &str)],
        clock: Clock,
        store: Arc<dyn Store>,
    ) -> Self {
        Self::launch(files, keys, settings, clock, Arc::default(), |_| store)
    }

    fn launch(
        files: &[(&str, &str)],
        keys: &[(&str, Role, &str)],
        settings: &[(&str, &str)],
        clock: Clock,
        memory: Arc<Memory>,
        open: impl FnOnce(&Path) -> Arc<dyn Store>,
    ) -> Self {
        // Another test may have chosen the same provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        write_keys(folder.path(), keys);
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut environment: Vec<(String, String)> = [
            ("STORE__DATA_DIR", folder.path().to_str().unwrap()),
            ("SERVER__INSTANCE", "test"),
            ("LEGACY__SHARED_KEY", SHARED),
        ]
        .iter()
        .chain(settings)
        .map(|(name, value)| (format!("IXPQOS_{name}"), (*value).to_owned()))
        .collect();
        environment.push(("IXPQOS_REQUIRE".to_owned(), "is no setting".to_owned()));
        let sources = Sources {
            file: None,
            environment,
            flags: Vec::new(),
        };
        let config = Config::load(&sources).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let store = open(folder.path());
        let application = Application::build(config, listener, store, clock).unwrap();
        let url = format!("http://{}", application.address());
        let (context, handle) = (application.context(), application.handle());
        actix_web::rt::spawn(application.run_until_stopped());
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        Self {
            url,
            client,
            store: memory,
            context,
            handle,
            folder,
        }
    }

    /// A GET with a key, or without one if it is empty.
    pub(crate) async fn get(&self, path: &str, key: &str) -> Reply {
        let request = self.client.get(format!("{}{path}", self.url));
        self.send(if key.is_empty() {
            request
        } else {
            request.header("X-API-Key", key)
        })
        .await
    }

    /// A POST of JSON with a key.
    pub(crate) async fn post(&self, path: &str, key: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("X-API-Key", key);
        self.send(request.header("Content-Type", "application/json").body(body))
            .await
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Reply {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }
}

/// Writes a key file of `keys` into `folder`.
pub(crate) fn write_keys(folder: &Path, keys: &[(&str, Role, &str)]) {
    let text: String = keys
        .iter()
        .map(|(secret, role, subject)| {
            file::entry_text(&KeyEntry {
                id: format!(
                    "{role}-{subject}-{}",
                    &KeyDigest::of(secret.as_bytes()).to_string()[..8]
                ),
                role: *role,
                subject: (*subject).to_owned(),
                digest: KeyDigest::of(secret.as_bytes()),
                not_after: None,
            })
        })
        .collect();
    fs::write(folder.join("keys.toml"), text).unwrap();
}

/// Waits until `condition` holds, at most ten seconds.
#[track_caller]
pub(crate) fn eventually(condition: impl Fn() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        for _ in 0..1000 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within ten seconds: {caller}");
    }
}
