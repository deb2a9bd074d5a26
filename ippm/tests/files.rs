#![cfg(test)]
//! Roster and schedule as people write them: the schemas that are shipped, and every example that is shown.

use std::path::{Path, PathBuf};
use std::{env, fs};

use ippm::wire::{roster, schedule};
use serde_json::Value;

/// Set to write the schemas anew instead of comparing them.
const WRITE: &str = "IXPQOS_WRITE_SCHEMA";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[track_caller]
fn check_schema(file: &str, schema: &str) {
    let path = root().join("docs/schema").join(file);
    if env::var_os(WRITE).is_some() {
        fs::write(&path, schema).unwrap();
    }
    assert!(
        text(&path) == schema,
        "docs/schema/{file} is not what the reader accepts; write it anew with {WRITE}=1 cargo test -p ippm --test files"
    );
}

#[test]
fn the_shipped_schemas_say_what_the_readers_accept() {
    check_schema("probes.schema.json", &roster::schema());
    check_schema("schedule.schema.json", &schedule::schema());
}

/// What a file is, by the keys that only it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Roster,
    Schedule,
}

fn kind(value: &Value) -> Option<Kind> {
    let object = value.as_object()?;
    let has = |key: &str| object.contains_key(key);
    if has("probes") && !has("source") {
        Some(Kind::Roster)
    } else if (has("tests") && !has("probe")) || has("maintenance") || has("profiles") || has("measure") {
        Some(Kind::Schedule)
    } else {
        None
    }
}

#[track_caller]
fn check_example(place: &str, kind: Kind, text: &str) {
    let read = match kind {
        Kind::Roster => roster::parse(text.as_bytes()).map(|_| ()),
        Kind::Schedule => schedule::parse(text.as_bytes()).map(|_| ()),
    };
    if let Err(error) = read {
        panic!("{place}: {error}");
    }
    let complaint = complaint(kind, &serde_json::from_str(text).unwrap());
    assert_eq!(complaint, None, "{place}");
}

/// What the schema of `kind` says against `value`.
fn complaint(kind: Kind, value: &Value) -> Option<String> {
    let schema = match kind {
        Kind::Roster => roster::schema(),
        Kind::Schedule => schedule::schema(),
    };
    // Only a name: the schema refers to nothing outside itself.
    let place = "http://schema.example/schema.json";
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler
        .add_resource(place, serde_json::from_str(&schema).unwrap())
        .unwrap();
    let index = compiler.compile(place, &mut schemas).unwrap();
    schemas
        .validate(value, index)
        .err()
        .map(|error| error.to_string())
}

#[test]
fn the_shipped_files_are_read_and_keep_to_their_schemas() {
    for (file, kind) in [("probes.json", Kind::Roster), ("schedule.json", Kind::Schedule)] {
        check_example(file, kind, &text(&root().join("deploy").join(file)));
    }
}

/// The JSON blocks of a Markdown file, each with the line on which it begins.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            None if line.trim() == "```json" => open = Some((index + 1, String::new())),
            None => {}
            Some(_) if line.trim() == "```" => blocks.extend(open.take()),
            Some((_, block)) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    blocks
}

/// Every Markdown file of the project.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|file| file.extension().is_some_and(|ext| ext == "md")));
    }
    pages
}

#[test]
fn every_roster_and_every_schedule_in_a_page_is_read() {
    let mut found = Vec::new();
    for page in pages() {
        for (line, block) in blocks(&text(&page)) {
            let place = format!("{}:{line}", page.display());
            let Ok(value) = serde_json::from_str::<Value>(&block) else {
                continue;
            };
            if let Some(kind) = kind(&value) {
                check_example(&place, kind, &block);
                found.push(kind);
            }
        }
    }
    for kind in [Kind::Roster, Kind::Schedule] {
        assert!(found.contains(&kind), "no page shows a {kind:?}");
    }
}

#[test]
fn the_schemas_refuse_what_the_readers_refuse_by_its_shape() {
    let probe =
        |keys: &str| format!(r#"{{"probes":[{{"name":"a","proto":4,"address":"192.0.2.1"{keys}}}]}}"#);
    let test = |keys: &str| format!(r#"{{"tests":[{{"name":"a"{keys}}}]}}"#);
    for (kind, text) in [
        (Kind::Roster, "[]".to_owned()),
        (Kind::Roster, "{}".to_owned()),
        (Kind::Roster, r#"{"probes":[{}]}"#.to_owned()),
        (Kind::Roster, probe(r#","sight":"x""#)),
        (Kind::Roster, probe(r#","role":"router""#)),
        (Kind::Roster, probe(r#","groups":["a b"]"#)),
        (Kind::Roster, probe(r#","groups":"a""#)),
        (Kind::Roster, probe(r#","enabled":1"#)),
        (Kind::Roster, probe(r#","capacity":"10G""#)),
        (Kind::Roster, probe(r#","site":"a\nb""#)),
        (Kind::Schedule, r#"{"schedule":[]}"#.to_owned()),
        (Kind::Schedule, test(r#","kind":"udp""#)),
        (Kind::Schedule, test(r#","period":"300""#)),
        (Kind::Schedule, test(r#","windows":["always"]"#)),
        (Kind::Schedule, test(r#","family":5"#)),
        (Kind::Schedule, test(r#","params":{"dscp":64}"#)),
        (Kind::Schedule, test(r#","include":{"g":["a"]}"#)),
        (
            Kind::Schedule,
            r#"{"maintenance":[{"id":"a","from":"today","to":"later","scope":{}}]}"#.to_owned(),
        ),
    ] {
        let is_read = match kind {
            Kind::Roster => roster::parse(text.as_bytes()).is_ok(),
            Kind::Schedule => schedule::parse(text.as_bytes()).is_ok(),
        };
        assert!(!is_read, "the reader takes {text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(complaint(kind, &value).is_some(), "the schema takes {text}");
    }
}
