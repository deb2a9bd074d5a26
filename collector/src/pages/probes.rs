//! The page `/probes`: who reports, and what each says about itself.

use askama::Template;
use ippm::UnixTime;

use crate::pages::format::{self, NOTHING};
use crate::pages::layout::{Age, Section, Shell};
use crate::pages::link;
use crate::report::liveness::{Liveness, ProbeLiveness, ProbeState};
use crate::store::ledger::NativeRun;
use crate::synthetic;

/// The page.
#[derive(Debug, Template)]
#[template(path = "probes.html")]
pub struct ProbesPage {
    shell: Shell,
    summary: String,
    rows: Vec<Line>,
    /// How many probes the roster has; `None` without a roster.
    probes: Option<usize>,
}

#[derive(Debug)]
struct Line {
    name: String,
    site: String,
    state: ProbeState,
    last: Option<At>,
    next: Option<At>,
    is_late: bool,
    version: String,
    engine: String,
    clock: String,
    fitness: Vec<String>,
    origin: String,
}

/// A time, and how far from now it is.
#[derive(Debug)]
struct At {
    iso: String,
    text: String,
    distance: String,
}

impl ProbesPage {
    /// The page of an answer.
    #[must_use]
    pub fn new(liveness: &Liveness, probes: Option<usize>) -> Self {
        let now = liveness.freshness.read_at;
        let rows: Vec<Line> = liveness.probes.iter().map(|probe| line(probe, now)).collect();
        let bad = rows.iter().filter(|line| line.is_bad()).count();
        let is_synthetic = liveness
            .probes
            .iter()
            .any(|probe| native(probe).is_some_and(|native| native.version == synthetic::VERSION));
        Self {
            shell: Shell {
                title: "Probes".to_owned(),
                root: link::ROOT,
                here: Section::Probes,
                is_live: true,
                is_synthetic,
                age: Some(Age::of_rounds(now, liveness.freshness.latest)),
            },
            summary: match (rows.len(), bad) {
                (all, 0) => format!("{all} probes, all as they should be"),
                (all, bad) => format!("{all} probes, {bad} of them need a look"),
            },
            rows,
            probes,
        }
    }
}

fn native(probe: &ProbeLiveness) -> Option<&NativeRun> {
    probe.last.as_ref()?.native.as_ref()
}

impl Line {
    fn word(&self) -> &'static str {
        match self.state {
            ProbeState::Reporting => "reporting",
            ProbeState::Suspect => "suspect",
            ProbeState::Missing => "missing",
            ProbeState::Silent => "silent",
            ProbeState::Retired => "no plan any more",
        }
    }

    fn is_bad(&self) -> bool {
        self.is_suspect() || self.is_old()
    }

    /// Whether it doubts itself.
    fn is_suspect(&self) -> bool {
        self.state == ProbeState::Suspect
    }

    /// Whether its latest report is not that of the latest slot.
    fn is_old(&self) -> bool {
        matches!(self.state, ProbeState::Missing | ProbeState::Silent)
    }
}

fn line(probe: &ProbeLiveness, now: UnixTime) -> Line {
    let native = native(probe);
    Line {
        name: probe.probe.as_str().to_owned(),
        site: probe.site.clone().unwrap_or_else(|| NOTHING.to_owned()),
        state: probe.state,
        last: probe.last.as_ref().map(|run| at(run.time, now)),
        next: probe.expected_next.map(|next| at(next, now)),
        is_late: probe.expected_next.is_some_and(|next| next < now),
        version: native.map_or_else(|| legacy(probe), |native| native.version.clone()),
        engine: native.map_or_else(|| NOTHING.to_owned(), |native| native.engine.to_string()),
        clock: native.map_or_else(|| NOTHING.to_owned(), clock),
        fitness: native.map_or_else(|| vec![NOTHING.to_owned()], fitness),
        origin: probe
            .last
            .as_ref()
            .map_or_else(|| NOTHING.to_owned(), |run| run.origin.to_string()),
    }
}

fn legacy(probe: &ProbeLiveness) -> String {
    if probe.last.is_some() {
        "original".to_owned()
    } else {
        NOTHING.to_owned()
    }
}

fn at(time: UnixTime, now: UnixTime) -> At {
    let distance = match time.since(now) {
        Some(ahead) if !ahead.is_zero() => format!("in {}", format::span(ahead)),
        _ => format!("{} ago", format::age(now, time)),
    };
    At {
        iso: format::iso(time),
        text: format::time(time),
        distance,
    }
}

/// Whether the clock is held by a daemon, and how far it is off.
fn clock(native: &NativeRun) -> String {
    let state = match native.clock_synchronised {
        Some(true) => "synchronized",
        Some(false) => "not synchronized",
        None => "unknown",
    };
    match native.clock_offset_ns.or(native.collector_offset_ns) {
        Some(offset) => {
            let sign = if offset < 0 { "−" } else { "+" };
            format!("{state}, {sign}{} ms", format::ms(offset.unsigned_abs()))
        }
        None => state.to_owned(),
    }
}

/// What the probe doubts, and the figures behind it.
fn fitness(native: &NativeRun) -> Vec<String> {
    let mut words: Vec<String> = native
        .suspect
        .iter()
        .map(|word| format!("suspect: {word}"))
        .collect();
    if let Some(cut) = &native.cut_short {
        words.push(format!("cut short: {cut}"));
    }
    if let Some(lag) = native.send_lag_p99_ns {
        words.push(format!("send lag p99 {} ms", format::ms(lag)));
    }
    if let Some(steal) = native.condition.cpu_steal_ppm.filter(|steal| *steal > 0) {
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        words.push(format!(
            "{} % of the processor stolen",
            format::percent(steal as f64 / 1e6)
        ));
    }
    let counts = [
        (native.receive_drops, "replies dropped"),
        (native.stamps_missing, "stamps missing"),
        (native.stamps_discarded, "stamps discarded"),
        (native.clock_steps, "clock steps"),
        (native.condition.interface_errors, "interface errors"),
        (native.condition.interface_drops, "interface drops"),
        (native.condition.neighbors_unresolved, "neighbors unresolved"),
        (native.condition.neighbor_overflows, "neighbor table overflows"),
        (native.condition.icmp_rate_limited, "ICMP messages withheld"),
    ];
    let told = counts
        .iter()
        .filter_map(|(count, what)| Some((count.filter(|count| *count > 0)?, what)));
    words.extend(told.map(|(count, what)| format!("{} {what}", format::count(count))));
    words
}

#[cfg(test)]
mod tests;
