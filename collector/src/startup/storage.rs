//! Which store is behind the trait, and what operators do with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::config::{Backend, Config};
use crate::store::embedded::{self, Embedded, Options};
use crate::store::{Store, StoreError};

/// Opens the configured store.
///
/// # Errors
///
/// [`StoreError`] says what the operator can do.
pub fn open(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    match config.store.backend {
        Backend::Embedded => Ok(Arc::new(open_embedded(config)?)),
        Backend::Influx => Err(not_here(config)),
    }
}

/// Prepares the configured store and answers what was done, a line each.
///
/// # Errors
///
/// [`StoreError`] says what the operator can do.
pub fn set_up(config: &Config) -> Result<Vec<String>, StoreError> {
    match config.store.backend {
        Backend::Embedded => {
            open_embedded(config)?;
            Ok(vec![format!("{} is ready", config.store.embedded_file.display())])
        }
        Backend::Influx => Err(not_here(config)),
    }
}

/// Copies the embedded store to `to`.
///
/// # Errors
///
/// [`StoreError::Refused`] with another store.
pub fn back_up(config: &Config, to: &Path) -> Result<(), StoreError> {
    embedded_only(config)?;
    embedded::backup(&config.store.embedded_file, to)
}

/// Puts the copy `from` in the place of the embedded store.
///
/// # Errors
///
/// [`StoreError::Refused`] with another store, or while a collector runs.
pub fn restore(config: &Config, from: &Path) -> Result<(), StoreError> {
    embedded_only(config)?;
    embedded::restore(from, &config.store.embedded_file)
}

fn open_embedded(config: &Config) -> Result<Embedded, StoreError> {
    let dir = &config.store.data_dir;
    fs::create_dir_all(dir).map_err(|error| StoreError::Refused {
        reason: format!("{}: {error}", dir.display()),
    })?;
    Embedded::open(&Options {
        path: config.store.embedded_file.clone(),
        legacy_family: config.legacy.family,
    })
}

fn embedded_only(config: &Config) -> Result<(), StoreError> {
    match config.store.backend {
        Backend::Embedded => Ok(()),
        Backend::Influx => Err(StoreError::Refused {
            reason: "store.backend is \"influx\": use `influx backup` and `influx restore`".to_owned(),
        }),
    }
}

fn not_here(config: &Config) -> StoreError {
    StoreError::Refused {
        reason: format!(
            "no client for InfluxDB at {} in this build",
            config.store.influx.url
        ),
    }
}
