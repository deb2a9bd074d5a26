//! The page `/pair/A/B`: both directions of one pair over time, and its rounds.

pub mod rounds;
mod steps;
mod totals;

use std::collections::BTreeSet;

use askama::Template;
use ippm::{Family, ProbeName};

use crate::pages::chart::Chart;
use crate::pages::choice::{PairChoice, RANGES, Range};
use crate::pages::format;
use crate::pages::layout::{Age, Section, Shell};
use crate::pages::link::{self, ROOT_OF_PAIR};
use crate::pages::pair::rounds::{Detail, RoundRow};
use crate::pages::pair::totals::Total;
use crate::report::directory::Directory;
use crate::report::matrix::MatrixEntry;
use crate::report::rounds::Rounds;
use crate::report::series::Series;

/// What the page is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// What was chosen.
    pub choice: PairChoice,
    /// From the source to the target, over time.
    pub there: &'a Series,
    /// From the target to the source.
    pub back: &'a Series,
    /// The whole range of both directions; `None` where nothing was expected or measured.
    pub totals: [Option<&'a MatrixEntry>; 2],
    /// The latest rounds of the range.
    pub rounds: &'a Rounds,
    /// Rounds around the one that was chosen.
    pub chosen: Option<&'a Rounds>,
    /// Who is where.
    pub directory: &'a Directory,
    /// The names of tests that can be chosen.
    pub tests: Vec<String>,
    /// Whether any of it is synthetic.
    pub is_synthetic: bool,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "pair.html")]
pub struct PairPage {
    shell: Shell,
    source: String,
    target: String,
    sites: Option<String>,
    opposite: String,
    families: Vec<Choice>,
    tests: Vec<Choice>,
    ranges: Vec<Choice>,
    /// What a form repeats of the choice.
    kept: Vec<(&'static str, String)>,
    from_input: String,
    to_input: String,
    covered: String,
    step: String,
    csv: String,
    charts: Vec<Chart>,
    totals: Vec<Total>,
    rounds: Vec<RoundRow>,
    rounds_span: String,
    has_more: bool,
    detail: Option<Detail>,
    is_known: bool,
}

/// One way to go on from here.
#[derive(Debug)]
struct Choice {
    link: String,
    text: String,
    is_chosen: bool,
}

impl PairPage {
    /// The page of an answer.
    #[must_use]
    pub fn new(from: Source<'_>) -> Self {
        let Source {
            choice,
            there,
            back,
            directory,
            ..
        } = from;
        let (source, target) = (&there.subject.source, &there.subject.target);
        let now = there.freshness.read_at;
        let newest = there.freshness.latest.max(back.freshness.latest);
        let (start, end) = choice.range.bounds(now);
        let chart = |id, series: &Series, link: Option<&PairChoice>| {
            let title = format!("{} → {}", series.subject.source, series.subject.target);
            let steps = steps::of(series, link);
            Chart::new(id, &title, series.window.from(), series.window.to(), &steps)
        };
        let charts = [chart("there", there, Some(&choice)), chart("back", back, None)];
        let (rows, has_more) = rounds::table(from.rounds, &choice);
        let detail = choice.round.and_then(|round| {
            let lists = [Some(from.rounds), from.chosen];
            lists
                .into_iter()
                .flatten()
                .find_map(|list| rounds::detail(list, round))
        });
        Self {
            shell: Shell {
                title: format!("{source} → {target}"),
                root: ROOT_OF_PAIR,
                here: Section::Matrix,
                is_live: matches!(choice.range, Range::Last(_)),
                is_synthetic: from.is_synthetic,
                age: Some(Age::of_rounds(now, newest)),
            },
            source: source.as_str().to_owned(),
            target: target.as_str().to_owned(),
            sites: sites(source, target, directory),
            opposite: link::pair(ROOT_OF_PAIR, target.as_str(), source.as_str())
                + &choice.over(choice.range).query(),
            families: families(&choice),
            tests: tests(&choice, from.tests),
            ranges: ranges(&choice),
            kept: kept(&choice),
            from_input: format::local_input(start),
            to_input: format::local_input(end),
            covered: format!("{} to {}", format::minute(start), format::minute(end)),
            step: format::span(there.step.length()),
            csv: csv(source, target, &choice),
            is_known: !(there.points.is_empty() && back.points.is_empty() && rows.is_empty()),
            charts: charts.into_iter().flatten().collect(),
            totals: totals::table(from.totals),
            rounds: rows,
            rounds_span: format!(
                "{} to {}",
                format::minute(from.rounds.window.from()),
                format::minute(from.rounds.window.to())
            ),
            has_more: has_more || from.rounds.window.from() > start,
            detail,
        }
    }
}

fn sites(source: &ProbeName, target: &ProbeName, directory: &Directory) -> Option<String> {
    let site = |name| directory.site(name).unwrap_or("unknown site").to_owned();
    let is_any = directory
        .site(source)
        .or_else(|| directory.site(target))
        .is_some();
    is_any.then(|| format!("{} → {}", site(source), site(target)))
}

fn families(choice: &PairChoice) -> Vec<Choice> {
    [Family::V4, Family::V6]
        .map(|family| {
            let other = PairChoice {
                family,
                ..choice.over(choice.range)
            };
            Choice {
                link: here(&other),
                text: format!("IPv{}", family.number()),
                is_chosen: family == choice.family,
            }
        })
        .into()
}

fn tests(choice: &PairChoice, names: Vec<String>) -> Vec<Choice> {
    let mut names: BTreeSet<String> = names.into_iter().collect();
    names.insert(choice.test.as_str().to_owned());
    let option = |name: String| {
        let other = PairChoice {
            test: name.parse().ok()?,
            ..choice.over(choice.range)
        };
        Some(Choice {
            link: here(&other),
            is_chosen: name == choice.test.as_str(),
            text: name,
        })
    };
    names.into_iter().filter_map(option).collect()
}

fn ranges(choice: &PairChoice) -> Vec<Choice> {
    RANGES
        .map(|(_, text, length)| {
            let range = Range::Last(length);
            Choice {
                link: here(&choice.over(range)),
                text: text.to_owned(),
                is_chosen: range == choice.range,
            }
        })
        .into()
}

/// A link to this page with another choice; `?` alone clears what is chosen now.
fn here(choice: &PairChoice) -> String {
    let query = choice.query();
    if query.is_empty() { "?".to_owned() } else { query }
}

fn kept(choice: &PairChoice) -> Vec<(&'static str, String)> {
    let mut kept = Vec::new();
    if choice.family != Family::V4 {
        kept.push(("family", choice.family.number().to_string()));
    }
    if !choice.test.is_icmp() {
        kept.push(("test", choice.test.as_str().to_owned()));
    }
    kept
}

/// The same range as the interface gives it.
fn csv(source: &ProbeName, target: &ProbeName, choice: &PairChoice) -> String {
    let family = choice.family.number().to_string();
    let mut parameters = vec![
        ("source", source.as_str()),
        ("target", target.as_str()),
        ("family", family.as_str()),
        ("test", choice.test.as_str()),
    ];
    let (from, to);
    match choice.range {
        Range::Last(length) => {
            from = crate::pages::choice::last_text(length);
            parameters.push(("last", &from));
        }
        Range::Between(start, end) => {
            (from, to) = (
                crate::pages::choice::exact(start),
                crate::pages::choice::exact(end),
            );
            parameters.extend([("from", from.as_str()), ("to", to.as_str())]);
        }
    }
    parameters.push(("format", "csv"));
    format!("{ROOT_OF_PAIR}api/v2/series{}", link::query(&parameters))
}

#[cfg(test)]
mod tests;
