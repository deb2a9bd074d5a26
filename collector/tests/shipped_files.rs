//! The files of `deploy/` are what an operator copies: they are read as the programs read them.
#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ippm::wire::roster;

#[test]
fn the_shipped_roster_is_a_roster() {
    let roster = roster::parse(shipped("probes.json").as_bytes()).unwrap();
    assert_eq!(roster.entries().len(), 3);
}

#[test]
fn the_shipped_configuration_has_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("collector.toml");
    for file in ["collector.toml", "probes.json", "schedule.json"] {
        fs::copy(deploy().join(file), folder.path().join(file)).unwrap();
    }
    let collector = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_collector"))
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap()
    };
    let key = collector(&["key", "new", "--role", "probe", "--subject", "ams1"]);
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    let checked = collector(&["check-config"]);
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn roster_and_schedule_of_the_page_on_operations_come_into_force_together() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        deploy().join("collector.toml"),
        folder.path().join("collector.toml"),
    )
    .unwrap();
    fs::write(folder.path().join("keys.toml"), "").unwrap();
    let page = fs::read_to_string(deploy().join("../docs/operations.md")).unwrap();
    for (file, key) in [
        ("probes.json", "\"probes\": ["),
        ("schedule.json", "\"tests\": ["),
    ] {
        let mut blocks = page
            .split("```json\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next());
        let block = blocks
            .find(|block| block.contains(key))
            .unwrap_or_else(|| panic!("no block with {key}"));
        fs::write(folder.path().join(file), block).unwrap();
    }
    let checked = Command::new(env!("CARGO_BIN_EXE_collector"))
        .args(["check-config", "--config"])
        .arg(folder.path().join("collector.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

#[test]
fn examples_use_addresses_of_documentation() {
    for file in files(&deploy()) {
        for word in fs::read_to_string(&file)
            .unwrap()
            .split(|c: char| !c.is_ascii_digit() && c != '.')
        {
            let Ok(address) = word.parse::<std::net::Ipv4Addr>() else {
                continue;
            };
            assert!(
                address.is_documentation() || address.is_loopback() || address.is_unspecified(),
                "{}: {address}",
                file.display()
            );
        }
    }
}

#[test]
fn systemd_takes_the_units() {
    let folder = tempfile::tempdir().unwrap();
    for unit in ["collector.service", "xprobe.service", "xprobe.timer"] {
        // Neither the programs nor their manual pages are installed here.
        let text: String = shipped(&format!("systemd/{unit}"))
            .lines()
            .filter(|line| !line.starts_with("Documentation="))
            .map(|line| {
                line.replace("/usr/bin/collector", "/bin/true")
                    .replace("/usr/bin/xprobe", "/bin/true")
                    + "\n"
            })
            .collect();
        fs::write(folder.path().join(unit), text).unwrap();
    }
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify").args(files(folder.path()));
    let Ok(output) = verify.output() else {
        println!("skipped: needs systemd-analyze (Debian: apt-get install systemd)");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn no_shipped_command_line_carries_a_key() {
    for file in [
        "cron/xprobe",
        "systemd/xprobe.service",
        "systemd/collector.service",
    ] {
        let text = shipped(file);
        assert!(!text.contains(" -k ") && !text.contains("--key "), "{file}");
    }
    for file in ["cron/xprobe", "systemd/xprobe.service"] {
        assert!(shipped(file).contains(" --key-file "), "{file}");
    }
}

#[test]
fn cron_and_timer_start_a_round_in_every_slot_of_the_default_plan() {
    assert!(
        shipped("cron/xprobe")
            .lines()
            .any(|line| line.starts_with("*/5 * * * * xprobe xprobe -n "))
    );
    assert_eq!(setting(&shipped("systemd/xprobe.timer"), "OnCalendar"), "*:0/5");
    assert_eq!(collector_setting("period"), "5m");
}

#[test]
fn nginx_and_the_collector_meet_at_one_address() {
    let listen = collector_setting("listen");
    assert!(
        shipped("nginx/ixpqos.conf").contains(&format!("server {listen} ")),
        "{listen}"
    );
}

#[test]
fn a_stop_leaves_time_to_finish_what_was_accepted() {
    let unit = shipped("systemd/collector.service");
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u32>().unwrap();
    let shutdown = seconds(&collector_setting("shutdown_time"));
    assert!(shutdown < seconds(setting(&unit, "TimeoutStopSec")));
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn shipped(file: &str) -> String {
    fs::read_to_string(deploy().join(file)).unwrap_or_else(|error| panic!("deploy/{file}: {error}"))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// A text of the shipped `collector.toml`, by the first line with that key.
fn collector_setting(key: &str) -> String {
    setting(&shipped("collector.toml").replace(" = ", "="), key)
        .trim_matches('"')
        .to_owned()
}

/// The value of the first line `key=value`.
fn setting<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no line {key}="))
}
