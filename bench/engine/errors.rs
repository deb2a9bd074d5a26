//! RTTs beside the truth: what a tool adds to the time for which the reflector held a packet.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the reflector wrote: `target dwell_ns`, in the order of arrival
    #[arg(long)]
    truth: PathBuf,
    /// What the tool wrote: `target index rtt_ns`, `-` for a packet without a delay
    #[arg(long)]
    rtts: PathBuf,
}

pub(crate) fn run(args: &Args) {
    let mut truth: HashMap<String, Vec<i64>> = HashMap::new();
    for [target, dwell] in lines(&args.truth) {
        truth
            .entry(target)
            .or_default()
            .push(dwell.parse().expect("a dwell in ns"));
    }
    let (mut errors, mut without, mut unknown) = (Vec::new(), 0, 0);
    for [target, index, rtt] in lines(&args.rtts) {
        let Ok(rtt) = rtt.parse::<i64>() else {
            without += 1;
            continue;
        };
        let dwell = truth
            .get(&target)
            .and_then(|dwells| dwells.get(index.parse::<usize>().ok()?));
        match dwell {
            Some(dwell) => errors.push(rtt - dwell),
            None => unknown += 1,
        }
    }
    errors.sort_unstable();
    // Nearest rank. The error is signed: a tool whose clock starts too late reads less than the truth.
    let quantile = |permille: usize| {
        let rank = (errors.len() * permille).div_ceil(1000).max(1);
        errors
            .get(rank - 1)
            .map_or_else(|| "-".to_owned(), |ns| format!("{:.1}", *ns as f64 / 1000.0))
    };
    println!(
        "{} {} {} {} {without} {unknown}",
        quantile(500),
        quantile(990),
        quantile(1),
        errors.len()
    );
}

fn lines<const N: usize>(path: &Path) -> Vec<[String; N]> {
    let text = fs::read_to_string(path).expect("a readable file");
    text.lines()
        .filter_map(|line| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            words.try_into().ok()
        })
        .collect()
}
