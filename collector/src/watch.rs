//! Roster, schedule, key file and shared key: read at the start and whenever they change.
//!
//! A file that became unreadable or wrong leaves the last good one in force, and says so until it
//! is mended.

pub mod file;
pub mod planned;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use ippm::UnixTime;
use ippm::roster::Roster;
use ippm::schedule::Schedule;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::reader::{hex, secret_file};
use crate::config::{Config, SharedKey};
use crate::key::file as key_file;
use crate::key::{KeyDigest, KeyRing};
use crate::plan::Plans;
use file::{FileFault, Stamp, read};
use planned::{Outcome, Planned, ROSTER, SCHEDULE, Sources};

/// How often the files are looked at.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// What is in force.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The roster; `None` until a good one was loaded.
    pub roster: Option<Arc<Roster>>,
    /// The plans that follow from it and from the schedule; `None` until both were good together.
    pub plans: Option<Plans>,
    /// The keys; none until a good file was loaded.
    pub keys: KeyRing,
    /// Digest of the key that all original probes share.
    pub shared: Option<KeyDigest>,
    /// SHA-256 of the roster file in force.
    pub roster_digest: Option<String>,
    /// SHA-256 of the schedule file in force; `None` without one.
    pub schedule_digest: Option<String>,
    /// SHA-256 of the key file in force.
    pub keys_digest: Option<String>,
    /// What is wrong with the files as they are now.
    pub faults: Vec<FileFault>,
    /// When roster and schedule in force were loaded, and with them the plans.
    pub plans_since: UnixTime,
    planned: Option<Planned>,
}

/// The files, and what was loaded from them.
#[derive(Debug)]
pub struct Watch {
    sources: Sources,
    keys: PathBuf,
    shared: SharedKey,
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
            schedule_digest: None,
            keys_digest: None,
            faults: Vec::new(),
            plans_since: now,
            planned: None,
        };
        let watch = Self {
            sources: Sources::of(config),
            keys: config.access.keys_file.clone(),
            shared: config.legacy.shared_key.clone(),
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
            roster: Stamp::of(&self.sources.roster),
            schedule: Stamp::of(&self.sources.schedule),
            keys: Stamp::of(&self.keys),
            shared: match &self.shared {
                SharedKey::File(path) => Stamp::of(path),
                SharedKey::None | SharedKey::Given(_) => Stamp::NONE,
            },
        };
        let changed =
            |new: fn(&Stamps) -> &Stamp| anyway || last.as_ref().is_none_or(|last| new(last) != new(&stamps));
        let mut next = Loaded::clone(&self.loaded.load());
        let mut change = Change::default();
        if changed(|stamps| &stamps.roster) || changed(|stamps| &stamps.schedule) {
            next.plan(self.sources.read(next.planned.as_ref()), now, &mut change);
        }
        if changed(|stamps| &stamps.keys) {
            let result = read_keys(&self.keys).map(|(keys, digest)| {
                let is_new = next.keys_digest.as_ref() != Some(&digest);
                (next.keys, next.keys_digest) = (keys, Some(digest));
                is_new
            });
            next.note(
                "keys",
                result.map_err(|problem| FileFault::new("keys", problem)),
                &mut change,
            );
        }
        if changed(|stamps| &stamps.shared) {
            let result = read_shared(&self.shared).map(|shared| {
                let is_new = next.shared != shared;
                next.shared = shared;
                is_new
            });
            next.note(
                "shared_key",
                result.map_err(|problem| FileFault::new("shared_key", problem)),
                &mut change,
            );
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
    /// The schedule in force, the default one without a file; `None` until there are plans.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        self.planned.as_ref().map(|planned| &*planned.schedule.value)
    }

    /// Puts into force what was read of roster and schedule.
    fn plan(&mut self, outcome: Outcome, now: UnixTime, change: &mut Change) {
        let Outcome {
            planned,
            roster,
            faults,
        } = outcome;
        // A roster that is good by itself is known before there are plans, so that lists and names work.
        let known = planned.as_ref().map(|planned| planned.roster.clone()).or(roster);
        let roster_digest = known.as_ref().and_then(|roster| roster.digest.clone());
        let schedule_digest = planned
            .as_ref()
            .and_then(|planned| planned.schedule.digest.clone());
        let is_planned_anew = planned.is_some() && self.planned.is_none();
        for (file, is_new) in [
            (ROSTER, self.roster_digest != roster_digest),
            (SCHEDULE, self.schedule_digest != schedule_digest),
        ] {
            let of_file: Vec<FileFault> = faults
                .iter()
                .filter(|fault| fault.file == file)
                .cloned()
                .collect();
            self.faults.retain(|fault| fault.file != file);
            self.faults.extend(of_file.iter().cloned());
            change.failed.extend(of_file);
            if is_new {
                change.reloaded.push(file);
            }
        }
        if is_planned_anew || !change.reloaded.is_empty() {
            self.plans_since = now;
        }
        self.roster = known.map(|roster| roster.value);
        self.plans = planned.as_ref().map(|planned| planned.plans.clone());
        (self.roster_digest, self.schedule_digest) = (roster_digest, schedule_digest);
        self.planned = planned;
    }

    fn note(&mut self, file: &'static str, result: Result<bool, FileFault>, change: &mut Change) {
        self.faults.retain(|fault| fault.file != file);
        match result {
            Ok(true) => change.reloaded.push(file),
            Ok(false) => {}
            Err(fault) => {
                self.faults.push(fault.clone());
                change.failed.push(fault);
            }
        }
    }
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

#[derive(Debug, PartialEq, Eq)]
struct Stamps {
    roster: Stamp,
    schedule: Stamp,
    keys: Stamp,
    shared: Stamp,
}
