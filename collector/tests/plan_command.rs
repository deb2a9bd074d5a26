#![cfg(test)]
//! `collector plan`: the meshes of the operator's guide cost what it says, and a change shows what it does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const GUIDE: &str = include_str!("../../docs/operations.md");

fn mesh(sites: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/mesh/{sites}-sites"))
}

fn plan(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_collector"))
        .env_clear()
        .args([
            "--config",
            folder.join("collector.toml").to_str().unwrap(),
            "plan",
        ])
        .args(args)
        .output()
        .unwrap()
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_meshes_of_the_guide_cost_what_it_says() {
    let section = GUIDE.split("### Laying out a mesh").nth(1).unwrap();
    let section = section.split("\n### ").next().unwrap();
    let blocks: Vec<&str> = section
        .split("```text\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert_eq!(blocks.len(), 3);
    for (sites, block) in ["3", "12", "40"].into_iter().zip(blocks) {
        let output = printed(&plan(&mesh(sites), &["check"]));
        for line in block.lines() {
            assert!(
                output.lines().any(|printed| printed == line),
                "{sites} sites: {line:?} is not in\n{output}"
            );
        }
    }
}

#[test]
fn a_call_to_all_forty_sites_is_refused_with_the_sum_and_the_culprit() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["collector.toml", "probes.json"] {
        fs::copy(mesh("40").join(file), folder.path().join(file)).unwrap();
    }
    let schedule = fs::read_to_string(mesh("40").join("schedule.json")).unwrap();
    let mut schedule: Value = serde_json::from_str(&schedule).unwrap();
    schedule["tests"][1]["groups"] = serde_json::json!(["exchange"]);
    let schedule = format!("{schedule:#}");
    fs::write(folder.path().join("schedule.json"), &schedule).unwrap();
    let output = plan(folder.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    // 39 · 2 of icmp, 39 · 50 of voice and 39 · 0.1 of the large packets: 2031.9 packets/s.
    assert!(
        text.contains(
            "would send 2031.9 packets/s, more than 2000 (plan.pps); test voice alone 1950 packets/s"
        ),
        "{text}"
    );
    assert!(
        text.contains("limits.site.pps: the probes at site S01 would send 2031.9 packets/s, more than 700"),
        "{text}"
    );
    let line = schedule
        .lines()
        .position(|line| line.contains("\"pps\": 700"))
        .unwrap()
        + 1;
    assert!(text.contains(&format!("line {line}: limits.site.pps")), "{text}");
}

#[test]
fn a_plan_is_shown_for_a_time_with_its_next_windows() {
    let output = printed(&plan(
        &mesh("12"),
        &["show", "--probe", "ams1", "--at", "2026-11-21T12:00:00Z"],
    ));
    // A Saturday: the call opens on Monday at eight in Rome.
    for part in [
        "33 results; slot of 2026-11-21T12:00:00.000000000Z",
        "closed",
        "mon-fri 08:00-18:00 Europe/Rome",
        "2026-11-23T07:00 to 2026-11-23T17:00 UTC",
        "198.51.100",
    ] {
        assert_eq!(
            output.contains(part),
            part != "198.51.100",
            "{part:?} in\n{output}"
        );
    }
    let json = printed(&plan(
        &mesh("12"),
        &["show", "--at", "2026-11-23T08:00:00Z", "--json"],
    ));
    let json: Value = serde_json::from_str(&json).unwrap();
    let plans = json["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 14);
    let ams1 = plans.iter().find(|plan| plan["probe"] == "ams1").unwrap();
    assert_eq!(ams1["tests"][1]["state"], "due");
    let unknown = plan(&mesh("12"), &["show", "--probe", "nobody"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_change_shows_what_it_adds_and_removes() {
    let folder = tempfile::tempdir().unwrap();
    let roster = fs::read_to_string(mesh("3").join("probes.json")).unwrap();
    fs::write(folder.path().join("probes.json"), roster).unwrap();
    let only = r#"{"tests":[{"name":"icmp","family":4,"pairs":[{"source":"ams1","target":"lon1"}]}]}"#;
    fs::write(folder.path().join("schedule.json"), only).unwrap();
    let (old, new) = (mesh("3"), folder.path().to_str().unwrap().to_owned());
    let old = old.to_str().unwrap();
    let output = printed(&plan(&mesh("3"), &["diff", old, &new]));
    assert!(
        output.starts_with("0 results added, 11 removed, 0 changed of 12 before and 1 after\n"),
        "{output}"
    );
    let back = printed(&plan(&mesh("3"), &["diff", &new, old, "--json"]));
    let back: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(back["added"].as_array().unwrap().len(), 11);
    assert_eq!(back["after"]["results"], 12);
    let same = printed(&plan(&mesh("3"), &["diff", old, old]));
    assert!(same.starts_with("0 results added, 0 removed, 0 changed of 12 before and 12 after\n"));
}
