//! docs/api.md says what the served description says: endpoints, parameters, headers, statuses and codes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::{AMS1, READ, TestApp};

/// What is said about one endpoint.
#[derive(Debug, Default, PartialEq, Eq)]
struct Endpoint {
    /// In the query or in a header of the request; those of the path stand in the path.
    parameters: BTreeSet<String>,
    /// Headers of answers, without the one that all have.
    headers: BTreeSet<String>,
    statuses: BTreeSet<u16>,
}

/// The header that every answer has.
const EVERYWHERE: &str = "X-Request-Id";

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md")).unwrap()
}

/// The rows of the first table behind `heading`, each as its cells.
#[track_caller]
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(heading).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with('|')).skip(2);
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// What stands between backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The endpoints as docs/api.md tells of them.
fn documented(page: &str) -> BTreeMap<String, Endpoint> {
    rows(page, "\n## Parameters, headers and statuses\n")
        .into_iter()
        .map(|cells| {
            let [name, parameters, headers, statuses] = &cells[..] else {
                panic!("{cells:?}");
            };
            let endpoint = Endpoint {
                parameters: quoted(parameters),
                headers: quoted(headers),
                statuses: statuses
                    .split(", ")
                    .map(|status| status.parse().unwrap())
                    .collect(),
            };
            (quoted(name).pop_first().unwrap(), endpoint)
        })
        .collect()
}

/// The endpoints as the description tells of them, and of each status with an error the codes.
fn described(description: &Value) -> (BTreeMap<String, Endpoint>, BTreeSet<(u16, String)>) {
    let (mut endpoints, mut codes) = (BTreeMap::new(), BTreeSet::new());
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut endpoint = Endpoint::default();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] != "path") {
                endpoint
                    .parameters
                    .insert(parameter["name"].as_str().unwrap().to_owned());
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let status: u16 = status.parse().unwrap();
                endpoint.statuses.insert(status);
                let headers: BTreeSet<String> =
                    response["headers"].as_object().unwrap().keys().cloned().collect();
                assert!(headers.contains(EVERYWHERE), "{path} {status}");
                endpoint.headers.extend(headers);
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                if schema == "#/components/schemas/ErrorAnswer" && !path.starts_with("/api/v1/") {
                    let named = quoted(response["description"].as_str().unwrap());
                    assert!(!named.is_empty(), "{path} {status}");
                    codes.extend(named.into_iter().map(|code| (status, code)));
                }
            }
            endpoint.headers.remove(EVERYWHERE);
            endpoints.insert(format!("{} {path}", method.to_uppercase()), endpoint);
        }
    }
    (endpoints, codes)
}

#[actix_web::test]
async fn the_page_tells_of_the_endpoints_parameters_headers_and_statuses_that_the_description_knows() {
    let description = TestApp::start().get("/openapi.json", "").await.json();
    let page = page();
    let (endpoints, codes) = described(&description);
    let documented = documented(&page);
    let names = |of: &BTreeMap<String, Endpoint>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&documented), names(&endpoints));
    for (name, endpoint) in &endpoints {
        assert_eq!(documented[name], *endpoint, "{name}");
    }
    let all: BTreeSet<String> = rows(&page, "# HTTP API\n")
        .iter()
        .map(|cells| quoted(&cells[0]).pop_first().unwrap())
        .collect();
    assert_eq!(
        all,
        endpoints.keys().cloned().collect(),
        "the table at the beginning"
    );
    // Those of single endpoints are those of the table of codes.
    let table: BTreeSet<(u16, String)> = rows(&page, "\n## Codes\n")
        .iter()
        .flat_map(|cells| {
            let status: u16 = cells[1].parse().unwrap();
            quoted(&cells[0]).into_iter().map(move |code| (status, code))
        })
        .collect();
    let unknown: Vec<_> = codes.difference(&table).collect();
    assert_eq!(unknown, Vec::<&(u16, String)>::new());
    // And all that the collector knows stand there.
    for (_, code, status) in collector::error::CODES {
        assert!(table.contains(&(*status, (*code).to_owned())), "{code}");
    }
}

#[actix_web::test]
async fn what_is_answered_is_described() {
    let app = TestApp::start();
    let description = app.get("/openapi.json", "").await.json();
    let (endpoints, _) = described(&description);
    for (name, endpoint) in endpoints {
        let (method, path) = name.split_once(' ').unwrap();
        let of_probe = path.replace("{probe}", "lon1").replace("{name}", "lon1");
        for key in ["", "wrong", READ, AMS1] {
            for query in ["", "?zzz=1", "?source=ams1&target=lon1", "?month=2026-10"] {
                let at = format!("{of_probe}{query}");
                let reply = if method == "GET" {
                    app.get(&at, key).await
                } else {
                    app.post(&at, key, "{}").await
                };
                let label = format!("{method} {at} with {key:?}: {reply:?}");
                assert!(endpoint.statuses.contains(&reply.status), "{label}");
                for header in ["ETag", "IXPQoS-Data-Age", "Retry-After"] {
                    let is_described = endpoint.headers.contains(header);
                    assert!(
                        is_described || reply.header(header).is_none(),
                        "{header} of {label}"
                    );
                }
                assert!(reply.header(EVERYWHERE).is_some(), "{label}");
            }
        }
    }
}
