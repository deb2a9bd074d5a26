use std::time::Duration;

use super::*;
use crate::pages::fixture::{HOSTILE, NOW, name};
use crate::report::view::Freshness;
use crate::store::ledger::ProbeRun;

fn probe(probe: &str, state: ProbeState, last: Option<ProbeRun>) -> ProbeLiveness {
    ProbeLiveness {
        probe: name(probe),
        site: Some("AMS".to_owned()),
        last,
        period: Some(Duration::from_mins(5)),
        expected_next: Some(NOW.saturating_add(Duration::from_secs(90))),
        state,
    }
}

fn run(source: &str, version: &str) -> ProbeRun {
    ProbeRun {
        source: name(source),
        time: NOW.saturating_sub(Duration::from_mins(6)),
        origin: "fetched".parse().unwrap(),
        results: 3,
        received_at: NOW,
        skew_ns: None,
        native: Some(NativeRun {
            duration: Duration::from_secs(284),
            plan: "9f2c41d07b1e55aa".to_owned(),
            cut_short: None,
            version: version.to_owned(),
            engine: "icmp-datagram".parse().unwrap(),
            clock_offset_ns: Some(-812_000),
            clock_synchronised: Some(true),
            collector_offset_ns: None,
            send_lag_p99_ns: Some(84_000),
            receive_drops: Some(0),
            stamps_missing: Some(1200),
            stamps_discarded: None,
            clock_steps: Some(0),
            suspect: vec!["clock".parse().unwrap()],
            condition: crate::store::ledger::Condition {
                cpu_steal_ppm: Some(12_000),
                ..crate::store::ledger::Condition::UNKNOWN
            },
        }),
    }
}

fn page(probes: Vec<ProbeLiveness>) -> String {
    let liveness = Liveness {
        probes,
        freshness: Freshness {
            read_at: NOW,
            latest: None,
        },
    };
    ProbesPage::new(&liveness, Some(2)).render().unwrap()
}

#[test]
fn a_probe_says_how_it_is_and_when_it_is_due() {
    let html = page(vec![probe(
        "ams1",
        ProbeState::Suspect,
        Some(run("ams1", "1.2.0")),
    )]);
    for text in [
        "suspect: clock",
        "synchronized, −0.812 ms",
        "send lag p99 0.084 ms",
        "1.2 % of the processor stolen",
        "1\u{202f}200 stamps missing",
        "1.2.0",
        "2026-11-21 06:39:10 UTC",
        "6 min ago",
        "in 90 s",
        "1 probes, 1 of them need a look",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    assert!(
        !html.contains("replies dropped") && !html.contains("Synthetic data"),
        "{html}"
    );
}

#[test]
fn a_probe_that_never_reported_has_no_figures() {
    let html = page(vec![probe(HOSTILE, ProbeState::Silent, None)]);
    assert!(html.contains("never") && !html.contains("<b>\"x"), "{html}");
}

#[test]
fn synthetic_history_says_so() {
    let html = page(vec![probe(
        "ams1",
        ProbeState::Reporting,
        Some(run("ams1", synthetic::VERSION)),
    )]);
    assert!(html.contains("Synthetic data"), "{html}");
}

#[test]
fn without_probes_the_page_says_what_comes_next() {
    assert!(page(vec![]).contains("collector key new"));
}

#[test]
fn what_is_marked_is_what_is_wrong_with_the_probe() {
    let marked = |state| {
        let html = page(vec![probe("ams1", state, Some(run("ams1", "1.2.0")))]);
        let cells = html.split("<td").skip(1);
        let marked = cells.filter(|cell| cell.starts_with(" class=\"stale\""));
        marked.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(marked(ProbeState::Reporting), Vec::<String>::new());
    for (state, text) in [
        (ProbeState::Suspect, "suspect: clock"),
        (ProbeState::Missing, "2026-11-21 06:39:10 UTC"),
        (ProbeState::Silent, "2026-11-21 06:39:10 UTC"),
    ] {
        let marked = marked(state);
        assert!(
            marked.len() == 1 && marked[0].contains(text),
            "{state:?}: {marked:?}"
        );
    }
}
