//! Plans that follow from a schedule: windows, former names, and the ledger that several collectors share.

use std::fs;
use std::sync::Arc;

use collector::beat::{maintenance, plans};
use collector::clock::Clock;
use collector::plan::history::History;
use collector::store::Store as _;
use ippm::UnixTime;
use ippm::wire::time;

use crate::app::{AMS1, KEYS, READ, TestApp, eventually};
use crate::memory::Memory;

/// A night in Rome on top of what is always measured, and one announcement.
const SCHEDULE: &str = r#"{"tests":[
    {"name":"icmp","kind":"icmp"},
    {"name":"voice","kind":"icmp","profile":"voip-g711","windows":["mon-fri 22:00-06:00 Europe/Rome"]}],
    "maintenance":[{"id":"TICKET-7","from":"2026-11-20T21:00:00Z","to":"2026-11-20T23:00:00Z",
        "scope":{"probe":"lon1"},"reason":"new line card"}]}"#;

/// A call and the default test are more than the usual 50 packets/s to one address.
const RATE: (&str, &str) = ("PLAN__PPS_PER_TARGET", "100");

impl TestApp {
    /// Puts a roster and a schedule into force.
    #[track_caller]
    fn put(&self, roster: Option<&str>, schedule: &str) -> UnixTime {
        if let Some(roster) = roster {
            fs::write(self.folder.path().join("probes.json"), roster).unwrap();
        }
        fs::write(self.folder.path().join("schedule.json"), schedule).unwrap();
        let later = UnixTime::from_ns(self.context.clock.now().as_ns() + 1);
        let change = self.context.watch.look(later, true);
        assert_eq!(change.failed, [], "{:?}", self.context.watch.loaded().faults);
        later
    }

    /// The tests of the plan of `ams1` for a round that begins at `start`, with a star if they have a window.
    async fn tests_at(&self, start: &str) -> Vec<String> {
        let plan = self
            .get(&format!("/api/v2/plan/ams1?start={start}"), READ)
            .await
            .json();
        let tests = plan["tests"].as_array().unwrap().iter();
        tests
            .map(|test| {
                let star = if test["windowed"] == true { "*" } else { "" };
                format!("{}{star}", test["test"].as_str().unwrap())
            })
            .collect()
    }
}

#[actix_web::test]
async fn a_test_is_listed_while_its_window_is_open_when_the_slot_begins() {
    let app = TestApp::with(&[RATE]);
    app.put(None, SCHEDULE);
    // 2026-11-20 is a Friday; Rome is one hour ahead.
    for (start, tests) in [
        ("2026-11-20T20:59:59.9Z", &["icmp"][..]),
        ("2026-11-20T21:00:00Z", &["icmp", "voice*"]),
        ("2026-11-21T04:59:59Z", &["icmp", "voice*"]),
        // The slot of this round began while the window was open.
        ("2026-11-21T05:00:00Z", &["icmp"]),
        ("2026-11-21T21:00:00Z", &["icmp"]),
    ] {
        assert_eq!(app.tests_at(start).await, tests, "{start}");
    }
    let inside = app
        .get("/api/v2/plan/ams1?start=2026-11-20T21:00:00Z", READ)
        .await
        .json();
    let outside = app
        .get("/api/v2/plan/ams1?start=2026-11-20T12:00:00Z", READ)
        .await
        .json();
    assert_eq!(
        inside["version"], outside["version"],
        "the version is that of the record"
    );
    assert_eq!(inside["tests"][1]["params"]["dscp"], 46);
}

#[actix_web::test]
async fn a_renamed_host_gets_its_plan_by_the_former_name_too() {
    let app = TestApp::start();
    let roster = r#"{"probes":[
        {"name":"ams9","proto":4,"address":"192.0.2.10","alias":["ams1"]},
        {"name":"lon1","proto":4,"address":"192.0.2.20"}]}"#;
    app.put(Some(roster), "{}");
    let former = app.get("/api/v2/plan/ams1", AMS1).await;
    assert_eq!(former.status, 200, "{former:?}");
    let (former, present) = (former.json(), app.get("/api/v2/plan/ams9", READ).await.json());
    assert_eq!(
        (&former["probe"], &present["probe"]),
        (&"ams1".into(), &"ams9".into())
    );
    assert_eq!(
        (&former["version"], &former["tests"]),
        (&present["version"], &present["tests"])
    );
    assert_eq!(
        app.get("/api/v2/plan/lon1", AMS1).await.code(),
        (403, "forbidden".to_owned())
    );
}

#[actix_web::test]
async fn as_long_as_there_was_no_good_schedule_a_probe_keeps_the_plan_that_it_has() {
    let app = TestApp::start();
    fs::write(app.folder.path().join("schedule.json"), "{").unwrap();
    app.context.watch.look(app.context.clock.now(), true);
    assert_eq!(
        app.get("/api/v2/plan/ams1", AMS1).await.status,
        200,
        "the last one goes on"
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "{").unwrap();
    let app = TestApp::with(&[("ACCESS__SCHEDULE_FILE", file.path().to_str().unwrap())]);
    assert_eq!(
        app.get("/api/v2/plan/ams1", AMS1).await.code(),
        (503, "unavailable".to_owned())
    );
}

#[actix_web::test]
async fn two_collectors_with_one_schedule_write_the_same_ledger() {
    let store = Arc::new(Memory::default());
    let start = || TestApp::on(Arc::clone(&store), &KEYS, &[RATE], Clock::system());
    let first = start();
    eventually(|| store.plans().len() == 3).await;
    let loaded = first.put(None, SCHEDULE);
    let write = async |app: &TestApp| {
        let loaded = app.context.watch.loaded();
        (
            plans::record(&app.context, &loaded).await.unwrap(),
            maintenance::record(&app.context, &loaded).await.unwrap(),
        )
    };
    // The probe of the original knows no schedule, so its plan is the same.
    assert_eq!(write(&first).await, (2, 1));
    assert_eq!(write(&first).await, (0, 0));
    let second = start();
    second.put(None, SCHEDULE);
    assert_eq!(write(&second).await, (0, 0), "what the other wrote is enough");

    let announced = store
        .maintenance_versions(UnixTime::from_ns(i64::MAX))
        .await
        .unwrap();
    assert_eq!(announced.len(), 1);
    assert_eq!(
        (announced[0].entry.id.as_str(), announced[0].entry.loaded),
        ("TICKET-7", loaded)
    );

    // lon1 never came up, and is expected like everyone else.
    let versions = store.plans().clone();
    let history = History::new(versions).unwrap();
    let hour = |text: &str| time::parse(text).unwrap();
    let friday = (hour("2027-01-08T20:00:00Z"), hour("2027-01-08T22:00:00Z"));
    let told: Vec<String> = history
        .expected(friday.0, friday.1, &|pair| pair.source.as_str() == "lon1")
        .iter()
        .map(|expected| {
            let how = &expected.expectation;
            format!(
                "{}/{}/{} {}",
                how.target,
                how.family,
                how.test,
                expected.slots.count()
            )
        })
        .collect();
    // Two hours of slots; the window opens at 21:00 UTC.
    assert_eq!(
        told,
        [
            "ams1/4/icmp 24",
            "ams1/4/voice 12",
            "fra1/4/icmp 24",
            "fra1/4/voice 12"
        ]
    );
}

#[actix_web::test]
async fn announced_work_is_recorded_when_it_is_changed_and_when_it_is_taken_back() {
    let app = TestApp::with(&[RATE]);
    let write = async || {
        let loaded = app.context.watch.loaded();
        maintenance::record(&app.context, &loaded).await.unwrap()
    };
    app.put(None, SCHEDULE);
    assert_eq!(write().await, 1);
    app.put(None, &SCHEDULE.replace("23:00:00Z", "23:30:00Z"));
    assert_eq!((write().await, write().await), (1, 0));
    let gone = app.put(None, "{}");
    assert_eq!((write().await, write().await), (1, 0));
    let versions = app
        .store
        .maintenance_versions(UnixTime::from_ns(i64::MAX))
        .await
        .unwrap();
    let told: Vec<(bool, &str)> = versions
        .iter()
        .map(|version| (version.entry.is_deleted, version.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (false, "new line card"),
            (false, "new line card"),
            (true, "new line card")
        ]
    );
    assert_eq!(versions[2].entry.loaded, gone);
}
