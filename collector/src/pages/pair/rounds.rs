//! The rounds of a pair as a table, and one of them down to its slices.

use std::time::Duration;

use ippm::class::Class;
use ippm::{Slices, UnixTime};

use crate::pages::choice::{PairChoice, exact};
use crate::pages::format::{self, NOTHING};
use crate::pages::heat::Scale;
use crate::report::accounting::SlotClass;
use crate::report::rounds::{Round, Rounds};
use crate::store::row::Row;

/// Most lines of the table.
pub const MOST: usize = 150;
/// The time of which rounds are listed: so many lines at the usual period, and no more work than that.
pub const SPAN: Duration = Duration::from_hours(12);

/// One line of the table: a round, or a slot without one.
#[derive(Debug)]
pub(crate) struct RoundRow {
    pub(crate) time: UnixTime,
    pub(crate) link: Option<String>,
    pub(crate) is_chosen: bool,
    /// Name of the class, and of its style.
    pub(crate) class: &'static str,
    pub(crate) in_maintenance: bool,
    pub(crate) sent: String,
    pub(crate) lost: String,
    pub(crate) loss: String,
    pub(crate) level: Option<usize>,
    pub(crate) delays: [String; 5],
    pub(crate) hop_limit: String,
    pub(crate) remarks: String,
}

/// Everything about one round.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) time: UnixTime,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) slices: Vec<SliceRow>,
}

/// One slice of ten seconds.
#[derive(Debug)]
pub(crate) struct SliceRow {
    pub(crate) time: UnixTime,
    pub(crate) sent: u64,
    pub(crate) lost: u64,
    pub(crate) level: Option<usize>,
    pub(crate) mean: String,
}

impl RoundRow {
    pub(crate) fn iso(&self) -> String {
        format::iso(self.time)
    }

    pub(crate) fn text(&self) -> String {
        format::time(self.time)
    }
}

impl Detail {
    pub(crate) fn text(&self) -> String {
        format::time(self.time)
    }
}

impl SliceRow {
    pub(crate) fn iso(&self) -> String {
        format::iso(self.time)
    }

    pub(crate) fn text(&self) -> String {
        format::clock(self.time)
    }
}

/// The latest lines, the latest first, and whether there are more.
pub(super) fn table(rounds: &Rounds, choice: &PairChoice) -> (Vec<RoundRow>, bool) {
    let measured = rounds.rounds.iter().map(|round| line(round, choice));
    let mut lines: Vec<RoundRow> = measured.chain(rounds.silent.iter().map(silence)).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.time));
    let has_more = lines.len() > MOST;
    lines.truncate(MOST);
    (lines, has_more)
}

/// The round that began at `time`.
pub(super) fn detail(rounds: &Rounds, time: UnixTime) -> Option<Detail> {
    let round = rounds.rounds.iter().find(|round| round.row.time == time)?;
    Some(Detail {
        time,
        facts: facts(round),
        slices: round.row.slices.as_ref().map(slices).unwrap_or_default(),
    })
}

fn line(round: &Round, choice: &PairChoice) -> RoundRow {
    let row = &round.row;
    let ratio = ratio(row);
    let counts = row.counts.as_ref();
    RoundRow {
        time: row.time,
        link: Some(choice.with(&[("round", &exact(row.time))]) + "#round"),
        is_chosen: choice.round == Some(row.time),
        class: round
            .slot
            .map_or("not-counting", |slot| slot.class.map_or("pending", Class::as_str)),
        in_maintenance: round.slot.is_some_and(|slot| slot.in_maintenance),
        sent: counts.map_or_else(nothing, |counts| counts.sent.to_string()),
        lost: counts.map_or_else(nothing, |counts| {
            counts.sent.saturating_sub(counts.received).to_string()
        }),
        loss: ratio.map_or_else(nothing, format::percent),
        level: ratio
            .filter(|ratio| *ratio > 0.0)
            .map(|ratio| Scale::loss().level(ratio)),
        delays: delays(row),
        hop_limit: hop_limit(row).unwrap_or_else(nothing),
        remarks: remarks(round).join("; "),
    }
}

fn silence(slot: &SlotClass) -> RoundRow {
    RoundRow {
        time: slot.start,
        link: None,
        is_chosen: false,
        class: slot.class.map_or("pending", Class::as_str),
        in_maintenance: slot.in_maintenance,
        sent: nothing(),
        lost: nothing(),
        loss: nothing(),
        level: None,
        delays: std::array::from_fn(|_| nothing()),
        hop_limit: nothing(),
        remarks: match slot.class {
            Some(_) => "no result in this slot",
            None => "its result may still come",
        }
        .to_owned(),
    }
}

fn nothing() -> String {
    NOTHING.to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts of packets stay far below 2^53")]
fn ratio(row: &Row) -> Option<f64> {
    match (&row.counts, &row.legacy) {
        (Some(counts), _) if counts.sent > 0 => {
            Some(counts.sent.saturating_sub(counts.received) as f64 / counts.sent as f64)
        }
        (None, Some(values)) => Some(values.loss),
        _ => None,
    }
}

/// Floor, median, 95th and 99th percentile, maximum; of the original's probes only what they send.
fn delays(row: &Row) -> [String; 5] {
    let signed = |ns: Option<i64>| {
        ns.and_then(|ns| u64::try_from(ns).ok())
            .map_or_else(nothing, format::ms)
    };
    match (&row.delay, &row.legacy) {
        (Some(delay), _) => [
            delay.min_ns,
            delay.p50_ns,
            delay.p95_ns,
            delay.p99_ns,
            delay.max_ns,
        ]
        .map(format::ms),
        (None, Some(values)) => [
            signed(values.min_ns),
            nothing(),
            nothing(),
            nothing(),
            signed(values.max_ns),
        ],
        (None, None) => std::array::from_fn(|_| nothing()),
    }
}

/// The hop limit of most replies; of equally many the smallest.
fn hop_limit(row: &Row) -> Option<String> {
    let most = row
        .hop_limits
        .iter()
        .max_by_key(|(limit, count)| (*count, std::cmp::Reverse(*limit)));
    most.map(|(limit, _)| limit.to_string())
}

fn remarks(round: &Round) -> Vec<String> {
    let mut remarks = Vec::new();
    let row = &round.row;
    if let Some(error) = row.meta.as_ref().and_then(|meta| meta.error.as_deref()) {
        remarks.push(format!("not measured: {error}"));
    }
    let native = round.run.as_ref().and_then(|run| run.native.as_ref());
    if let Some(native) = native.filter(|native| !native.suspect.is_empty()) {
        let words: Vec<&str> = native.suspect.iter().map(ippm::Word::as_str).collect();
        remarks.push(format!("suspect: {}", words.join(", ")));
    }
    if let Some(cut) = native.and_then(|native| native.cut_short.as_ref()) {
        remarks.push(format!("cut short: {cut}"));
    }
    if let Some(counts) = &row.counts {
        let counted = [
            (counts.late, "late"),
            (counts.duplicates, "duplicates"),
            (counts.reordered, "reordered"),
            (counts.unsent, "unsent"),
        ];
        remarks.extend(
            counted
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}")),
        );
    }
    if row.hop_limits.len() > 1 {
        remarks.push(format!("{} hop limits", row.hop_limits.len()));
    }
    if !row.icmp_errors.is_empty() {
        remarks.push("ICMP errors".to_owned());
    }
    if row.legacy.is_some() {
        remarks.push("original probe".to_owned());
    }
    remarks
}

fn facts(round: &Round) -> Vec<(&'static str, String)> {
    let row = &round.row;
    let mut facts = Vec::new();
    let mut fact = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    let meta = row.meta.as_ref();
    fact(
        "address",
        meta.and_then(|meta| meta.address)
            .map(|address| address.to_string()),
    );
    fact("parameters", meta.and_then(|meta| meta.params.clone()));
    fact("clock", meta.and_then(|meta| meta.clock.clone()));
    fact("error", meta.and_then(|meta| meta.error.clone()));
    fact("detail", meta.and_then(|meta| meta.detail.clone()));
    let runs: Vec<String> = row
        .loss_runs
        .iter()
        .map(|(length, count)| format!("{count} × {length}"))
        .collect();
    fact(
        "losses in a row (times × packets)",
        (!runs.is_empty()).then(|| runs.join(", ")),
    );
    let limits: Vec<String> = row
        .hop_limits
        .iter()
        .map(|(limit, count)| format!("{limit} ({count} replies)"))
        .collect();
    fact("hop limits", (!limits.is_empty()).then(|| limits.join(", ")));
    let errors = row.icmp_errors.iter();
    let errors: Vec<String> = errors
        .map(|counted| {
            format!(
                "type {} code {} from {} ({}×)",
                counted.kind, counted.code, counted.from, counted.count
            )
        })
        .collect();
    fact("ICMP errors", (!errors.is_empty()).then(|| errors.join(", ")));
    if let Some(run) = &round.run {
        fact("report arrived", Some(format::time(run.received_at)));
        fact(
            "probe version",
            run.native.as_ref().map(|native| native.version.clone()),
        );
    }
    facts
}

fn slices(slices: &Slices) -> Vec<SliceRow> {
    let mut rows = Vec::new();
    let mut time = slices.start;
    let counts = slices.sent.iter().zip(&slices.lost);
    let delays = slices.rtt_count.iter().zip(&slices.rtt_sum_ns);
    for ((sent, lost), (count, sum)) in counts.zip(delays) {
        #[expect(clippy::cast_precision_loss, reason = "counts of packets stay far below 2^53")]
        let ratio = *lost as f64 / (*sent).max(1) as f64;
        rows.push(SliceRow {
            time,
            sent: *sent,
            lost: *lost,
            level: (*lost > 0).then(|| Scale::loss().level(ratio)),
            mean: sum.checked_div(*count).map_or_else(nothing, format::ms),
        });
        time = time.saturating_add(Slices::LENGTH);
    }
    rows
}
