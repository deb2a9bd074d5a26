//! No key and no token leaves the collector, except the key that `key add` prints.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::influx::Stub;
use crate::service::{Service, Setting, arguments, program, report};

const PROBE: &str = "MARKED-PROBE-KEY-0123456789abcdefghijklmnop";
const READ: &str = "MARKED-READ-KEY-0123456789abcdefghijklmnopq";
const SHARED: &str = "MARKED-SHARED-KEY";
const UNKNOWN: &str = "MARKED-KEY-THAT-OPENS-NOTHING";
const TOKEN: &str = "MARKED-TOKEN-OF-INFLUXDB";
/// In every secret above, and nowhere else.
const MARK: &str = "MARKED";

#[track_caller]
fn clean(what: &str, text: &str) {
    assert!(!text.contains(MARK), "{what} shows a secret: {text}");
    let packed = STANDARD.encode(format!("x:{READ}"));
    assert!(!text.contains(&packed), "{what} shows a secret: {text}");
}

/// Runs a command to its end; it and everything it says is free of secrets.
#[track_caller]
fn run(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Option<i32> {
    let mut command: Command = program(folder);
    let child = command
        .args(args)
        .envs(environment.iter().copied())
        .env("IXPQOS_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    clean("the process list", &arguments(&child));
    let output = child.wait_with_output().unwrap();
    clean(args[0], &String::from_utf8_lossy(&output.stdout));
    clean(args[0], &String::from_utf8_lossy(&output.stderr));
    output.status.code()
}

/// Good and bad requests with every secret in every place; each answer is free of secrets.
fn ask_everything(service: &Service) {
    let basic = format!("Basic {}", STANDARD.encode(format!("x:{READ}")));
    let legacy = r#"{"source":"lon1","probes":[{"name":"ams1","proto":4,"address":"192.0.2.1","pinged":true,"ping_min":1.0,"ping_max":4.0,"ping_avg":2.5,"ping_jitter":1.1,"ping_loss":0.0}]}"#;
    let reported = report();
    for key in [PROBE, READ, SHARED, UNKNOWN] {
        for (method, path, body) in [
            ("GET", "/api/v2/plan/ams1", ""),
            ("GET", "/api/v2/plan/nobody", ""),
            ("POST", "/api/v2/reports", reported.as_str()),
            ("POST", "/api/v2/reports", "{\"schema\":"),
            ("GET", "/api/v1/data/probe/ams1/last", ""),
            ("GET", "/api/v1/conf/probes", ""),
            ("POST", "/backend/api/v1/data/probe-result", legacy),
            ("DELETE", "/api/v2/reports", ""),
            ("GET", "/metrics", ""),
            ("GET", "/readyz", ""),
            ("GET", "/nothing", ""),
        ] {
            let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
            let answer = service.ask(method, path, &headers, body);
            clean(path, &answer.text);
        }
    }
    let answer = service.ask(
        "GET",
        "/api/v1/data/probe/ams1/last",
        &[("Authorization", &basic)],
        "",
    );
    clean("last", &answer.text);
}

#[test]
fn no_key_and_no_token_is_in_any_process_list_output_log_or_answer() {
    for from_file in [true, false] {
        let stub = Stub::start();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let mut setting = Setting::influx(&stub.url(), if from_file { "token" } else { "" })
            .key(PROBE, "probe", "ams1")
            .key(READ, "read", "noc");
        let mut environment = vec![("IXPQOS_LOG", "debug")];
        if from_file {
            fs::write(path.join("token"), format!("{TOKEN}\n")).unwrap();
            fs::write(path.join("shared"), format!("{SHARED}\n")).unwrap();
            setting.configuration += "[legacy]\nshared_key_file = \"shared\"\n";
        } else {
            environment.push(("IXPQOS_STORE__INFLUX__TOKEN", TOKEN));
            environment.push(("IXPQOS_LEGACY__SHARED_KEY", SHARED));
        }
        setting.configuration += "[limits]\nfailed_burst = 1000\n";
        setting.write(&path);
        fs::write(path.join("read.key"), READ).unwrap();
        let command = |args: &[&str]| {
            run(
                &path,
                &[args, &["--config", "collector.toml"]].concat(),
                &environment,
            )
        };

        for args in [
            &["setup"][..],
            &["check-config"],
            &["print-config"],
            &["key", "list"],
        ] {
            assert_eq!(command(args), Some(0), "{args:?}");
        }
        let mut service = Service::start_in(folder, &environment);
        clean("the process list", &service.arguments());
        let url = service.url();
        for refuses in [false, true] {
            stub.refuse(refuses);
            ask_everything(&service);
            let stored = service.ask(
                "POST",
                "/api/v2/reports",
                &[("X-API-Key", PROBE), ("Content-Type", "application/json")],
                report(),
            );
            assert_eq!(stored.status, if refuses { 503 } else { 200 }, "{}", stored.text);
            // What the ledger holds is not what this test is about: the stub stores nothing.
            let last = ["last", "ams1", "--url", &url, "--key-file", "read.key"];
            assert_eq!(run(&path, &last, &[]), Some(i32::from(refuses)));
            let by_environment = ["last", "ams1", "--url", &url];
            let key = if refuses { UNKNOWN } else { READ };
            assert_eq!(
                run(&path, &by_environment, &[("IXPQOS_KEY", key)]),
                Some(i32::from(refuses))
            );
            assert_eq!(command(&["setup"]), Some(i32::from(refuses)));
        }
        fs::write(
            path.join("keys.toml"),
            format!("[[key]]\nid = \"{UNKNOWN}\nsha256 = \"{PROBE}\"\n"),
        )
        .unwrap();
        fs::write(path.join("shared"), format!("{SHARED}\n{SHARED}\n")).unwrap();
        assert_eq!(service.told(), "READY=1");
        service.signal("HUP");
        assert!(service.told().starts_with("RELOADING=1"));
        assert_eq!(service.told(), "READY=1");
        clean("/readyz", &service.ask("GET", "/readyz", &[], "").text);
        assert_eq!(command(&["check-config"]), Some(2));
        assert_eq!(command(&["key", "list"]), Some(2));
        service.signal("TERM");
        let end = service.end();
        assert_eq!(end.status, Some(0), "{}", end.stderr);
        clean("stdout of serve", &end.stdout);
        clean("the log", &end.stderr);
        assert!(end.stderr.contains("DEBUG"), "{}", end.stderr);
    }
}
