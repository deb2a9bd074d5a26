//! Who may do what; keys and roster that change while the collector runs.

use std::fs;

use collector::key::Role;
use ippm::UnixTime;

use crate::app::{ADMIN, AMS1, KEYS, LON1, READ, SHARED, TestApp, write_keys};
use crate::reports::{now, report};

#[actix_web::test]
async fn each_role_reaches_its_endpoints_and_no_other() {
    let body = report(&now()).to_string();
    let legacy = r#"{"source":"ams1","probes":[]}"#;
    let rows = [
        // path, body; statuses without a key and with: wrong, ams1, lon1, read, admin, shared
        ("/healthz", "", [200, 200, 200, 200, 200, 200, 200]),
        ("/readyz", "", [200, 200, 200, 200, 200, 200, 200]),
        ("/api/v1/conf/probes", "", [400, 403, 200, 200, 200, 200, 200]),
        (
            "/api/v1/data/probe-result",
            legacy,
            [400, 403, 200, 403, 403, 403, 403],
        ),
        (
            "/api/v1/data/probe/ams1/last",
            "",
            [401, 401, 200, 403, 200, 200, 401],
        ),
        ("/api/v2/plan/ams1", "", [401, 401, 200, 403, 200, 200, 401]),
        (
            "/api/v2/reports",
            body.as_str(),
            [401, 401, 200, 403, 403, 403, 401],
        ),
    ];
    let app = TestApp::start();
    for (path, body, statuses) in rows {
        for (key, status) in ["", "wrong", AMS1, LON1, READ, ADMIN, SHARED]
            .into_iter()
            .zip(statuses)
        {
            let reply = if body.is_empty() {
                app.get(path, key).await
            } else {
                app.post(path, key, body.to_owned()).await
            };
            assert_eq!(reply.status, status, "{path} with {key:?}: {reply:?}");
            for (secret, ..) in KEYS {
                assert!(!format!("{reply:?}").contains(secret), "{reply:?}");
            }
        }
    }
}

#[actix_web::test]
async fn reading_can_be_public_and_browsers_send_a_read_key_as_a_password() {
    let app = TestApp::start();
    let path = "/api/v1/data/probe/ams1/last";
    let basic = |password: &str| {
        app.client
            .get(format!("{}{path}", app.url))
            .basic_auth("noc", Some(password.to_owned()))
    };
    assert_eq!(app.send(basic(READ)).await.status, 200);
    let refused = app.send(basic("wrong")).await;
    assert_eq!(refused.code(), (401, "key_invalid".to_owned()));
    assert!(refused.header("www-authenticate").unwrap().starts_with("Basic "));
    let public = TestApp::with(&[("ACCESS__PUBLIC_READ", "true")]);
    let reply = public.get(path, "").await;
    assert_eq!((reply.status, reply.json()["time"].is_null()), (200, true));
    assert_eq!(public.get("/api/v2/plan/ams1", "").await.status, 401);
}

#[actix_web::test]
async fn a_key_is_rotated_without_a_gap() {
    let app = TestApp::start();
    let (old, new) = (AMS1, "the new key of ams1");
    let status = async |key: &str| app.get("/api/v2/plan/ams1", key).await.status;
    let load = |keys: &[(&str, Role, &str)]| {
        write_keys(app.folder.path(), keys);
        app.context.watch.look(app.context.clock.now(), false)
    };
    assert_eq!((status(old).await, status(new).await), (200, 401));
    assert_eq!(
        load(&[(old, Role::Probe, "ams1"), (new, Role::Probe, "ams1")]).reloaded,
        ["keys"]
    );
    assert_eq!((status(old).await, status(new).await), (200, 200));
    load(&[(new, Role::Probe, "ams1")]);
    assert_eq!((status(old).await, status(new).await), (401, 200));
}

#[actix_web::test]
async fn a_broken_file_keeps_the_last_good_one_and_says_so_until_it_is_mended() {
    let app = TestApp::start();
    let (keys, roster) = (
        app.folder.path().join("keys.toml"),
        app.folder.path().join("probes.json"),
    );
    let look = || app.context.watch.look(app.context.clock.now(), false);
    let good = (fs::read(&keys).unwrap(), fs::read(&roster).unwrap());
    fs::write(&keys, "[[key]]\nid = MARKED-VALUE\n").unwrap();
    fs::write(&roster, r#"{"probes":[{"name":"a/b","proto":5,"address":""}]}"#).unwrap();
    assert_eq!(look().failed.len(), 2);
    assert_eq!(
        look().failed.len(),
        0,
        "a file that did not change is not read again"
    );
    assert_eq!(app.get("/api/v2/plan/ams1", AMS1).await.status, 200);
    let ready = app.get("/readyz", "").await;
    assert_eq!(
        (ready.status, ready.json()["status"].as_str()),
        (200, Some("degraded"))
    );
    let text = ready.text;
    assert!(
        text.contains("probes[0].name") && text.contains("line 2") && !text.contains("MARKED-VALUE"),
        "{text}"
    );
    let from_outside = app
        .client
        .get(format!("{}/readyz", app.url))
        .header("X-Forwarded-For", "192.0.2.1");
    let outside = app.send(from_outside).await.text;
    assert!(
        outside.contains("\"file\":\"keys\"") && !outside.contains("keys.toml"),
        "{outside}"
    );
    let metrics = app.get("/metrics", "").await.text;
    assert!(
        metrics.contains("ixpqos_file_faulty{file=\"keys\"} 1\n"),
        "{metrics}"
    );
    fs::remove_file(&roster).unwrap();
    assert!(
        look().failed[0].problem.contains("No such file"),
        "the path is named"
    );
    fs::write(&keys, good.0).unwrap();
    fs::write(&roster, good.1).unwrap();
    assert_eq!(look().failed, []);
    assert_eq!(app.get("/readyz", "").await.json()["status"], "ready");
}

#[actix_web::test]
async fn a_new_roster_changes_the_plans_and_what_is_expected() {
    let app = TestApp::start();
    let etag = app
        .get("/api/v2/plan/ams1", READ)
        .await
        .header("etag")
        .unwrap()
        .to_owned();
    crate::app::eventually(|| app.store.plans().len() == 3).await;
    let roster = r#"{"probes":[{"name":"ams1","proto":4,"address":"192.0.2.10"},{"name":"lon1","proto":4,"address":"192.0.2.20"}]}"#;
    fs::write(app.folder.path().join("probes.json"), roster).unwrap();
    let later = UnixTime::from_ns(app.context.clock.now().as_ns() + 1);
    assert_eq!(app.context.watch.look(later, false).reloaded, ["roster"]);
    let request = app
        .client
        .get(format!("{}/api/v2/plan/ams1", app.url))
        .header("X-API-Key", READ);
    let reply = app.send(request.header("If-None-Match", etag)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        app.get("/api/v2/plan/fra1", READ).await.code(),
        (404, "unknown_probe".to_owned())
    );
    let loaded = app.context.watch.loaded();
    assert_eq!(
        collector::beat::plans::record(&app.context, &loaded)
            .await
            .unwrap(),
        3
    );
    let plans = app.store.plans().clone();
    let gone = plans.iter().rfind(|plan| plan.probe.as_str() == "fra1").unwrap();
    assert_eq!(
        (gone.record.as_str(), gone.time),
        ("period|300s\n", later),
        "nothing is expected of it any more"
    );
}
