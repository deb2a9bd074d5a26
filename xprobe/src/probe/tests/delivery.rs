//! What arrives, and what is kept until it does.

use super::*;

#[test]
fn a_round_reports_what_was_measured_and_what_could_not_be() {
    if !may_measure() {
        return;
    }
    let mut plan = short_plan(&json!([
        {"target": "lon1", "family": 4, "address": "127.0.0.2"},
        {"target": "fra1", "family": 4, "address": "no such host"}
    ]));
    let mut unknown = plan["tests"][0].clone();
    unknown["test"] = json!("later");
    unknown["kind"] = json!("later");
    plan["tests"].as_array_mut().unwrap().push(unknown);
    let server = Server::start(move |request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, plan.to_string()).header("date", "Sat, 21 Nov 2026 10:05:00 GMT")
        }
    });
    let host = Host::new("round-full");
    host.round(&server, "k", 2).unwrap();
    assert!(host.kept().is_empty());
    let report = &reports(&server)[0];
    assert_eq!(report["source"], host.name.as_str());
    assert_eq!(report["round_start"], "2026-11-21T10:05:02.000000000Z");
    assert_eq!(
        report["plan"],
        json!({"version": "9f2c41d07b1e55aa", "origin": "fetched"})
    );
    assert_eq!(report["probe"]["clock_synchronised"], true);
    assert!(report["probe"]["collector_offset_ns"].as_i64().unwrap() >= 1_500_000_000);
    let results = report["results"].as_array().unwrap();
    let outcomes: Vec<&Value> = results.iter().map(|result| &result["outcome"]).collect();
    assert_eq!(outcomes, ["measured", "error", "error", "error"]);
    assert_eq!(
        (&results[0]["sent"], &results[0]["received"]),
        (&json!(5), &json!(5))
    );
    assert_eq!(results[0]["address"], "127.0.0.2");
    assert_eq!(results[1]["error"], "resolve");
    assert!(
        results[1]["detail"]
            .as_str()
            .unwrap()
            .starts_with("no such host: ")
    );
    assert_eq!(
        (&results[2]["error"], &results[3]["error"]),
        (&json!("unsupported_kind"), &json!("unsupported_kind"))
    );
    // The collector's own checks: parse it as one would.
    let _: ippm::wire::report::ReportV1 = serde_json::from_value(report.clone()).unwrap();
}

#[test]
fn twenty_rounds_without_a_collector_arrive_afterwards_as_they_were() {
    if !may_measure() {
        return;
    }
    // 0: there; 1: nothing answers; 2: a proxy answers that nothing stands behind it.
    let state = Arc::new(Mutex::new(0));
    let answering = Arc::clone(&state);
    let plan = short_plan(&loopback()).to_string();
    // Slots of 20 s leave the shortest time to an attempt that has no hope.
    let plan = plan
        .replace("300000000000", "20000000000")
        .replace("297000000000", "19800000000");
    let server = Server::start(
        move |request| match (*answering.lock().unwrap(), is_report(request)) {
            (1, _) => Reply::close(),
            (2, _) => Reply::new(503, "<html>").header("retry-after", "60"),
            (_, true) => Reply::new(200, OK),
            (_, false) => Reply::new(200, plan.clone()).header("etag", "\"v1\""),
        },
    );
    let host = Host::new("round-twenty");
    host.round(&server, "k", 0).unwrap();
    for number in 1..=20 {
        *state.lock().unwrap() = if number <= 2 { 1 } else { 2 };
        let failure = host.round(&server, "k", 20 * number + 16).unwrap_err();
        assert_eq!(failure.status(), exit::NOT_DELIVERED, "{failure}");
        let line = exit::chain(&failure);
        assert!(line.contains(&format!("kept; {number} in the spool")), "{line}");
    }
    let kept = host.kept();
    assert_eq!(kept.len(), 20);

    let before = server.requests().len();
    *state.lock().unwrap() = 0;
    host.round(&server, "k", 20 * 21).unwrap();
    assert!(host.kept().is_empty());
    let posts: Vec<Request> = server.requests()[before..]
        .iter()
        .filter(|r| is_report(r))
        .cloned()
        .collect();
    // This round's own report first, then the kept ones, oldest first, byte for byte, each once.
    assert_eq!(
        decode(&posts[0].body)["round_start"],
        "2026-11-21T10:12:00.000000000Z"
    );
    let bodies: Vec<&[u8]> = posts[1..].iter().map(|post| post.body.as_slice()).collect();
    let expected: Vec<&[u8]> = kept.values().map(Vec::as_slice).collect();
    assert_eq!(bodies, expected);
    for (number, body) in (1..=20).zip(bodies) {
        let report = decode(body);
        let start = UnixTime::from_ns((SLOT + 20 * number + 16) * 1_000_000_000);
        assert_eq!(report["round_start"], ippm::wire::time::format(start));
        assert_eq!(report["plan"]["origin"], "cached");
        assert!(report["probe"].get("collector_offset_ns").is_none());
        assert_eq!(report["results"][0]["received"], 5);
    }
}

#[test]
fn a_key_rotated_in_mid_drain_ends_it_and_the_next_round_finishes_with_the_new_one() {
    if !may_measure() {
        return;
    }
    let posts = Arc::new(Mutex::new(0));
    let server = Server::start(move |request| {
        let mut posts = posts.lock().unwrap();
        // The old key is revoked after four reports.
        let is_valid = match request.header("x-api-key") {
            Some("new") => true,
            Some("old") => *posts < 4,
            _ => false,
        };
        match (is_valid, is_report(request)) {
            (false, _) => error(401, "key_revoked"),
            (true, false) => Reply::new(200, short_plan(&loopback()).to_string()),
            (true, true) => {
                *posts += 1;
                Reply::new(200, OK)
            }
        }
    });
    let host = Host::new("round-rotate");
    host.round(&server, "old", 0).unwrap();
    // Six reports are kept from an outage before.
    for at in 1..=6 {
        let spool = Spool::open(host.state.path(), &host.name.parse().unwrap(), Limits::STANDARD).unwrap();
        spool
            .keep(UnixTime::from_ns(at), format!("kept {at}").as_bytes())
            .unwrap();
    }
    host.round(&server, "old", 300).unwrap();
    assert_eq!(
        host.kept().len(),
        4,
        "one own and two kept were taken before the key was revoked"
    );
    // Now even the plan is refused; the cached one is used and nothing is lost.
    assert_eq!(
        host.round(&server, "old", 890).unwrap_err().status(),
        exit::NOT_DELIVERED
    );
    assert_eq!(host.kept().len(), 5);
    host.round(&server, "new", 1200).unwrap();
    assert!(host.kept().is_empty());
}

#[test]
fn without_a_usable_state_directory_the_round_is_delivered_all_the_same() {
    let server = Server::start(|request| {
        if is_report(request) {
            Reply::new(200, OK)
        } else {
            Reply::new(200, short_plan(&json!([])).to_string())
        }
    });
    let host = Host::new("round-no-state");
    std::fs::write(host.state.path().join("spool"), "in the way").unwrap();
    host.round(&server, "k", 0).unwrap();
    assert_eq!(reports(&server).len(), 1);
}
