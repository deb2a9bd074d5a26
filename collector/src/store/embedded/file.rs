//! The file of the store: who may read it, and that only one collector writes it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault;
use crate::store::StoreError;

/// Only the collector's own user reads and writes what was measured.
const MODE: u32 = 0o600;

/// Held as long as a collector uses the file; the kernel frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock beside the file at `path`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] if another process holds it, or the folder cannot be written.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let beside = suffixed(path, ".lock");
        let file = open_private(&beside)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Refused {
                reason: format!("{} is in use by another collector", path.display()),
            }),
            Err(TryLockError::Error(error)) => Err(fault::of_file(&error, &beside)),
        }
    }
}

/// `path` with `suffix` after its name.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates the file at `path` if there is none, and takes it from everybody but its owner.
///
/// SQLite gives its write-ahead log the same permissions.
pub(super) fn make_private(path: &Path) -> Result<(), StoreError> {
    let file = open_private(path)?;
    let metadata = file.metadata().map_err(|e| fault::of_file(&e, path))?;
    if metadata.permissions().mode() & 0o777 != MODE {
        log::warn!("{}: permissions set to {MODE:o}", path.display());
        file.set_permissions(Permissions::from_mode(MODE))
            .map_err(|e| fault::of_file(&e, path))?;
    }
    Ok(())
}

fn open_private(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(path)
        .map_err(|e| fault::of_file(&e, path))
}

/// Opens the file to write it; it exists already.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, WRITER_PRAGMAS)
}

/// Opens the file to read it.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, READER_PRAGMAS)
}

/// Each commit is on the disk before it is answered; the log is folded into the file every 16 MiB.
const WRITER_PRAGMAS: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA trusted_schema = OFF;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4096;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -32768;
    PRAGMA temp_store = MEMORY;
    PRAGMA foreign_keys = OFF;";

const READER_PRAGMAS: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA trusted_schema = OFF;
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;";

fn open(path: &Path, flags: OpenFlags, pragmas: &str) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags).map_err(|e| fault::of(&e, path))?;
    connection
        .execute_batch(pragmas)
        .map_err(|e| fault::of(&e, path))?;
    // Without it a statement is compiled anew for every value of its limit.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|e| fault::of(&e, path))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes a new name in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| fault::of_file(&e, folder))
}

/// Removes the file at `path` if there is one.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(fault::of_file(&error, path)),
        _ => Ok(()),
    }
}
