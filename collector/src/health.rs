//! Whether this collector lives, and whether it is ready; what systemd is told about it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ippm::UnixTime;
use ippm::wire::file::Fault as Place;
use sd_notify::NotifyState;

use crate::context::Context;
use crate::store::StoreError;
use crate::watch::file::FileFault;

/// How long the store may take to say whether it is ready.
const STORE_TIME: Duration = Duration::from_secs(3);
/// For how long its answer is believed, so that questions about us are no load on it.
const STORE_FRESH: Duration = Duration::from_secs(1);
/// How long we may take to answer ourselves before systemd is no longer told that we live.
const SELF_TIME: Duration = Duration::from_secs(5);

/// What `/readyz` answers.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// `ready`, `degraded` (working with the last good files), `not_ready` or `stopping`.
    pub status: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Name in the ledger.
    pub instance: String,
    /// Which configuration, roster, schedule and keys are in force; equal on all collectors of an exchange.
    pub digests: Digests,
    /// `ready`, `unavailable`, `refused`, `unreadable`.
    pub store: &'static str,
    /// Reports that wait for the store.
    pub waiting: usize,
    /// Reports that may wait for it.
    pub queue_limit: usize,
    /// Files that could not be loaded as they are now.
    pub faults: Vec<Fault>,
}

/// SHA-256 of what is in force, hexadecimal.
#[derive(Debug, Clone)]
pub struct Digests {
    /// The settings that have to be equal on all collectors.
    pub config: String,
    /// The roster file.
    pub roster: Option<String>,
    /// The schedule file; `None` without one.
    pub schedule: Option<String>,
    /// The key file.
    pub keys: Option<String>,
}

/// A file that could not be loaded.
#[derive(Debug, Clone)]
pub struct Fault {
    /// `roster`, `schedule`, `keys` or `shared_key`.
    pub file: &'static str,
    /// What is wrong; only for those who may know.
    pub problem: Option<String>,
    /// Each fault of a roster or schedule with its line and key; only for those who may know.
    pub places: Vec<Place>,
}

impl Readiness {
    /// Whether a proxy should send requests here.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.status, "ready" | "degraded")
    }
}

/// The last answer of the store, for a moment.
#[derive(Debug, Default)]
pub struct StoreState {
    last: Mutex<Option<(UnixTime, &'static str)>>,
}

impl StoreState {
    /// Asks the store, at most once a second.
    pub async fn ask(&self, context: &Context) -> &'static str {
        let now = context.clock.now();
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, state)) = last
            && now.since(at).is_some_and(|age| age < STORE_FRESH)
        {
            return state;
        }
        let state = match tokio::time::timeout(STORE_TIME, context.store.ready()).await {
            Ok(Ok(())) => "ready",
            Ok(Err(error)) => {
                log::warn!("{error}");
                match error {
                    StoreError::Unavailable { .. } => "unavailable",
                    StoreError::Refused { .. } => "refused",
                    StoreError::Unreadable { .. } => "unreadable",
                }
            }
            Err(_) => "unavailable",
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, state));
        state
    }
}

/// What is the matter with this collector; the texts of faults only if `detailed`.
pub async fn readiness(context: &Context, detailed: bool) -> Readiness {
    let store = context.store_state.ask(context).await;
    let loaded = context.watch.loaded();
    let usable = store == "ready" && loaded.roster.is_some() && loaded.keys_digest.is_some();
    let status = if context.is_stopping() {
        "stopping"
    } else if !usable {
        "not_ready"
    } else if loaded.faults.is_empty() {
        "ready"
    } else {
        "degraded"
    };
    let fault = |fault: &FileFault| Fault {
        file: fault.file,
        problem: detailed.then(|| fault.problem.clone()),
        places: if detailed {
            fault.places.clone()
        } else {
            Vec::new()
        },
    };
    Readiness {
        status,
        version: env!("CARGO_PKG_VERSION"),
        instance: context.instance.clone(),
        digests: Digests {
            config: context.config.digest.clone(),
            roster: loaded.roster_digest.clone(),
            schedule: loaded.schedule_digest.clone(),
            keys: loaded.keys_digest.clone(),
        },
        store,
        waiting: context.queue.unanswered(),
        queue_limit: context.config.limits.queue,
        faults: loaded.faults.iter().map(fault).collect(),
    }
}

/// Tells systemd `state`, if systemd started us.
pub fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("systemd not notified: {error}");
    }
}

/// Tells systemd that we live as long as we answer ourselves, until the task is dropped.
///
/// Does nothing when systemd does not watch.
pub async fn watchdog(address: SocketAddr) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        match tokio::task::spawn_blocking(move || answers(address)).await {
            Ok(true) => notify(&[NotifyState::Watchdog]),
            _ => log::error!("this collector does not answer itself at {address}"),
        }
        tokio::time::sleep(limit / 3).await;
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, SELF_TIME)?;
        stream.set_read_timeout(Some(SELF_TIME))?;
        stream.set_write_timeout(Some(SELF_TIME))?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
