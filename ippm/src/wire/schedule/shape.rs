//! The keys of `schedule.json`.

use std::time::Duration;

use crate::plan::Plan;
use crate::schedule::limits::Budget;
use crate::schedule::maintenance::MaintenanceSpec;
use crate::schedule::profile::Profile;
use crate::schedule::selection::Selection;
use crate::schedule::window::Window;
use crate::schedule::{Schedule, TestSpec};
use crate::wire::file::shape::{Key, Shape, Text, parses};
use crate::wire::file::text::{self, BANDWIDTH, DURATION, LABEL, PROBE, SCHEMA, WORDS};
use crate::{TestName, codec, wire};

const TEST: Text = Text {
    about: "the name of a test: small letters, digits, '.', '_' and '-'",
    check: parses::<TestName>,
    most: TestName::MAX_BYTES,
    pattern: Some("^[a-z0-9][a-z0-9._-]*$"),
};
const WINDOW: Text = Text {
    about: "days, times and a time zone: \"mon-fri 08:00-18:00 Europe/Amsterdam\", \"last 22:00-04:00 UTC\"",
    check: parses::<Window>,
    most: Window::MAX_BYTES,
    pattern: Some("^([a-z0-9,-]+ )?[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9] [A-Za-z][A-Za-z0-9_+/-]*$"),
};
const TIME: Text = Text {
    about: "a time of RFC 3339 with its offset: \"2026-11-21T22:00:00+01:00\"",
    check: |text| {
        let time = wire::time::parse(text);
        time.map(|_| ())
            .map_err(|error| format!("{error} (\"2026-11-21T22:00:00+01:00\")"))
    },
    most: 64,
    pattern: Some(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
    ),
};
const PERIOD: Text = Text {
    about: "a whole number and ns, us, ms, s, m, h or d: how often, from 20s to 1h",
    check: |text| in_limits(text, TestSpec::MIN_PERIOD, TestSpec::MAX_PERIOD),
    ..DURATION
};
const SPREAD: Text = Text {
    about: "a whole number and ns, us, ms, s, m, h or d: over how long, up to 1h",
    check: |text| in_limits(text, Duration::from_nanos(1), TestSpec::MAX_PERIOD),
    ..DURATION
};
const TIMEOUT: Text = Text {
    about: "a whole number and ns, us, ms, s, m, h or d: the waiting time, from 10ms to 1m",
    check: |text| in_limits(text, TestSpec::MIN_TIMEOUT, TestSpec::MAX_TIMEOUT),
    ..DURATION
};

fn in_limits(text: &str, least: Duration, most: Duration) -> Result<(), String> {
    let duration = text::duration(text)?;
    if (least..=most).contains(&duration) {
        Ok(())
    } else {
        let shown = codec::duration::encode;
        Err(format!("{text} is outside {} to {}", shown(least), shown(most)))
    }
}

const BUDGET: Shape = Shape::Object(&[
    Key::optional("pps", Shape::Whole(1, Budget::MAX_PPS), "Packets per second."),
    Key::optional(
        "bandwidth",
        Shape::Text(&BANDWIDTH),
        "Bits per second of Ethernet frames, in one direction.",
    ),
]);
const LIMITS: Shape = Shape::Object(&[
    Key::optional("pair", BUDGET, "What one probe sends to one target."),
    Key::optional("probe", BUDGET, "What one probe sends to all its targets."),
    Key::optional("site", BUDGET, "What all probes of one site send."),
    Key::optional("target", BUDGET, "What all probes send to one target."),
]);
const PROFILE: Shape = Shape::Object(&[
    Key::optional(
        "pps",
        Shape::Whole(1, Profile::MAX_PPS),
        "Packets per second to one target.",
    ),
    Key::optional(
        "size_bytes",
        Shape::Whole(Profile::MIN_SIZE_BYTES, Profile::MAX_SIZE_BYTES),
        "Bytes of an Ethernet frame around an IPv4 packet: header and check sequence count, VLAN tag, preamble and gap do not.",
    ),
    Key::optional(
        "bandwidth",
        Shape::Text(&BANDWIDTH),
        "Bits per second of such frames.",
    ),
    Key::optional(
        "dscp",
        Shape::Whole(0, TestSpec::MAX_DSCP),
        "Differentiated services code point; 0 without the key.",
    ),
]);
const PARAMS: Shape = Shape::Object(&[
    Key::optional(
        "count",
        Shape::Whole(1, TestSpec::MAX_COUNT),
        "Packets for each target.",
    ),
    Key::optional("spread", Shape::Text(&SPREAD), "Over how long they are spread."),
    Key::optional(
        "timeout",
        Shape::Text(&TIMEOUT),
        "After it a packet without a reply is lost.",
    ),
    Key::optional(
        "payload_bytes",
        Shape::Whole(TestSpec::MIN_PAYLOAD_BYTES, TestSpec::MAX_PAYLOAD_BYTES),
        "Bytes after the ICMP header.",
    ),
    Key::optional(
        "dscp",
        Shape::Whole(0, TestSpec::MAX_DSCP),
        "Differentiated services code point.",
    ),
    Key::optional("dont_fragment", Shape::Truth, "Whether routers may not fragment."),
]);
const PARTNERS: Shape = Shape::Map(
    &LABEL,
    &Shape::Map(
        &PROBE,
        &Shape::List(&Shape::Text(&PROBE), Selection::MAX_PARTNERS),
        Selection::MAX_RULES,
    ),
    Selection::MAX_GROUPS,
);
const PAIR: Shape = Shape::Object(&[
    Key::required("source", Shape::Text(&PROBE), "The probe that measures."),
    Key::required("target", Shape::Text(&PROBE), "The probe that is measured."),
]);
const TEST_SPEC: Shape = Shape::Object(&[
    Key::required(
        "name",
        Shape::Text(&TEST),
        "Name of the test; icmp is the default one.",
    ),
    Key::optional(
        "kind",
        Shape::Word(&TestSpec::KINDS),
        "What is done; icmp without the key.",
    ),
    Key::optional(
        "groups",
        Shape::List(&Shape::Text(&LABEL), Selection::MAX_GROUPS),
        "Within each of these groups every member measures every other; everyone everyone without groups and pairs.",
    ),
    Key::optional(
        "include",
        PARTNERS,
        "Group, probe, its only partners in this group: of a pair with such a probe, one side has to list the other.",
    ),
    Key::optional(
        "exclude",
        PARTNERS,
        "Group, probe, partners with whom it is not measured in this group, in neither direction.",
    ),
    Key::optional(
        "pairs",
        Shape::List(&PAIR, Selection::MAX_PAIRS),
        "Exactly these pairs, each in one direction; instead of groups.",
    ),
    Key::optional(
        "family",
        Shape::OneOf(&[4, 6]),
        "The only family; both without the key.",
    ),
    Key::optional(
        "period",
        Shape::Text(&PERIOD),
        "How often: a multiple of the plan's period, which holds without the key.",
    ),
    Key::optional(
        "windows",
        Shape::List(&Shape::Text(&WINDOW), TestSpec::MAX_WINDOWS),
        "When it is done: in any of these windows; always without the key.",
    ),
    Key::optional("profile", Shape::Text(&LABEL), "Whose packets it imitates."),
    Key::optional(
        "params",
        PARAMS,
        "How its packets look and leave, if not as the configuration says.",
    ),
    Key::optional("limits", LIMITS, "What this test alone may cost."),
]);
const SCOPE: Shape = Shape::Object(&[
    Key::optional(
        "probe",
        Shape::Text(&PROBE),
        "Pairs with this probe, as source or as target.",
    ),
    Key::optional("source", Shape::Text(&PROBE), "Pairs that this probe measures."),
    Key::optional(
        "target",
        Shape::Text(&PROBE),
        "Pairs in which this probe is measured.",
    ),
    Key::optional(
        "site",
        Shape::Text(&WORDS),
        "Pairs with a probe at this site, as source or as target.",
    ),
    Key::optional("test", Shape::Text(&TEST), "Results of this test."),
]);
const MAINTENANCE: Shape = Shape::Object(&[
    Key::required(
        "id",
        Shape::Text(&LABEL),
        "What its versions have in common, such as a ticket.",
    ),
    Key::required("from", Shape::Text(&TIME), "First instant of the work."),
    Key::required("to", Shape::Text(&TIME), "First instant after it."),
    Key::required(
        "scope",
        SCOPE,
        "What it touches: all conditions have to hold, {} is everything.",
    ),
    Key::optional(
        "reason",
        Shape::Text(&Text {
            most: MaintenanceSpec::MAX_REASON_BYTES,
            ..WORDS
        }),
        "Words for people.",
    ),
]);

/// The whole file.
pub(super) const FILE: Shape = Shape::Object(&[
    Key::optional(
        "measure",
        Shape::Truth,
        "Whether anything is measured at all; true without the key.",
    ),
    Key::optional("limits", LIMITS, "What all tests together may cost."),
    Key::optional(
        "profiles",
        Shape::Map(&LABEL, &PROFILE, Schedule::MAX_PROFILES),
        "Packets like those of a service: two of pps, size_bytes and bandwidth give the third. voip-g711, video and bulk are built in.",
    ),
    Key::optional(
        "tests",
        Shape::List(&TEST_SPEC, Schedule::MAX_TESTS),
        "What is measured; without the key the test icmp of everyone with everyone.",
    ),
    Key::optional(
        "maintenance",
        Shape::List(&MAINTENANCE, Schedule::MAX_MAINTENANCE),
        "Announced work, what is past included: an entry that is taken away is taken back.",
    ),
    Key::optional(
        "$schema",
        Shape::Text(&SCHEMA),
        "Where editors find the schema of this file.",
    ),
]);

// A plan of one probe bounds what a list of pairs can ask for.
const _: () = assert!(Selection::MAX_PAIRS >= Plan::MAX_RESULTS);
