//! `check-config` and `print-config`.

use std::io::{self, Write};

use crate::cli::{Args, Failure};
use crate::config::layer::Fault;
use crate::config::{Backend, Config};
use crate::key::KeyRing;
use crate::watch;
use crate::watch::planned::Sources;

/// Names every fault of configuration, roster, schedule and key file.
pub(super) fn check(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load()?;
    let mut warnings = config.warnings();
    let mut faults = Vec::new();
    let outcome = Sources::of(&config).read(None);
    for fault in &outcome.faults {
        let setting = format!("access.{}_file", fault.file);
        if fault.places.is_empty() {
            faults.push(Fault::new(setting.as_str(), &fault.problem));
        }
        faults.extend(
            fault
                .places
                .iter()
                .map(|place| Fault::new(setting.as_str(), place)),
        );
    }
    if let Some(planned) = &outcome.planned {
        let unknown = planned.unknown_names();
        warnings.extend(unknown.iter().map(|place| Fault::new("schedule", place)));
    }
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
    if let (Some(roster), Some((keys, _))) = (&outcome.roster, &keys) {
        warnings.extend(names(&roster.value, keys, &config));
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
    for probe in roster.probes() {
        let name = &probe.name;
        if !name.is_plain() {
            let text = format!("probe {name:?} has characters outside A-Z a-z 0-9 . _ -");
            warnings.push(Fault::new("roster", text));
        }
        let has_key = keys
            .entries()
            .iter()
            .any(|entry| entry.probe().as_ref() == Some(name));
        if !has_key && !shared && probe.is_source() {
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
