//! The command lines in `deploy/` are understood by the program that they start.
#![cfg(test)]

use std::ffi::OsString;

use xprobe::cli::{Parsed, RoundArgs, parse};

const CRON: &str = include_str!("../../deploy/cron/xprobe");
const UNIT: &str = include_str!("../../deploy/systemd/xprobe.service");

#[test]
fn the_cron_line_is_understood() {
    let line = CRON.lines().find(|line| line.starts_with("*/5 ")).unwrap();
    // Five fields of time, then the user.
    let command: Vec<&str> = line.split_whitespace().skip(6).collect();
    check(&round(&command));
}

#[test]
fn the_command_of_the_unit_is_understood() {
    let line = UNIT
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let line = line
        .replace("${PROBE_NAME}", "ams1")
        .replace("${COLLECTOR}", "qos.example.net")
        .replace("%d", "/run/credentials/xprobe.service")
        .replace("%S", "/var/lib");
    assert!(!line.contains(['$', '%']), "{line}");
    check(&round(&line.split_whitespace().collect::<Vec<_>>()));
}

fn round(command: &[&str]) -> RoundArgs {
    assert_eq!(command[0].rsplit('/').next(), Some("xprobe"));
    match parse(command.iter().map(OsString::from)) {
        Ok(Parsed::Run(args)) => args.round,
        other => panic!("{command:?}: {other:?}"),
    }
}

/// A name and a collector, a place for what cannot be delivered, and no key that `ps` could show.
fn check(round: &RoundArgs) {
    assert_eq!(round.name.as_ref().unwrap().as_str(), "ams1");
    assert!(round.remote.is_some());
    assert_eq!(
        round.state_dir.as_ref().unwrap().to_str(),
        Some("/var/lib/xprobe")
    );
    assert!(round.key_file.is_some() && round.key.is_none());
}
