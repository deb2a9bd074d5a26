//! The statement as HTML: a fragment for the dashboard's page, and a page of its own that prints.

use askama::Template;

use crate::report::sla::account::Rounds;
use crate::report::sla::profile::Quantile;
use crate::report::sla::statement::{Both, Figures, Statement};
use crate::statement::words;

/// The statement without a frame.
#[derive(Debug, Clone, Template)]
#[template(path = "sla_statement.html")]
pub struct Fragment {
    title: String,
    label: String,
    zone: String,
    from: String,
    to: String,
    is_provisional: bool,
    profile: String,
    sites: String,
    method: String,
    inputs: String,
    works: Vec<WorkRow>,
    site_pairs: Vec<WorstRow>,
    directions: Vec<Figured>,
    pairs: Vec<FigureRow>,
    notes: Vec<String>,
}

/// A page of its own, for an archive: it needs nothing else.
#[derive(Debug, Clone, Template)]
#[template(
    source = "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{{ title }}</title><style>\
              body{font:11pt sans-serif;margin:1.5em}table{border-collapse:collapse;font-size:9pt}\
              th,td{border:1px solid #999;padding:.2em .4em;text-align:left;vertical-align:top}\
              code{overflow-wrap:anywhere}dt{font-weight:bold}dd{margin:0 0 .4em}tr{break-inside:avoid}\
              @page{size:A4 landscape;margin:1cm}</style></head>\n<body>\n{{ fragment|safe }}</body>\n</html>\n",
    ext = "html"
)]
struct Page {
    title: String,
    fragment: String,
}

#[derive(Debug, Clone)]
struct WorkRow {
    id: String,
    from: String,
    to: String,
    loaded: String,
    is_late: bool,
    scope: String,
    reason: String,
}

#[derive(Debug, Clone)]
struct WorstRow {
    sites: String,
    metric: &'static str,
    value: String,
    direction: String,
    family: u8,
}

#[derive(Debug, Clone)]
struct Figured {
    name: String,
    rows: Vec<FigureRow>,
}

#[derive(Debug, Clone)]
struct FigureRow {
    name: String,
    excluding: Vec<String>,
    including: Vec<String>,
    findings: Vec<String>,
}

impl Fragment {
    /// The fragment of `statement`.
    #[must_use]
    pub fn of(statement: &Statement) -> Self {
        let period = &statement.period;
        Self {
            title: title(statement),
            label: period.label.clone(),
            zone: period.zone.clone(),
            from: time(period.from),
            to: time(period.to),
            is_provisional: period.is_provisional,
            profile: match statement.profile.title.as_str() {
                "" => statement.profile.name.clone(),
                title => format!("{title} ({})", statement.profile.name),
            },
            sites: statement.sites.join(", "),
            method: statement.method.clone(),
            inputs: statement.inputs.clone(),
            works: works(statement),
            site_pairs: worst(statement),
            directions: statement
                .site_pairs
                .iter()
                .map(|pair| Figured {
                    name: pair.sites.join(" / "),
                    rows: pair
                        .directions
                        .iter()
                        .map(|direction| {
                            let name =
                                format!("{} → {}, IPv{}", direction.from, direction.to, direction.family);
                            row(name, &direction.figures)
                        })
                        .collect(),
                })
                .collect(),
            pairs: statement
                .pairs
                .iter()
                .map(|pair| {
                    let name = format!(
                        "{} → {}, IPv{}",
                        pair.source.probe, pair.target.probe, pair.family
                    );
                    row(name, &pair.figures)
                })
                .collect(),
            notes: words::notes(statement),
        }
    }
}

/// The statement as a page of its own.
///
/// # Errors
///
/// None in practice: a template writes into memory.
pub fn write(statement: &Statement) -> Result<String, askama::Error> {
    Page {
        title: title(statement),
        fragment: Fragment::of(statement).render()?,
    }
    .render()
}

fn title(statement: &Statement) -> String {
    format!("SLA statement {}", statement.period.label)
}

fn time(time: ippm::UnixTime) -> String {
    ippm::wire::time::format(time).replace(".000000000Z", "Z")
}

fn works(statement: &Statement) -> Vec<WorkRow> {
    let row = |work: &crate::report::sla::statement::Work| WorkRow {
        id: work.id.clone(),
        from: time(work.from),
        to: time(work.to),
        loaded: time(work.loaded),
        is_late: work.from < work.loaded,
        scope: if work.scope.is_empty() {
            "everything".to_owned()
        } else {
            work.scope.join(", ")
        },
        reason: work.reason.clone().unwrap_or_else(|| words::NOTHING.to_owned()),
    };
    statement.works.iter().map(row).collect()
}

fn worst(statement: &Statement) -> Vec<WorstRow> {
    let mut rows = Vec::new();
    for pair in &statement.site_pairs {
        for worst in &pair.worst {
            let Some(direction) = pair.directions.get(worst.direction) else {
                continue;
            };
            rows.push(WorstRow {
                sites: pair.sites.join(" / "),
                metric: words::metric(worst.metric),
                value: words::value(worst.measured),
                direction: format!("{} → {}", direction.from, direction.to),
                family: direction.family.number(),
            });
        }
    }
    rows
}

fn row(name: String, both: &Both) -> FigureRow {
    FigureRow {
        name,
        excluding: cells(&both.accounting.excluding(), &both.excluding),
        including: cells(&both.accounting.all, &both.including),
        findings: both.findings.iter().map(words::finding).collect(),
    }
}

fn cells(rounds: &Rounds, figures: &Figures) -> Vec<String> {
    let left_over = words::left_over(rounds);
    let mut cells = vec![
        words::coverage(rounds),
        if left_over.is_empty() {
            words::NOTHING.to_owned()
        } else {
            left_over
        },
        figures.loss.whole().to_string(),
        words::availability(&figures.availability.unavailable),
        words::share(&figures.loss),
        figures.minutes.map_or_else(
            || words::NOTHING.to_owned(),
            |minutes| words::percent(minutes.mean_loss),
        ),
        words::minute_delay(figures),
    ];
    cells.extend(Quantile::ALL.map(|quantile| words::quantile(figures, quantile)));
    cells.push(words::pdv(figures, Quantile::P99));
    cells
}
