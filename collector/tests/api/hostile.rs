//! Hostile input to every parameter and every path of the read side, over a real connection.
//!
//! Endpoints and parameters are those of the description that is served, and of the forms and links of the pages: a
//! new one without a value in the tables here is a failure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::TestApp;
use crate::hostile_values::{GREEDY, RAW, SEGMENTS, VALUES, shapes};
use crate::raw::encode;
use crate::target::{Target, is_refused_by_the_parser};

/// A good value of every parameter that the description or a page knows.
const GOOD: [(&str, &str); 20] = [
    ("family", "6"),
    ("format", "csv"),
    ("from", "2026-11-21T10:00:00Z"),
    ("last", "3h"),
    ("metric", "p95"),
    ("month", "2026-11"),
    ("percentiles", "false"),
    ("profile", "default"),
    ("round", "2026-11-21T11:30:00.25Z"),
    ("site", "AMS"),
    ("sites", "AMS, LON"),
    ("source", "ams1"),
    ("source_site", "AMS"),
    ("start", "2026-11-21T11:55:00Z"),
    ("step", "10m"),
    ("target", "lon1"),
    ("target_site", "LON"),
    ("test", "voice"),
    ("to", "2026-11-21T12:00:00Z"),
    ("tz", "Europe/Rome"),
];

/// Good values where the usual ones have no answer.
const GOOD_HERE: [(&str, &str, &str); 4] = [
    ("/api/v1/conf/probes", "family", "all"),
    ("/api/v2/results", "view", "latest"),
    // The voice test has no window on a Saturday morning, so nothing of it is expected.
    ("/api/v2/sla", "test", "icmp"),
    ("/api/v2/sla", "family", "4"),
];

/// What the pages know.
const PAGES: [(&str, &[&str]); 5] = [
    ("/", &["family", "last", "metric", "test"]),
    (
        "/pair/ams1/lon1",
        &["family", "from", "last", "round", "test", "to"],
    ),
    ("/probes", &[]),
    ("/sla", &["month", "profile", "sites", "tz"]),
    ("/metrics-explained", &[]),
];

/// The query of `endpoint` in which `name` has `value`, as it is sent, and everything else makes sense.
fn query(endpoint: &str, name: &str, value: &[u8]) -> Vec<u8> {
    let mut others: Vec<(&str, &str)> = match endpoint {
        "/api/v2/series" | "/api/v2/results" => vec![("source", "ams1"), ("target", "lon1")],
        "/api/v2/sla" | "/sla" => vec![("month", "2026-11")],
        _ => Vec::new(),
    };
    match name {
        "from" => others.push(("to", "2026-11-21T12:00:00Z")),
        "to" => others.push(("from", "2026-11-21T10:00:00Z")),
        _ => {}
    }
    if matches!(name, "from" | "to") {
        others.retain(|(other, _)| *other != "month");
    }
    others.retain(|(other, _)| *other != name);
    let mut query = b"?".to_vec();
    for (other, value) in others {
        query.extend_from_slice(format!("{other}={}&", encode(value.as_bytes())).as_bytes());
    }
    query.extend_from_slice(name.as_bytes());
    query.push(b'=');
    query.extend_from_slice(value);
    query
}

/// A good value of `name` at `endpoint`.
#[track_caller]
fn good(endpoint: &str, name: &str) -> &'static str {
    let here = GOOD_HERE
        .iter()
        .find(|(at, other, _)| *at == endpoint && *other == name);
    let anywhere = GOOD.iter().find(|(other, _)| *other == name);
    here.map(|(.., value)| *value)
        .or(anywhere.map(|(_, value)| *value))
        .unwrap_or_else(|| panic!("{name} of {endpoint} is new: give it a good value in this test"))
}

/// Endpoints that can be read, by the description that is served: the path, and its parameters of each kind.
async fn described(app: &TestApp) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let description = app.get("/openapi.json", "").await.json();
    let paths = description["paths"].as_object().unwrap().iter();
    paths
        .filter(|(_, methods)| methods.get("get").is_some())
        .map(|(path, methods)| {
            let parameters = methods["get"]["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let text = |parameter: &Value, key: &str| parameter[key].as_str().unwrap().to_owned();
            let parameters = parameters
                .iter()
                .map(|parameter| (text(parameter, "in"), text(parameter, "name")));
            (path.clone(), parameters.collect())
        })
        .collect()
}

/// Every parameter of a query, described or of a page: at which endpoint, and its name.
async fn parameters(app: &TestApp) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (path, parameters) in described(app).await {
        let path = path.replace("{name}", "ams1").replace("{probe}", "ams1");
        let names = parameters
            .into_iter()
            .filter(|(kind, _)| kind == "query")
            .map(|(_, name)| name);
        all.push((path, names.collect()));
    }
    for (path, names) in PAGES {
        all.push((path.to_owned(), names.iter().map(ToString::to_string).collect()));
    }
    all
}

#[actix_web::test]
async fn every_parameter_of_a_query_takes_a_good_value_and_survives_every_bad_one() {
    let target = Target::start().await;
    let all = parameters(&target.app).await;
    let mut number = 0;
    for (path, names) in &all {
        for name in names {
            let at = |value: &[u8]| [path.as_bytes(), &query(path, name, value)].concat();
            let value = encode(good(path, name).as_bytes());
            let reply = target.ask(&at(value.as_bytes()), b"").await;
            assert_eq!(reply.status, 200, "{path} {name}={value}: {:?}", reply.text());
            let sent = VALUES.iter().map(|value| (encode(value).into_bytes(), *value));
            for (value, was) in sent.chain(RAW.iter().map(|value| (value.to_vec(), *value))) {
                let reply = target.ask(&at(&value), was).await;
                // Of a parameter nothing but its value can be wrong.
                if path.starts_with("/api/v2/") && reply.status != 200 && !is_refused_by_the_parser(&reply) {
                    let code = &reply.json()["code"];
                    assert_eq!(
                        (reply.status, code.as_str()),
                        (400, Some("bad_query")),
                        "{path} {name}"
                    );
                }
            }
            number += 1;
        }
    }
    assert!(50 < number, "{number} parameters");
}

#[actix_web::test]
async fn what_is_asked_for_is_bounded_and_more_is_refused_before_anybody_looks() {
    let target = Target::start().await;
    for (query, is_refused) in GREEDY {
        let reply = target.ask(query.as_bytes(), b"").await;
        let expected = if *is_refused { 400 } else { 200 };
        assert_eq!(reply.status, expected, "{query}: {}", reply.text());
    }
}

#[actix_web::test]
async fn a_query_that_no_endpoint_knows_is_refused_by_each_that_knows_any() {
    let target = Target::start().await;
    for (path, names) in parameters(&target.app).await {
        let knows = !names.is_empty() || PAGES.iter().any(|(page, _)| *page == path);
        for (what, query) in shapes(names.first().map(String::as_str)) {
            let query = format!("{path}?{query}");
            let reply = target.ask(query.as_bytes(), b"").await;
            // A site may be repeated, and is then unknown.
            let expected = if knows { 400..401 } else { 200..201 };
            assert!(
                expected.contains(&reply.status),
                "{what} of {path}: {}",
                reply.status
            );
        }
        for value in VALUES.iter().chain(RAW).filter(|_| !knows) {
            let query = [path.as_bytes(), b"?x=", encode(value).as_bytes()].concat();
            let reply = target.ask(&query, value).await;
            assert_eq!(reply.status, 200, "{path}");
            assert!(!reply.text().contains("alert(1)"), "{path}");
        }
    }
    for (path, query) in [("/assets/style.css", "v=1"), ("/", ""), ("/probes", "")] {
        let long = format!("{path}?{query}&{}", "x".repeat(100_000));
        // Beyond 64 KiB it is no address any more.
        let reply = target.ask(long.as_bytes(), b"").await;
        assert!(is_refused_by_the_parser(&reply), "{path}: {reply:?}");
    }
}

#[actix_web::test]
async fn every_segment_of_a_path_survives_every_bad_value() {
    let target = Target::start().await;
    let mut paths: BTreeSet<String> = described(&target.app)
        .await
        .into_iter()
        .flat_map(|(path, parameters)| {
            let names = parameters.into_iter().filter(|(kind, _)| kind == "path");
            names.map(move |(_, name)| path.replace(&format!("{{{name}}}"), "{}"))
        })
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    paths.extend(
        [
            "/pair/{}/lon1",
            "/pair/ams1/{}",
            "/assets/{}",
            "/{}",
            "/api/v2/{}",
        ]
        .map(str::to_owned),
    );
    for path in paths {
        for prefix in ["", "/backend"] {
            let (before, after) = path.split_once("{}").unwrap();
            let at = |value: &[u8]| [prefix.as_bytes(), before.as_bytes(), value, after.as_bytes()].concat();
            for value in VALUES {
                target.ask(&at(encode(value).as_bytes()), value).await;
            }
            for value in RAW.iter().chain(SEGMENTS) {
                target.ask(&at(value), value).await;
            }
            let long = "x".repeat(60_000);
            let reply = target.ask(&at(long.as_bytes()), b"").await;
            assert_eq!(reply.status, 404, "{prefix}{path}");
        }
    }
}

#[actix_web::test]
async fn the_forms_and_links_of_the_pages_know_the_parameters_that_are_tried_here() {
    let target = Target::start().await;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // As they are without a choice, and with another one, which their links have to keep.
    for query in [
        "/",
        "/?family=4&last=3h&metric=p95&test=icmp",
        "/pair/ams1/lon1",
        "/pair/ams1/lon1?family=4&last=3h&test=icmp",
        "/probes",
        "/sla",
        "/metrics-explained",
    ] {
        let reply = target.ask(query.as_bytes(), b"").await;
        assert_eq!(reply.status, 200, "{query}");
        collect(query.split('?').next().unwrap(), reply.text(), &mut found);
    }
    let known: BTreeMap<String, BTreeSet<String>> = PAGES
        .iter()
        .map(|(path, names)| {
            (
                (*path).to_owned(),
                names.iter().map(ToString::to_string).collect(),
            )
        })
        .filter(|(_, names): &(_, BTreeSet<String>)| !names.is_empty())
        .collect();
    assert_eq!(found, known);
}

/// The names of parameters in the forms of a page, and in its links to pages.
fn collect(page: &str, html: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let values = |attribute: &str| -> Vec<String> {
        let begin = format!(" {attribute}=\"");
        let values = html.split(begin.as_str()).skip(1);
        values
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    let mut names: Vec<(String, String)> = values("name")
        .into_iter()
        .filter(|name| !matches!(name.as_str(), "viewport" | "color-scheme"))
        .map(|name| (page.to_owned(), name))
        .collect();
    for link in values("href") {
        let Some((path, query)) = link.split_once('?') else {
            continue;
        };
        let path = match path.trim_start_matches(['.', '/']) {
            _ if path.is_empty() => page.to_owned(),
            path if path.starts_with("pair/") => "/pair/ams1/lon1".to_owned(),
            path => format!("/{path}"),
        };
        // The files of pages have their version there, and the interface has its own test.
        if !path.starts_with("/assets/") && !path.starts_with("/api/") {
            let query = query
                .split('#')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&");
            let pairs = query.split('&').filter(|pair| !pair.is_empty());
            names.extend(pairs.map(|pair| (path.clone(), pair.split('=').next().unwrap().to_owned())));
        }
    }
    for (path, name) in names {
        found.entry(path).or_default().insert(name);
    }
}
