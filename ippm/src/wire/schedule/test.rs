//! One test of `schedule.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

use super::{limits, parsed, whole};
use crate::schedule::TestSpec;
use crate::schedule::profile::Profile;
use crate::schedule::selection::{GroupRule, Pair, Selection};
use crate::wire::file::place::Path;
use crate::wire::file::shape::Found;
use crate::wire::file::text;
use crate::{Family, Label, Params, ProbeName};

/// The test in `item`, whose shape was checked, and in `found` what contradicts itself.
pub(super) fn read(
    item: &Value,
    path: &Path<'_>,
    profiles: &BTreeMap<Label, Profile>,
    found: &mut Found,
) -> Option<TestSpec> {
    let profile: Option<Label> = parsed(item, "profile");
    let params = params(item.get("params"));
    check_profile(profile.as_ref(), &params, profiles, path, found);
    Some(TestSpec {
        name: parsed(item, "name")?,
        kind: parsed(item, "kind").unwrap_or_else(TestSpec::icmp),
        selection: selection(item, path, found),
        family: whole(item, "family").and_then(Family::from_number),
        period: duration(Some(item), "period"),
        windows: texts(item.get("windows")),
        profile,
        params,
        limits: limits(item),
    })
}

fn params(item: Option<&Value>) -> Params {
    let number = |key| item.and_then(|item| whole(item, key));
    Params {
        count: number("count"),
        spread: duration(item, "spread"),
        timeout: duration(item, "timeout"),
        payload_bytes: number("payload_bytes"),
        dscp: number("dscp"),
        dont_fragment: item.and_then(|item| item.get("dont_fragment")?.as_bool()),
    }
}

fn check_profile(
    profile: Option<&Label>,
    params: &Params,
    profiles: &BTreeMap<Label, Profile>,
    path: &Path<'_>,
    found: &mut Found,
) {
    let Some(profile) = profile else { return };
    if !profiles.contains_key(profile) {
        let known: Vec<&str> = profiles.keys().map(Label::as_str).collect();
        found.add(
            Path::Key(path, "profile"),
            format_args!("there is no profile {profile}; known are {}", known.join(", ")),
        );
    }
    let own = Path::Key(path, "params");
    for (key, is_given) in [
        ("count", params.count.is_some()),
        ("payload_bytes", params.payload_bytes.is_some()),
    ] {
        if is_given {
            found.add(
                Path::Key(&own, key),
                format_args!("follows from the profile {profile}"),
            );
        }
    }
}

fn selection(item: &Value, path: &Path<'_>, found: &mut Found) -> Selection {
    let groups: Vec<Label> = texts(item.get("groups"));
    let (is_grouped, is_paired) = (item.get("groups").is_some(), item.get("pairs").is_some());
    if is_grouped && is_paired {
        found.add(
            Path::Key(path, "pairs"),
            "stands beside groups: a test has one or the other",
        );
    }
    let mut seen = BTreeSet::new();
    for (index, group) in groups.iter().enumerate() {
        if !seen.insert(group) {
            let list = Path::Key(path, "groups");
            found.add(Path::Item(&list, index), "stands here twice");
        }
    }
    for key in ["include", "exclude"] {
        let rules = Path::Key(path, key);
        for group in item
            .get(key)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(group, _)| group)
        {
            if !groups.iter().any(|known| known.as_str() == group) {
                found.add(Path::Key(&rules, group), "is none of the groups of this test");
            }
        }
    }
    if is_paired {
        Selection::Pairs(pairs(item, path, found))
    } else if is_grouped {
        let rule = |group: &Label| rule(group, item, path, found);
        Selection::Groups(groups.iter().map(rule).collect())
    } else {
        Selection::Everyone
    }
}

fn pairs(item: &Value, path: &Path<'_>, found: &mut Found) -> Vec<Pair> {
    let list = Path::Key(path, "pairs");
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    for (index, item) in item
        .get("pairs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        let (Some(source), Some(target)) = (parsed(item, "source"), parsed(item, "target")) else {
            continue;
        };
        let pair = Pair { source, target };
        if pair.source == pair.target {
            found.add(Path::Item(&list, index), "a probe does not measure itself");
        }
        if !seen.insert(pair.clone()) {
            found.add(Path::Item(&list, index), "stands here twice");
        }
        pairs.push(pair);
    }
    pairs
}

fn rule(group: &Label, item: &Value, path: &Path<'_>, found: &mut Found) -> GroupRule {
    let (include, exclude) = (
        partners(group, "include", item, path, found),
        partners(group, "exclude", item, path, found),
    );
    let lists =
        |one: &ProbeName, other: &ProbeName| include.get(one).is_some_and(|list| list.contains(other));
    for (probe, partners) in &exclude {
        for partner in partners {
            if lists(probe, partner) || lists(partner, probe) {
                let rules = Path::Key(path, "exclude");
                let of_group = Path::Key(&rules, group.as_str());
                found.add(
                    Path::Key(&of_group, probe.as_str()),
                    format_args!("{partner} is included and excluded in one group"),
                );
            }
        }
    }
    GroupRule {
        group: group.clone(),
        include,
        exclude,
    }
}

fn partners(
    group: &Label,
    key: &str,
    item: &Value,
    path: &Path<'_>,
    found: &mut Found,
) -> BTreeMap<ProbeName, BTreeSet<ProbeName>> {
    let rules = Path::Key(path, key);
    let of_group = Path::Key(&rules, group.as_str());
    let mut all = BTreeMap::new();
    let of = item
        .get(key)
        .and_then(|rules| rules.get(group.as_str())?.as_object());
    for (probe, partners) in of.into_iter().flatten() {
        let list = Path::Key(&of_group, probe);
        let mut seen = BTreeSet::new();
        for (index, partner) in texts::<ProbeName>(Some(partners)).into_iter().enumerate() {
            if partner.as_str() == probe {
                found.add(Path::Item(&list, index), "a probe is no partner of itself");
            }
            if !seen.insert(partner) {
                found.add(Path::Item(&list, index), "stands here twice");
            }
        }
        all.extend(probe.parse().ok().map(|probe: ProbeName| (probe, seen)));
    }
    all
}

fn duration(item: Option<&Value>, key: &str) -> Option<Duration> {
    text::duration(item?.get(key)?.as_str()?).ok()
}

/// The items of a list of texts; each was checked.
fn texts<T: FromStr>(list: Option<&Value>) -> Vec<T> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str()?.parse().ok()).collect()
}
