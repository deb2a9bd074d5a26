//! `check-config` and `print-config`.

use std::io::{self, Write};

use crate::cli::{Args, Failure};
use crate::config::layer::Fault;
use crate::config::{Backend, Config};
use crate::key::KeyRing;
use crate::plan::Defaults;
use crate::watch;

/// Names every fault of configuration, roster and key file.
pub(super) fn check(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load()?;
    let mut warnings = config.warnings();
    let mut faults = Vec::new();
    let defaults = Defaults {
        period: config.plan.period,
        params: config.plan.params,
        legacy_period: config.legacy.period,
    };
    let roster = watch::read_roster(&config.access.roster_file, &defaults)
        .map_err(|problem| faults.push(Fault::new("access.roster_file", problem)))
        .ok();
    let keys = watch::read_keys(&config.access.keys_file)
        .map_err(|problem| faults.push(Fault::new("access.keys_file", problem)))
        .ok();
    if let Err(problem) = watch::read_shared(&config.legacy.shared_key) {
        faults.push(Fault::new("legacy.shared_key_file", problem));
    }
    if let Some(ca_file) = &config.store.influx.ca_file
        && config.store.backend == Backend::Influx
        && let Err(error) = std::fs::metadata(ca_file)
    {
        faults.push(Fault::new(
            "store.influx.ca_file",
            format_args!("{}: {error}", ca_file.display()),
        ));
    }
    if let (Some((roster, ..)), Some((keys, _))) = (&roster, &keys) {
        warnings.extend(names(roster, keys, &config));
    }
    for warning in &warnings {
        writeln!(out, "warning: {warning}").map_err(Failure::io("stdout"))?;
    }
    if faults.is_empty() {
        done(out, &config)
    } else {
        Err(Failure::Faulty(faults))
    }
}

/// Prints the effective configuration.
pub(super) fn print(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let text = Config::print(&args.sources()).map_err(Failure::Faulty)?;
    out.write_all(text.as_bytes()).map_err(Failure::io("stdout"))
}

fn names(roster: &ippm::roster::Roster, keys: &KeyRing, config: &Config) -> Vec<Fault> {
    let mut warnings = Vec::new();
    let shared = !matches!(config.legacy.shared_key, crate::config::SharedKey::None);
    for name in roster.names() {
        if !name.is_plain() {
            let text = format!("probe {name:?} has characters outside A-Z a-z 0-9 . _ -");
            warnings.push(Fault::new("roster", text));
        }
        let has_key = keys
            .entries()
            .iter()
            .any(|entry| entry.probe().as_ref() == Some(name));
        if !has_key && !shared {
            warnings.push(Fault::new(
                "keys",
                format_args!("probe {name} has no key: collector key add"),
            ));
        }
    }
    let stray = keys
        .entries()
        .iter()
        .filter(|entry| entry.probe().is_some_and(|probe| !roster.contains(&probe)));
    warnings.extend(stray.map(|entry| {
        Fault::new(
            "keys",
            format_args!("key {:?} is of no probe of the roster", entry.id),
        )
    }));
    warnings
}

fn done(out: &mut dyn Write, config: &Config) -> Result<(), Failure> {
    let result: io::Result<()> = writeln!(out, "configuration {} is sound", &config.digest[..16]);
    result.map_err(Failure::io("stdout"))
}
