//! `plan show`: whom probes measure, and when.

use std::io::Write;
use std::time::Duration;

use ippm::plan::{self, Plan};
use ippm::{UnixTime, codec, wire};
use serde_json::{Value, json};

use super::{ShowArgs, head, table, write_json, write_table};
use crate::cli::Failure;
use crate::plan::Plans;
use crate::plan::resolve::{Resolved, ResolvedTest};
use crate::plan::span::Span;

/// How far ahead windows are looked for: every window of days of the week or of the month opens in it.
const AHEAD: Duration = Duration::from_hours(32 * 24);
/// How many openings of a window are shown.
const OPENINGS: usize = 3;

/// Prints the plan of one probe, or one line for each.
pub(super) fn show(plans: &Plans, args: &ShowArgs, at: UnixTime, out: &mut dyn Write) -> Result<(), Failure> {
    match &args.probe {
        Some(name) => {
            let unknown = || Failure::fault("--probe", format_args!("the roster has no probe {name}"));
            let plan = plans.get(name).ok_or_else(unknown)?;
            let resolved = resolved(plan)?;
            if args.form.json {
                write_json(out, &document(name.as_str(), &resolved, at))
            } else {
                one(name.as_str(), &resolved, at, out)
            }
        }
        None if args.form.json => {
            let mut list = Vec::new();
            for (name, plan) in plans.iter() {
                list.push(document(name.as_str(), &resolved(plan)?, at));
            }
            write_json(out, &json!({"plans": list}))
        }
        None => {
            writeln!(out, "{}\n", head(plans)).map_err(Failure::io("stdout"))?;
            let mut table = table(
                ["PROBE", "TESTS", "VERSION", "EVERY", "RESULTS", "OPEN", "DUE"],
                3,
            );
            for (name, plan) in plans.iter() {
                let resolved = resolved(plan)?;
                let plan = resolved.plan();
                let slot = plan::slot_start(at, plan.period);
                let tests: Vec<&str> = plan.tests.iter().map(|test| test.name.as_str()).collect();
                let sum = |tests: &mut dyn Iterator<Item = &plan::Test>| -> String {
                    tests.map(|test| test.targets.len()).sum::<usize>().to_string()
                };
                table.add_row([
                    name.to_string(),
                    tests.join(" "),
                    plan.version(),
                    codec::duration::encode(plan.period),
                    plan.results().to_string(),
                    sum(&mut resolved.open(slot)),
                    sum(&mut resolved.due(slot)),
                ]);
            }
            let slot = wire::time::format(at);
            write_table(out, &format!("plans at {slot}"), &table)
        }
    }
}

fn resolved(plan: Plan) -> Result<Resolved, Failure> {
    Resolved::new(plan).map_err(|error| Failure::fault("schedule", error))
}

fn one(name: &str, resolved: &Resolved, at: UnixTime, out: &mut dyn Write) -> Result<(), Failure> {
    let plan = resolved.plan();
    let slot = plan::slot_start(at, plan.period);
    let kind = if plan.legacy { ", of the original" } else { "" };
    writeln!(
        out,
        "{name}{kind}: version {}, rounds every {}, {} results; slot of {}\n",
        plan.version(),
        codec::duration::encode(plan.period),
        plan.results(),
        wire::time::format(slot),
    )
    .map_err(Failure::io("stdout"))?;
    let mut tests = table(["TEST", "EVERY", "PARAMETERS", "NOW", "WINDOWS"], 5);
    for test in resolved.tests() {
        tests.add_row([
            test.test().name.to_string(),
            codec::duration::encode(test.test().period),
            codec::params::encode(&test.test().params),
            state(test, slot).to_owned(),
            if test.windows().is_always() {
                "always".to_owned()
            } else {
                format!(
                    "{}\n{}",
                    test.test().windows.join("\n"),
                    openings(test, at).join("\n")
                )
            },
        ]);
    }
    write_table(out, "tests", &tests)?;
    let mut targets = table(["TEST", "TARGET", "FAMILY", "ADDRESS"], 4);
    for test in &plan.tests {
        for target in &test.targets {
            targets.add_row([
                test.name.to_string(),
                target.name.to_string(),
                target.family.to_string(),
                target.address.clone(),
            ]);
        }
    }
    write_table(out, "targets", &targets)
}

fn state(test: ResolvedTest<'_>, slot: UnixTime) -> &'static str {
    if !test.windows().is_open(slot) {
        "closed"
    } else if plan::is_due(slot, test.test().period) {
        "due"
    } else {
        "open"
    }
}

/// The next times at which the test is open, in UTC, the one at hand included.
fn openings(test: ResolvedTest<'_>, at: UnixTime) -> Vec<String> {
    let open = test
        .windows()
        .open_within(Span::new(at, at.saturating_add(AHEAD)));
    let minute = |time: UnixTime| wire::time::format(time).chars().take(16).collect::<String>();
    open.as_slice()
        .iter()
        .take(OPENINGS)
        .map(|span| format!("{} to {} UTC", minute(span.from()), minute(span.to())))
        .collect()
}

fn document(name: &str, resolved: &Resolved, at: UnixTime) -> Value {
    let plan = resolved.plan();
    let slot = plan::slot_start(at, plan.period);
    let ns = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let tests: Vec<Value> = resolved
        .tests()
        .map(|test| {
            let of_plan = test.test();
            let targets: Vec<Value> = of_plan
                .targets
                .iter()
                .map(|target| {
                    json!({
                        "target": target.name.as_str(),
                        "family": target.family.number(),
                        "address": target.address,
                    })
                })
                .collect();
            json!({
                "test": of_plan.name.as_str(),
                "period_ns": ns(of_plan.period),
                "params": codec::params::encode(&of_plan.params),
                "windows": of_plan.windows,
                "state": state(test, slot),
                "openings": if test.windows().is_always() { Vec::new() } else { openings(test, at) },
                "targets": targets,
            })
        })
        .collect();
    json!({
        "probe": name,
        "version": plan.version(),
        "legacy": plan.legacy,
        "period_ns": ns(plan.period),
        "slot": wire::time::format(slot),
        "tests": tests,
    })
}
