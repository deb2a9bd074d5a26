//! A probe that may not open sockets still ends its round, and says why.

use std::process::Command;

use xprobe::driver::Unmeasured;
use xprobe::net::binding::Binding;

use crate::namespace::{Namespace, skip, succeeds};
use crate::network::{V4, V6, measure_in, ten};

/// Set in the process that has no privilege.
const INSIDE: &str = "IXPQOS_TEST_UNPRIVILEGED";

#[test]
fn without_permission_every_result_says_so() {
    if std::env::var_os(INSIDE).is_some() {
        return;
    }
    if !succeeds("setpriv", &["--version"]) {
        return skip("the program setpriv");
    }
    let Some(namespace) = Namespace::new() else { return };
    namespace.allow_datagram(false);
    let this = std::env::current_exe().unwrap();
    let output = namespace.run(move || {
        Command::new("setpriv")
            .args([
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                "--inh-caps=-all",
                "--bounding-set=-all",
            ])
            .arg(this)
            .args(["--exact", "permission::measures_without_privilege", "--nocapture"])
            .env(INSIDE, "1")
            .output()
            .unwrap()
    });
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("both refused"),
        "{output:?}"
    );
}

/// The half of the test above that runs without privilege; alone it has nothing to do.
#[test]
fn measures_without_privilege() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let outcome = crate::network::measure_here(vec![ten(V4), ten(V6)], None, Binding::default());
    assert!(
        outcome
            .results
            .iter()
            .all(|result| matches!(result.sample, Err(Unmeasured::Permission(_)))),
        "{outcome:?}"
    );
    println!("both refused");
}

#[test]
fn a_probe_without_privilege_measures_where_datagram_sockets_are_allowed() {
    let Some(namespace) = Namespace::new() else { return };
    namespace.allow_datagram(true);
    let outcome = measure_in(&namespace, vec![ten("127.0.0.1"), ten("::1")], None);
    assert_eq!(outcome.fitness.engine, "icmp-datagram");
    for result in outcome.results {
        assert_eq!(result.sample.unwrap().summary().unwrap().received, 10);
    }
}
