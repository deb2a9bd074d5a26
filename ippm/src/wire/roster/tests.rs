mod faults;

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
