//! A collector in this process: its own thread, the embedded store, and a clock that the test sets.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use collector::config::Config;
use collector::config::layer::Sources;
use collector::key::file::entry_text;
use collector::key::{KeyDigest, KeyEntry, Role};
use collector::startup::{Application, storage};
use collector::store::Store;
use ippm::UnixTime;
use tokio::sync::oneshot;

/// A wall clock that runs on from where it was set last; clones are the same clock.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<Mutex<(UnixTime, Instant)>>);

impl TestClock {
    /// A clock that says `wall` now.
    pub(crate) fn at(wall: UnixTime) -> Self {
        Self(Arc::new(Mutex::new((wall, instant()))))
    }

    /// Sets it.
    pub(crate) fn set(&self, wall: UnixTime) {
        *self.0.lock().unwrap() = (wall, instant());
    }

    /// The same clock for a round that begins when it was set.
    pub(crate) fn of_round(&self) -> xprobe::Clock {
        let (wall, monotonic) = *self.0.lock().unwrap();
        xprobe::Clock::new(wall, monotonic)
    }

    fn of_collector(&self) -> collector::clock::Clock {
        let clock = self.clone();
        collector::clock::Clock::new(move || {
            let (wall, since) = *clock.0.lock().unwrap();
            wall.saturating_add(since.elapsed())
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn instant() -> Instant {
    Instant::now()
}

/// The running collector.
pub(crate) struct Collector {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Collector {
    /// Starts one by the files in `folder`.
    pub(crate) fn start(folder: &Path, listener: TcpListener, clock: &TestClock) -> Self {
        let sources = Sources {
            file: Some(&folder.join("collector.toml")),
            environment: Vec::new(),
            flags: Vec::new(),
        };
        let config = Config::load(&sources).unwrap();
        let store = storage::open(&config).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (for_collector, clock) = (Arc::clone(&store), clock.of_collector());
        let thread = std::thread::spawn(move || {
            let runtime = runtime();
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let collector = Application::build(config, listener, for_collector, clock).unwrap();
                let faults = &collector.context().watch.loaded().faults;
                assert!(faults.is_empty(), "{faults:?}");
                let handle = collector.handle();
                let running = tokio::task::spawn_local(collector.run_until_stopped());
                let _ = stopped.await;
                handle.stop(true).await;
                running.await.unwrap().unwrap();
            });
        });
        Self {
            store,
            address,
            stop,
            thread,
        }
    }

    /// Ends it, and answers with what it stored.
    pub(crate) fn stop(self) -> Arc<dyn Store> {
        self.stop.send(()).expect("the collector is still there");
        self.thread.join().unwrap();
        self.store
    }
}

/// A runtime for one thread.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A key file that holds a key for each probe of `names`: [`key_of`] it.
pub(crate) fn key_file(names: &[&str]) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        let entry = KeyEntry {
            id: format!("probe-{name}"),
            role: Role::Probe,
            subject: (*name).to_owned(),
            digest: KeyDigest::of(key_of(name).as_bytes()),
            not_after: None,
        };
        write!(text, "{}", entry_text(&entry)).unwrap();
        text
    })
}

/// The key of a probe.
pub(crate) fn key_of(name: &str) -> String {
    format!("key-of-{name}-0123456789abcdefghijklmnopqrs")
}
