//! The real binary, without a collector: exit statuses, what is printed where, and the texts of the
//! help, which the man page has to follow.

#![cfg(test)]

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn xprobe(words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("xprobe"));
    command.args(words).env_remove("XPROBE_KEY");
    command
}

/// Runs, and expects a failure: this status, nothing on stdout, one line on stderr with `expected` in it.
#[track_caller]
fn check_failure(words: &[&str], status: i32, expected: &str) {
    let output = xprobe(words).output().unwrap();
    let line = one_line(&output);
    assert_eq!(output.status.code(), Some(status), "{line}");
    assert!(output.stdout.is_empty(), "{words:?}");
    assert!(line.contains(expected), "{line}");
}

#[track_caller]
fn one_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(text.starts_with("xprobe: ") && text.ends_with('\n'), "{text:?}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_usage_error_exits_2_with_one_line() {
    check_failure(&["-x"], 2, "unexpected argument '-x'");
    check_failure(
        &["-n", "a/b", "-r", "h"],
        2,
        "contains '/', which is not allowed in a name",
    );
    check_failure(&["-n", "a", "-r", "h", "-c", "0"], 2, "0 is not in 1..=100000");
    check_failure(&["-n", "a", "-r", "h", "-d", "x"], 2, "not a number");
    check_failure(&["-n", "a", "-r", "http://collector.example/"], 2, "plain http");
    check_failure(&["ping"], 2, "<TARGET>");
    check_failure(&["ping", "-4", "-6", "h"], 2, "cannot be used with");
}

#[test]
fn what_is_missing_or_unreadable_exits_2_and_is_named() {
    check_failure(&[], 2, "no name: give -n NAME");
    check_failure(&["-n", "a"], 2, "no remote: give -r HOST");
    check_failure(
        &["--config", "/nonexistent/x.toml"],
        2,
        "/nonexistent/x.toml: No such file",
    );
    check_failure(
        &["-n", "a", "-r", "h", "--key-file", "/nonexistent/key"],
        2,
        "cannot read the key file",
    );
    check_failure(
        &["-n", "cli-ca", "-r", "h", "--ca-file", "/nonexistent/ca"],
        2,
        "certificate authorities",
    );
}

#[test]
fn no_plan_and_nothing_cached_exits_2() {
    // Port 1 on the loopback refuses.
    check_failure(
        &["-n", "cli-no-plan", "-r", "http://127.0.0.1:1/"],
        2,
        "nothing measured: no plan from http://127.0.0.1:1/api/v2/plan/cli-no-plan: no answer: Connection refused",
    );
}

#[test]
fn a_target_that_does_not_resolve_is_named_and_nothing_is_printed() {
    let output = xprobe(&["ping", "-c", "1", "not a host"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        text,
        "xprobe: not a host: no host name has a zone, port or space in it\nxprobe: nothing measured\n"
    );
}

/// Whether this host lets the test measure; otherwise says that it is skipped.
fn may_ping() -> bool {
    let output = xprobe(&["ping", "-c", "1", "-W", "0.2", "127.0.0.1"])
        .output()
        .unwrap();
    let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
    if output.status.code() != Some(3) {
        return true;
    }
    assert!(!required.split(',').any(|part| part == "icmp"), "needs icmp");
    eprintln!("skipped: needs icmp");
    false
}

#[test]
fn ping_prints_a_line_per_target_in_their_order() {
    if !may_ping() {
        return;
    }
    let words = [
        "ping",
        "-c",
        "3",
        "-i",
        "0.02",
        "-W",
        "0.2",
        "127.0.0.3",
        "127.0.0.2",
    ];
    let output = xprobe(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("127.0.0.3: sent 3, received 3, loss 0.0 %, min/avg/max/stddev 0."),
        "{text}"
    );
    assert!(lines[1].starts_with("127.0.0.2: "), "{text}");
}

#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
#[test]
fn ping_ends_when_everything_was_answered() {
    if !may_ping() {
        return;
    }
    let begun = Instant::now();
    let output = xprobe(&["ping", "-c", "1", "-W", "600", "127.0.0.2"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        begun.elapsed() < Duration::from_mins(5),
        "it does not sit out the waiting time"
    );
}

#[test]
fn ping_prints_json_in_the_shape_of_a_reports_results() {
    if !may_ping() {
        return;
    }
    let words = [
        "ping",
        "--json",
        "-c",
        "2",
        "-i",
        "0.02",
        "-W",
        "0.2",
        "-s",
        "100",
        "-Q",
        "46",
        "127.0.0.2",
    ];
    let output = xprobe(&words).output().unwrap();
    let results: Vec<ippm::wire::report::ResultV1> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((results[0].sent, results[0].received), (Some(2), Some(2)));
    let params = results[0].params.as_ref().unwrap();
    assert_eq!((params.payload_bytes, params.dscp), (Some(100), Some(46)));
    assert_eq!(results[0].address.as_deref(), Some("127.0.0.2"));
}

#[test]
fn ping_that_measures_only_some_targets_exits_1_and_names_the_others() {
    if !may_ping() {
        return;
    }
    let output = xprobe(&["ping", "-c", "1", "-W", "0.2", "127.0.0.2", "not a host"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.ends_with("xprobe: 1 of 2 targets could not be measured\n"),
        "{text}"
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_process_that_may_not_open_sockets_exits_3_and_says_what_to_do() {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root || range.split_whitespace().next() != Some("1") {
        eprintln!("skipped: needs root and a closed net.ipv4.ping_group_range");
        return;
    }
    // 65534 is nobody. The binary is copied to where nobody may read it from.
    let directory = tempfile::Builder::new().permissions(public()).tempdir().unwrap();
    let copy = directory.path().join("xprobe");
    std::fs::copy(assert_cmd::cargo::cargo_bin!("xprobe"), &copy).unwrap();
    let mut command = Command::new(copy);
    command
        .args(["ping", "-c", "1", "127.0.0.1"])
        .uid(65534)
        .gid(65534);
    let output = run_copy(&mut command);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("grant CAP_NET_RAW or widen net.ipv4.ping_group_range"),
        "{text}"
    );
}

/// Runs a copied binary: another test that forks at this moment holds the copy open for writing
/// until its own program is started.
fn run_copy(command: &mut Command) -> Output {
    loop {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => return output.unwrap(),
        }
    }
}

fn public() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(0o755)
}

/// Runs `doctor --json` and gives its status and each check with its severity.
fn examine(words: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let words = [&["doctor", "--json"], words].concat();
    let output = xprobe(&words).output().unwrap();
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let findings = printed["findings"].as_array().unwrap();
    let findings = findings
        .iter()
        .map(|finding| (word(finding, "check"), word(finding, "severity")))
        .collect();
    (output.status.code(), findings)
}

#[test]
fn doctor_names_a_collector_that_is_away_and_a_missing_key_and_measures_nothing_else() {
    let (status, findings) = examine(&["-n", "cli-doctor", "-r", "http://127.0.0.1:1/"]);
    assert!(matches!(status, Some(2 | 3)), "{status:?}");
    for (check, severity) in [
        ("key", "failure"),
        ("state_directory", "warning"),
        ("collector", "failure"),
        ("neighbor_table", "note"),
    ] {
        assert!(
            findings.contains(&(check.to_owned(), severity.to_owned())),
            "{check}: {findings:?}"
        );
    }
}

#[test]
fn doctor_without_the_options_of_a_round_still_examines_the_host() {
    let (status, findings) = examine(&[]);
    assert!(matches!(status, Some(2 | 3)), "{status:?}");
    assert!(findings.contains(&("configuration".to_owned(), "failure".to_owned())));
    assert!(findings.iter().any(|(check, _)| check == "receive_buffer"));
    assert!(!findings.iter().any(|(check, _)| check == "collector"));
}

#[test]
fn doctor_does_not_repeat_the_key() {
    let words = ["doctor", "-n", "a", "-r", "http://127.0.0.1:1/", "-k", "marked"];
    let output = xprobe(&words).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        text.contains("given on the command line") && !text.contains("marked"),
        "{text}"
    );
}

/// The help texts are what operators and the man page rely on.
#[test]
fn the_help_is_the_reviewed_one() {
    for (words, name) in [
        (&["--help"][..], "help"),
        (&["ping", "--help"][..], "ping_help"),
        (&["doctor", "--help"][..], "doctor_help"),
    ] {
        let output = xprobe(words)
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
        insta::assert_snapshot!(name, String::from_utf8(output.stdout).unwrap());
    }
}

/// Every option in `--help`, and no other, has an entry in the man page.
#[test]
fn the_man_page_documents_exactly_the_options_of_the_help() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/man/xprobe.1")).unwrap();
    let mut documented: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with(".BR \\-"))
        .flat_map(|line| options(&line.replace('\\', "")))
        .collect();
    let mut offered = Vec::new();
    for words in [
        &["--help"][..],
        &["ping", "--help"][..],
        &["doctor", "--help"][..],
    ] {
        let output = xprobe(words).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        offered.extend(
            text.lines()
                .filter(|line| line.trim_start().starts_with('-'))
                .flat_map(options),
        );
    }
    documented.sort();
    documented.dedup();
    offered.sort();
    offered.dedup();
    assert_eq!(documented, offered);
}

/// The options that a line of the help, or of the page, introduces.
fn options(line: &str) -> Vec<String> {
    let words = line.split([' ', ',', '"']).filter(|word| !word.is_empty());
    let option = |word: &&str| {
        let name = word.trim_start_matches('-');
        word.starts_with('-') && name.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    words
        .skip_while(|word| !option(word))
        .take_while(|word| option(word) || word.starts_with('<'))
        .filter(option)
        .map(str::to_owned)
        .collect()
}
