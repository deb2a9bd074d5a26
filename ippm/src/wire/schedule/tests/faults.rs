//! What is refused of a schedule, with its line and key.

use super::*;

#[test]
fn every_fault_of_a_schedule_is_named_with_its_line_and_key() {
    check_faults(
        r#"{"schedule":[],
"measure":"no",
"tests":[
 {"name":"Voice","period":"10s",
  "windows":["always"],
  "params":{"count":0}},
 {"groups":"core"}],
"maintenance":[{"id":"CHG 1","from":"yesterday","to":"2026-11-21T22:00:00","scope":{"pair":"a"}}]}"#,
        &[
            (
                1,
                "schedule",
                "unknown key; known are measure, limits, profiles, tests, maintenance",
            ),
            (2, "measure", "expected true or false"),
            (
                4,
                "tests[0].name",
                "test name \"Voice\" is not 1 to 64 characters",
            ),
            (4, "tests[0].period", "10s is outside 20s to 3600s"),
            (5, "tests[0].windows[0]", "expected a window like"),
            (
                6,
                "tests[0].params.count",
                "expected a whole number from 1 to 720000",
            ),
            (7, "tests[1].groups", "expected a list"),
            (7, "tests[1].name", "is missing"),
            (8, "maintenance[0].from", "not a time of RFC 3339"),
            (8, "maintenance[0].id", "\"CHG 1\" is not 1 to 64 characters"),
            (
                8,
                "maintenance[0].scope.pair",
                "unknown key; known are probe, source, target, site, test",
            ),
            (8, "maintenance[0].to", "not a time of RFC 3339"),
        ],
    );
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table: a row for each key and each way to be wrong"
)]
fn hostile_values_of_every_key_of_a_test_are_refused_at_their_key() {
    let many = |item: &str, n: usize| vec![item; n].join(",");
    let window = "\"22:00-04:00 UTC\"";
    for (keys, path, problem) in [
        (r#""kind":"udp""#, "kind", "expected one of the words icmp"),
        (r#""groups":["a","a"]"#, "groups[1]", "stands here twice"),
        (
            &format!(r#""groups":[{}]"#, many("\"g\"", 65)),
            "groups",
            "has 65 entries, more than 64",
        ),
        (r#""groups":[""]"#, "groups[0]", "\"\" is not 1 to 64"),
        (r#""groups":["g"],"pairs":[]"#, "pairs", "stands beside groups"),
        (
            r#""include":{"g":{"a":["b"]}}"#,
            "include.g",
            "is none of the groups",
        ),
        (
            r#""groups":["g"],"exclude":{"h":{}}"#,
            "exclude.h",
            "is none of the groups",
        ),
        (
            r#""groups":["g"],"include":{"g":["a"]}"#,
            "include.g",
            "expected an object",
        ),
        (
            r#""groups":["g"],"include":{"g":{"a":"b"}}"#,
            "include.g.a",
            "expected a list",
        ),
        (
            r#""groups":["g"],"include":{"g":{"a":["a"]}}"#,
            "include.g.a[0]",
            "a probe is no partner of itself",
        ),
        (
            r#""groups":["g"],"exclude":{"g":{"a":["b","b"]}}"#,
            "exclude.g.a[1]",
            "stands here twice",
        ),
        (
            r#""groups":["g"],"exclude":{"g":{"a/b":["b"]}}"#,
            "exclude.g[\"a/b\"]",
            "probe name contains '/'",
        ),
        (
            r#""groups":["g"],"include":{"g":{"b":["a"]}},"exclude":{"g":{"a":["b"]}}"#,
            "exclude.g.a",
            "b is included and excluded in one group",
        ),
        (
            r#""pairs":[["a","b"]]"#,
            "pairs[0]",
            "expected an object with source, target",
        ),
        (
            r#""pairs":[{"source":"a","target":"a"}]"#,
            "pairs[0]",
            "a probe does not measure itself",
        ),
        (
            r#""pairs":[{"source":"a","target":"b"},{"source":"a","target":"b"}]"#,
            "pairs[1]",
            "stands here twice",
        ),
        (r#""pairs":[{"source":"a"}]"#, "pairs[0].target", "is missing"),
        (
            &format!(r#""pairs":[{}]"#, many("0", 65_537)),
            "pairs",
            "has 65537 entries, more than 65536",
        ),
        (r#""family":5"#, "family", "expected 4 or 6"),
        (r#""period":300"#, "period", "expected a text"),
        (r#""period":"61m""#, "period", "61m is outside 20s to 3600s"),
        (
            r#""period":"99999999999999999999s""#,
            "period",
            "\"99999999999999999999s\" is not a duration",
        ),
        (
            &format!(r#""windows":[{}]"#, many(window, 17)),
            "windows",
            "has 17 entries, more than 16",
        ),
        (
            r#""windows":["25:00-26:00 UTC"]"#,
            "windows[0]",
            "\"25:00-26:00\" is no span of times",
        ),
        (r#""windows":"22:00-04:00 UTC""#, "windows", "expected a list"),
        (
            r#""profile":"radio""#,
            "profile",
            "there is no profile radio; known are bulk, video, voip-g711",
        ),
        (
            r#""profile":"video","params":{"count":5}"#,
            "params.count",
            "follows from the profile video",
        ),
        (
            r#""profile":"video","params":{"payload_bytes":56}"#,
            "params.payload_bytes",
            "follows from the profile video",
        ),
        (
            r#""params":{"count":720001}"#,
            "params.count",
            "expected a whole number from 1 to 720000",
        ),
        (
            r#""params":{"count":1.5}"#,
            "params.count",
            "expected a whole number",
        ),
        (
            r#""params":{"spread":"0s"}"#,
            "params.spread",
            "0s is outside 1ns to 3600s",
        ),
        (
            r#""params":{"timeout":"9ms"}"#,
            "params.timeout",
            "9ms is outside 10ms to 60s",
        ),
        (
            r#""params":{"timeout":"61s"}"#,
            "params.timeout",
            "61s is outside 10ms to 60s",
        ),
        (
            r#""params":{"payload_bytes":15}"#,
            "params.payload_bytes",
            "expected a whole number from 16 to 65000",
        ),
        (
            r#""params":{"payload_bytes":65001}"#,
            "params.payload_bytes",
            "expected a whole number from 16 to 65000",
        ),
        (
            r#""params":{"dscp":64}"#,
            "params.dscp",
            "expected a whole number from 0 to 63",
        ),
        (r#""params":{"df":true}"#, "params.df", "unknown key"),
        (
            r#""limits":{"pair":{"pps":0}}"#,
            "limits.pair.pps",
            "expected a whole number from 1 to",
        ),
        (r#""limits":{"pair":50}"#, "limits.pair", "expected an object"),
        (
            r#""limits":{"probe":{"bandwidth":"fast"}}"#,
            "limits.probe.bandwidth",
            "\"fast\" is not a bandwidth",
        ),
        (
            r#""limits":{"link":{}}"#,
            "limits.link",
            "unknown key; known are pair, probe, site, target",
        ),
        (r#""every":"5m""#, "every", "unknown key"),
    ] {
        check_faults(&with(keys), &[(2, &format!("tests[0].{path}"), problem)]);
    }
    check_faults(
        "{\"tests\":[{\"name\":\"a\"},\n{\"name\":\"a\"}]}",
        &[(2, "tests[1].name", "an earlier test is called a too")],
    );
    let tests = vec!["0"; 65].join(",");
    check_faults(
        &format!("{{\"tests\":[{tests}]}}"),
        &[(1, "tests", "has 65 entries, more than 64")],
    );
}

#[test]
fn hostile_profiles_and_announcements_are_refused_at_their_key() {
    for (profile, path, problem) in [
        (r#""p":{}"#, "p", "expected two of pps, size_bytes and bandwidth"),
        (
            r#""p":{"pps":201,"size_bytes":100}"#,
            "p.pps",
            "expected a whole number from 1 to 200",
        ),
        (
            r#""p":{"pps":1,"size_bytes":63}"#,
            "p.size_bytes",
            "expected a whole number from 64 to 9018",
        ),
        (
            r#""p":{"size_bytes":64,"bandwidth":"1Gbit/s"}"#,
            "p",
            "1953125 packets/s, expected 1 to 200",
        ),
        (
            r#""p":{"pps":1,"size_bytes":64,"dscp":64}"#,
            "p.dscp",
            "expected a whole number from 0 to 63",
        ),
        (
            r#""a b":{"pps":1,"size_bytes":64}"#,
            "[\"a b\"]",
            "\"a b\" is not 1 to 64 characters",
        ),
    ] {
        let path = format!("profiles.{path}").replace(".[", "[");
        check_faults(
            &format!("{{\n\"profiles\":{{{profile}}}}}"),
            &[(2, &path, problem)],
        );
    }
    let entry = |keys: &str| {
        format!(
            "{{\"maintenance\":[{{\"id\":\"a\",\"from\":\"2026-01-01T00:00:00Z\",\"to\":\"2026-01-02T00:00:00Z\",\"scope\":{{}}}},\n{keys}]}}"
        )
    };
    let times = r#""from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z""#;
    let long = "x".repeat(257);
    for (item, path, problem) in [
        (
            format!(r#"{{"id":"a",{times},"scope":{{}}}}"#),
            "id",
            "an earlier entry is called a too",
        ),
        (format!(r#"{{"id":"b",{times}}}"#), "scope", "is missing"),
        (
            format!(r#"{{"id":"b",{times},"scope":{{"site":7}}}}"#),
            "scope.site",
            "expected a text",
        ),
        (
            format!(r#"{{"id":"b",{times},"scope":{{}},"reason":"{long}"}}"#),
            "reason",
            "has 257 bytes, more than 256",
        ),
        (
            r#"{"id":"b","from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:00Z","scope":{}}"#.to_owned(),
            "to",
            "the work ends when it begins or before",
        ),
        (
            r#"{"id":"b","from":"2026-02-30T00:00:00Z","to":"2026-03-01T00:00:00Z","scope":{}}"#.to_owned(),
            "from",
            "not a time of RFC 3339",
        ),
    ] {
        check_faults(&entry(&item), &[(2, &format!("maintenance[1].{path}"), problem)]);
    }
}
