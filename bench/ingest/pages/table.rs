//! What was measured, as tables.

use std::time::Duration;

use super::reader::{PAGES, Reader};
use super::{Measured, Offer, Row, Table};
use crate::client::{Figures, percentile};
use crate::{Args, median};

/// Share of the rate that has to be left.
const TARGET: f64 = 0.9;

impl Table {
    /// Everything that was measured, and what was reached.
    pub(crate) fn print(&self, args: &Args) {
        println!(
            "{} connections post rounds of a mesh of {} probes, {} results each; one more loads pages of its last day.\n\
             Median of {} interleaved runs (lowest to highest); a post at a fixed rate is timed from when it was due.\n",
            args.connections,
            args.probes,
            2 * (args.probes - 1),
            args.runs
        );
        println!(
            "| store | posted | pages | results/s | of those without pages | post p50 | post p99 | pages/s | refused in all | page p50 | page p99 | processors busy | collector | InfluxDB |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
        );
        self.0.iter().for_each(|row| self.print_row(row));
        println!("\nPages while nothing is posted:\n\n| store | page | p50 |\n|---|---|---|");
        for row in self.0.iter().filter(|row| row.offer == Offer::Nothing) {
            for (kind, path) in PAGES.iter().enumerate() {
                println!("| {} | `{path}` | {} |", row.store, ms(row.page(500, Some(kind))));
            }
        }
        println!(
            "\nTarget: with pages in a loop at least {:.0} % of the rate without.\n",
            100.0 * TARGET
        );
        for row in &self.0 {
            let Some(share) = self.share(row).filter(|_| row.reader != Reader::Nobody) else {
                continue;
            };
            println!(
                "* {}, {}, pages {}: {:.0} %, {}",
                row.store,
                row.offer.name(),
                row.reader.name(),
                100.0 * share,
                if TARGET <= share { "met" } else { "missed" }
            );
        }
        println!(
            "\nLoad generator, reader, collector and InfluxDB have the same processors. Where all of them are busy, a page takes from posts \
             that are sent as fast as they are acknowledged what it costs, and the ratio is one of shares; where some are idle, posts wait \
             for something else. At a fixed rate the question is whether there is room for both.\n"
        );
    }

    fn print_row(&self, row: &Row) {
        let posts = |of: fn(&Figures) -> f64| -> Vec<f64> {
            row.runs
                .iter()
                .filter_map(|run| run.posts.as_ref().map(of))
                .collect()
        };
        let of = |value: fn(&Measured) -> f64| median(row.runs.iter().map(value).collect());
        let rates = posts(|posts| posts.rate);
        let of_posts = if rates.is_empty() {
            "– | – | – | –".to_owned()
        } else {
            let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
            let most = rates.iter().copied().fold(0.0, f64::max);
            format!(
                "{:.0} ({least:.0} to {most:.0}) | {:.0} % | {:.1} ms | {:.1} ms",
                median(rates),
                100.0 * self.share(row).unwrap_or(1.0),
                median(posts(|posts| posts.p50.as_secs_f64() * 1e3)),
                median(posts(|posts| posts.p99.as_secs_f64() * 1e3)),
            )
        };
        let of_pages = if row.reader == Reader::Nobody {
            "– | – | – | –".to_owned()
        } else {
            format!(
                "{:.2} | {} | {} | {}",
                of(|run| run.read.rate()),
                row.runs.iter().map(|run| run.read.refused).sum::<usize>(),
                ms(row.page(500, None)),
                ms(row.page(990, None))
            )
        };
        println!(
            "| {} | {} | {} | {of_posts} | {of_pages} | {:.2} | {:.2} | {:.2} |",
            row.store,
            row.offer.name(),
            row.reader.name(),
            of(|run| run.busy),
            of(|run| run.collector),
            of(|run| run.store)
        );
    }

    /// The rate as a share of that without pages in the same run: the median of all runs.
    fn share(&self, row: &Row) -> Option<f64> {
        let is_without =
            |other: &&Row| (other.store, other.offer, other.reader) == (row.store, row.offer, Reader::Nobody);
        let without = self.0.iter().find(is_without)?;
        let shares = row
            .runs
            .iter()
            .zip(&without.runs)
            .filter_map(|(with, without)| Some(with.posts?.rate / without.posts?.rate));
        Some(median(shares.collect()))
    }
}

impl Row {
    /// A percentile of the times of all pages, or of those of one kind, over all runs.
    fn page(&self, permille: usize, kind: Option<usize>) -> Duration {
        let pages = self.runs.iter().flat_map(|run| &run.read.times);
        let mut times: Vec<Duration> = pages
            .filter(|(of, _)| kind.is_none_or(|kind| kind == *of))
            .map(|(_, time)| *time)
            .collect();
        times.sort_unstable();
        percentile(&times, permille)
    }
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1e3)
}
