//! `plan diff`: what a change of roster and schedule adds and removes.

use std::collections::BTreeMap;
use std::io::Write;

use ippm::{Family, ProbeName, TestName, codec};
use serde_json::{Value, json};

use super::{Form, table, write_json, write_table};
use crate::cli::Failure;
use crate::plan::Plans;
use crate::plan::cost::Load;
use crate::plan::fault::bandwidth;

/// A result: test, source, target, family.
type Key = (TestName, ProbeName, ProbeName, Family);

/// Prints the results that come, go and change, and the cost before and after.
pub(super) fn diff(old: &Plans, new: &Plans, form: Form, out: &mut dyn Write) -> Result<(), Failure> {
    let (earlier, later) = (results(old), results(new));
    let mut differences = Vec::new();
    for (key, how) in &later {
        match earlier.get(key) {
            None => differences.push(("+", key, how.clone())),
            Some(known) if known != how => differences.push(("~", key, format!("{known} -> {how}"))),
            Some(_) => {}
        }
    }
    let gone = earlier.iter().filter(|(key, _)| !later.contains_key(*key));
    differences.extend(gone.map(|(key, how)| ("-", key, how.clone())));
    differences.sort();
    let count = |mark: &str| differences.iter().filter(|(of, ..)| *of == mark).count();
    let (added, removed, changed) = (count("+"), count("-"), count("~"));
    if form.json {
        let of = |mark: &str| -> Vec<Value> {
            let these = differences.iter().filter(|(of, ..)| *of == mark);
            these.map(|(_, key, how)| item(key, how)).collect()
        };
        return write_json(
            out,
            &json!({"added": of("+"), "removed": of("-"), "changed": of("~"),
                "before": load(&old.cost().total.all), "after": load(&new.cost().total.all)}),
        );
    }
    writeln!(
        out,
        "{added} results added, {removed} removed, {changed} changed of {} before and {} after\n",
        earlier.len(),
        later.len()
    )
    .map_err(Failure::io("stdout"))?;
    if !differences.is_empty() {
        let mut list = table(["", "TEST", "SOURCE", "TARGET", "FAMILY", "HOW"], 6);
        for (mark, (test, source, target, family), how) in &differences {
            list.add_row([
                (*mark).to_owned(),
                test.to_string(),
                source.to_string(),
                target.to_string(),
                family.to_string(),
                how.clone(),
            ]);
        }
        write_table(out, "results", &list)?;
    }
    write_table(out, "cost", &cost(old, new))
}

/// Every result, and how it is measured.
fn results(plans: &Plans) -> BTreeMap<Key, String> {
    let mut results = BTreeMap::new();
    for (source, plan) in plans.iter() {
        for test in &plan.tests {
            let windows = if test.windows.is_empty() {
                String::new()
            } else {
                format!(" {}", test.windows.join("; "))
            };
            let common = format!(
                "every {} {}{windows}",
                codec::duration::encode(test.period),
                codec::params::encode(&test.params)
            );
            for target in &test.targets {
                let key = (
                    test.name.clone(),
                    source.clone(),
                    target.name.clone(),
                    target.family,
                );
                results.insert(key, format!("{} {common}", target.address));
            }
        }
    }
    results
}

fn cost(old: &Plans, new: &Plans) -> comfy_table::Table {
    let mut table = table(["", "PROBES", "PAIRS", "RESULTS", "PACKETS/S", "BANDWIDTH"], 1);
    for (name, plans) in [("before", old), ("after", new)] {
        let all = plans.cost().total.all;
        table.add_row([
            name.to_owned(),
            plans.roster().probes().len().to_string(),
            plans.cost().pairs.to_string(),
            all.results.to_string(),
            all.pps(),
            bandwidth(all.bits),
        ]);
    }
    table
}

fn item((test, source, target, family): &Key, how: &str) -> Value {
    json!({
        "test": test.as_str(), "source": source.as_str(), "target": target.as_str(),
        "family": family.number(), "how": how,
    })
}

fn load(load: &Load) -> Value {
    json!({
        "results": load.results, "packets_per_round": load.packets,
        "micropackets_per_second": load.micro_pps, "bits_per_second": load.bits,
    })
}
