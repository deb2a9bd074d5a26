//! Roster, key file and shared key: read at the start and whenever they change.
//!
//! A file that became unreadable or wrong leaves the last good one in force, and says so until it
//! is mended.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use ippm::roster::Roster;
use ippm::{UnixTime, wire};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::reader::{hex, secret_file};
use crate::config::{Config, SharedKey};
use crate::key::file as key_file;
use crate::key::{KeyDigest, KeyRing};
use crate::plan::{Defaults, Plans};

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// What is in force.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The roster; `None` until a good one was loaded.
    pub roster: Option<Arc<Roster>>,
    /// The plans that follow from it.
    pub plans: Option<Plans>,
    /// The keys; none until a good file was loaded.
    pub keys: KeyRing,
    /// Digest of the key that all original probes share.
    pub shared: Option<KeyDigest>,
    /// SHA-256 of the roster file in force.
    pub roster_digest: Option<String>,
    /// SHA-256 of the key file in force.
    pub keys_digest: Option<String>,
    /// What is wrong with the files as they are now.
    pub faults: Vec<FileFault>,
    /// When the roster in force was loaded, and with it the plans.
    pub plans_since: UnixTime,
}

/// A file that could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// `roster`, `keys` or `shared_key`.
    pub file: &'static str,
    /// What is wrong; it names the file and never a secret.
    pub problem: String,
}

/// The files, and what was loaded from them.
#[derive(Debug)]
pub struct Watch {
    roster: PathBuf,
    keys: PathBuf,
    shared: SharedKey,
    defaults: Defaults,
    loaded: ArcSwap<Loaded>,
    stamps: Mutex<Option<Stamps>>,
}

/// What one look at the files brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Files that are in force anew.
    pub reloaded: Vec<&'static str>,
    /// Files that changed and could not be loaded.
    pub failed: Vec<FileFault>,
}

impl Watch {
    /// Reads the files for the first time. Faults are not fatal; see [`Loaded::faults`].
    #[must_use]
    pub fn new(config: &Config, now: UnixTime) -> Self {
        let nothing = Loaded {
            roster: None,
            plans: None,
            keys: KeyRing::default(),
            shared: None,
            roster_digest: None,
            keys_digest: None,
            faults: Vec::new(),
            plans_since: now,
        };
        let watch = Self {
            roster: config.access.roster_file.clone(),
            keys: config.access.keys_file.clone(),
            shared: config.legacy.shared_key.clone(),
            defaults: Defaults {
                period: config.plan.period,
                params: config.plan.params,
                legacy_period: config.legacy.period,
            },
            loaded: ArcSwap::from_pointee(nothing),
            stamps: Mutex::new(None),
        };
        watch.look(now, true);
        watch
    }

    /// What is in force now.
    #[must_use]
    pub fn loaded(&self) -> Arc<Loaded> {
        self.loaded.load_full()
    }

    /// Looks at the files and loads those that changed; all of them with `anyway`.
    pub fn look(&self, now: UnixTime, anyway: bool) -> Change {
        let mut last = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        // Stamped before reading: what changes meanwhile is seen at the next look.
        let stamps = Stamps {
            roster: Stamp::of(&self.roster),
            keys: Stamp::of(&self.keys),
            shared: match &self.shared {
                SharedKey::File(path) => Stamp::of(path),
                SharedKey::None | SharedKey::Given(_) => Stamp(None),
            },
        };
        let changed =
            |new: fn(&Stamps) -> &Stamp| anyway || last.as_ref().is_none_or(|last| new(last) != new(&stamps));
        let mut next = Loaded::clone(&self.loaded.load());
        let mut change = Change::default();
        if changed(|stamps| &stamps.roster) {
            let result = read_roster(&self.roster, &self.defaults);
            let result = result.map(|(roster, plans, digest)| {
                let is_new = next.roster_digest.as_ref() != Some(&digest);
                (next.roster, next.plans, next.roster_digest) = (Some(roster), Some(plans), Some(digest));
                if is_new {
                    next.plans_since = now;
                }
                is_new
            });
            next.note("roster", result, &mut change);
        }
        if changed(|stamps| &stamps.keys) {
            let result = read_keys(&self.keys).map(|(keys, digest)| {
                let is_new = next.keys_digest.as_ref() != Some(&digest);
                (next.keys, next.keys_digest) = (keys, Some(digest));
                is_new
            });
            next.note("keys", result, &mut change);
        }
        if changed(|stamps| &stamps.shared) {
            let result = read_shared(&self.shared).map(|shared| {
                let is_new = next.shared != shared;
                next.shared = shared;
                is_new
            });
            next.note("shared_key", result, &mut change);
        }
        if !(change.reloaded.is_empty()
            && change.failed.is_empty()
            && next.faults == self.loaded.load().faults)
        {
            self.loaded.store(Arc::new(next));
        }
        *last = Some(stamps);
        change
    }
}

impl Loaded {
    fn note(&mut self, file: &'static str, result: Result<bool, String>, change: &mut Change) {
        self.faults.retain(|fault| fault.file != file);
        match result {
            Ok(true) => change.reloaded.push(file),
            Ok(false) => {}
            Err(problem) => {
                let fault = FileFault { file, problem };
                self.faults.push(fault.clone());
                change.failed.push(fault);
            }
        }
    }
}

/// Reads the roster at `path` and makes the plans that follow from it.
///
/// # Errors
///
/// What is wrong, with the path.
pub fn read_roster(path: &Path, defaults: &Defaults) -> Result<(Arc<Roster>, Plans, String), String> {
    let named = |problem: &dyn std::fmt::Display| format!("roster {}: {problem}", path.display());
    let text = read(path, wire::file::MAX_BYTES).map_err(|error| named(&error))?;
    let roster = wire::roster::parse(&text).map_err(|error| named(&chain(&error)))?;
    let roster = Arc::new(roster);
    let plans = Plans::new(Arc::clone(&roster), *defaults).map_err(|error| named(&error))?;
    Ok((roster, plans, hex(&Sha256::digest(&text))))
}

/// Reads the key file at `path`.
///
/// # Errors
///
/// What is wrong, with the path and without a secret.
pub fn read_keys(path: &Path) -> Result<(KeyRing, String), String> {
    let named = |problem: &dyn std::fmt::Display| format!("key file {}: {problem}", path.display());
    let text = read(path, key_file::MAX_BYTES).map_err(|error| named(&error))?;
    let ring = key_file::parse(&text).map_err(|error| named(&error))?;
    Ok((ring, hex(&Sha256::digest(&text))))
}

/// Reads the key that all original probes share, if there is one.
///
/// # Errors
///
/// What is wrong, with the path and without the secret.
pub fn read_shared(shared: &SharedKey) -> Result<Option<KeyDigest>, String> {
    let secret = match shared {
        SharedKey::None => return Ok(None),
        SharedKey::Given(secret) => secret.clone(),
        SharedKey::File(path) => {
            secret_file("legacy.shared_key_file", path).map_err(|fault| fault.to_string())?
        }
    };
    Ok(Some(KeyDigest::of(secret.expose_secret().as_bytes())))
}

/// Reads at most one byte more than `limit`, so that a parser can refuse it by its own limit.
fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[derive(Debug, PartialEq, Eq)]
struct Stamps {
    roster: Stamp,
    keys: Stamp,
    shared: Stamp,
}

/// What tells a changed file from an unchanged one, also when it was renamed over.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Option<(Option<SystemTime>, u64, u64)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(
            fs::metadata(path)
                .ok()
                .map(|meta| (meta.modified().ok(), meta.len(), meta.ino())),
        )
    }
}
