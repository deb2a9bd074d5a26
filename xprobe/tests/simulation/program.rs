//! The program itself: what it prints is what the reflector did, and a signal ends it in order.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::network::{Network, OTHER_V4, V4, V6};

/// `xprobe ping --json …` inside the namespace of a network.
fn ping(network: &Network, arguments: &str) -> Child {
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    network.namespace.run(move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xprobe"));
        command.args(["ping", "--json"]).args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    })
}

/// Waits for the end: exit status, the results by target, and standard error.
fn end(child: Child) -> (ExitStatus, Vec<serde_json::Value>, String) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let results: Vec<serde_json::Value> =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?} {errors:?}"));
    (output.status, results, errors)
}

/// Waits until the reflector has seen so many requests.
#[expect(clippy::disallowed_methods, reason = "a test is its own composition root")]
fn seen(network: &Network, requests: usize) {
    let start = Instant::now();
    while network.truth().len() < requests {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the reflector sees nothing"
        );
        std::thread::yield_now();
    }
}

#[test]
fn the_program_prints_what_the_reflector_did() {
    let scenario = format!(
        "answer = {{ delay = \"1ms\" }}\n\
         [[target]]\nprefix = \"{OTHER_V4}\"\nanswer = {{ drop = true, error = {{ type = 3, code = 13 }} }}\n\
         [[target]]\nprefix = \"{V6}\"\n[[target.packet]]\nsequences = [3]\nanswer = {{ drop = true }}"
    );
    let Some(network) = Network::new(&scenario) else {
        return;
    };
    let (status, results, errors) = end(ping(
        &network,
        &format!("-c 10 -i 0.05 -W 0.3 {V4} {OTHER_V4} {V6}"),
    ));
    assert!(status.success() && errors.is_empty(), "{status} {errors}");
    let received: Vec<_> = results.iter().map(|result| result["received"].as_u64()).collect();
    assert_eq!(received, [Some(10), Some(0), Some(9)]);
    let error = &results[1]["icmp_errors"][0];
    assert_eq!(
        (
            error["type"].as_u64(),
            error["code"].as_u64(),
            error["count"].as_u64()
        ),
        (Some(3), Some(13), Some(10))
    );
    assert!(results[1].get("delay").is_none(), "nothing came back");
    assert!(results[0]["delay"]["rtt"]["min_ns"].as_u64() >= Some(1_000_000));
    assert_eq!(results[2]["delay"]["rtt"]["count"].as_u64(), Some(9));
}

#[test]
fn a_signal_ends_a_measurement_and_loses_nothing_that_is_under_way() {
    let Some(network) = Network::new("answer = { delay = \"80ms\" }") else {
        return;
    };
    let child = ping(&network, &format!("-c 1000 -i 0.05 -W 0.5 {V4}"));
    seen(&network, 5);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let (_, results, errors) = end(child);
    let (sent, received) = (
        results[0]["sent"].as_u64().unwrap(),
        results[0]["received"].as_u64().unwrap(),
    );
    assert!((5..1000).contains(&sent), "{sent}");
    assert_eq!(received, sent, "what was under way came back: {errors}");
}

#[test]
fn a_name_that_does_not_resolve_is_an_error_and_no_loss() {
    let Some(network) = Network::new("") else { return };
    let (status, results, errors) = end(ping(
        &network,
        &format!("-c 2 -i 0.05 -W 0.2 nowhere.invalid {V4}"),
    ));
    assert!(!status.success());
    assert!(errors.contains("nowhere.invalid"), "{errors}");
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["received"].as_u64(), Some(2));
}
