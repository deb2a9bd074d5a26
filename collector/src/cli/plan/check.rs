//! `plan check`: what the plans cost.

use std::io::Write;

use ippm::codec;
use serde_json::{Value, json};

use super::{Form, head, table, write_json, write_table};
use crate::cli::Failure;
use crate::plan::Plans;
use crate::plan::cost::{Load, ProbeCost};
use crate::plan::fault::bandwidth;

/// How many times as many probes the growth of a mesh is shown for.
const TIMES: [u64; 3] = [1, 2, 4];

/// Prints the cost of each test, probe and site, and what a full mesh of more probes would cost.
pub(super) fn check(plans: &Plans, form: Form, out: &mut dyn Write) -> Result<(), Failure> {
    if form.json {
        return write_json(out, &document(plans));
    }
    writeln!(out, "{}\n", head(plans)).map_err(Failure::io("stdout"))?;
    write_table(out, "tests, all probes together", &tests(plans))?;
    write_table(out, "probes, in the busiest round", &probes(plans))?;
    if !plans.cost().sites.is_empty() {
        write_table(out, "sites", &sites(plans))?;
    }
    write_table(
        out,
        "a full mesh of more probes with the same tests",
        &growth(plans),
    )?;
    writeln!(
        out,
        "Bandwidth is that of Ethernet frames in one direction; every echo is answered by a reply of the same length.\n\
         A link carries each way what its probe sends and what it answers."
    )
    .map_err(Failure::io("stdout"))
}

fn tests(plans: &Plans) -> comfy_table::Table {
    let mut table = table(
        [
            "TEST",
            "WINDOWS",
            "EVERY",
            "SPREAD",
            "PACKETS",
            "RESULTS",
            "PACKETS/S",
            "BANDWIDTH",
        ],
        2,
    );
    let total = &plans.cost().total;
    for (test, load) in plans.schedule().tests.iter().zip(&total.by_test) {
        let params = plans.schedule().params(test, plans.defaults().params);
        let windows: Vec<String> = test.windows.iter().map(ToString::to_string).collect();
        let period = test.period.unwrap_or(plans.defaults().period);
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            test.name.to_string(),
            if windows.is_empty() {
                "always".to_owned()
            } else {
                windows.join("; ")
            },
            codec::duration::encode(period),
            or_dash(params.spread.map(codec::duration::encode)),
            or_dash(params.count.map(|count| count.to_string())),
            load.results.to_string(),
            load.pps(),
            bandwidth(load.bits),
        ]);
    }
    let all = total.all;
    let mut row = ["all".to_owned()].to_vec();
    row.extend([(); 4].map(|()| String::new()));
    row.extend([all.results.to_string(), all.pps(), bandwidth(all.bits)]);
    table.add_row(row);
    table
}

fn probes(plans: &Plans) -> comfy_table::Table {
    let mut table = table(
        [
            "PROBE",
            "SITE",
            "RESULTS",
            "PACKETS",
            "SENDS/S",
            "SENDS",
            "ANSWERS/S",
            "LINK EACH WAY",
        ],
        2,
    );
    for (cost, probe) in plans.cost().probes.iter().zip(plans.roster().probes()) {
        let (sends, answers) = (cost.sends.all, cost.answers.all);
        table.add_row([
            cost.probe.to_string(),
            probe.details.site.clone().unwrap_or_default(),
            sends.results.to_string(),
            sends.packets.to_string(),
            sends.pps(),
            bandwidth(sends.bits),
            answers.pps(),
            bandwidth(link(cost)),
        ]);
    }
    table
}

fn sites(plans: &Plans) -> comfy_table::Table {
    let mut table = table(["SITE", "RESULTS", "SENDS/S", "SENDS"], 1);
    for (site, sum) in &plans.cost().sites {
        table.add_row([
            site.clone(),
            sum.all.results.to_string(),
            sum.all.pps(),
            bandwidth(sum.all.bits),
        ]);
    }
    table
}

fn growth(plans: &Plans) -> comfy_table::Table {
    let mut table = table(
        [
            "PROBES",
            "PAIRS",
            "PACKETS/S",
            "BANDWIDTH",
            "PROBE SENDS/S",
            "LINK EACH WAY",
        ],
        0,
    );
    for row in grown(plans) {
        table.add_row([
            row.probes.to_string(),
            row.pairs.to_string(),
            row.all.pps(),
            bandwidth(row.all.bits),
            row.probe.pps(),
            bandwidth(row.probe.bits.saturating_mul(2)),
        ]);
    }
    table
}

/// A full mesh of so many probes.
struct Grown {
    probes: u64,
    pairs: u64,
    all: Load,
    probe: Load,
}

/// N·(N−1) pairs of the mean cost of a pair.
fn grown(plans: &Plans) -> Vec<Grown> {
    let cost = plans.cost();
    let now = cost.probes.iter().filter(|probe| link(probe) > 0).count() as u64;
    let mean = |sum: u64, times: u64| {
        let product = u128::from(sum) * u128::from(times) / u128::from(cost.pairs.max(1));
        u64::try_from(product).unwrap_or(u64::MAX)
    };
    let load = |times: u64| Load {
        results: mean(cost.total.all.results, times),
        packets: mean(cost.total.all.packets, times),
        micro_pps: mean(cost.total.all.micro_pps, times),
        bits: mean(cost.total.all.bits, times),
    };
    let mut sizes = vec![now + 1];
    sizes.extend(TIMES.map(|times| now * times));
    sizes.sort_unstable();
    let sizes = sizes.into_iter().filter(|probes| 1 < *probes && 0 < cost.pairs);
    sizes
        .map(|probes| Grown {
            probes,
            pairs: probes * (probes - 1),
            all: load(probes * (probes - 1)),
            probe: load(probes - 1),
        })
        .collect()
}

fn link(cost: &ProbeCost) -> u64 {
    cost.sends.all.bits.saturating_add(cost.answers.all.bits)
}

fn document(plans: &Plans) -> Value {
    let cost = plans.cost();
    let tests = plans.schedule().tests.iter().zip(&cost.total.by_test);
    let probes = cost.probes.iter().zip(plans.roster().probes());
    json!({
        "period_ns": u64::try_from(plans.defaults().period.as_nanos()).unwrap_or(u64::MAX),
        "measure": plans.schedule().measure,
        "pairs": cost.pairs,
        "total": load(&cost.total.all),
        "tests": tests.map(|(test, sum)| json!({"test": test.name.as_str(), "load": load(sum)})).collect::<Vec<_>>(),
        "probes": probes.map(|(cost, probe)| json!({
            "probe": cost.probe.as_str(),
            "site": probe.details.site,
            "sends": load(&cost.sends.all),
            "answers": load(&cost.answers.all),
            "link_bits_per_second": link(cost),
        })).collect::<Vec<_>>(),
        "sites": cost.sites.iter().map(|(site, sum)| json!({"site": site, "sends": load(&sum.all)})).collect::<Vec<_>>(),
        "full_mesh": grown(plans).iter().map(|row| json!({
            "probes": row.probes,
            "pairs": row.pairs,
            "total": load(&row.all),
            "probe_sends": load(&row.probe),
        })).collect::<Vec<_>>(),
    })
}

fn load(load: &Load) -> Value {
    json!({
        "results": load.results,
        "packets_per_round": load.packets,
        "micropackets_per_second": load.micro_pps,
        "bits_per_second": load.bits,
    })
}
