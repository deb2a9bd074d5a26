//! The page `/`: every pair at a glance.

mod cell;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use ippm::ProbeName;
use ippm::cell::DAY;

use crate::pages::choice::{MatrixChoice, Shown, WINDOWS};
use crate::pages::heat::{self, Scale};
use crate::pages::layout::{Age, Section, Shell};
use crate::pages::matrix::cell::{Cell, Look};
use crate::pages::{format, link};
use crate::report::directory::Directory;
use crate::report::matrix::{Matrix, MatrixEntry};

/// Most pairs in one list beside the matrix.
const WORST: usize = 10;

/// What the page is made from.
#[derive(Debug)]
pub struct Source<'a> {
    /// What was chosen.
    pub choice: MatrixChoice,
    /// The answer over the window, of both families and the chosen test.
    pub matrix: &'a Matrix,
    /// Who is where.
    pub directory: &'a Directory,
    /// The names of tests that can be chosen.
    pub tests: Vec<String>,
    /// How many probes the roster has; `None` without a roster.
    pub probes: Option<usize>,
    /// Whether any of it is synthetic.
    pub is_synthetic: bool,
}

/// The page.
#[derive(Debug, Template)]
#[template(path = "matrix.html")]
pub struct MatrixPage {
    shell: Shell,
    metrics: Vec<Choice>,
    families: Vec<Choice>,
    tests: Vec<Choice>,
    windows: Vec<Choice>,
    caption: String,
    targets: Vec<Head>,
    rows: Vec<RowOfCells>,
    down: Vec<Worst>,
    down_in_all: usize,
    worst: Vec<Worst>,
    silent: Vec<Worst>,
    silent_in_all: usize,
    legend: Vec<heat::Entry>,
    unit: &'static str,
    has_results: bool,
    probes: Option<usize>,
}

/// One option of a form.
#[derive(Debug)]
struct Choice {
    value: String,
    text: String,
    is_chosen: bool,
}

/// A row's or column's probe.
#[derive(Debug)]
struct Head {
    name: String,
    site: Option<String>,
}

#[derive(Debug)]
struct RowOfCells {
    source: Head,
    /// Whether it is so low that notes open upwards.
    is_low: bool,
    cells: Vec<Cell>,
}

/// An entry of a list beside the matrix.
#[derive(Debug)]
struct Worst {
    link: String,
    pair: String,
    value: String,
    class: String,
}

impl MatrixPage {
    /// The page of an answer.
    #[must_use]
    pub fn new(source: Source<'_>) -> Self {
        let Source {
            choice,
            matrix,
            directory,
            ..
        } = source;
        let now = matrix.freshness.read_at;
        let mut pairs: BTreeMap<(&ProbeName, &ProbeName), Vec<&MatrixEntry>> = BTreeMap::new();
        let is_wanted =
            |entry: &&MatrixEntry| choice.family.is_none_or(|family| family == entry.subject.family);
        for entry in matrix.entries.iter().filter(is_wanted) {
            pairs
                .entry((&entry.subject.source, &entry.subject.target))
                .or_default()
                .push(entry);
        }
        let scale = scale(choice.shown, pairs.values().flatten());
        let sources = by_site(pairs.keys().map(|(source, _)| *source), directory);
        let targets = by_site(pairs.keys().map(|(_, target)| *target), directory);
        let (mut listed, mut down) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        for (row, source) in sources.iter().enumerate() {
            let mut cells = Vec::new();
            for (column, target) in targets.iter().enumerate() {
                let entries = pairs.get(&(*source, *target)).map_or(&[][..], Vec::as_slice);
                let cell = Cell::new(
                    &choice,
                    &scale,
                    (source, target),
                    entries,
                    now,
                    side(column, targets.len()),
                );
                if let Some(rank) = cell.rank {
                    listed.push((rank, cell.is_silent(), worst(source, target, &cell)));
                }
                if !cell.down.is_empty() {
                    down.push(Worst {
                        value: cell.down.clone(),
                        // The last level of every scale.
                        class: "l8".to_owned(),
                        ..worst(source, target, &cell)
                    });
                }
                cells.push(cell);
            }
            rows.push(RowOfCells {
                source: head(source, directory),
                is_low: row >= 6 && row + 6 > sources.len(),
                cells,
            });
        }
        // Stable: equally bad ones stay in the order of the matrix.
        listed.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        let silent_in_all = listed.iter().filter(|(_, is_silent, _)| *is_silent).count();
        let (silent, bad): (Vec<_>, Vec<_>) = listed.into_iter().partition(|(_, is_silent, _)| *is_silent);
        let bad = bad.into_iter().filter(|(rank, ..)| *rank > 0.0);
        Self {
            shell: Shell {
                title: "Matrix".to_owned(),
                root: link::ROOT,
                here: Section::Matrix,
                is_live: true,
                is_synthetic: source.is_synthetic,
                age: Some(Age::of_rounds(now, matrix.freshness.latest)),
            },
            metrics: metrics(&choice),
            families: families(&choice),
            tests: tests(&choice, source.tests),
            windows: windows(&choice),
            caption: format!(
                "{} from each source (row) to each target (column), {} to {}{}",
                choice.shown.name(),
                format::minute(matrix.window.from()),
                format::minute(matrix.window.to()),
                if choice.last < DAY {
                    ""
                } else {
                    "; the window begins with a full hour"
                }
            ),
            targets: targets.iter().map(|name| head(name, directory)).collect(),
            has_results: matrix.entries.iter().any(|entry| entry.figures.is_some()),
            rows,
            down_in_all: down.len(),
            down: down.into_iter().take(WORST).collect(),
            worst: bad.take(WORST).map(|(.., worst)| worst).collect(),
            silent: silent.into_iter().take(WORST).map(|(.., worst)| worst).collect(),
            silent_in_all,
            legend: scale.legend(),
            unit: choice.shown.unit(),
            probes: source.probes,
        }
    }
}

/// Probes of one site stand together.
fn by_site<'a>(names: impl Iterator<Item = &'a ProbeName>, directory: &Directory) -> Vec<&'a ProbeName> {
    let distinct: BTreeSet<&ProbeName> = names.collect();
    let mut names: Vec<&ProbeName> = distinct.into_iter().collect();
    names.sort_by_key(|name| directory.site(name).unwrap_or("").to_owned());
    names
}

fn head(name: &ProbeName, directory: &Directory) -> Head {
    Head {
        name: name.as_str().to_owned(),
        site: directory.site(name).map(str::to_owned),
    }
}

/// On which side of a cell its note would leave the page.
fn side(column: usize, columns: usize) -> &'static str {
    if column + 4 >= columns && column >= 4 {
        "right"
    } else if column < 4 {
        "left"
    } else {
        ""
    }
}

fn scale<'a>(shown: Shown, entries: impl Iterator<Item = &'a &'a MatrixEntry>) -> Scale {
    use crate::report::matrix::Metric;
    match shown {
        Shown::Of(Metric::Loss) => Scale::loss(),
        Shown::Coverage => Scale::missing(),
        Shown::Of(metric) => Scale::delay(
            entries
                .filter_map(|entry| cell::delay_ns(metric, entry))
                .collect(),
        ),
    }
}

fn worst(source: &ProbeName, target: &ProbeName, cell: &Cell) -> Worst {
    Worst {
        link: cell.link.clone(),
        pair: format!("{source} → {target}"),
        value: cell.text.clone(),
        class: match cell.look {
            Look::Level(level) => format!("l{level}"),
            _ => "hatch".to_owned(),
        },
    }
}

fn metrics(choice: &MatrixChoice) -> Vec<Choice> {
    let option = |(shown, word, name, unit): (Shown, &str, &str, &str)| Choice {
        value: word.to_owned(),
        text: format!("{name}, {unit}"),
        is_chosen: shown == choice.shown,
    };
    Shown::ALL.map(option).into()
}

fn families(choice: &MatrixChoice) -> Vec<Choice> {
    [
        ("any", "worse of both", None),
        ("4", "IPv4", Some(ippm::Family::V4)),
        ("6", "IPv6", Some(ippm::Family::V6)),
    ]
    .map(|(value, text, family)| Choice {
        value: value.to_owned(),
        text: text.to_owned(),
        is_chosen: family == choice.family,
    })
    .into()
}

fn tests(choice: &MatrixChoice, names: Vec<String>) -> Vec<Choice> {
    let mut names: BTreeSet<String> = names.into_iter().collect();
    names.insert(choice.test.as_str().to_owned());
    let option = |name: String| Choice {
        is_chosen: name == choice.test.as_str(),
        text: name.clone(),
        value: name,
    };
    names.into_iter().map(option).collect()
}

fn windows(choice: &MatrixChoice) -> Vec<Choice> {
    WINDOWS
        .map(|(value, text, length)| Choice {
            value: value.to_owned(),
            text: format!("last {text}"),
            is_chosen: length == choice.last,
        })
        .into()
}

#[cfg(test)]
mod tests;
