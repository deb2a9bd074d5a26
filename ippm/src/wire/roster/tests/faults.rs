//! What is refused of a roster, with its line and key.

use super::*;

#[test]
fn every_fault_of_a_roster_is_named_with_its_line_and_key() {
    check_faults(
        r#"{"probe":[],
"probes":[
  {"name":"a/b","proto":5,
   "address":"192.0.2.300","sight":"x"},
  {"name":"p2","proto":6,"address":"192.0.2.1"},
  7]}"#,
        &[
            (1, "probe", "unknown key; known are probes"),
            (3, "probes[0].name", "probe name contains '/'"),
            (3, "probes[0].proto", "expected 4 or 6"),
            (4, "probes[0].address", "\"192.0.2.300\" is neither"),
            (
                4,
                "probes[0].sight",
                "unknown key; known are name, proto, address",
            ),
            (5, "probes[1].address", "192.0.2.1 is not an address of proto 6"),
            (6, "probes[2]", "expected an object with name, proto, address"),
        ],
    );
    check_faults("[]", &[(1, "(top)", "expected an object with probes")]);
    check_faults("{\n}", &[(1, "probes", "is missing")]);
    check_faults(
        "{\"probes\":[\n{}]}",
        &[
            (2, "probes[0].name", "is missing"),
            (2, "probes[0].proto", "is missing"),
            (2, "probes[0].address", "is missing"),
        ],
    );
}

#[test]
fn a_name_may_not_be_listed_twice_with_one_family() {
    check_faults(
        "{\"probes\":[{\"name\":\"p2\",\"proto\":4,\"address\":\"10.0.0.2\"},\n{\"name\":\"p2\",\"proto\":4,\"address\":\"10.0.0.3\"}]}",
        &[(2, "probes[1]", "an earlier entry has the same name and proto")],
    );
    check_faults(
        r#"{"probes":[{"name":"p2","proto":6,"address":"2001:db8::2"},{"name":"p2","proto":4,"address":"10.0.0.3","address6":"2001:db8::3"}]}"#,
        &[(
            1,
            "probes[1].address6",
            "an earlier entry has the same name and proto",
        )],
    );
}

#[test]
fn hostile_values_of_every_key_are_refused_at_their_key() {
    let long = "x".repeat(300);
    let many = |what: &str, n: usize| {
        (0..n)
            .map(|i| format!("\"{what}{i}\""))
            .collect::<Vec<_>>()
            .join(",")
    };
    for (keys, path, problem) in [
        (r#""site":7"#, "site", "expected a text"),
        (r#""site":"a\nb""#, "site", "holds '\\n'"),
        (
            &format!(r#""site":"{long}""#),
            "site",
            "has 300 bytes, more than 256",
        ),
        (r#""description":["x"]"#, "description", "expected a text"),
        (
            &format!(r#""description":"{long}""#),
            "description",
            "has 300 bytes, more than 256",
        ),
        (r#""groups":"core""#, "groups", "expected a list"),
        (
            r#""groups":["a b"]"#,
            "groups[0]",
            "\"a b\" is not 1 to 64 characters",
        ),
        (r#""groups":["a","a"]"#, "groups[1]", "stands here twice"),
        (
            &format!(r#""groups":[{}]"#, many("g", 65)),
            "groups",
            "has 65 entries, more than 64",
        ),
        (
            r#""role":"router""#,
            "role",
            "expected one of the words both, source, target",
        ),
        (r#""role":null"#, "role", "expected one of the words"),
        (r#""enabled":"yes""#, "enabled", "expected true or false"),
        (r#""enabled":0"#, "enabled", "expected true or false"),
        (r#""alias":"old""#, "alias", "expected a list"),
        (r#""alias":[".."]"#, "alias[0]", "probe name is \"..\""),
        (r#""alias":["o","o"]"#, "alias[1]", "stands here twice"),
        (r#""alias":["p2"]"#, "alias[0]", "p2 is the name of a probe"),
        (r#""alias":["p1"]"#, "alias[0]", "p1 is the name of a probe"),
        (
            &format!(r#""alias":[{}]"#, many("a", 17)),
            "alias",
            "has 17 entries, more than 16",
        ),
        (r#""override":["p2"]"#, "override", "expected an object"),
        (r#""override":{"p2":"a b"}"#, "override.p2", "\"a b\" is neither"),
        (r#""override":{"p2":[]}"#, "override.p2", "expected an address"),
        (
            r#""override":{"p2":["10.0.0.1","10.0.0.2"]}"#,
            "override.p2",
            "two addresses for one family",
        ),
        (
            r#""override":{"p2":["a.example","2001:db8::1"]}"#,
            "override.p2",
            "two addresses for one family",
        ),
        (
            r#""override":{"p2":["10.0.0.1","10.0.0.2","10.0.0.3"]}"#,
            "override.p2",
            "has 3 entries, more than 2",
        ),
        (
            r#""override":{"p9":"10.0.0.1"}"#,
            "override.p9",
            "p9 is no other probe",
        ),
        (
            r#""override":{"p1":"10.0.0.1"}"#,
            "override.p1",
            "p1 is no other probe",
        ),
        (
            r#""override":{"a.b":"10.0.0.1"}"#,
            "override[\"a.b\"]",
            "a.b is no other probe",
        ),
        (r#""capacity":10"#, "capacity", "expected a text"),
        (r#""capacity":"10G""#, "capacity", "\"10G\" is not a bandwidth"),
        (
            r#""capacity":"101Tbit/s""#,
            "capacity",
            "\"101Tbit/s\" is not a bandwidth: a number from 1bit/s to 100Tbit/s",
        ),
        (r#""sla":"no""#, "sla", "expected true or false"),
        (r#""legacy":1"#, "legacy", "expected true or false"),
        (r#""proto6":true"#, "proto6", "unknown key"),
    ] {
        check_faults(
            &with(keys),
            &[(2, &format!("probes[1].{path}").replace(".[", "["), problem)],
        );
    }
}

#[test]
fn a_former_name_belongs_to_one_probe() {
    check_faults(
        r#"{"probes":[{"name":"a","proto":4,"address":"192.0.2.1","alias":["x"]},
{"name":"b","proto":4,"address":"192.0.2.2","alias":["y",
"x"]}]}"#,
        &[(3, "probes[1].alias[1]", "x is a former name of a already")],
    );
}

#[test]
fn an_override_needs_an_address_of_a_family_that_the_target_has() {
    check_faults(
        r#"{"probes":[{"name":"a","proto":4,"address":"192.0.2.1"},
{"name":"b","proto":4,"address":"192.0.2.2","override":{"a":"2001:db8::1"}}]}"#,
        &[(
            2,
            "probes[1].override.a",
            "a has no address of the family of 2001:db8::1",
        )],
    );
}

#[test]
fn two_entries_of_one_probe_do_not_contradict_each_other() {
    let roster = r#"{"probes":[{"name":"a","proto":4,"address":"192.0.2.1","groups":["g"],"description":"v4"},
{"name":"a","proto":6,"address":"2001:db8::1","site":"AMS","groups":["g"],"description":"v6"}]}"#;
    let parsed = parse(roster.as_bytes()).unwrap();
    let [probe] = parsed.probes() else {
        panic!("one probe")
    };
    assert_eq!(probe.details.site.as_deref(), Some("AMS"));
    assert_eq!(probe.details.description.as_deref(), Some("v4"));
    check_faults(
        &roster.replacen("[\"g\"]", "[\"h\"]", 1),
        &[(
            2,
            "probes[1].groups",
            "differs from probes[0].groups, which is the same probe",
        )],
    );
}

#[test]
fn the_file_and_the_list_of_faults_have_limits() {
    let large = parse(&vec![b' '; file::MAX_BYTES + 1]).unwrap_err().to_string();
    assert_eq!(large, "has 4194305 bytes, more than 4194304");
    let entries = |n: usize| format!(r#"{{"probes":[{}]}}"#, vec!["7"; n].join(","));
    check_faults(
        &entries(2049),
        &[(1, "probes", "has 2049 entries, more than 2048")],
    );
    let FileError::Faults(faults) = parse(entries(300).as_bytes()).unwrap_err() else {
        panic!("expected faults")
    };
    assert_eq!(faults.len(), 257);
    assert_eq!(faults[256].problem, "44 more faults, 256 are named");
}

#[test]
fn a_repeated_key_is_refused_with_its_line() {
    let error = parse(b"{\"probes\":[],\n\"probes\":[]}").unwrap_err();
    let FileError::Json(cause) = error else {
        panic!("expected no JSON")
    };
    assert!(
        cause.to_string().starts_with("repeated key \"probes\" at line 2"),
        "{cause}"
    );
}

#[test]
fn a_key_of_a_probe_called_by_its_name_has_its_line() {
    let text = br#"{"probes":[
{"name":"a.b","proto":4,"address":"192.0.2.1"},
{"name":"a","proto":4,"address":"192.0.2.2",
 "capacity":"1Gbit/s"},
{"name":"a","proto":6,"address":"2001:db8::2"}]}"#;
    assert_eq!(line(text, "probes.a.capacity"), 4);
    assert_eq!(line(text, "probes.a.sla"), 3);
    assert_eq!(line(text, "probes.a.b.capacity"), 2);
    assert_eq!(line(text, "probes[1].capacity"), 4);
    assert_eq!(line(text, "probes.x.capacity"), 1);
}
