//! The way to the collector: connection, TLS, key, plan, and how far the clocks are apart.

use std::time::Duration;

use ippm::codec;

use crate::agenda::{self, Agenda};
use crate::client::Client;
use crate::clock::Clock;
use crate::config::Settings;
use crate::fetch::{self, Fetched};
use crate::timekeeping::CORRECTION_THRESHOLD;
use crate::timekeeping::daemon::DaemonState;

use super::finding::Finding;
use super::settings::Typed;

const COLLECTOR: &str = "collector";
const PLAN: &str = "plan";
const OFFSET: &str = "collector_clock";

/// A clock that its daemon calls synchronized is off by less than this.
const FAR_FROM_REFERENCE: Duration = Duration::from_millis(100);

/// The collector is asked in whole seconds, so that less than this says nothing.
const FAR_FROM_COLLECTOR: Duration = Duration::from_secs(2);

/// Asks the collector once for the plan; the plan itself is for other checks.
pub(super) fn all(settings: &Settings, typed: &Typed, clock: Clock) -> (Vec<Finding>, Option<Agenda>) {
    let client = match Client::new(settings.key.as_ref(), settings.ca_file.as_ref(), clock) {
        Ok(client) => client,
        Err(error) => {
            let finding = Finding::failure(
                COLLECTOR,
                crate::exit::chain(&error),
                "no round can ask for its plan or deliver its report",
                "mend the file that --ca-file or `ca_file` names",
            );
            return (vec![finding], None);
        }
    };
    let url = fetch::plan_url(&settings.remote, &settings.name, None);
    let (fetched, time) = fetch::fetch(&client, url, None);
    let mut findings = Vec::new();
    let mut plan = None;
    match fetched {
        Fetched::Fresh(body) => {
            let secured = if settings.remote.to_string().starts_with("https") {
                "its certificate is trusted, it knows the key"
            } else {
                "without TLS, it knows the key"
            };
            findings.push(Finding::ok(COLLECTOR, format!("{} answers: {secured}", settings.remote)));
            match agenda::read(body.body.as_bytes(), clock.start(), false) {
                Ok(read) => {
                    findings.push(planned(&read, typed));
                    plan = Some(read);
                }
                Err(fault) => findings.push(Finding::failure(
                    PLAN,
                    crate::exit::chain(&fault),
                    "nothing is measured",
                    "run collector check-config at the collector; upgrade whichever program is older",
                )),
            }
        }
        Fetched::Legacy => findings.push(Finding::note(
            COLLECTOR,
            format!("{} is a collector of the original kind, without plans", settings.remote),
            "every target of its list is measured as -c and -d say; partial loss, slices and fitness are not kept there",
        )),
        Fetched::Away(refusal) | Fetched::Refused(refusal) => findings.push(Finding::failure(
            COLLECTOR,
            format!("no plan from {}: {}", settings.remote, crate::exit::chain(&refusal)),
            "no new plan, and no report is delivered; with a state directory the last plan is followed and reports are kept",
            "check in this order: name resolution and route to the collector, its certificate (--ca-file), -n and the key",
        )),
        Fetched::Unchanged => findings.push(Finding::note(COLLECTOR, "answered 304 to a first question", "")),
    }
    if let Some(time) = time {
        findings.push(offset(time.offset_ns));
    }
    (findings, plan)
}

fn planned(plan: &Agenda, typed: &Typed) -> Finding {
    let found = format!(
        "{} results each round, every {}",
        plan.items.len(),
        codec::duration::encode(plan.period)
    );
    if plan.items.is_empty() {
        return Finding::warning(
            PLAN,
            "nothing is to be measured now",
            "rounds report, and hold no result",
            "collector plan show --probe NAME tells why: roles, groups, time windows, the switch `measure`",
        );
    }
    if typed.pace {
        return Finding::note(PLAN, found, "-c and -d have no effect under a plan");
    }
    Finding::ok(PLAN, found)
}

/// How far this clock is from the collector's, in nanoseconds, positive if it is ahead.
fn offset(offset_ns: i64) -> Finding {
    let size = Duration::from_nanos(offset_ns.unsigned_abs());
    let direction = if offset_ns < 0 { "behind" } else { "ahead of" };
    let found = format!("{} s {direction} the collector's", size.as_secs());
    if size < FAR_FROM_COLLECTOR {
        return Finding::ok(OFFSET, "agrees with the collector's to a second");
    }
    let consequence = if size > CORRECTION_THRESHOLD {
        "unless a daemon calls this clock synchronized, rounds are labeled by the collector's and are suspect: clock"
    } else {
        "rounds may be booked into the wrong slot"
    };
    Finding::warning(
        OFFSET,
        found,
        consequence,
        "chronyc makestep   # here or at the collector, whichever is wrong",
    )
}

/// What the clock daemon of this host states.
pub(super) fn daemon(state: DaemonState) -> Finding {
    const CHECK: &str = "clock";
    const CONSEQUENCE: &str =
        "rounds may be booked into the wrong slot, and a step of the clock makes a round suspect: clock";
    const REMEDY: &str = "apt-get install chrony && systemctl enable --now chrony";
    match (state.synchronised, state.offset_ns) {
        (None, _) => Finding::warning(
            CHECK,
            "neither chronyc nor timedatectl says whether the clock is synchronized",
            CONSEQUENCE,
            REMEDY,
        ),
        (Some(false), _) => Finding::warning(
            CHECK,
            "not synchronized",
            CONSEQUENCE,
            "chronyc sources -v   # which source is missing",
        ),
        (Some(true), Some(ns)) if Duration::from_nanos(ns.unsigned_abs()) > FAR_FROM_REFERENCE => {
            Finding::warning(
                CHECK,
                format!(
                    "synchronized, and {} ms from its reference",
                    ns.unsigned_abs() / 1_000_000
                ),
                CONSEQUENCE,
                "chronyc tracking; chronyc makestep",
            )
        }
        (Some(true), Some(ns)) => Finding::ok(
            CHECK,
            format!("synchronized, {} µs from its reference", ns.unsigned_abs() / 1000),
        ),
        (Some(true), None) => Finding::ok(CHECK, "synchronized; the daemon states no offset"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::cli::{self, Parsed};
    use crate::config;
    use crate::test_server::{Reply, Server};

    /// A plan with so many IPv4 targets.
    pub(crate) fn plan_of(targets: u32) -> Agenda {
        agenda::read(body(targets).as_bytes(), ippm::UnixTime::from_ns(0), false).unwrap()
    }

    fn body(targets: u32) -> String {
        let targets: Vec<String> = (0..targets)
            .map(|n| {
                let address = std::net::Ipv4Addr::from(0xC000_0200 + n);
                format!(r#"{{"target":"p{n}","family":4,"address":"{address}"}}"#)
            })
            .collect();
        format!(
            r#"{{"schema":1,"probe":"a","version":"0011223344556677","period_ns":300000000000,
            "end_before_ns":297000000000,"report_schemas":[1],"report_fields":[],
            "limits":{{"pps":2000,"pps_per_target":50}},
            "tests":[{{"test":"icmp","kind":"icmp","period_ns":300000000000,"windowed":false,
            "params":{{"count":280,"spread_ns":280000000000,"timeout_ns":2000000000,"payload_bytes":56,
            "dscp":0,"dont_fragment":false}},"targets":[{}]}}]}}"#,
            targets.join(",")
        )
    }

    fn asked(reply: Reply, options: &str) -> (Vec<Finding>, Option<Agenda>) {
        let server = Server::start(move |_| reply.clone());
        let line = format!("xprobe -n a -r {} -k key {options}", server.url());
        let Ok(Parsed::Run(args)) = cli::parse(line.split_whitespace().map(Into::into)) else {
            panic!("{line}")
        };
        let typed = Typed::of(&args.round);
        let settings = config::settle(args.round, None).unwrap();
        all(&settings, &typed, crate::clock::for_tests())
    }

    fn severities(findings: &[Finding]) -> Vec<(&str, Severity)> {
        findings
            .iter()
            .map(|finding| (finding.check, finding.severity))
            .collect()
    }

    #[test]
    fn a_plan_is_counted_and_options_without_effect_are_named() {
        let (findings, plan) = asked(Reply::new(200, body(3)), "");
        assert_eq!(
            severities(&findings)[..2],
            [(COLLECTOR, Severity::Ok), (PLAN, Severity::Ok)]
        );
        assert_eq!(findings[1].found, "3 results each round, every 300s");
        assert_eq!(plan.unwrap().items.len(), 3);
        let (findings, _) = asked(Reply::new(200, body(1)), "-c 5");
        assert_eq!(findings[1].severity, Severity::Note);
        assert!(findings[1].consequence.contains("-c and -d"));
    }

    #[test]
    fn a_refusal_is_a_failure_with_the_collectors_words() {
        let (findings, plan) = asked(
            Reply::new(
                401,
                r#"{"error":"The provided API key is not valid","code":"key_invalid"}"#,
            ),
            "",
        );
        assert_eq!(findings[0].severity, Severity::Failure);
        assert!(
            findings[0].found.contains("401 key_invalid"),
            "{}",
            findings[0].found
        );
        assert!(plan.is_none());
    }

    #[test]
    fn a_clock_that_is_far_off_is_told_with_its_side() {
        assert_eq!(offset(1_400_000_000).severity, Severity::Ok);
        assert_eq!(offset(-5_200_000_000).found, "5 s behind the collector's");
        let far = offset(31_000_000_000);
        assert!(far.consequence.contains("suspect: clock"), "{}", far.consequence);
    }

    #[test]
    fn nobody_who_vouches_for_the_clock_is_a_warning() {
        let state = |synchronised, offset_ns| {
            daemon(DaemonState {
                synchronised,
                offset_ns,
                ..DaemonState::UNKNOWN
            })
        };
        assert_eq!(state(None, None).severity, Severity::Warning);
        assert_eq!(state(Some(false), None).severity, Severity::Warning);
        assert_eq!(state(Some(true), Some(150_000_000)).severity, Severity::Warning);
        assert_eq!(
            state(Some(true), Some(-812_000)).found,
            "synchronized, 812 µs from its reference"
        );
        assert_eq!(state(Some(true), None).severity, Severity::Ok);
    }
}
