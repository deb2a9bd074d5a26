//! What is measured, and under which label.

use super::*;

#[test]
fn the_cached_plan_is_for_a_collector_that_is_away_and_for_nothing_else() {
    let word = |fetched, cached| match choose(fetched, cached) {
        Choice::Measure(_, Origin::Fetched) => "fetched",
        Choice::Measure(_, Origin::Cached) => "cached",
        Choice::Legacy => "legacy",
        Choice::Nothing(_) => "nothing",
    };
    assert_eq!(word(Fetched::Fresh(plan()), Some(plan())), "fetched");
    assert_eq!(word(Fetched::Unchanged, Some(plan())), "fetched");
    assert_eq!(word(Fetched::Away(refusal()), Some(plan())), "cached");
    assert_eq!(word(Fetched::Away(refusal()), None), "nothing");
    assert_eq!(word(Fetched::Refused(refusal()), Some(plan())), "nothing");
    assert_eq!(word(Fetched::Legacy, Some(plan())), "legacy");
}

#[test]
fn a_collector_whose_clock_is_behind_keeps_the_reports_waiting_and_moves_no_label() {
    if !may_measure() {
        return;
    }
    let is_behind = Arc::new(Mutex::new(true));
    let behind = Arc::clone(&is_behind);
    let server = Server::start(
        move |request| match (*behind.lock().unwrap(), is_report(request)) {
            (true, true) => error(422, "time_ahead"),
            (false, true) => Reply::new(200, OK),
            (_, false) => Reply::new(200, short_plan(&loopback()).to_string())
                .header("date", "Sat, 21 Nov 2026 09:55:00 GMT"),
        },
    );
    let host = Host::new("round-behind");
    let failure = host.round(&server, "k", 290).unwrap_err();
    assert!(exit::chain(&failure).contains("422 time_ahead"), "{failure}");
    *is_behind.lock().unwrap() = false;
    host.round(&server, "k", 300).unwrap();
    let starts: Vec<Value> = reports(&server)
        .iter()
        .map(|report| report["round_start"].clone())
        .collect();
    assert_eq!(
        starts,
        [
            "2026-11-21T10:09:50.000000000Z",
            "2026-11-21T10:10:00.000000000Z",
            "2026-11-21T10:09:50.000000000Z"
        ]
    );
    assert_eq!(reports(&server)[0]["probe"]["suspect"], json!([]));
}

#[test]
fn a_clock_that_nobody_vouches_for_is_corrected_and_the_correction_outlives_an_outage() {
    if !may_measure() {
        return;
    }
    let is_away = Arc::new(Mutex::new(false));
    let away = Arc::clone(&is_away);
    let server = Server::start(move |request| match (*away.lock().unwrap(), is_report(request)) {
        (false, true) => Reply::new(200, OK),
        (true, true) => error(503, "store_unavailable").header("retry-after", "60"),
        (true, false) => error(503, "store_unavailable"),
        (false, false) => Reply::new(200, short_plan(&loopback()).to_string())
            .header("date", "Sat, 21 Nov 2026 09:55:05 GMT"),
    });
    let host = Host {
        daemon: DaemonState::UNKNOWN,
        ..Host::new("round-corrected")
    };
    // The host says 10:05:00, the collector 09:55:05 and, for all it knows, half a second; a slow
    // machine makes the difference a little larger.
    host.round(&server, "k", 0).unwrap();
    let report = &reports(&server)[0];
    assert!(
        report["round_start"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-21T09:55:0"),
        "{report}"
    );
    assert_eq!(report["probe"]["suspect"], json!(["clock"]));
    *is_away.lock().unwrap() = true;
    host.round(&server, "k", 583).unwrap_err();
    let kept = decode(host.kept().values().next().unwrap());
    assert!(
        kept["round_start"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-21T10:04:4"),
        "{kept}"
    );
    assert_eq!(kept["probe"]["suspect"], json!(["clock"]));
    // A clock that needed a correction does not decide which windows are open.
    let asked: Vec<bool> = server
        .requests()
        .iter()
        .filter(|r| r.method == "GET")
        .map(|r| r.path.contains("start="))
        .collect();
    assert_eq!(asked, [true, false]);
}

#[test]
fn an_unchanged_plan_is_not_sent_again() {
    if !may_measure() {
        return;
    }
    let server = Server::start(
        |request| match (is_report(request), request.header("if-none-match")) {
            (true, _) => Reply::new(200, OK),
            (false, Some("\"v1\"")) => Reply::new(304, ""),
            (false, _) => Reply::new(200, short_plan(&loopback()).to_string()).header("etag", "\"v1\""),
        },
    );
    let host = Host::new("round-etag");
    host.round(&server, "k", 0).unwrap();
    host.round(&server, "k", 300).unwrap();
    assert_eq!(reports(&server)[1]["plan"]["origin"], "fetched");
}

#[test]
fn a_plan_that_forbids_measuring_is_obeyed_although_one_is_cached() {
    if !may_measure() {
        return;
    }
    let code = Arc::new(Mutex::new(None));
    let answer = Arc::clone(&code);
    let server = Server::start(
        move |request| match (*answer.lock().unwrap(), is_report(request)) {
            (Some((status, code)), _) => error(status, code),
            (None, true) => Reply::new(200, OK),
            (None, false) => Reply::new(200, short_plan(&loopback()).to_string()),
        },
    );
    let host = Host::new("round-forbidden");
    host.round(&server, "k", 0).unwrap();
    for refusal in [(403, "wrong_role"), (404, "unknown_probe")] {
        *code.lock().unwrap() = Some(refusal);
        let failure = host.round(&server, "k", 300).unwrap_err();
        assert_eq!(failure.status(), exit::NOTHING_MEASURED);
        let line = exit::chain(&failure);
        assert!(
            line.starts_with("nothing measured: no plan from http://127.0.0.1:"),
            "{line}"
        );
        assert!(line.contains(refusal.1), "{line}");
    }
    assert_eq!(reports(&server).len(), 1);
}

#[test]
fn a_round_that_starts_too_late_in_its_slot_measures_nothing_and_says_so() {
    let server = Server::start(|_| Reply::new(200, short_plan(&loopback()).to_string()));
    let host = Host::new("round-late");
    let failure = host.round(&server, "k", 298).unwrap_err();
    assert_eq!(failure.status(), exit::NOTHING_MEASURED);
    assert_eq!(
        exit::chain(&failure),
        "nothing measured: started 298 s into a slot of 300 s, too late to end in it"
    );
}

#[test]
fn a_plan_without_targets_is_a_round_without_results() {
    let server = Server::start(|request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, short_plan(&json!([])).to_string())
        }
    });
    Host::new("round-empty").round(&server, "k", 0).unwrap();
    assert_eq!(reports(&server)[0]["results"], json!([]));
}

#[test]
fn a_round_that_starts_late_in_its_slot_is_shortened_and_says_so() {
    if !may_measure() {
        return;
    }
    let mut plan = short_plan(&loopback());
    plan["tests"][0]["params"]["spread_ns"] = json!(4_000_000_000_u64);
    let server = Server::start(move |request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, plan.to_string())
        }
    });
    // The measurement ends 5 s before end_before: two seconds are left for a spread of four.
    Host::new("round-shortened").round(&server, "k", 290).unwrap();
    let report = &reports(&server)[0];
    assert_eq!(report["cut_short"], "late_start");
    let sent = report["results"][0]["sent"].as_u64().unwrap();
    // Cells of 0.8 s, and a busy host takes a while to begin.
    assert!((1..=3).contains(&sent), "{sent}");
    assert!(report["duration_ns"].as_u64().unwrap() < 2_100_000_000);
}
