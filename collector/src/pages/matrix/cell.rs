//! One cell of the matrix: what it shows, how it looks, what it says.

use std::fmt::Write as _;

use ippm::class::Class;
use ippm::{Family, ProbeName, UnixTime};

use crate::pages::choice::{MatrixChoice, Shown};
use crate::pages::heat::Scale;
use crate::pages::{classes, format, link};
use crate::report::figures::DelayFigures;
use crate::report::matrix::{MatrixEntry, Metric};

/// A cell, ready for the template.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) look: Look,
    pub(crate) text: String,
    /// What it says when it is pointed at or focused.
    pub(crate) note: String,
    pub(crate) link: String,
    pub(crate) in_maintenance: bool,
    pub(crate) side: &'static str,
    /// Of which families nothing came back in the latest slot, in words; empty if of none.
    pub(crate) down: String,
    /// How bad it is: silent ones above all others, then by value; `None` for what is not measured at all.
    pub(crate) rank: Option<f64>,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A probe does not measure itself.
    Own,
    /// Nobody asked for it.
    NotPlanned,
    /// Silent or stale: hatched.
    Silent,
    /// A value of this level.
    Level(usize),
    /// Measured, but without this quantity.
    NoValue,
}

/// Silence is worse than any value.
const SILENT_RANK: f64 = 1e30;

impl Cell {
    /// The cell of a pair; `entries` are its families, the worst of which is shown.
    pub(crate) fn new(
        choice: &MatrixChoice,
        scale: &Scale,
        (source, target): (&ProbeName, &ProbeName),
        entries: &[&MatrixEntry],
        now: UnixTime,
        side: &'static str,
    ) -> Self {
        let judged = entries
            .iter()
            .map(|entry| (*entry, judge(choice.shown, scale, entry, now)));
        let worst = judged.max_by(|(_, a), (_, b)| a.rank.total_cmp(&b.rank));
        let Some((entry, verdict)) = worst else {
            let look = if source == target {
                Look::Own
            } else {
                Look::NotPlanned
            };
            return Self::empty(look);
        };
        let parameters = parameters(choice, entry.subject.family);
        Self {
            look: verdict.look,
            text: verdict.text,
            note: note((source, target), entries, now),
            link: link::pair("", source.as_str(), target.as_str()) + &link::query(&parameters),
            in_maintenance: entries.iter().any(|entry| entry.standing.in_maintenance),
            side,
            down: down(entries),
            rank: Some(verdict.rank),
        }
    }

    fn empty(look: Look) -> Self {
        Self {
            look,
            text: String::new(),
            note: String::new(),
            link: String::new(),
            in_maintenance: false,
            side: "",
            down: String::new(),
            rank: None,
        }
    }

    /// Whether nothing came lately.
    pub(crate) fn is_silent(&self) -> bool {
        self.look == Look::Silent
    }

    /// The classes of its style.
    pub(crate) fn class(&self) -> String {
        let look = match self.look {
            Look::Own => "self".to_owned(),
            Look::NotPlanned => "none".to_owned(),
            Look::Silent => "hatch".to_owned(),
            Look::Level(level) => format!("l{level}"),
            Look::NoValue => "blank".to_owned(),
        };
        let overlay = if self.in_maintenance { " maint" } else { "" };
        let gap = if self.side.is_empty() { "" } else { " " };
        format!("{look}{overlay}{gap}{}", self.side)
    }
}

fn down(entries: &[&MatrixEntry]) -> String {
    let is_down = |entry: &&&MatrixEntry| entry.standing.class == Some(Class::Down);
    let families: Vec<String> = entries
        .iter()
        .filter(is_down)
        .map(|entry| format!("IPv{}", entry.subject.family.number()))
        .collect();
    match families.len() {
        0 => String::new(),
        found if found == entries.len() => "down".to_owned(),
        _ => format!("{} down", families.join(", ")),
    }
}

struct Verdict {
    look: Look,
    text: String,
    rank: f64,
}

fn judge(shown: Shown, scale: &Scale, entry: &MatrixEntry, now: UnixTime) -> Verdict {
    let standing = &entry.standing;
    // Of what is no longer expected, silence is no fault.
    if standing.class.is_some() && (standing.is_silent() || standing.is_stale(now)) {
        let age = standing.age(now);
        return Verdict {
            look: Look::Silent,
            text: age.map_or_else(|| "never".to_owned(), |age| short_age(age.as_secs())),
            rank: SILENT_RANK * if age.is_none() { 2.0 } else { 1.0 },
        };
    }
    let level = |value: f64, text: String| Verdict {
        look: Look::Level(scale.level(value)),
        text,
        rank: value,
    };
    match shown {
        Shown::Of(Metric::Loss) => match loss(entry) {
            Some(ratio) => level(ratio, format::percent(ratio)),
            None => no_value(entry),
        },
        Shown::Coverage => match classes::coverage(&entry.account) {
            Some((measured, of)) => {
                #[expect(clippy::cast_precision_loss, reason = "slots stay far below 2^53")]
                let missing = (of - measured) as f64 / of as f64;
                level(missing, format::percent(1.0 - missing))
            }
            None => no_value(entry),
        },
        Shown::Of(metric) => match delay_ns(metric, entry) {
            #[expect(clippy::cast_precision_loss, reason = "a level of color needs no 53 bits")]
            Some(ns) => level(ns as f64, format::ms(ns)),
            None => no_value(entry),
        },
    }
}

/// Nothing came back, so there is no delay; or nothing was measured in the window.
fn no_value(entry: &MatrixEntry) -> Verdict {
    let is_down = loss(entry).is_some_and(|ratio| ratio >= 1.0);
    Verdict {
        look: if is_down { Look::Level(8) } else { Look::NoValue },
        text: if is_down {
            "down".to_owned()
        } else {
            format::NOTHING.to_owned()
        },
        rank: if is_down { SILENT_RANK / 2.0 } else { 0.0 },
    }
}

/// The loss ratio, or what results without packet counts say.
fn loss(entry: &MatrixEntry) -> Option<f64> {
    let figures = entry.figures.as_ref()?;
    let counted = figures.loss.as_ref().map(|loss| loss.ratio.get());
    counted.or_else(|| figures.legacy.as_ref().map(|legacy| legacy.loss_mean))
}

/// A delay of the entry in nanoseconds; `None` if it has none.
pub(crate) fn delay_ns(metric: Metric, entry: &MatrixEntry) -> Option<u64> {
    let figures = entry.figures.as_ref()?;
    let percentiles = || figures.delay.as_ref()?.percentiles;
    match metric {
        Metric::Loss => None,
        Metric::Median => Some(percentiles()?.median().as_ns()),
        Metric::P95 => Some(percentiles()?.get(950)?.as_ns()),
        Metric::P99 => Some(percentiles()?.get(990)?.as_ns()),
        Metric::Pdv => percentiles()?.pdv_ns(999),
        Metric::Ipdv => figures.ipdv_mean_ns,
    }
}

fn parameters(choice: &MatrixChoice, family: Family) -> Vec<(&'static str, &str)> {
    let mut parameters = Vec::new();
    if family == Family::V6 {
        parameters.push(("family", "6"));
    }
    if !choice.test.is_icmp() {
        parameters.push(("test", choice.test.as_str()));
    }
    match choice.last_word() {
        "24h" => {}
        word => parameters.push(("last", word)),
    }
    parameters
}

/// All that a cell has room for: names, figures of each family, what came, when.
fn note((source, target): (&ProbeName, &ProbeName), entries: &[&MatrixEntry], now: UnixTime) -> String {
    let mut note = format!("{source} → {target}");
    for entry in entries {
        let _ = write!(note, "\nIPv{}: ", entry.subject.family.number());
        figures(&mut note, entry);
        if let Some(last) = entry.standing.last_measured {
            let _ = write!(
                note,
                "; {} UTC, {} ago",
                format::clock(last),
                format::age(now, last)
            );
        }
    }
    note
}

fn figures(note: &mut String, entry: &MatrixEntry) {
    match &entry.figures {
        Some(figures) if figures.loss.is_some() || figures.legacy.is_some() => {
            // Writing into a String cannot fail.
            let _ = write!(
                note,
                "loss {} %",
                format::percent(loss(entry).unwrap_or_default())
            );
            if let Some(loss) = &figures.loss {
                let _ = write!(note, " ({}/{})", loss.lost, figures.sent);
            }
            delays(note, figures.delay.as_ref());
        }
        _ => note.push_str("no result"),
    }
    let _ = write!(note, "; {}", classes::text(&entry.account));
}

/// The percentiles, or what is known without reading histograms.
fn delays(note: &mut String, delay: Option<&DelayFigures>) {
    let Some(delay) = delay else { return };
    let _ = match delay.percentiles {
        Some(percentiles) => {
            let p99 = percentiles.get(990).map_or(0, ippm::Rtt::as_ns);
            let median = format::ms(percentiles.median().as_ns());
            write!(note, ", median {median}, p99 {} ms", format::ms(p99))
        }
        None => write!(
            note,
            ", floor {}, mean {} ms",
            format::ms(delay.min.as_ns()),
            format::ms(delay.mean.as_ns())
        ),
    };
}

/// An age of at most four characters.
fn short_age(seconds: u64) -> String {
    match seconds {
        0..6000 => format!("{}m", seconds / 60),
        6000..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
