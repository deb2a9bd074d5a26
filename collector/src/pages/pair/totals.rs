//! The figures of the whole range, both directions side by side.

use crate::pages::classes;
use crate::pages::format::{self, NOTHING};
use crate::report::figures::{Confidence, Figures, Loss};
use crate::report::matrix::MatrixEntry;

/// One line: a name, a unit, and the value of each direction.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) name: &'static str,
    /// Anchor of its explanation.
    pub(crate) anchor: &'static str,
    pub(crate) values: Vec<String>,
}

type Value = fn(&Figures) -> Option<String>;

const LINES: [(&str, &str, Value); 11] = [
    ("loss", "loss", |figures| {
        figures
            .loss
            .as_ref()
            .map(|loss| loss_text(loss, figures))
            .or_else(|| legacy_loss(figures))
    }),
    ("RTT median", "rtt", |figures| percentile(figures, 500)),
    ("RTT p95", "rtt", |figures| percentile(figures, 950)),
    ("RTT p99", "rtt", |figures| percentile(figures, 990)),
    ("RTT floor", "floor", |figures| {
        figures.delay.as_ref().map(|delay| ms(delay.min.as_ns()))
    }),
    ("RTT maximum", "rtt", |figures| {
        figures.delay.as_ref().map(|delay| ms(delay.max.as_ns()))
    }),
    ("PDV p99.9", "pdv", |figures| {
        figures.delay.as_ref()?.percentiles?.pdv_ns(999).map(ms)
    }),
    ("mean round-trip IPDV", "pdv", |figures| {
        figures.ipdv_mean_ns.map(ms)
    }),
    ("late, duplicates, reordered", "loss", |figures| {
        let counts = [figures.late, figures.duplicates, figures.reordered];
        (figures.rounds > 0).then(|| counts.map(format::count).join(", "))
    }),
    ("packets refused by the probe itself", "loss", |figures| {
        (figures.rounds > 0).then(|| format::count(figures.unsent))
    }),
    ("hop limit of the replies", "rtt", |figures| {
        figures.hop_limit.map(|limit| limit.to_string())
    }),
];

/// The lines for both directions; a line that neither has is left out.
pub(super) fn table(entries: [Option<&MatrixEntry>; 2]) -> Vec<Total> {
    let figures = entries.map(|entry| entry.and_then(|entry| entry.figures.as_ref()));
    let line = |(name, anchor, value): (&'static str, &'static str, Value)| {
        let values = figures.map(|figures| figures.and_then(value));
        values.iter().any(Option::is_some).then(|| Total {
            name,
            anchor,
            values: values
                .into_iter()
                .map(|value| value.unwrap_or_else(|| NOTHING.to_owned()))
                .collect(),
        })
    };
    let mut lines: Vec<Total> = LINES.into_iter().filter_map(line).collect();
    if entries.iter().any(Option::is_some) {
        lines.push(Total {
            name: "expected results",
            anchor: "classes",
            values: entries
                .iter()
                .map(|entry| entry.map_or_else(|| NOTHING.to_owned(), account))
                .collect(),
        });
    }
    lines
}

fn percentile(figures: &Figures, permille: u16) -> Option<String> {
    Some(ms(figures.delay.as_ref()?.percentiles?.get(permille)?.as_ns()))
}

fn ms(ns: u64) -> String {
    format!("{} ms", format::ms(ns))
}

fn loss_text(loss: &Loss, figures: &Figures) -> String {
    let counts = format!(
        "{} % ({} of {} packets)",
        format::percent(loss.ratio.get()),
        format::count(loss.lost),
        format::count(figures.sent)
    );
    match &loss.confidence {
        Confidence::SingleRound => counts,
        Confidence::NothingLost { upper } => {
            format!(
                "{counts}; below {} % if packets are lost independently",
                format::percent(*upper)
            )
        }
        Confidence::Clustered {
            interval,
            has_few_events,
        } => {
            let few = if *has_few_events { ", few events" } else { "" };
            format!(
                "{counts}; 95 % between {} and {} %{few}",
                format::percent(interval.lower()),
                format::percent(interval.upper())
            )
        }
    }
}

fn legacy_loss(figures: &Figures) -> Option<String> {
    let legacy = figures.legacy.as_ref()?;
    Some(format!(
        "{} %, mean of {} rounds without packet counts",
        format::percent(legacy.loss_mean),
        legacy.rounds
    ))
}

fn account(entry: &MatrixEntry) -> String {
    let text = classes::text(&entry.account);
    match entry.account.pending {
        0 => text,
        pending => format!("{text}, {pending} pending"),
    }
}
