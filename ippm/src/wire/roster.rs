//! `probes.json`: the roster as people write it, and as probes of the original read it.
//!
//! # Layout
//!
//! * [`parse`], [`schema`]: the file
//! * [`legacy`]: the answer to probes of the original

pub mod legacy;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::roster::address::Address;
use crate::roster::probe::{Details, Override, Role};
use crate::roster::{Entry, Roster, RosterFault};
use crate::wire::file::place::{Path, Places};
use crate::wire::file::shape::{Found, Key, Shape};
use crate::wire::file::{self, FileError, schema, text};
use crate::{Family, Label, ProbeName};

const ENTRY: Shape = Shape::Object(&[
    Key::required("name", Shape::Text(&text::PROBE), "Name of the probe."),
    Key::required("proto", Shape::OneOf(&[4, 6]), "Family of the address."),
    Key::required("address", Shape::Text(&text::ADDRESS), "Where it answers."),
    Key::optional(
        "address4",
        Shape::Text(&text::ADDRESS),
        "Where it answers over IPv4, beside an address with proto 6.",
    ),
    Key::optional(
        "address6",
        Shape::Text(&text::ADDRESS),
        "Where it answers over IPv6, beside an address with proto 4.",
    ),
    Key::optional("site", Shape::Text(&text::WORDS), "The site at which it stands."),
    Key::optional("description", Shape::Text(&text::WORDS), "Words for people."),
    Key::optional(
        "groups",
        Shape::List(&Shape::Text(&text::LABEL), Details::MAX_GROUPS),
        "The groups of the mesh to which it belongs.",
    ),
    Key::optional(
        "role",
        Shape::Word(&[
            Role::ALL[0].as_str(),
            Role::ALL[1].as_str(),
            Role::ALL[2].as_str(),
        ]),
        "both: it measures and is measured. source: nobody targets it (address translation). target: it runs no probe (a router).",
    ),
    Key::optional(
        "enabled",
        Shape::Truth,
        "Whether it takes part at all; true without the key.",
    ),
    Key::optional(
        "alias",
        Shape::List(&Shape::Text(&text::PROBE), Details::MAX_ALIASES),
        "Its former names, under which older results lie.",
    ),
    Key::optional(
        "override",
        Shape::Map(
            &text::PROBE,
            &Shape::OneOrList(&Shape::Text(&text::ADDRESS), 2),
            Details::MAX_OVERRIDES,
        ),
        "Where this probe reaches others, by their names, if not where they answer to everyone else.",
    ),
    Key::optional(
        "capacity",
        Shape::Text(&text::BANDWIDTH),
        "What its link to the exchange carries.",
    ),
    Key::optional(
        "sla",
        Shape::Truth,
        "Whether it counts for SLA statements and fault verdicts; without the key as its role says.",
    ),
    Key::optional(
        "legacy",
        Shape::Truth,
        "Whether the host runs the original probe.",
    ),
]);

const FILE: Shape = Shape::Object(&[
    Key::required(
        "probes",
        Shape::List(&ENTRY, Roster::MAX_ENTRIES),
        "Every probe of the exchange.",
    ),
    Key::optional(
        "$schema",
        Shape::Text(&text::SCHEMA),
        "Where editors find the schema of this file.",
    ),
]);

/// The JSON Schema of the roster, made from what [`parse`] reads.
#[must_use]
pub fn schema() -> String {
    schema::document("Roster of IXPQoS (probes.json)", &FILE)
}

/// Reads `probes.json`: `{"probes": [{"name", "proto", "address"}]}`, each entry with the optional keys of
/// [`schema`]. The file of the original IXPQoS is valid as it is.
///
/// Two entries of one name are one probe with two addresses; what belongs to the probe may stand in either, and
/// not differ between them.
///
/// # Errors
///
/// [`FileError`]; first every value that is wrong by itself, all at once; of a file without such, everything that
/// contradicts itself.
pub fn parse(text: &[u8]) -> Result<Roster, FileError> {
    let (value, mut found) = file::read(text, &FILE)?;
    let mut reader = Reader::default();
    for (index, item) in list(&value, "probes").iter().enumerate() {
        reader.entry(index, item, &mut found);
    }
    if !found.is_empty() {
        return Err(FileError::found(text, found));
    }
    let Reader {
        entries,
        origins,
        stated,
    } = reader;
    let details = stated
        .iter()
        .map(|(name, stated)| (name.clone(), stated.details.clone()))
        .collect();
    Roster::with(entries, details).map_err(|faults| {
        let mut found = Found::default();
        for fault in faults {
            found.add(place(&fault, &origins, &stated), &fault);
        }
        FileError::found(text, found)
    })
}

/// The line in `text`, a roster, on which a key of a probe stands that is called by its name:
/// `probes.ams1.capacity`. Of any other path the line that [`Places`] knows.
#[must_use]
pub fn line(text: &[u8], path: &str) -> usize {
    let places = Places::of(text);
    let value: Value = serde_json::from_slice(text).unwrap_or_default();
    let named = path.strip_prefix("probes.").unwrap_or_default();
    let mut line = None;
    for (index, item) in list(&value, "probes").iter().enumerate() {
        let key = string(item, "name").and_then(|name| named.strip_prefix(&name)?.strip_prefix('.'));
        if let Some(key) = key
            && (line.is_none() || item.get(key).is_some())
        {
            line = Some(places.line(&format!("probes[{index}].{key}")));
        }
    }
    line.unwrap_or_else(|| places.line(path))
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    /// Of each entry its key in the file.
    origins: Vec<String>,
    stated: BTreeMap<ProbeName, Stated>,
}

/// The details of one probe, and which item of the file stated each key.
struct Stated {
    details: Details,
    origins: BTreeMap<&'static str, (usize, Value)>,
}

impl Reader {
    fn entry(&mut self, index: usize, item: &Value, found: &mut Found) {
        let list = Path::Key(&Path::Top, "probes");
        let path = &Path::Item(&list, index);
        let family = item
            .get("proto")
            .and_then(Value::as_u64)
            .and_then(Family::from_number);
        let (Some(name), Some(family)) = (parsed::<ProbeName>(item, "name"), family) else {
            return;
        };
        self.addresses(&name, family, item, path, found);
        let stated = self.stated.entry(name).or_insert_with(|| Stated {
            details: Details::NONE,
            origins: BTreeMap::new(),
        });
        for key in [
            "site", "groups", "role", "enabled", "alias", "override", "capacity", "sla",
        ] {
            let Some(value) = item.get(key) else { continue };
            match stated.origins.get(key) {
                Some((_, earlier)) if earlier == value => {}
                Some((earlier, _)) => found.add(
                    Path::Key(path, key),
                    format_args!("differs from probes[{earlier}].{key}, which is the same probe"),
                ),
                None => {
                    stated.origins.insert(key, (index, value.clone()));
                    take(&mut stated.details, key, value, &Path::Key(path, key), found);
                }
            }
        }
    }

    fn addresses(
        &mut self,
        name: &ProbeName,
        family: Family,
        item: &Value,
        path: &Path<'_>,
        found: &mut Found,
    ) {
        let (other, other_key, wrong_key) = match family {
            Family::V4 => (Family::V6, "address6", "address4"),
            Family::V6 => (Family::V4, "address4", "address6"),
        };
        if item.get(wrong_key).is_some() {
            found.add(
                Path::Key(path, wrong_key),
                format_args!("with proto {family} the address of this family is the key address"),
            );
        }
        for (key, family) in [("address", family), (other_key, other)] {
            let Some(address) = parsed::<Address>(item, key) else {
                continue;
            };
            if !address.fits(family) {
                found.add(
                    Path::Key(path, key),
                    format_args!("{address} is not an address of proto {family}"),
                );
            }
            self.entries.push(Entry {
                name: name.clone(),
                family,
                address,
                site: string(item, "site"),
                description: string(item, "description"),
                legacy: item.get("legacy") == Some(&Value::Bool(true)),
            });
            self.origins.push(if key == "address" {
                path.to_string()
            } else {
                Path::Key(path, key).to_string()
            });
        }
    }
}

/// Puts the value of `key` into `details`.
fn take(details: &mut Details, key: &str, value: &Value, path: &Path<'_>, found: &mut Found) {
    match key {
        "site" => details.site = value.as_str().map(str::to_owned),
        "groups" => details.groups = distinct::<Label>(value, path, found),
        "alias" => details.aliases = distinct::<ProbeName>(value, path, found),
        "role" => {
            let role = Role::ALL
                .into_iter()
                .find(|role| value.as_str() == Some(role.as_str()));
            details.role = role.unwrap_or(details.role);
        }
        "enabled" => details.enabled = value.as_bool().unwrap_or(true),
        "sla" => details.sla = value.as_bool(),
        "capacity" => details.capacity = value.as_str().and_then(|text| text.parse().ok()),
        "override" => details.overrides = overrides(value, path, found),
        _ => {}
    }
}

/// The items of a list of texts; each may stand there once.
fn distinct<T: std::str::FromStr + PartialEq>(value: &Value, path: &Path<'_>, found: &mut Found) -> Vec<T> {
    let mut items = Vec::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let Some(item) = item.as_str().and_then(|text| text.parse().ok()) else {
            continue;
        };
        if items.contains(&item) {
            found.add(Path::Item(path, index), "stands here twice");
        } else {
            items.push(item);
        }
    }
    items
}

fn overrides(value: &Value, path: &Path<'_>, found: &mut Found) -> Vec<Override> {
    let mut ways = Vec::new();
    for (target, value) in value.as_object().into_iter().flatten() {
        let Ok(name) = target.parse::<ProbeName>() else {
            continue;
        };
        let texts = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        let addresses = texts
            .iter()
            .filter_map(|text| text.as_str()?.parse::<Address>().ok());
        let addresses: Vec<Address> = addresses.collect();
        if let [one, other] = addresses.as_slice()
            && [Family::V4, Family::V6]
                .into_iter()
                .any(|family| one.fits(family) && other.fits(family))
        {
            found.add(Path::Key(path, target), "two addresses for one family");
        }
        if texts.is_empty() {
            found.add(
                Path::Key(path, target),
                "expected an address, or one of each family",
            );
        }
        ways.extend(addresses.into_iter().map(|address| Override {
            target: name.clone(),
            address,
        }));
    }
    ways
}

/// The key to which a contradiction belongs.
fn place(fault: &RosterFault, origins: &[String], stated: &BTreeMap<ProbeName, Stated>) -> String {
    let list = Path::Key(&Path::Top, "probes");
    let key = |probe: &ProbeName, key: &str, below: &dyn Fn(&Path<'_>, &Value) -> String| {
        let (index, value) = stated.get(probe)?.origins.get(key)?;
        Some(below(&Path::Key(&Path::Item(&list, *index), key), value))
    };
    let place = match fault {
        RosterFault::Repeated { entry } => origins.get(*entry).cloned(),
        RosterFault::AliasIsProbe { probe, alias } | RosterFault::AliasTwice { probe, alias, .. } => {
            key(probe, "alias", &|path, value| {
                let mut items = value.as_array().into_iter().flatten();
                let index = items.position(|item| item.as_str() == Some(alias.as_str()));
                Path::Item(path, index.unwrap_or(0)).to_string()
            })
        }
        RosterFault::OverrideTarget { probe, target } | RosterFault::OverrideFamily { probe, target, .. } => {
            key(probe, "override", &|path, _| {
                Path::Key(path, target.as_str()).to_string()
            })
        }
    };
    place.unwrap_or_else(|| list.to_string())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn string(item: &Value, key: &str) -> Option<String> {
    item.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn parsed<T: std::str::FromStr>(item: &Value, key: &str) -> Option<T> {
    item.get(key)
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests;
