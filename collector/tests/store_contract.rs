//! One story for both stores: whoever passes it can stand behind the collector.

#![cfg(test)]

mod support {
    pub(crate) mod cell_story;
    #[expect(dead_code, reason = "other tests use more of it")]
    pub(crate) mod influxd;
    pub(crate) mod random;
    pub(crate) mod reports;
    pub(crate) mod rows;
    pub(crate) mod story;
}

use std::path::Path;
use std::time::Duration;

use collector::store::embedded::{self, Embedded};
use collector::store::influx::setup::{Retention, SetupStep};
use collector::store::influx::{self, Influx};
use collector::store::row::Parts;
use collector::store::row::Row;
use collector::store::{Appended, Store, StoreError};
use ippm::{Family, UnixTime};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use support::influxd::Influxd;
use support::random;
use support::reports::{measured, name, report, round, summary, two_hours_ago};
use support::rows::rows_of;
use support::story::{all_of, assert_rows};

const BUCKET: &str = "ixpqos";

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(&embedded::Options {
        path: folder.join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap()
}

fn influx_options(influxd: &Influxd) -> influx::Options {
    influx::Options {
        url: influxd.url(),
        org: Influxd::ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token: Influxd::TOKEN.into(),
        ca: None,
        legacy_family: Family::V4,
        connect_limit: Duration::from_secs(5),
        request_limit: Duration::from_secs(30),
        append_limit: Duration::from_mins(1),
        concurrency: 4,
        gzip: true,
    }
}

fn influx_as(influxd: &Influxd, token: &str, bucket: &str) -> Influx {
    Influx::new(&influx::Options {
        token: token.into(),
        bucket: bucket.to_owned(),
        ..influx_options(influxd)
    })
    .unwrap()
}

async fn influx(influxd: &Influxd) -> Influx {
    let store = influx_as(influxd, Influxd::TOKEN, BUCKET);
    store.setup(&Retention::DEFAULT).await.unwrap();
    store
}

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    let start = two_hours_ago();
    support::story::tell(&store, start).await;
    support::cell_story::tell(&store, start).await;
    support::story::expiry(&store, start).await;
}

#[tokio::test]
async fn influxdb_keeps_the_contract() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store = influx(&influxd).await;
    support::story::tell(&store, two_hours_ago()).await;
    support::cell_story::tell(&store, two_hours_ago()).await;
}

/// Any valid report comes back as it was sent, `cases` times, each under a source of its own.
async fn any_report_comes_back(store: &dyn Store, cases: usize) -> Vec<Row> {
    let mut runner = TestRunner::deterministic();
    let mut all = Vec::new();
    for case in 0..cases {
        let source = name(&format!("random {case}"));
        let reports = random::reports(source.clone(), two_hours_ago())
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let appended = store.append(&reports).await.unwrap();
        assert_eq!(appended, vec![Appended::default(); reports.len()], "{reports:?}");
        let found = store.rows(all_of(&source)).collect().await.unwrap();
        assert_rows(&found, &rows_of(&reports));
        let runs = store
            .probe_runs(Some(&source), UnixTime::from_ns(0), UnixTime::from_ns(i64::MAX))
            .await
            .unwrap();
        let expected: Vec<_> = reports.into_iter().map(|report| report.run).collect();
        assert_eq!(runs, expected, "case {case}");
        all.extend(
            store
                .latest(Some(&source), UnixTime::from_ns(0), Parts::ALL)
                .await
                .unwrap(),
        );
    }
    all
}

#[tokio::test]
async fn both_stores_give_the_same_answers_to_any_valid_report() {
    let folder = tempfile::tempdir().unwrap();
    any_report_comes_back(&embedded(folder.path()), 100).await;
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let of_embedded = any_report_comes_back(&embedded(folder.path()), 30).await;
    let of_influx = any_report_comes_back(&influx(&influxd).await, 30).await;
    assert!(!of_embedded.is_empty());
    assert_eq!(of_embedded, of_influx);
}

#[tokio::test]
async fn setting_up_twice_changes_nothing_and_never_shortens() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store = influx_as(&influxd, Influxd::TOKEN, BUCKET);
    let steps = |steps: Vec<SetupStep>| steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    let first = steps(store.setup(&Retention::DEFAULT).await.unwrap());
    assert_eq!(
        first,
        [
            "ixpqos: created, keeps 90 d",
            "ixpqos_ledger: created, keeps 3650 d",
            "ixpqos_1h: created, keeps 730 d",
            "ixpqos_1d: created, keeps 3650 d",
        ]
    );
    store.ready().await.unwrap();
    let second = store.setup(&Retention::DEFAULT).await.unwrap();
    assert!(
        second.iter().all(|step| matches!(step, SetupStep::Kept { .. })),
        "{second:?}"
    );
    let changed = Retention {
        raw: Some(Duration::from_hours(30 * 24)),
        hours: None,
        ..Retention::DEFAULT
    };
    let third = steps(store.setup(&changed).await.unwrap());
    assert_eq!(
        third,
        [
            "ixpqos: keeps 90 d, configured are 30 d; left as it is, because to shorten it deletes data",
            "ixpqos_ledger: there already",
            "ixpqos_1h: keeps for ever now, before 730 d",
            "ixpqos_1d: there already",
        ]
    );
    let buckets = influxd
        .query("buckets() |> filter(fn: (r) => r.name == \"ixpqos\") |> keep(columns: [\"retentionPeriod\"])")
        .await;
    assert!(buckets.contains(",7776000000000000"), "{buckets}");
}

#[tokio::test]
async fn a_token_or_a_bucket_that_is_wrong_refuses_and_shows_no_token() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    drop(influx(&influxd).await);
    let at = round(two_hours_ago(), 0);
    let reports = [report(
        &name("ams1"),
        at,
        vec![measured(&name("lon1"), summary(at, "0.5"))],
    )];
    for (token, bucket) in [("a-marked-token", BUCKET), (Influxd::TOKEN, "nowhere")] {
        let store = influx_as(&influxd, token, bucket);
        let errors = [
            store.ready().await.unwrap_err(),
            store.append(&reports).await.unwrap_err(),
            store.rows(all_of(&name("ams1"))).collect().await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("marked"), "{error:?}");
        }
        assert!(!format!("{store:?}").contains("marked"), "{store:?}");
        assert!(!format!("{store:?}").contains(Influxd::TOKEN), "{store:?}");
    }
}

/// One result has a field that somebody else wrote with another type; the results around it are stored.
#[tokio::test]
async fn a_field_of_another_type_costs_the_results_that_have_it_and_is_named() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store = influx(&influxd).await;
    let (source, at) = (name("ams1"), round(two_hours_ago(), 0));
    let foreign = format!("Ping,source=x,target=y hop_limit=\"64\" {}", at.as_ns());
    foreign_write(&influxd, &foreign).await;
    let with_hop_limit = |target: &str| measured(&name(target), summary(at, "0.5 0.7"));
    let without = |target: &str| measured(&name(target), summary(at, "- -"));
    let reports = [
        report(
            &source,
            at,
            (0..40).map(|n| without(&format!("t{n:02}"))).collect(),
        ),
        report(
            &name("fra1"),
            at,
            vec![
                without("a"),
                with_hop_limit("b"),
                without("c"),
                with_hop_limit("d"),
            ],
        ),
        report(&name("all"), at, vec![with_hop_limit("a"), with_hop_limit("b")]),
    ];
    let appended = store.append(&reports).await.unwrap();
    let refused: Vec<Vec<usize>> = appended
        .iter()
        .map(|appended| appended.refused.iter().map(|(index, _)| *index).collect())
        .collect();
    assert_eq!(refused, [vec![], vec![1, 3], vec![0, 1]]);
    let text = &appended[1].refused[0].1;
    assert!(
        text.contains("field type conflict") && text.contains("hop_limit"),
        "{text}"
    );
    for (report, kept) in reports.iter().zip([&[][..], &["a", "c"], &[]]) {
        let mut expected = rows_of([report]);
        expected.retain(|row| report.run.source == source || kept.contains(&row.target.as_str()));
        let found = store.rows(all_of(&report.run.source)).collect().await.unwrap();
        assert_rows(&found, &expected);
        let runs = store
            .probe_runs(Some(&report.run.source), at, round(at, 1))
            .await
            .unwrap();
        assert_eq!(runs, std::slice::from_ref(&report.run));
    }
    let error = store.ready().await.unwrap_err().to_string();
    assert!(error.contains("field hop_limit of Ping holds string"), "{error}");
    let steps = store.setup(&Retention::DEFAULT).await.unwrap();
    assert!(
        steps
            .iter()
            .any(|step| matches!(step, SetupStep::Conflict(conflict) if conflict.field == "hop_limit")),
        "{steps:?}"
    );
}

#[tokio::test]
async fn a_result_older_than_the_retention_is_refused_alone() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store = influx(&influxd).await;
    let now = round(two_hours_ago(), 0);
    let old = now.saturating_sub(Duration::from_hours(100 * 24));
    let reports = [old, now].map(|at| {
        let entries = vec![measured(&name("lon1"), summary(at, "0.5"))];
        report(&name("ams1"), at, entries)
    });
    let appended = store.append(&reports).await.unwrap();
    assert_eq!(
        (appended[0].refused.len(), appended[1].refused.len()),
        (1, 0),
        "{appended:?}"
    );
    let found = store.rows(all_of(&name("ams1"))).collect().await.unwrap();
    assert_eq!(found, rows_of(&reports[1..]));
}

/// Points without family, kind and count, some of them whole numbers as the original stored them.
#[tokio::test]
async fn points_of_the_original_collector_are_read_as_legacy_rows() {
    let Some(influxd) = Influxd::start() else {
        return;
    };
    let store = influx(&influxd).await;
    let at = round(two_hours_ago(), 0);
    let later = round(two_hours_ago(), 3);
    let lines = [
        format!(
            "Ping,source=p1,status=ok,target=p2 avg=2.5,jitter=1.118034,loss=0,max=4,min=1 {}",
            at.as_ns()
        ),
        format!("Ping,source=p1,status=ok,target=p2 loss=1 {}", later.as_ns()),
        format!(
            "Ping,source=p1,status=ok,target=a/b avg=2.5,loss=0 {}",
            at.as_ns()
        ),
        format!("Ping,status=ok,target=p2 avg=2.5,loss=0 {}", at.as_ns()),
    ];
    foreign_write(&influxd, &lines.join("\n")).await;
    let native = report(
        &name("p1"),
        round(two_hours_ago(), 1),
        vec![measured(&name("p2"), summary(round(two_hours_ago(), 1), "0.5"))],
    );
    store.append(std::slice::from_ref(&native)).await.unwrap();
    let rows = store.rows(all_of(&name("p1"))).collect().await.unwrap();
    assert_eq!(rows.len(), 3, "{rows:#?}");
    let original = &rows[0];
    assert_eq!(
        (original.family, original.period, original.measured),
        (Family::V4, None, true)
    );
    assert_eq!(original.legacy.unwrap().stddev_ns, Some(1_118_034));
    assert_eq!(rows[1], rows_of([&native])[0]);
    assert_eq!(rows[2].legacy.unwrap().loss.to_bits(), 1.0_f64.to_bits());
    assert_eq!(rows[2].legacy.unwrap().avg_ns, None);
    let latest = store.latest(Some(&name("p1")), at, Parts::ALL).await.unwrap();
    assert_eq!(latest, rows[2..]);
    let of_family_6 = store.rows(collector::store::query::RowQuery {
        family: Some(Family::V6),
        ..all_of(&name("p1"))
    });
    assert_eq!(of_family_6.collect().await.unwrap(), []);
    // Ours too, so that nothing is in conflict: floats where the original wrote floats.
    store.ready().await.unwrap();
}

#[tokio::test]
async fn what_was_answered_is_there_after_influxdb_was_killed() {
    let Some(mut influxd) = Influxd::start() else {
        return;
    };
    let store = influx(&influxd).await;
    let at = round(two_hours_ago(), 0);
    let of = |source: &str| {
        report(
            &name(source),
            at,
            vec![measured(&name("lon1"), summary(at, "0.5 -"))],
        )
    };
    store.append(&[of("before")]).await.unwrap();
    influxd.kill();
    let impatient = Influx::new(&influx::Options {
        url: format!("http://{}", influxd.address()),
        append_limit: Duration::from_millis(300),
        ..influx_options(&influxd)
    });
    let error = impatient.unwrap().append(&[of("away")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    store.ready().await.unwrap_err();
    // The patient one is still trying when InfluxDB comes back.
    let after = [of("after")];
    let (appended, ()) = tokio::join!(store.append(&after), async { influxd.start_again() });
    appended.unwrap();
    for source in ["before", "after"] {
        let found = store.rows(all_of(&name(source))).collect().await.unwrap();
        assert_eq!(found, rows_of([&of(source)]), "{source}");
    }
    assert_eq!(store.rows(all_of(&name("away"))).collect().await.unwrap(), []);
}

/// Lines as another writer than the collector sends them.
async fn foreign_write(influxd: &Influxd, lines: &str) {
    let mut url = reqwest::Url::parse(&influxd.url())
        .unwrap()
        .join("/api/v2/write")
        .unwrap();
    url.query_pairs_mut()
        .extend_pairs([("org", Influxd::ORG), ("bucket", BUCKET), ("precision", "ns")]);
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
    let response = request
        .header("authorization", format!("Token {}", Influxd::TOKEN))
        .body(lines.to_owned())
        .send()
        .await
        .unwrap();
    assert_eq!(
        response.status().as_u16(),
        204,
        "{}",
        response.text().await.unwrap()
    );
}
