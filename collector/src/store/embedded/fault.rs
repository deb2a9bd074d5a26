//! What a fault of SQLite means to the caller.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// The store's word for a fault of SQLite at the file `path`.
pub(super) fn of(error: &rusqlite::Error, path: &Path) -> StoreError {
    let reason = format!("{}: {error}", path.display());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Unreadable {
            reason: format!("{reason}: the file is damaged, restore a backup"),
        },
        Some(
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::AuthorizationForStatementDenied,
        ) => StoreError::Refused { reason },
        Some(_) => unavailable(reason),
        // Not from SQLite itself: a value of another type than its column has.
        None => StoreError::Unreadable { reason },
    }
}

/// The store's word for a fault of the file system at `path`.
pub(super) fn of_file(error: &io::Error, path: &Path) -> StoreError {
    let reason = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Refused { reason }
        }
        _ => unavailable(reason),
    }
}

/// The same call may succeed later.
pub(super) fn unavailable(reason: impl Into<String>) -> StoreError {
    StoreError::Unavailable {
        reason: reason.into(),
        retry_after: None,
    }
}
