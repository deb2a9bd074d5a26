//! What every store has to do, told once.

#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use collector::store::cell::Kept;
use collector::store::ledger::{CollectorRun, PlanVersion, ProbeRun, Reported};
use collector::store::query::RowQuery;
use collector::store::row::{Meta, Parts, Row};
use collector::store::{Appended, Entry, LegacyValues, Report, Store};
use ippm::{Family, ProbeName, TestName, UnixTime};

use super::reports::{measured, measurement, name, report, round, run, summary};
use super::rows::{legacy, marker, rows_of, test_name};

/// Every row of all time of these sources, with everything.
pub(crate) fn all_of(source: &ProbeName) -> RowQuery {
    RowQuery {
        source: Some(source.clone()),
        target: None,
        family: None,
        test: None,
        from: UnixTime::from_ns(0),
        to: UnixTime::from_ns(i64::MAX),
        parts: Parts::ALL,
    }
}

async fn append(store: &dyn Store, reports: &[Report]) {
    let appended = store.append(reports).await.unwrap();
    assert_eq!(appended, vec![Appended::default(); reports.len()]);
}

async fn rows(store: &dyn Store, query: RowQuery) -> Vec<Row> {
    store.rows(query).collect().await.unwrap()
}

/// Row by row, so that a difference can be found in what is printed.
#[track_caller]
pub(crate) fn assert_rows(found: &[Row], expected: &[Row]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// The whole story, on a store that may hold other things too; its times begin at `start`.
pub(crate) async fn tell(store: &dyn Store, start: UnixTime) {
    store.ready().await.unwrap();
    nothing_is_answered_with_nothing(store, start).await;
    what_was_appended_comes_back(store, start).await;
    a_report_stored_twice_is_stored_once(store, start).await;
    a_differing_second_version_replaces_field_by_field(store, start).await;
    a_question_selects_by_every_part_of_the_key(store, start).await;
    a_part_that_is_not_asked_for_is_absent(store, start).await;
    the_latest_row_has_only_fields_of_its_time(store, start).await;
    hostile_texts_come_back_as_they_were(store, start).await;
    thousands_of_rows_come_as_one_ordered_stream(store, start).await;
    the_ledger_comes_back(store, start).await;
    names_are_those_that_occur(store, start).await;
}

async fn nothing_is_answered_with_nothing(store: &dyn Store, start: UnixTime) {
    let nobody = name("nobody");
    assert_rows(&rows(store, all_of(&nobody)).await, &[]);
    assert_rows(
        &store.latest(Some(&nobody), start, Parts::ALL).await.unwrap(),
        &[],
    );
    let runs = store.probe_runs(Some(&nobody), start, start).await.unwrap();
    assert_eq!(runs, []);
    assert_eq!(store.collector_runs(start, start).await.unwrap(), []);
    assert_eq!(store.plan_versions(Some(&nobody), start).await.unwrap(), []);
    append(store, &[]).await;
}

fn every_kind_of_result(source: &ProbeName, start: UnixTime) -> Vec<Report> {
    let target = name("lon1");
    let values = LegacyValues {
        min_ns: Some(-1_000_000),
        max_ns: Some(61_234_567_891),
        avg_ns: None,
        stddev_ns: Some(1_118_034),
        loss: 0.1,
    };
    let at = |slot| round(start, slot);
    vec![
        report(
            source,
            at(0),
            vec![
                measured(
                    &target,
                    summary(at(0), "0.5 0.7 - 0.6 0.612345 ! l u ? 4.5 0.5 0.5"),
                ),
                measured(&name("lost"), summary(at(0), "- - ! l u")),
                measured(&name("undated"), summary(at(0), "? ?")),
                measured(&name("one"), summary(at(0), "0.000001")),
                Entry::Native(measurement(
                    &target,
                    Family::V6,
                    &TestName::icmp(),
                    summary(at(0), "1.5 1.25"),
                )),
                Entry::Native(measurement(
                    &target,
                    Family::V4,
                    &test_name("large"),
                    summary(at(0), "2.5 - 2.5"),
                )),
                marker(&name("gone"), "resolve", Some("gone.example: no such host")),
                marker(&name("refused"), "unreachable_locally", None),
            ],
        ),
        report(source, at(1), vec![measured(&target, summary(at(1), "-"))]),
        report(source, at(2), vec![]),
        Report {
            run: ProbeRun {
                origin: "legacy".parse().unwrap(),
                native: None,
                skew_ns: None,
                ..run(source, at(3), 3)
            },
            entries: vec![
                (0, legacy(&target, Some(values))),
                (2, legacy(&name("mute"), None)),
            ],
        },
    ]
}

async fn what_was_appended_comes_back(store: &dyn Store, start: UnixTime) {
    let source = name("every-kind");
    let reports = every_kind_of_result(&source, start);
    append(store, &reports).await;
    assert_rows(&rows(store, all_of(&source)).await, &rows_of(&reports));
    let runs = store
        .probe_runs(Some(&source), start, round(start, 9))
        .await
        .unwrap();
    let expected: Vec<ProbeRun> = reports.into_iter().map(|report| report.run).collect();
    assert_eq!(runs, expected);
}

async fn a_report_stored_twice_is_stored_once(store: &dyn Store, start: UnixTime) {
    let source = name("twice");
    let reports = every_kind_of_result(&source, start);
    append(store, &reports).await;
    append(store, &reports).await;
    append(store, &[reports[0].clone(), reports[0].clone()]).await;
    assert_rows(&rows(store, all_of(&source)).await, &rows_of(&reports));
    let runs = store
        .probe_runs(Some(&source), start, round(start, 9))
        .await
        .unwrap();
    assert_eq!(runs.len(), reports.len());
}

/// The second version brings no delay: the first one's stays beside the new counts.
async fn a_differing_second_version_replaces_field_by_field(store: &dyn Store, start: UnixTime) {
    let (source, target, at) = (name("union"), name("lon1"), round(start, 0));
    let first = report(&source, at, vec![measured(&target, summary(at, "0.5 0.7 - 0.6"))]);
    let mut second = report(&source, at, vec![measured(&target, summary(at, "- - - - -"))]);
    second.run.received_at = at.saturating_add(Duration::from_secs(400));
    second.run.skew_ns = None;
    append(store, std::slice::from_ref(&first)).await;
    append(store, std::slice::from_ref(&second)).await;
    let [old, new] = [&first, &second].map(|report| rows_of([report]).remove(0));
    let union = Row {
        delay: old.delay,
        ipdv: old.ipdv,
        hist: old.hist,
        hop_limits: old.hop_limits,
        dscp_received: old.dscp_received,
        meta: Some(Meta {
            clock: old.meta.unwrap().clock,
            ..new.meta.clone().unwrap()
        }),
        ..new
    };
    assert_rows(&rows(store, all_of(&source)).await, &[union]);
    let runs = store
        .probe_runs(Some(&source), at, round(start, 1))
        .await
        .unwrap();
    let expected = ProbeRun {
        skew_ns: first.run.skew_ns,
        ..second.run
    };
    assert_eq!(runs, [expected]);
    // Another outcome is another identity: both stay, the measured one first.
    let third = report(&source, at, vec![marker(&target, "internal", None)]);
    append(store, std::slice::from_ref(&third)).await;
    let both = rows(store, all_of(&source)).await;
    assert_eq!(
        both.iter().map(|row| row.measured).collect::<Vec<_>>(),
        [true, false]
    );
}

type Change = fn(&mut RowQuery);
type Keep = fn(&Row) -> bool;

async fn a_question_selects_by_every_part_of_the_key(store: &dyn Store, start: UnixTime) {
    let source = name("select");
    let mut reports = Vec::new();
    for slot in 0..4 {
        let at = round(start, slot);
        let mut entries = Vec::new();
        for target in ["b", "a", "B", "é", "aa"] {
            for family in [Family::V6, Family::V4] {
                for test in ["icmp", "zz", "a"] {
                    let of = measurement(&name(target), family, &test_name(test), summary(at, "0.5"));
                    entries.push(Entry::Native(of));
                }
            }
        }
        reports.push(report(&source, at, entries));
    }
    append(store, &reports).await;
    let all = rows_of(&reports);
    let questions: [(Change, Keep); 6] = [
        (|_| {}, |_| true),
        (
            |query| query.target = Some(name("é")),
            |row| row.target == name("é"),
        ),
        (
            |query| query.family = Some(Family::V6),
            |row| row.family == Family::V6,
        ),
        (
            |query| query.test = Some(TestName::icmp()),
            |row| row.test.is_icmp(),
        ),
        (
            |query| query.test = Some(test_name("zz")),
            |row| row.test == test_name("zz"),
        ),
        (|query| query.target = Some(name("A")), |_| false),
    ];
    for (change, keep) in questions {
        let mut query = all_of(&source);
        change(&mut query);
        let expected: Vec<Row> = all.iter().filter(|row| keep(row)).cloned().collect();
        assert_rows(&rows(store, query).await, &expected);
    }
    // From the second round's very nanosecond to that of the fourth, which is not in it.
    let (from, to) = (round(start, 1), round(start, 3));
    let query = RowQuery {
        from,
        to,
        ..all_of(&source)
    };
    let inside = |row: &&Row| (from..to).contains(&row.time);
    let expected: Vec<Row> = all.iter().filter(inside).cloned().collect();
    assert_rows(&rows(store, query.clone()).await, &expected);
    assert_rows(&rows(store, RowQuery { to: from, ..query }).await, &[]);
}

async fn a_part_that_is_not_asked_for_is_absent(store: &dyn Store, start: UnixTime) {
    let source = name("parts");
    let reports = every_kind_of_result(&source, start);
    append(store, &reports).await;
    for bits in 0..64_u8 {
        let wanted = |bit: u8| bits & (1 << bit) != 0;
        let parts = Parts {
            counts: wanted(0),
            delay: wanted(1),
            hist: wanted(2),
            slices: wanted(3),
            icmp: wanted(4),
            meta: wanted(5),
        };
        let expected: Vec<Row> = rows_of(&reports)
            .into_iter()
            .map(|row| only(row, parts))
            .collect();
        let query = RowQuery {
            parts,
            ..all_of(&source)
        };
        assert_rows(&rows(store, query).await, &expected);
    }
}

fn only(mut row: Row, parts: Parts) -> Row {
    if !parts.counts {
        (row.counts, row.legacy) = (None, None);
    }
    if !parts.delay {
        (row.delay, row.ipdv) = (None, None);
    }
    if !parts.hist {
        row.hist = None;
    }
    if !parts.slices {
        (row.slices, row.loss_runs) = (None, Vec::new());
    }
    if !parts.icmp {
        (row.icmp_errors, row.hop_limits) = (Vec::new(), Vec::new());
    }
    if !parts.meta {
        row.meta = None;
    }
    row
}

/// The RTT of an hour ago must not stand beside the loss of now.
async fn the_latest_row_has_only_fields_of_its_time(store: &dyn Store, start: UnixTime) {
    let source = name("latest");
    let (down, stale, resolved) = (name("down"), name("stale"), name("resolved"));
    let (hour_ago, now) = (round(start, 0), round(start, 12));
    let reports = [
        report(
            &source,
            hour_ago,
            vec![
                measured(&down, summary(hour_ago, "0.5 0.7")),
                measured(&stale, summary(hour_ago, "0.5 0.7")),
                marker(&resolved, "resolve", Some("no such host")),
            ],
        ),
        report(
            &source,
            now,
            vec![
                measured(&down, summary(now, "- -")),
                measured(&resolved, summary(now, "0.25")),
                marker(&name("gone"), "resolve", None),
            ],
        ),
    ];
    append(store, &reports).await;
    let all = rows_of(&reports);
    let latest_since = |since: UnixTime| {
        let mut latest: Vec<Row> = Vec::new();
        for row in all.iter().filter(|row| row.time >= since) {
            latest.retain(|earlier| earlier.target != row.target);
            latest.push(row.clone());
        }
        latest
    };
    for since in [start, hour_ago, now] {
        assert_rows(
            &store.latest(Some(&source), since, Parts::ALL).await.unwrap(),
            &latest_since(since),
        );
    }
    let everyones = store.latest(None, start, Parts::ALL).await.unwrap();
    let ours: Vec<Row> = everyones
        .iter()
        .filter(|row| row.source == source)
        .cloned()
        .collect();
    assert_rows(&ours, &latest_since(start));
    assert!(everyones.iter().any(|row| row.source != source));
    let out_of_time = now.saturating_add(Duration::from_nanos(1));
    assert_rows(
        &store
            .latest(Some(&source), out_of_time, Parts::ALL)
            .await
            .unwrap(),
        &[],
    );
    // A marker beside a measured row of the same time does not hide it.
    append(
        store,
        &[report(&source, now, vec![marker(&down, "internal", None)])],
    )
    .await;
    assert_rows(
        &store.latest(Some(&source), now, Parts::ALL).await.unwrap(),
        &latest_since(now),
    );
}

async fn hostile_texts_come_back_as_they_were(store: &dyn Store, start: UnixTime) {
    let long = "é".repeat(64);
    let hostile = [
        "a,b",
        "a=b",
        "a b",
        "\"quoted\"",
        "it's",
        "${inject}",
        "#comment",
        "",
        "a;DROP TABLE ping;--",
        "😀",
        "\u{202e}rtl",
        "%00",
        "NaN",
        "null",
        "true",
        "1i",
        "_time",
        long.as_str(),
    ];
    let source = name("host,ile=\"${so urce}\" 😀");
    let at = round(start, 0);
    let mut entries = Vec::new();
    for text in hostile.into_iter().filter(|text| !text.is_empty()) {
        entries.push(measured(&name(text), summary(at, "0.5 -")));
    }
    let details = [
        "trailing backslash \\",
        "two \\\\ and \\\" and \\n",
        "line\r\nfeed\ttab\u{85}",
        "a,b=c \"d\" 'e' ${f} #g",
        "😀\u{202e}é",
        " spaces ",
        "\"",
        "\\",
    ];
    for (number, detail) in details.iter().enumerate() {
        entries.push(marker(&name(&format!("m{number}")), "resolve", Some(detail)));
    }
    entries.push(marker(&name("long detail"), "resolve", Some(&"é".repeat(200))));
    let reports = [report(&source, at, entries)];
    append(store, &reports).await;
    let expected = rows_of(&reports);
    assert_rows(&rows(store, all_of(&source)).await, &expected);
    assert_rows(
        &store.latest(Some(&source), start, Parts::ALL).await.unwrap(),
        &expected,
    );
    for row in expected {
        let query = RowQuery {
            target: Some(row.target.clone()),
            ..all_of(&source)
        };
        assert_rows(&rows(store, query).await, &[row]);
    }
}

async fn thousands_of_rows_come_as_one_ordered_stream(store: &dyn Store, start: UnixTime) {
    let sources = [name("many-1"), name("many-2")];
    let mut reports = Vec::new();
    // Ten seconds apart, so that an hour holds many rounds.
    for number in (0..240).rev() {
        for source in &sources {
            let at = start.saturating_add(Duration::from_secs(10) * number + Duration::from_nanos(7));
            let entries = (0..8).map(|target| {
                let target = name(&format!("t{target}"));
                measured(&target, summary(at, "0.5 0.6 -"))
            });
            reports.push(report(source, at, entries.collect()));
        }
    }
    append(store, &reports).await;
    for source in &sources {
        let ours = reports.iter().filter(|report| report.run.source == *source);
        assert_rows(&rows(store, all_of(source)).await, &rows_of(ours));
    }
    // Over all sources, and left before its end: the store goes on.
    let mut stream = store.rows(RowQuery {
        source: None,
        ..all_of(&sources[0])
    });
    let first = stream.next().await.unwrap().unwrap();
    let second = stream.next().await.unwrap().unwrap();
    assert!((&first.source, &first.target) <= (&second.source, &second.target));
    drop(stream);
    let query = RowQuery {
        source: None,
        target: Some(name("t3")),
        ..all_of(&sources[0])
    };
    let of_t3 = rows(store, query).await;
    let expected: Vec<Row> = rows_of(&reports)
        .into_iter()
        .filter(|row| row.target == name("t3"))
        .collect();
    assert_rows(&of_t3, &expected);
}

async fn the_ledger_comes_back(store: &dyn Store, start: UnixTime) {
    let mut beats = Vec::new();
    for second in [0, 10, 20, 40] {
        for instance in ["b", "a", "host, with=\"oddities\""] {
            beats.push(CollectorRun {
                instance: instance.to_owned(),
                time: start.saturating_add(Duration::from_secs(second)),
            });
        }
    }
    for beat in beats.iter().chain(&beats[..2]) {
        store.put_collector_run(beat).await.unwrap();
    }
    beats.sort_by(|a, b| (a.time, &a.instance).cmp(&(b.time, &b.instance)));
    let (from, to) = (beats[3].time, beats[9].time);
    let found = store.collector_runs(from, to).await.unwrap();
    assert_eq!(found, beats[3..9]);

    let version = |probe: &str, slot: u32, version: &str| PlanVersion {
        probe: name(probe),
        time: round(start, slot),
        version: version.to_owned(),
        record: format!(
            "period|300s\nicmp|icmp|lon%7C1 \"x\"|4|192.0.2.10|300s|count=280|{version}\nlast|\\|\n"
        ),
    };
    // A → B → A is three versions.
    let versions = [
        version("plan a", 0, "aaaa"),
        version("plan a", 1, "bbbb"),
        version("plan a", 2, "aaaa"),
        version("plan b", 1, "cccc"),
    ];
    store.put_plan_versions(&versions).await.unwrap();
    store.put_plan_versions(&versions).await.unwrap();
    let of_a = store.plan_versions(Some(&name("plan a")), round(start, 2)).await;
    assert_eq!(of_a.unwrap(), versions[..2]);
    let of_all = store.plan_versions(None, round(start, 9)).await.unwrap();
    let ours: Vec<PlanVersion> = of_all
        .into_iter()
        .filter(|version| version.probe.as_str().starts_with("plan "))
        .collect();
    assert_eq!(ours, versions);

    let runs = store.probe_runs(None, start, round(start, 20)).await.unwrap();
    assert!(runs.is_sorted_by(|a, b| (&a.source, a.time) <= (&b.source, b.time)));
    let reported: Vec<Reported> = runs.iter().map(Reported::from).collect();
    assert!(reported.iter().any(|report| report.is_suspect));
    assert!(reported.iter().any(|report| !report.is_suspect));
    assert_eq!(
        store.reported(None, start, round(start, 20)).await.unwrap(),
        reported
    );
    let of_one = &runs[0].source;
    let own: Vec<Reported> = reported
        .iter()
        .filter(|report| report.source == *of_one)
        .cloned()
        .collect();
    assert_eq!(
        store
            .reported(Some(of_one), start, round(start, 20))
            .await
            .unwrap(),
        own
    );
    let sources: BTreeSet<&str> = runs.iter().map(|run| run.source.as_str()).collect();
    assert!(
        sources.contains("every-kind") && sources.contains("many-2"),
        "{sources:?}"
    );
}

async fn names_are_those_that_occur(store: &dyn Store, start: UnixTime) {
    let (source, early, late) = (name("names"), name("names-early"), name("names-late"));
    append(
        store,
        &[
            report(
                &source,
                round(start, 0),
                vec![measured(&early, summary(round(start, 0), "0.5"))],
            ),
            report(&source, round(start, 5), vec![marker(&late, "resolve", None)]),
        ],
    )
    .await;
    let found = |names: Vec<ProbeName>| {
        let ours = names
            .into_iter()
            .filter(|name| name.as_str().starts_with("names"));
        ours.collect::<Vec<_>>()
    };
    let since_start = store.names(start).await.unwrap();
    assert!(since_start.is_sorted_by(|a, b| a < b));
    assert_eq!(found(since_start), [source.clone(), early, late.clone()]);
    assert_eq!(found(store.names(round(start, 5)).await.unwrap()), [source, late]);
}

/// Rows before the limit go, the ledger stays.
pub(crate) async fn expiry(store: &dyn Store, start: UnixTime) {
    let source = name("every-kind");
    let before = round(start, 1);
    let all = rows(store, all_of(&source)).await;
    let everyones = RowQuery {
        source: None,
        to: before,
        ..all_of(&source)
    };
    let old = rows(store, everyones.clone()).await.len();
    let runs = store.probe_runs(None, start, round(start, 20)).await.unwrap();
    assert_eq!(store.expire(Kept::Rows, before).await.unwrap(), old as u64);
    assert_eq!(store.expire(Kept::Rows, before).await.unwrap(), 0);
    let kept: Vec<Row> = all.into_iter().filter(|row| row.time >= before).collect();
    assert_rows(&rows(store, all_of(&source)).await, &kept);
    assert_rows(&rows(store, everyones).await, &[]);
    let runs_after = store.probe_runs(None, start, round(start, 20)).await.unwrap();
    assert_eq!(runs_after, runs);
    // A series whose last row went can come back.
    append(store, &every_kind_of_result(&source, start)).await;
    assert_rows(
        &rows(store, all_of(&source)).await,
        &rows_of(&every_kind_of_result(&source, start)),
    );
}
