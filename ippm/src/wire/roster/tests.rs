use super::legacy::ProbeListV1;
use super::*;
use crate::wire::file::Fault;

/// Reads `text` and compares what is wrong with it: line, key and the beginning of the problem.
#[track_caller]
fn check_faults(text: &str, expected: &[(usize, &str, &str)]) {
    let FileError::Faults(faults) = parse(text.as_bytes()).expect_err(text) else {
        panic!("expected faults in {text}")
    };
    let found: Vec<(usize, &str)> = faults.iter().map(|f| (f.line, f.path.as_str())).collect();
    let places: Vec<(usize, &str)> = expected.iter().map(|(line, path, _)| (*line, *path)).collect();
    assert_eq!(found, places, "{faults:#?}");
    for (Fault { problem, .. }, (_, path, begins)) in faults.iter().zip(expected) {
        assert!(
            problem.starts_with(begins),
            "{path}: {problem:?} should begin with {begins:?}"
        );
    }
}

/// The roster with one probe `p1` that has these keys too, beside `p2` with both families.
fn with(keys: &str) -> String {
    format!(
        r#"{{"probes":[{{"name":"p2","proto":4,"address":"192.0.2.2","address6":"2001:db8::2"}},
{{"name":"p1","proto":4,"address":"192.0.2.1",{keys}}}]}}"#
    )
}

#[track_caller]
fn details(keys: &str) -> Details {
    let roster = parse(with(keys).as_bytes()).unwrap();
    roster.probe(&"p1".parse().unwrap()).unwrap().details.clone()
}

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
fn the_file_of_the_original_is_valid_as_it_is() {
    let text = br#"{"probes":[{"name":"p2","proto":4,"address":"10.0.0.2"},{"name":"p2","proto":6,"address":"2001:db8::2"}]}"#;
    let roster = parse(text).unwrap();
    let list = serde_json::to_string(&ProbeListV1::new(&roster, false)).unwrap();
    assert_eq!(
        list,
        r#"{"probes":[{"address":"10.0.0.2","name":"p2","proto":4}]}"#
    );
    assert_eq!(ProbeListV1::new(&roster, true).probes.len(), 2);
    assert_eq!(roster.names().count(), 1);
    assert_eq!(roster.probes()[0].details, Details::NONE);
}

#[test]
fn old_probes_read_the_same_bytes_whatever_else_the_roster_says() {
    let old = br#"{"probes":[
        {"name":"ams1","proto":4,"address":"192.0.2.10","site":"AMS","description":"rack 7"},
        {"name":"fra1","proto":4,"address":"fra1.example","legacy":true},
        {"name":"ams1","proto":6,"address":"2001:db8::10"},
        {"name":"rtr1","proto":4,"address":"192.0.2.1"}]}"#;
    let new = br#"{"$schema":"probes.schema.json","probes":[
        {"name":"ams1","proto":4,"address":"192.0.2.10","site":"AMS","description":"rack 7","groups":["core","metro"],
         "role":"both","enabled":true,"alias":["ams-old"],"override":{"fra1":"203.0.113.9","rtr1":["198.51.100.1"]},
         "capacity":"10Gbit/s","sla":false},
        {"name":"nat1","proto":4,"address":"10.0.0.5","role":"source"},
        {"name":"fra1","proto":4,"address":"fra1.example","legacy":true,"groups":[]},
        {"name":"ams1","proto":6,"address":"2001:db8::10"},
        {"name":"off1","proto":4,"address":"192.0.2.99","enabled":false},
        {"name":"rtr1","proto":4,"address":"192.0.2.1","role":"target","sla":true}]}"#;
    let expected = concat!(
        r#"{"probes":[{"address":"192.0.2.10","description":"rack 7","name":"ams1","proto":4,"site":"AMS"},"#,
        r#"{"address":"fra1.example","legacy":true,"name":"fra1","proto":4},"#,
        r#"{"address":"192.0.2.1","name":"rtr1","proto":4}]}"#
    );
    for text in [&old[..], &new[..]] {
        let list = ProbeListV1::new(&parse(text).unwrap(), false);
        assert_eq!(serde_json::to_string(&list).unwrap(), expected);
    }
    let all = |text: &[u8]| serde_json::to_string(&ProbeListV1::new(&parse(text).unwrap(), true)).unwrap();
    assert_eq!(all(old), all(new));
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
fn a_probe_has_both_families_in_one_entry_or_in_two() {
    let one = r#"{"probes":[{"name":"p","proto":4,"address":"192.0.2.1","address6":"2001:db8::1"}]}"#;
    let other = r#"{"probes":[{"name":"p","proto":6,"address":"2001:db8::1","address4":"192.0.2.1"}]}"#;
    let two = r#"{"probes":[{"name":"p","proto":4,"address":"192.0.2.1"},{"name":"p","proto":6,"address":"2001:db8::1"}]}"#;
    let probes = |text: &str| parse(text.as_bytes()).unwrap().probes().to_vec();
    assert_eq!(probes(one), probes(two));
    assert_eq!(probes(other), probes(two));
    check_faults(
        &with(r#""address6":"192.0.2.7""#),
        &[(2, "probes[1].address6", "192.0.2.7 is not an address of proto 6")],
    );
    check_faults(
        &with(r#""address4":"192.0.2.7""#),
        &[(
            2,
            "probes[1].address4",
            "with proto 4 the address of this family is the key address",
        )],
    );
}

#[test]
fn the_optional_keys_of_a_probe_are_read() {
    let details = details(
        r#""site":"AMS","groups":["core"],"role":"source","enabled":false,"alias":["old"],
        "override":{"p2":["10.0.0.2","2001:db8:1::2"]},"capacity":"2.5Gbit/s","sla":true,"legacy":true"#,
    );
    let way = |address: &str| Override {
        target: "p2".parse().unwrap(),
        address: address.parse().unwrap(),
    };
    assert_eq!(
        details,
        Details {
            site: Some("AMS".to_owned()),
            description: None,
            groups: vec!["core".parse().unwrap()],
            role: Role::Source,
            enabled: false,
            aliases: vec!["old".parse().unwrap()],
            overrides: vec![way("10.0.0.2"), way("2001:db8:1::2")],
            capacity: crate::Bandwidth::from_bits(2_500_000_000),
            sla: Some(true),
            legacy: true,
        }
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
fn a_probe_reaches_others_where_it_was_told_to() {
    let text = r#"{"probes":[
      {"name":"a","proto":4,"address":"192.0.2.1","override":{"b":"10.0.0.2","c":"c.inside.example"}},
      {"name":"b","proto":4,"address":"192.0.2.2","address6":"2001:db8::2"},
      {"name":"c","proto":6,"address":"2001:db8::3"}]}"#;
    let roster = parse(text.as_bytes()).unwrap();
    let [a, b, c] = roster.probes() else {
        panic!("three probes")
    };
    let reaches = |one: &crate::roster::probe::Probe, other, family| {
        one.reaches(other, family).map(ToString::to_string)
    };
    assert_eq!(reaches(a, b, Family::V4).as_deref(), Some("10.0.0.2"));
    assert_eq!(reaches(a, b, Family::V6).as_deref(), Some("2001:db8::2"));
    assert_eq!(reaches(a, c, Family::V6).as_deref(), Some("c.inside.example"));
    assert_eq!(reaches(a, c, Family::V4), None);
    assert_eq!(reaches(c, b, Family::V4).as_deref(), Some("192.0.2.2"));
}

#[test]
fn who_measures_is_measured_and_judged_follows_from_role_and_keys() {
    let probe = |keys: &str| parse(with(keys).as_bytes()).unwrap().probes()[1].clone();
    for (keys, source, target, judged) in [
        (r#""role":"both""#, true, true, true),
        (r#""role":"source""#, true, false, true),
        (r#""role":"target""#, false, true, false),
        (r#""role":"target","sla":true"#, false, true, true),
        (r#""sla":false"#, true, true, false),
        (r#""enabled":false"#, false, false, true),
    ] {
        let probe = probe(keys);
        assert_eq!(
            (probe.is_source(), probe.is_target(), probe.is_judged()),
            (source, target, judged),
            "{keys}"
        );
    }
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
