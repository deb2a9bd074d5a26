//! `xprobe doctor`: what on this host, or on the way to the collector, would spoil a measurement.
//!
//! It reads, opens the sockets that a round opens, sends one packet to this host itself, makes and
//! removes an empty file in the state directory, and asks the collector for the plan. It posts nothing
//! and takes no lock, so it may run beside a round.
//!
//! # Layout
//!
//! * `finding`: what a check says; how bad it is
//! * `host`: the part of `/proc` and `/sys` that is read, and the capabilities of this process
//! * `sockets`, `kernel`, `neighbors`, `interfaces`, `processor`: this host
//! * `settings`, `cron`: what the operator has written
//! * `exchange`: the way to the collector, the key, the plan, the clocks
//! * `text`: how it is printed

mod cron;
mod exchange;
mod finding;
mod host;
mod interfaces;
mod kernel;
mod neighbors;
mod processor;
mod settings;
mod sockets;
mod text;

use std::io::{self, Write};
use std::path::Path;

use secrecy::SecretString;
use thiserror::Error;

use crate::cli::DoctorArgs;
use crate::clock::Clock;
use crate::config;
use crate::timekeeping::daemon::Asking;

use self::finding::{Finding, Severity};
use self::host::Host;

/// Why `doctor` did not end with "all well".
#[derive(Debug, Error)]
pub enum DoctorFailure {
    /// Something spoils what is measured, although rounds run.
    #[error("{warnings} of the checks found what spoils measurements")]
    Warnings {
        /// Checks with a warning.
        warnings: usize,
    },
    /// Something keeps rounds from being measured or delivered.
    #[error("{failures} of the checks found what keeps a round from being measured or delivered")]
    Failures {
        /// Checks with a failure.
        failures: usize,
    },
    /// This process may not open an ICMP socket.
    #[error("not allowed to open ICMP sockets")]
    Permission,
    /// The findings could not be printed.
    #[error("cannot print the findings")]
    Print(#[source] io::Error),
}

/// Checks everything and prints what was found.
///
/// # Errors
///
/// [`DoctorFailure`], whose variant decides the exit status: the worst finding.
pub(crate) fn run(
    args: DoctorArgs,
    environment_key: Option<SecretString>,
    clock: Clock,
) -> Result<(), DoctorFailure> {
    let is_json = args.json;
    let findings = examine(args, environment_key, clock);
    print(is_json, &findings).map_err(DoctorFailure::Print)?;
    verdict(&findings)
}

fn examine(args: DoctorArgs, environment_key: Option<SecretString>, clock: Clock) -> Vec<Finding> {
    let host = Host::of_this_process();
    let asking = Asking::begin();
    let typed = settings::Typed::of(&args.round);
    let mut findings = vec![sockets::opened(&host)];
    findings.push(sockets::stamped(clock));
    findings.extend(kernel::all(&host));
    let interfaces = interfaces::of_this_host();
    findings.push(interfaces::address_resolution(&host, &interfaces));
    findings.extend(processor::all(&host));
    findings.extend(cron::all(Path::new("/")));
    let plan = match config::settle(args.round, environment_key) {
        Ok(settings) => {
            findings.extend(settings::all(&settings, &typed));
            let (found, plan) = exchange::all(&settings, &typed, clock);
            findings.extend(found);
            plan
        }
        Err(error) => {
            findings.push(settings::unusable(&error));
            None
        }
    };
    findings.push(neighbors::table(&host, plan.as_ref()));
    findings.push(interfaces::largest_packet(&host, &interfaces, plan.as_ref()));
    findings.push(exchange::daemon(asking.finish()));
    findings
}

fn verdict(findings: &[Finding]) -> Result<(), DoctorFailure> {
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (failures, warnings) = (count(Severity::Failure), count(Severity::Warning));
    if findings.iter().any(Finding::is_permission) {
        Err(DoctorFailure::Permission)
    } else if failures > 0 {
        Err(DoctorFailure::Failures { failures })
    } else if warnings > 0 {
        Err(DoctorFailure::Warnings { warnings })
    } else {
        Ok(())
    }
}

fn print(is_json: bool, findings: &[Finding]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = if is_json {
        serde_json::to_writer_pretty(&mut out, &text::json(findings))
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        text::lines(findings)
            .iter()
            .try_for_each(|line| writeln!(out, "{line}"))
    };
    match written.and_then(|()| out.flush()) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_a_missing_permission_is_told_apart() {
        let note = || Finding::note("a", "x", "y");
        let warning = || Finding::warning("b", "x", "y", "z");
        let failure = || Finding::failure("c", "x", "y", "z");
        assert!(verdict(&[Finding::ok("a", "x"), note()]).is_ok());
        assert!(matches!(
            verdict(&[note(), warning(), warning()]),
            Err(DoctorFailure::Warnings { warnings: 2 })
        ));
        assert!(matches!(
            verdict(&[failure(), warning()]),
            Err(DoctorFailure::Failures { failures: 1 })
        ));
        let permission = Finding::failure(Finding::SOCKETS, "x", "y", "z").for_permission();
        assert!(matches!(
            verdict(&[failure(), permission]),
            Err(DoctorFailure::Permission)
        ));
    }
}
