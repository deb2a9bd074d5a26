//! A copy of the whole store, taken while it works, and the way back.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::file::{Lock, open_reader, open_writer, remove, suffixed, sync_folder};
use super::{fault, schema};
use crate::store::StoreError;

/// See [`super::backup()`].
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open_reader(from)?;
    known_version(&source, from)?;
    if to.exists() {
        return Err(exists(to));
    }
    let unfinished = suffixed(to, ".unfinished");
    let copied = copy(&source, &unfinished, from).and_then(|()| {
        // Unlike a renaming, a second name never replaces a file that has come meanwhile.
        fs::hard_link(&unfinished, to).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(to),
            _ => fault::of_file(&error, to),
        })
    });
    remove(&unfinished)?;
    copied?;
    sync_folder(to)
}

/// See [`super::restore()`].
pub(super) fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = open_reader(from)?;
    known_version(&source, from)?;
    check_integrity(&source, from)?;
    let _lock = Lock::take(to)?;
    let unfinished = suffixed(to, ".unfinished");
    remove(&unfinished)?;
    if let Err(error) = copy(&source, &unfinished, from) {
        remove(&unfinished)?;
        return Err(error);
    }
    forget_log(to)?;
    fs::rename(&unfinished, to).map_err(|e| fault::of_file(&e, to))?;
    sync_folder(to)
}

/// The layout of a store that this version can read.
fn known_version(store: &Connection, path: &Path) -> Result<(), StoreError> {
    match schema::version(store, path)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Refused {
            reason: format!("{} is empty: it is not a store", path.display()),
        }),
    }
}

fn exists(path: &Path) -> StoreError {
    StoreError::Refused {
        reason: format!("{} is there already: name a new file", path.display()),
    }
}

fn check_integrity(store: &Connection, path: &Path) -> Result<(), StoreError> {
    let verdict: String = store
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| fault::of(&e, path))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Unreadable {
        reason: format!("{}: the file is damaged: {verdict}", path.display()),
    })
}

/// Copies all pages in one step, so that the copy is of one moment and no writer makes it begin again.
fn copy(source: &Connection, to: &Path, from: &Path) -> Result<(), StoreError> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|e| fault::of_file(&e, to))?;
    let mut target = Connection::open(to).map_err(|e| fault::of(&e, to))?;
    let step = Backup::new(source, &mut target)
        .and_then(|backup| backup.step(-1))
        .map_err(|e| fault::of(&e, to))?;
    if step != StepResult::Done {
        return Err(fault::unavailable(format!("{} is locked", from.display())));
    }
    drop(target);
    file.sync_all().map_err(|e| fault::of_file(&e, to))
}

/// Folds the write-ahead log of the store at `path` into it, because a log that stayed behind would be
/// applied to the file that comes in its place.
fn forget_log(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let folded = open_writer(path).and_then(|store| {
        store
            .execute_batch("PRAGMA journal_mode = DELETE")
            .map_err(|e| fault::of(&e, path))
    });
    match folded {
        // A damaged store may be what is to be replaced.
        Ok(()) | Err(StoreError::Unreadable { .. }) => {}
        Err(error) => return Err(error),
    }
    for suffix in ["-wal", "-shm"] {
        remove(&suffixed(path, suffix))?;
    }
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|e| fault::of_file(&e, path))
}
