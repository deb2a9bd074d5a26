//! Files that are looked at again and again, and what is wrong with them.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::SystemTime;

use ippm::wire::file::Fault;

/// A file that could not be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFault {
    /// `roster`, `schedule`, `keys` or `shared_key`.
    pub file: &'static str,
    /// What is wrong, all of it; it names the file and never a secret.
    pub problem: String,
    /// Of roster and schedule each fault by itself, with its line and its key.
    pub places: Vec<Fault>,
}

impl FileFault {
    /// A fault of `file` as a whole.
    pub(crate) fn new(file: &'static str, problem: String) -> Self {
        Self {
            file,
            problem,
            places: Vec::new(),
        }
    }
}

/// Reads at most one byte more than `limit`, so that a parser can refuse it by its own limit.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `error` and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What tells a changed file from an unchanged one, also when it was renamed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(Option<SystemTime>, u64, u64)>);

impl Stamp {
    /// That of no file.
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(
            fs::metadata(path)
                .ok()
                .map(|meta| (meta.modified().ok(), meta.len(), meta.ino())),
        )
    }
}
