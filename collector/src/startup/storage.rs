//! Which store is behind the trait, and what operators do with it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::config::{Backend, Config};
use crate::store::embedded::{self, Embedded, Options};
use crate::store::influx::setup::{Retention, SetupStep};
use crate::store::influx::{self, Influx};
use crate::store::{Store, StoreError};

/// Opens the configured store.
///
/// # Errors
///
/// [`StoreError`] says what the operator can do.
pub fn open(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    match config.store.backend {
        Backend::Embedded => Ok(Arc::new(open_embedded(config)?)),
        Backend::Influx => Ok(Arc::new(open_influx(config)?)),
    }
}

/// Opens the configured store for a command that only reads, also while a collector runs.
///
/// # Errors
///
/// [`StoreError`] says what the operator can do.
pub fn open_to_read(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    match config.store.backend {
        Backend::Embedded => Ok(Arc::new(Embedded::open_to_read(&embedded_options(config))?)),
        Backend::Influx => Ok(Arc::new(open_influx(config)?)),
    }
}

/// Prepares the configured store and answers what was done or found, a line each, conflicts apart.
///
/// # Errors
///
/// [`StoreError`] says what the operator can do.
pub async fn set_up(config: &Config) -> Result<(Vec<String>, Vec<String>), StoreError> {
    if config.store.backend == Backend::Embedded {
        open_embedded(config)?;
        return Ok((
            vec![format!("{} is ready", config.store.embedded_file.display())],
            Vec::new(),
        ));
    }
    let retention = Retention {
        raw: Some(config.retention.raw),
        hours: Some(config.retention.hour),
        days: Some(config.retention.day),
    };
    let steps = open_influx(config)?.setup(&retention).await?;
    let (conflicts, done): (Vec<SetupStep>, Vec<SetupStep>) = steps
        .into_iter()
        .partition(|step| matches!(step, SetupStep::Conflict(_)));
    let texts = |steps: Vec<SetupStep>| steps.iter().map(ToString::to_string).collect();
    Ok((texts(done), texts(conflicts)))
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
    Embedded::open(&embedded_options(config))
}

fn embedded_options(config: &Config) -> Options {
    Options {
        path: config.store.embedded_file.clone(),
        legacy_family: config.legacy.family,
    }
}

fn embedded_only(config: &Config) -> Result<(), StoreError> {
    match config.store.backend {
        Backend::Embedded => Ok(()),
        Backend::Influx => Err(StoreError::Refused {
            reason: "store.backend is \"influx\": use `influx backup` and `influx restore`".to_owned(),
        }),
    }
}

fn open_influx(config: &Config) -> Result<Influx, StoreError> {
    let influx = &config.store.influx;
    let refused = |reason: String| StoreError::Refused { reason };
    let ca = match &influx.ca_file {
        Some(path) => Some(fs::read(path).map_err(|error| refused(format!("{}: {error}", path.display())))?),
        None => None,
    };
    let token = influx.token.clone();
    Influx::new(&influx::Options {
        url: influx.url.clone(),
        org: influx.org.clone(),
        bucket: influx.bucket.clone(),
        token: token.ok_or_else(|| refused("store.influx.token_file is not set".to_owned()))?,
        ca,
        legacy_family: config.legacy.family,
        connect_limit: influx.connect_time,
        request_limit: influx.request_time,
        // Before the request that waits is given up, so that the log has the store's own reason.
        append_limit: config.limits.store_time * 4 / 5,
        concurrency: influx.concurrency,
        gzip: influx.gzip,
    })
}
