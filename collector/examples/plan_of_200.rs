//! How long one plan of a mesh of 200 probes takes: resolved, and asked for by a probe that has it already.
//!
//! `cargo run --release --example plan_of_200`

use std::error::Error;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::clock::Clock;
use collector::config::Config;
use collector::config::layer::Sources;
use collector::key::{KeyDigest, KeyEntry, Role, file};
use collector::plan::resolve::Resolved;
use collector::startup::Application;
use collector::store::embedded::{self, Embedded};
use ippm::{Family, UnixTime};

/// Both families, and a second test in a window.
const PROBES: usize = 200;
const TIMES: usize = 500;
const KEY: &str = "a-key-for-this-measurement-and-nothing-else";
const SCHEDULE: &str = r#"{"tests":[{"name":"icmp"},{"name":"night","windows":["mon-fri 22:00-06:00 Europe/Rome"],"period":"15m"}]}"#;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = std::env::temp_dir().join(format!("ixpqos-plan-of-200-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let entries: Vec<String> = (0..PROBES)
        .map(|n| {
            format!(
                r#"{{"name":"p{n}","proto":4,"address":"192.0.2.{n}"}},{{"name":"p{n}","proto":6,"address":"2001:db8::{n:x}"}}"#
            )
        })
        .collect();
    std::fs::write(
        folder.join("probes.json"),
        format!("{{\"probes\":[{}]}}", entries.join(",")),
    )?;
    std::fs::write(folder.join("schedule.json"), SCHEDULE)?;
    let key = KeyEntry {
        id: "bench".to_owned(),
        role: Role::Read,
        subject: "bench".to_owned(),
        digest: KeyDigest::of(KEY.as_bytes()),
        not_after: None,
    };
    std::fs::write(folder.join("keys.toml"), file::entry_text(&key))?;
    let setting = |name: &str, value: &str| (format!("IXPQOS_{name}"), value.to_owned());
    let data = folder.to_string_lossy().into_owned();
    let environment = vec![
        setting("STORE__DATA_DIR", &data),
        setting("LIMITS__RATE", "100000/s"),
        setting("LIMITS__BURST", "100000"),
    ];
    let config = Config::load(&Sources {
        file: None,
        environment,
        flags: Vec::new(),
    })
    .map_err(|faults| format!("{faults:?}"))?;
    let store = Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let application = Application::build(config, listener, Arc::new(store), Clock::system())?;
    let (url, context) = (format!("http://{}", application.address()), application.context());
    let loaded = context.watch.loaded();
    let plans = loaded.plans.as_ref().ok_or("no plans")?;

    let mut out = std::io::stdout();
    let name = "p100".parse()?;
    let mut results = 0;
    let resolved = times(|| {
        let resolved = plans.get(&name).and_then(|plan| Resolved::new(plan).ok());
        results = resolved.map_or(0, |plan| {
            plan.due(UnixTime::from_ns(0))
                .map(|test| test.targets.len())
                .sum()
        });
    });
    writeln!(
        out,
        "one plan of {PROBES} probes ({results} results due) resolved: {}",
        told(resolved)
    )?;

    actix_web::rt::spawn(application.run_until_stopped());
    let client = reqwest::Client::builder().no_proxy().build()?;
    let ask = |tag: String| {
        client
            .get(format!("{url}/api/v2/plan/p100"))
            .header("X-API-Key", KEY)
            .header("If-None-Match", tag)
    };
    let first = ask(String::new()).send().await?;
    let tag = first.headers().get("etag").ok_or("no tag")?.to_str()?.to_owned();
    let bytes = first.bytes().await?.len();
    let mut waits = Vec::new();
    for _ in 0..TIMES {
        let start = now();
        let status = ask(tag.clone()).send().await?.status();
        waits.push(start.elapsed());
        assert_eq!(status, 304);
    }
    writeln!(
        out,
        "asked for again, 304 over loopback ({bytes} bytes not sent): {}",
        told(waits)
    )?;
    std::fs::remove_dir_all(&folder)?;
    std::process::exit(0)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this program measures the time that something takes"
)]
fn now() -> Instant {
    Instant::now()
}

fn times(mut work: impl FnMut()) -> Vec<Duration> {
    (0..TIMES)
        .map(|_| {
            let start = now();
            work();
            start.elapsed()
        })
        .collect()
}

fn told(mut waits: Vec<Duration>) -> String {
    waits.sort_unstable();
    let at = |permille: usize| waits[(waits.len() * permille / 1000).min(waits.len() - 1)];
    format!("p50 {:?}, p99 {:?} of {}", at(500), at(990), waits.len())
}
