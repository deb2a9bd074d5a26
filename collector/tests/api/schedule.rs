//! Roster and schedule of a running collector: what changes, what stays, and what is said of faults.

use std::fs;
use std::sync::Arc;

use collector::watch::Change;
use collector::watch::planned::Sources;

use crate::app::{READ, ROSTER, SHARED, TestApp};

/// A schedule of one test with a period of its own.
const HOURLY: &str = r#"{"tests":[{"name":"icmp","period":"1h"}]}"#;

impl TestApp {
    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn look(&self) -> Change {
        self.context.watch.look(self.context.clock.now(), false)
    }

    fn schedule(&self) -> Option<usize> {
        let loaded = self.context.watch.loaded();
        let schedule = loaded.schedule();
        schedule.map(|schedule| schedule.tests.len())
    }
}

#[actix_web::test]
async fn a_schedule_comes_into_force_when_it_changes() {
    let app = TestApp::start();
    assert_eq!(app.context.watch.loaded().schedule_digest, None);
    assert_eq!(app.schedule(), Some(1), "without a file the default test");
    app.write("schedule.json", r#"{"tests":[]}"#);
    assert_eq!(app.look().reloaded, ["schedule"]);
    assert_eq!(app.schedule(), Some(0));
    let ready = app.get("/readyz", "").await.json();
    assert_eq!(ready["status"], "ready");
    let digest = ready["digests"]["schedule"].as_str().unwrap().to_owned();
    assert_eq!(digest.len(), 64);
    let metrics = app.get("/metrics", "").await.text;
    assert!(
        metrics.contains(&format!(
            "ixpqos_file_info{{file=\"schedule\",sha256=\"{digest}\"}} 1\n"
        )),
        "{metrics}"
    );
    assert_eq!(app.look(), Change::default(), "nothing changed since");
}

#[actix_web::test]
async fn of_a_broken_schedule_every_line_and_key_is_named_and_the_last_good_one_goes_on() {
    let app = TestApp::start();
    app.write("schedule.json", HOURLY);
    app.look();
    let good = app.context.watch.loaded().schedule_digest.clone();
    app.write(
        "schedule.json",
        "{\"tests\":[\n{\"name\":\"icmp\",\n \"period\":\"1s\"},\n{\"name\":\"Voice\"}]}",
    );
    let failed = app.look().failed;
    assert_eq!((failed.len(), failed[0].file), (1, "schedule"));
    let loaded = app.context.watch.loaded();
    assert_eq!((&loaded.schedule_digest, app.schedule()), (&good, Some(1)));
    let ready = app.get("/readyz", "").await;
    let json = ready.json();
    assert_eq!((ready.status, &json["status"]), (200, &"degraded".into()));
    let places = json["faults"][0]["places"].as_array().unwrap();
    let place = |index: usize| (places[index]["line"].as_u64(), places[index]["key"].as_str());
    assert_eq!(places.len(), 2);
    assert_eq!(place(0), (Some(3), Some("tests[0].period")));
    assert_eq!(place(1), (Some(4), Some("tests[1].name")));
    let metrics = app.get("/metrics", "").await.text;
    for line in [
        "ixpqos_file_faulty{file=\"schedule\"} 1\n",
        "ixpqos_file_fault_info{file=\"schedule\",line=\"3\",key=\"tests[0].period\"} 1\n",
        "ixpqos_file_fault_info{file=\"schedule\",line=\"4\",key=\"tests[1].name\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
    app.write("schedule.json", HOURLY);
    let change = app.look();
    assert_eq!((change.failed.len(), change.reloaded.len()), (0, 0), "as it was");
    let metrics = app.get("/metrics", "").await.text;
    assert!(!metrics.contains("ixpqos_file_fault_info"), "{metrics}");
}

#[actix_web::test]
async fn a_schedule_that_disappears_is_a_fault_and_none_at_the_start_is_none() {
    let app = TestApp::start();
    app.write("schedule.json", r#"{"tests":[]}"#);
    app.look();
    fs::remove_file(app.folder.path().join("schedule.json")).unwrap();
    let failed = app.look().failed;
    assert!(failed[0].problem.contains("is gone"), "{failed:?}");
    assert_eq!(app.schedule(), Some(0), "nothing is measured all of a sudden");
    app.write("schedule.json", "{}");
    assert_eq!(app.look().reloaded, ["schedule"]);
    assert_eq!(app.schedule(), Some(1));
}

#[actix_web::test]
async fn a_good_file_comes_into_force_beside_a_broken_one() {
    let app = TestApp::start();
    app.write("probes.json", "{}");
    app.write("schedule.json", r#"{"tests":[]}"#);
    let change = app.look();
    assert_eq!(
        (change.reloaded, change.failed[0].file),
        (vec!["schedule"], "roster")
    );
    assert_eq!(app.schedule(), Some(0));
    app.write("schedule.json", "[]");
    app.write(
        "probes.json",
        r#"{"probes":[{"name":"ams1","proto":4,"address":"192.0.2.10"}]}"#,
    );
    let change = app.look();
    assert_eq!(
        (change.reloaded, change.failed[0].file),
        (vec!["roster"], "schedule")
    );
    let loaded = app.context.watch.loaded();
    assert_eq!(loaded.roster.as_ref().unwrap().probes().len(), 1);
    assert_eq!(loaded.faults.len(), 1);
}

#[actix_web::test]
async fn with_a_broken_schedule_at_the_start_the_roster_is_known_and_nothing_is_planned() {
    let app = TestApp::start();
    app.write("schedule.json", r#"{"tests":{}}"#);
    let sources = Sources::of(&app.context.config);
    let outcome = sources.read(None);
    assert!(outcome.planned.is_none());
    assert_eq!(outcome.roster.unwrap().value.probes().len(), 3);
    assert_eq!(outcome.faults[0].places[0].path, "tests");
    let before = Arc::clone(&app.context.watch.loaded().roster.clone().unwrap());
    app.look();
    assert_eq!(app.context.watch.loaded().roster.as_deref(), Some(&*before));
}

#[actix_web::test]
async fn probes_of_the_original_get_the_same_bytes_whatever_else_the_roster_says() {
    let app = TestApp::start();
    let list = async || {
        let four = app.get("/api/v1/conf/probes", SHARED).await;
        let all = app.get("/api/v1/conf/probes?family=all", SHARED).await;
        assert_eq!((four.status, all.status), (200, 200));
        (four.text, all.text)
    };
    let before = list().await;
    let full = ROSTER
        .replace(
            r#""site":"AMS"}"#,
            r#""site":"AMS","groups":["core"],"role":"both","enabled":true,"alias":["ams-old"],
             "override":{"lon1":["10.0.0.20","2001:db8:1::20"]},"capacity":"10Gbit/s","sla":true},
             {"name":"nat1","proto":4,"address":"10.0.0.5","role":"source"},
             {"name":"off1","proto":4,"address":"192.0.2.99","address6":"2001:db8::99","enabled":false}"#,
        )
        .replace(r#"{"probes""#, r#"{"$schema":"probes.schema.json","probes""#);
    app.write("probes.json", &full);
    assert_eq!(app.look().reloaded, ["roster"]);
    assert_eq!(list().await, before);
    assert_eq!(app.get("/api/v2/plan/ams-older", READ).await.status, 404);
}
