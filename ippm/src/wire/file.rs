//! What the files that people write have in common: they are read strictly, and every fault is named at once with
//! its line and its key.
//!
//! # Layout
//!
//! * [`Fault`], [`FileError`]: what is wrong with a file
//! * [`place`]: keys of a file, and the lines on which they stand
//! * `shape`: what a file may hold, written once for the reader and for the schema that editors use

pub mod place;
pub(crate) mod schema;
pub(crate) mod shape;
pub(crate) mod text;

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use crate::wire::json::{self, JsonError, Repeated};
use place::Places;
use shape::{Found, Shape};

/// Largest roster and largest schedule, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// Most faults that are named of one file.
pub const MAX_FAULTS: usize = 256;

/// Why a file is refused.
#[derive(Debug, Error)]
pub enum FileError {
    /// Larger than [`MAX_BYTES`].
    #[error("has {found} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// Bytes of the file, or of as much of it as was read.
        found: usize,
    },
    /// Not JSON; the message names line and column.
    #[error("is not JSON")]
    Json(#[source] JsonError),
    /// Every fault of its contents.
    #[error("{}", faults(.0))]
    Faults(Vec<Fault>),
}

/// One fault of a file, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line on which the key stands, or what should hold the key; counted from 1.
    pub line: usize,
    /// The key: `probes[3].proto`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.path, self.problem)
    }
}

impl FileError {
    /// The error of a file with these contradictions; `text` is what was read.
    pub(crate) fn found(text: &[u8], found: Found) -> Self {
        Self::Faults(Places::of(text).faults(found))
    }
}

fn faults(faults: &[Fault]) -> String {
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    faults.join("; ")
}

/// Reads `text` and checks that it has the `shape`; also answers with every value that has not.
pub(crate) fn read(text: &[u8], shape: &Shape) -> Result<(Value, Found), FileError> {
    if text.len() > MAX_BYTES {
        return Err(FileError::TooLarge { found: text.len() });
    }
    let value = json::parse(text, Repeated::Refuse).map_err(FileError::Json)?;
    let mut found = Found::default();
    shape.check(&value, &place::Path::Top, &mut found);
    Ok((value, found))
}
