//! `key add`, `key list`, `key revoke`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ippm::{ProbeName, UnixTime, wire};
use secrecy::{ExposeSecret, SecretString};

use crate::cli::{Args, Failure};
use crate::clock::Clock;
use crate::config::unit;
use crate::key::{self, KeyDigest, KeyEntry, KeyRing, Role, file};

/// What begins a new key file.
const HEADER: &str =
    "# API keys of the collector: digests only. Written by `collector key`; see collector(1).\n";
/// Nobody but the owner writes digests, and the collector's group reads them.
const MODE: u32 = 0o640;

/// What to do with keys.
#[derive(Debug, Clone, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, this once; running collectors know it within five seconds
    #[command(visible_alias = "new")]
    Add {
        /// probe (its plan and its reports), read (everything that was measured), admin
        #[arg(long)]
        role: Role,
        /// The probe's name; for read and admin keys, words that say whose it is
        #[arg(long, value_name = "NAME")]
        subject: String,
        /// What to call the key; made up from subject and date if left out
        #[arg(long)]
        id: Option<String>,
        /// For how long it is valid ("365d"); for ever if left out
        #[arg(long, value_name = "DURATION", value_parser = unit::duration)]
        valid: Option<std::time::Duration>,
    },
    /// List the keys; secrets are not kept, so none is shown
    List,
    /// Take a key out; running collectors refuse it within five seconds
    Revoke {
        /// The key's id
        id: String,
    },
}

/// Runs a key command.
pub(super) fn run(args: &Args, command: &KeyCommand, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load()?;
    let path = config.access.keys_file.as_path();
    let now = Clock::system().now();
    match command {
        KeyCommand::Add {
            role,
            subject,
            id,
            valid,
        } => {
            let wanted = Wanted {
                role: *role,
                subject,
                id: id.as_deref(),
                not_after: valid.map(|v| now.saturating_add(v)),
            };
            let (entry, secret) = add(path, &wanted, now)?;
            // The secret alone on stdout, so that it can go straight into a file.
            let _ = writeln!(
                io::stderr(),
                "key {} for {} {}, kept in {}",
                entry.id,
                entry.role,
                entry.subject,
                path.display()
            );
            writeln!(out, "{}", secret.expose_secret()).map_err(Failure::io("stdout"))
        }
        KeyCommand::List => list(path, now, out),
        KeyCommand::Revoke { id } => {
            let _lock = lock(path)?;
            let text = fs::read_to_string(path).map_err(Failure::io(path.display().to_string()))?;
            let left = file::without(&text, id)
                .map_err(|error| Failure::fault(path.display().to_string(), error))?;
            replace(path, &left)
        }
    }
}

/// The key that somebody wants.
pub(super) struct Wanted<'a> {
    /// What it may do.
    pub(super) role: Role,
    /// Whose it is.
    pub(super) subject: &'a str,
    /// What to call it.
    pub(super) id: Option<&'a str>,
    /// Until when.
    pub(super) not_after: Option<UnixTime>,
}

/// Makes a key and appends its digest to the key file.
pub(super) fn add(
    path: &Path,
    wanted: &Wanted<'_>,
    now: UnixTime,
) -> Result<(KeyEntry, SecretString), Failure> {
    if wanted.role == Role::Probe {
        wanted
            .subject
            .parse::<ProbeName>()
            .map_err(|error| Failure::fault("--subject", error))?;
    }
    let _lock = lock(path)?;
    let (mut text, ring) = read(path)?;
    let secret = key::generate().map_err(|error| Failure::Refused(error.to_string()))?;
    let entry = KeyEntry {
        id: wanted
            .id
            .map_or_else(|| free_id(wanted.subject, now, &ring), str::to_owned),
        role: wanted.role,
        subject: wanted.subject.to_owned(),
        digest: KeyDigest::of(secret.expose_secret().as_bytes()),
        not_after: wanted.not_after,
    };
    if !(text.is_empty() || text.ends_with('\n')) {
        text.push('\n');
    }
    text.push_str(&file::entry_text(&entry));
    file::parse(text.as_bytes()).map_err(|error| Failure::fault(path.display().to_string(), error))?;
    replace(path, &text)?;
    Ok((entry, secret))
}

fn list(path: &Path, now: UnixTime, out: &mut dyn Write) -> Result<(), Failure> {
    let (_, ring) = read(path)?;
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["ID", "ROLE", "SUBJECT", "NOT AFTER", "STATE"]);
    for entry in ring.entries() {
        let end = entry.not_after.map_or_else(
            || "-".to_owned(),
            |end| wire::time::format(end)[..19].to_owned() + "Z",
        );
        let state = if entry.is_valid(now) { "valid" } else { "expired" };
        table.add_row([&entry.id, &entry.role.to_string(), &entry.subject, &end, state]);
    }
    writeln!(out, "{}", table.trim_fmt()).map_err(Failure::io("stdout"))
}

fn free_id(subject: &str, now: UnixTime, ring: &KeyRing) -> String {
    let date = &wire::time::format(now)[..10];
    let base: String = subject
        .chars()
        .map(|c| if c.is_whitespace() { '-' } else { c })
        .take(64)
        .collect();
    let taken = |id: &str| ring.entries().iter().any(|entry| entry.id == id);
    let first = format!("{base}-{date}");
    if !taken(&first) {
        return first;
    }
    // One more candidate than there are keys: one of them is free.
    (2..ring.entries().len() + 3)
        .map(|n| format!("{first}-{n}"))
        .find(|id| !taken(id))
        .unwrap_or(first)
}

fn read(path: &Path) -> Result<(String, KeyRing), Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEADER.to_owned(),
        Err(error) => return Err(Failure::io(path.display().to_string())(error)),
    };
    let ring =
        file::parse(text.as_bytes()).map_err(|error| Failure::fault(path.display().to_string(), error))?;
    Ok((text, ring))
}

/// Two of us at once would lose one key.
fn lock(path: &Path) -> Result<File, Failure> {
    let beside = with_suffix(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&beside)
        .map_err(Failure::io(beside.display().to_string()))?;
    file.lock().map_err(Failure::io(beside.display().to_string()))?;
    Ok(file)
}

/// Writes beside and renames over, so that nobody ever reads half a file.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = with_suffix(path, ".new");
    let write = || -> io::Result<()> {
        let mode = fs::metadata(path).map_or(MODE, |meta| meta.permissions().mode() & 0o777);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(Failure::io(path.display().to_string()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
