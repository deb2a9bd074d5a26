//! The program as an operator meets it: exit statuses, every fault at once, keys, a first start.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use collector::config::layer::DEFAULTS;
use collector::config::setting::SETTINGS;
use tempfile::TempDir;

fn collector(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_collector"));
    command.current_dir(folder).env_clear().env("COLUMNS", "100");
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    collector(folder).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder(configuration: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("collector.toml"), configuration).unwrap();
    folder
}

#[test]
fn the_shipped_file_names_every_setting_and_nothing_else() {
    fn leaves(at: &str, table: &toml::Table, into: &mut BTreeSet<String>) {
        for (key, value) in table {
            let path = if at.is_empty() {
                key.clone()
            } else {
                format!("{at}.{key}")
            };
            match value {
                toml::Value::Table(table) => leaves(&path, table, into),
                _ => assert!(into.insert(path)),
            }
        }
    }
    let mut shipped = BTreeSet::new();
    leaves("", &DEFAULTS.parse().unwrap(), &mut shipped);
    assert_eq!(
        shipped,
        SETTINGS
            .iter()
            .map(|setting| setting.path.replace(".NAME.", ".default."))
            .collect()
    );
    let folder = folder(DEFAULTS);
    let with = run(folder.path(), &["print-config", "--config", "collector.toml"]);
    let without = run(folder.path(), &["print-config"]);
    assert!(with.status.success());
    assert_eq!(text(&with.stdout), text(&without.stdout));
}

#[test]
fn check_config_names_every_fault_with_its_path_and_ends_with_2() {
    let folder = folder(
        "[server]\nlisten = \"localhost\"\nlissten = 1\n[plan]\nperiod = 300\ndscp = 64\n[stor]\nx = 1\n[limits]\nrate = \"fast\"\n",
    );
    let output = collector(folder.path())
        .args(["check-config", "--config", "collector.toml"])
        .env("IXPQOS_LEGACY__FAMILLY", "6")
        .env("IXPQOS_RETENTION__RAW", "soon")
        .env("IXPQOS_REQUIRE", "is no setting")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for path in [
        "server.listen: ",
        "server.lissten: ",
        "plan.period: ",
        "plan.dscp: ",
        "stor: ",
        "limits.rate: ",
        "legacy.familly: ",
        "retention.raw: ",
    ] {
        assert!(
            errors
                .lines()
                .any(|line| line.starts_with(&format!("collector: {path}"))),
            "{path}: {errors}"
        );
    }
    assert_eq!(errors.lines().count(), 8, "{errors}");
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn check_config_looks_into_roster_key_file_and_shared_key_too() {
    let folder = folder("[legacy]\nshared_key_file = \"shared.key\"\n");
    fs::write(
        folder.path().join("probes.json"),
        r#"{"probes":[{"name":"a/b","proto":4,"address":"x"}]}"#,
    )
    .unwrap();
    fs::write(folder.path().join("keys.toml"), "[[key]]\nid = \"MARKED\"\n").unwrap();
    let output = run(folder.path(), &["check-config", "--config", "collector.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for part in [
        "access.roster_file: ",
        "probes[0].name",
        "access.keys_file: ",
        "key[0].role",
        "legacy.shared_key_file: ",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    fs::write(
        folder.path().join("probes.json"),
        r#"{"probes":[{"name":"a b","proto":4,"address":"x"}]}"#,
    )
    .unwrap();
    fs::write(folder.path().join("keys.toml"), "").unwrap();
    fs::write(folder.path().join("shared.key"), "secret\n").unwrap();
    let output = run(folder.path(), &["check-config", "--config", "collector.toml"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("warning: roster: "), "{output:?}");
}

#[test]
fn check_config_names_each_fault_of_the_schedule_with_line_and_key_and_warns_of_unknown_names() {
    let folder = folder("");
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
    write(
        "probes.json",
        r#"{"probes":[{"name":"a","proto":4,"address":"192.0.2.1"}]}"#,
    );
    write("keys.toml", "");
    write(
        "schedule.json",
        "{\"measure\":1,\n\"tests\":[{\"name\":\"voice\",\n\"family\":5}]}",
    );
    let check = || run(folder.path(), &["check-config", "--config", "collector.toml"]);
    let output = check();
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert_eq!(errors.lines().count(), 2, "{errors}");
    for part in [
        "access.schedule_file: line 1: measure: expected true or false",
        "access.schedule_file: line 3: tests[0].family: expected 4 or 6",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    write(
        "schedule.json",
        r#"{"maintenance":[{"id":"a","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z","scope":{"probe":"b"}}]}"#,
    );
    let output = check();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let warnings = text(&output.stdout);
    assert!(
        warnings.contains("warning: schedule: line 1: maintenance[0].scope.probe: b is not known today"),
        "{warnings}"
    );
}

#[test]
fn contradictions_between_settings_are_faults() {
    for (configuration, path) in [
        ("[plan]\nperiod = \"7m\"\n", "plan.period: "),
        ("[plan]\nspread = \"299s\"\n", "plan.spread: "),
        ("[retention]\nraw = \"9d\"\n", "retention.raw: "),
        ("[store]\nbackend = \"influx\"\n", "store.influx.url: "),
        ("[legacy]\nfamily = 5\n", "legacy.family: "),
        ("[plan]\npps = 10\n", "plan.pps_per_target: "),
        ("nonsense", ""),
    ] {
        let folder = folder(configuration);
        let output = run(folder.path(), &["check-config", "--config", "collector.toml"]);
        assert_eq!(output.status.code(), Some(2), "{configuration}");
        assert!(text(&output.stderr).contains(path), "{configuration}: {output:?}");
    }
    let output = run(
        tempfile::tempdir().unwrap().path(),
        &["check-config", "--config", "missing.toml"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).starts_with("collector: missing.toml: "),
        "{output:?}"
    );
}

#[test]
fn print_config_shows_what_is_in_force_and_no_secret() {
    let folder = folder("[server]\nworkers = 3\n");
    let output = collector(folder.path())
        .args(["print-config", "--config", "collector.toml"])
        .env("IXPQOS_STORE__INFLUX__TOKEN", "MARKED-TOKEN")
        .env("IXPQOS_LEGACY__SHARED_KEY", "MARKED-KEY")
        .env("IXPQOS_SERVER__TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/64")
        .output()
        .unwrap();
    let printed = text(&output.stdout);
    assert!(
        printed.contains("workers = 3\n") && printed.contains("token = \"[redacted]\"\n"),
        "{printed}"
    );
    assert!(
        printed.contains("trusted_proxies = [\"192.0.2.1\", \"2001:db8::/64\"]\n"),
        "{printed}"
    );
    assert!(
        !printed.contains("MARKED") && !text(&output.stderr).contains("MARKED"),
        "{output:?}"
    );
    fs::write(folder.path().join("printed.toml"), printed).unwrap();
    assert!(
        run(folder.path(), &["print-config", "--config", "printed.toml"])
            .status
            .success()
    );
}

#[test]
fn a_key_is_printed_once_kept_as_a_digest_and_revoked_by_its_id() {
    let folder = folder("");
    let key = |args: &[&str]| {
        run(
            folder.path(),
            &[&["key", "--config", "collector.toml"], args].concat(),
        )
    };
    let added = key(&[
        "add",
        "--role",
        "probe",
        "--subject",
        "ams1",
        "--id",
        "first",
        "--valid",
        "365d",
    ]);
    assert!(added.status.success(), "{added:?}");
    let secret = text(&added.stdout).trim_end();
    assert_eq!((secret.len(), text(&added.stdout).lines().count()), (43, 1));
    assert!(!text(&added.stderr).contains(secret));
    let kept = fs::read_to_string(folder.path().join("keys.toml")).unwrap();
    assert!(!kept.contains(secret) && kept.contains("sha256 = "), "{kept}");
    assert!(
        key(&["new", "--role", "probe", "--subject", "ams1"])
            .status
            .success()
    );
    assert_eq!(
        key(&["add", "--role", "probe", "--subject", "x", "--id", "first"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(
        key(&["add", "--role", "probe", "--subject", "a/b"]).status.code(),
        Some(2)
    );
    assert_eq!(
        key(&["add", "--role", "root", "--subject", "x"]).status.code(),
        Some(2)
    );
    let listed = key(&["list"]);
    assert_eq!(text(&listed.stdout).lines().count(), 3, "{listed:?}");
    assert!(key(&["revoke", "first"]).status.success());
    assert_eq!(key(&["revoke", "first"]).status.code(), Some(2));
    assert_eq!(text(&key(&["list"]).stdout).lines().count(), 2);
}

#[test]
fn a_first_start_without_configuration_makes_keys_prints_them_once_and_ends_with_0_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = Vec::new();
    for start in 1..=2 {
        let mut child = collector(folder.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("IXPQOS_LOG", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "{seen}");
            seen.push_str(&line);
            if let Some((_, address)) = line.trim_end().split_once("listening on ") {
                break address.to_owned();
            }
        };
        if start == 2 {
            let key_file = folder.path().join("read.key");
            fs::write(&key_file, &secrets[2]).unwrap();
            let url = format!("http://{address}");
            let last = run(
                folder.path(),
                &["last", "p1", "--url", &url, "--key-file", "read.key"],
            );
            assert!(text(&last.stdout).starts_with("p1: round of never\n"), "{last:?}");
            let unknown = run(
                folder.path(),
                &["last", "nobody", "--url", &url, "--key-file", "read.key"],
            );
            assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
        }
        let kill = Command::new("kill")
            .arg("-TERM")
            .arg(child.id().to_string())
            .status()
            .unwrap();
        assert!(kill.success());
        let mut printed = String::new();
        child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        log.read_to_string(&mut seen).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{seen}");
        let keys: Vec<String> = printed
            .split_whitespace()
            .filter(|word| word.len() == 43)
            .map(str::to_owned)
            .collect();
        assert_eq!(keys.len(), if start == 1 { 4 } else { 0 }, "{printed}");
        secrets.extend(keys);
        for secret in &secrets {
            assert!(!seen.contains(secret.as_str()), "the log holds a key: {seen}");
        }
    }
}

#[test]
fn a_first_start_makes_keys_for_probes_of_the_roster_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let roster = r#"{"probes":[{"name":"rs1","proto":4,"address":"192.0.2.9","role":"target"},
        {"name":"ams1","proto":4,"address":"192.0.2.1"},{"name":"lon1","proto":4,"address":"192.0.2.2"},
        {"name":"fra1","proto":4,"address":"192.0.2.3"}]}"#;
    fs::write(folder.path().join("probes.json"), roster).unwrap();
    let mut child = collector(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "."])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<String> = lines
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("The pages: http://"))
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let subjects: Vec<&str> = printed
        .iter()
        .filter_map(|line| line.trim().strip_prefix("probe ")?.split_whitespace().next())
        .collect();
    assert_eq!(subjects, ["ams1", "lon1"], "{printed:?}");
    assert!(
        printed
            .iter()
            .any(|line| line.contains("xprobe -n ams1 -r http://"))
    );
}

#[test]
fn a_line_that_is_no_toml_is_named_and_not_shown() {
    for line in [
        "token = MARKED",
        "token = \"MARKED",
        "shared_key = \"MARKED\" MARKED",
    ] {
        let folder = folder(&format!("[legacy]\n{line}\n"));
        for command in ["check-config", "print-config", "serve"] {
            let output = run(folder.path(), &[command, "--config", "collector.toml"]);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            let errors = text(&output.stderr);
            assert!(
                errors.starts_with("collector: collector.toml: line 2 "),
                "{errors}"
            );
            assert!(!errors.contains("MARKED"), "{errors}");
        }
    }
    let folder = folder("[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"http://u:MARKED@x\"\n");
    let output = run(folder.path(), &["check-config", "--config", "collector.toml"]);
    let errors = text(&output.stderr);
    assert!(
        errors.contains("store.influx.url: holds a user") && !errors.contains("MARKED"),
        "{errors}"
    );
}

#[test]
fn a_store_whose_place_nobody_chose_is_not_opened() {
    let beside = |configuration: &str| {
        let folder = folder(configuration);
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        folder
    };
    let at = |folder: &TempDir, args: &[&str]| {
        let mut command = collector(&folder.path().join("elsewhere"));
        command.args(args).args(["--config", "../collector.toml"]);
        command
    };
    let unplaced = beside("");
    for args in [
        &["serve"][..],
        &["setup"],
        &["backup", "copy"],
        &["restore", "copy"],
    ] {
        let output = at(&unplaced, args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        let errors = text(&output.stderr);
        assert!(
            errors.starts_with("collector: store.data_dir: ") && errors.contains("--data-dir"),
            "{errors}"
        );
    }
    let nothing = fs::read_dir(unplaced.path().join("elsewhere")).unwrap();
    assert_eq!(nothing.count(), 0);
    let by_unit = at(&unplaced, &["setup"])
        .env("STATE_DIRECTORY", unplaced.path().join("unit"))
        .output();
    assert!(by_unit.unwrap().status.success() && unplaced.path().join("unit/ixpqos.sqlite").exists());
    let by_flag = at(&unplaced, &["setup", "--data-dir", "flag"]).output();
    assert!(by_flag.unwrap().status.success());
    assert!(unplaced.path().join("elsewhere/flag/ixpqos.sqlite").exists());
    let by_setting = beside("[store]\ndata_dir = \"data\"\n");
    assert!(at(&by_setting, &["setup"]).output().unwrap().status.success());
    assert!(by_setting.path().join("data/ixpqos.sqlite").exists());
}

#[test]
fn without_a_configuration_file_only_loopback_is_bound() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("server.listen: "), "{output:?}");
    assert!(
        fs::read_dir(folder.path()).unwrap().next().is_none(),
        "nothing was made"
    );
}

#[test]
fn the_man_page_and_the_help_know_the_same_options_and_commands() {
    let page = include_str!("../../docs/man/collector.1")
        .replace("\\-", "-")
        .replace("\\fR", " ");
    let folder = tempfile::tempdir().unwrap();
    let options = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '`' | '"' | '[' | ']' | '.'))
            .filter(|word| word.starts_with("--") && 2 < word.len())
            .map(str::to_owned)
            .collect()
    };
    let mut known = BTreeSet::from(["--version".to_owned()]);
    for command in [
        &["serve"][..],
        &["check-config"],
        &["print-config"],
        &["setup"],
        &["key", "add"],
        &["key", "list"],
        &["key", "revoke"],
        &["backup"],
        &["restore"],
        &["last"],
        &["plan", "show"],
        &["plan", "check"],
        &["plan", "diff"],
        &["report", "sla"],
        &["synthetic"],
    ] {
        let output = run(folder.path(), &[command, &["--help"]].concat());
        assert!(output.status.success(), "{command:?}");
        known.extend(options(text(&output.stdout)));
        assert!(
            page.contains(&command.join(" ")),
            "{command:?} is not in the man page"
        );
    }
    assert_eq!(options(&page), known);
    for heading in [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ] {
        assert!(page.contains(&format!(".SH {heading}\n")), "{heading}");
    }
}
