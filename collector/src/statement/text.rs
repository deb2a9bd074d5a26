//! The statement as tables for a terminal.

use std::fmt::Write as _;

use comfy_table::{Table, presets};

use crate::report::sla::account::Rounds;
use crate::report::sla::profile::Quantile;
use crate::report::sla::statement::{Both, Figures, Statement};
use crate::statement::words;

/// The statement as text, ended by a newline.
#[must_use]
pub fn write(statement: &Statement) -> String {
    let mut out = String::new();
    let period = &statement.period;
    let title = match statement.profile.title.as_str() {
        "" => statement.profile.name.clone(),
        title => format!("{title} ({})", statement.profile.name),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "SLA statement {} ({}), profile {title}\nfrom {} to {}",
        period.label,
        period.zone,
        ippm::wire::time::format(period.from),
        ippm::wire::time::format(period.to),
    );
    if !statement.sites.is_empty() {
        let _ = writeln!(out, "sites {}", statement.sites.join(", "));
    }
    let _ = writeln!(out, "method {}\ninputs {}\n", statement.method, statement.inputs);
    if statement.works.is_empty() {
        out.push_str("No maintenance was announced for these pairs.\n");
    } else {
        out.push_str(&works(statement).trim_fmt());
        out.push('\n');
    }
    out.push_str("\nPairs, announced maintenance taken out (in brackets: included)\n");
    out.push_str(&pairs(statement).trim_fmt());
    out.push('\n');
    out.push_str("\nRounds, announced maintenance taken out (in brackets: included)\n");
    out.push_str(&rounds(statement).trim_fmt());
    out.push('\n');
    if !statement.site_pairs.is_empty() {
        out.push_str("\nSites, the worst direction and family of each quantity\n");
        out.push_str(&sites(statement).trim_fmt());
        out.push('\n');
    }
    out.push('\n');
    for note in words::notes(statement) {
        let _ = writeln!(out, "{note}");
    }
    out
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table
}

fn works(statement: &Statement) -> Table {
    let mut table = table(["MAINTENANCE", "FROM", "TO", "SCOPE", "REASON"]);
    for work in &statement.works {
        let scope = if work.scope.is_empty() {
            "everything".to_owned()
        } else {
            work.scope.join(" ")
        };
        let late = if work.from < work.loaded {
            " (announced after its beginning)"
        } else {
            ""
        };
        table.add_row([
            work.id.clone(),
            ippm::wire::time::format(work.from),
            ippm::wire::time::format(work.to),
            scope,
            format!("{}{late}", work.reason.as_deref().unwrap_or(words::NOTHING)),
        ]);
    }
    table
}

fn pairs(statement: &Statement) -> Table {
    let mut table = table([
        "PAIR",
        "FAMILY",
        "COVERAGE",
        "AVAILABILITY",
        "LOSS",
        "LOSS/MIN",
        "DELAY/MIN",
        "P95",
        "P99",
        "PDV P99",
        "FINDINGS",
    ]);
    for pair in &statement.pairs {
        let figures = &pair.figures;
        let mut row = vec![
            format!("{} -> {}", pair.source.probe, pair.target.probe),
            pair.family.to_string(),
        ];
        row.extend(cells(figures));
        table.add_row(row);
    }
    table
}

fn cells(both: &Both) -> Vec<String> {
    let with = |value: fn(&Figures) -> String| beside(&value(&both.excluding), &value(&both.including));
    let findings: Vec<String> = both.findings.iter().map(words::finding).collect();
    vec![
        beside(
            &words::coverage(&both.accounting.excluding()),
            &words::coverage(&both.accounting.all),
        ),
        with(|figures| words::availability(&figures.availability.unavailable)),
        with(|figures| words::share(&figures.loss)),
        with(|figures| {
            figures.minutes.map_or_else(
                || words::NOTHING.to_owned(),
                |minutes| words::percent(minutes.mean_loss),
            )
        }),
        with(words::minute_delay),
        with(|figures| words::quantile(figures, Quantile::P95)),
        with(|figures| words::quantile(figures, Quantile::P99)),
        with(|figures| words::pdv(figures, Quantile::P99)),
        if findings.is_empty() {
            words::NOTHING.to_owned()
        } else {
            findings.join("; ")
        },
    ]
}

/// What holds without announced work, and in brackets what holds with it, if that is something else.
fn beside(excluding: &str, including: &str) -> String {
    if excluding == including {
        excluding.to_owned()
    } else {
        format!("{excluding} ({including})")
    }
}

/// Every expected round in its class.
fn rounds(statement: &Statement) -> Table {
    let mut table = table([
        "PAIR",
        "FAMILY",
        "EXPECTED",
        "MEASURED",
        "SUSPECT",
        "LOADED",
        "NOT MEASURED",
        "NO COUNTS",
        "LEFT OUT",
        "NOT REPORTED",
        "NO COLLECTOR",
    ]);
    for pair in &statement.pairs {
        let account = &pair.figures.accounting;
        let (excluding, including) = (account.excluding(), account.all);
        let counts: [fn(&Rounds) -> u64; 9] = [
            |rounds| rounds.expected,
            |rounds| rounds.measured,
            |rounds| rounds.suspect,
            |rounds| rounds.loaded,
            |rounds| rounds.unmeasured,
            |rounds| rounds.legacy,
            |rounds| rounds.left_out,
            |rounds| rounds.probe_missing,
            |rounds| rounds.collector_gap,
        ];
        let mut row = vec![
            format!("{} -> {}", pair.source.probe, pair.target.probe),
            pair.family.to_string(),
        ];
        let counts =
            counts.map(|count| beside(&count(&excluding).to_string(), &count(&including).to_string()));
        row.extend(counts);
        table.add_row(row);
    }
    table
}

fn sites(statement: &Statement) -> Table {
    let mut table = table(["SITES", "QUANTITY", "WORST", "DIRECTION", "FAMILY"]);
    for pair in &statement.site_pairs {
        for worst in &pair.worst {
            let Some(direction) = pair.directions.get(worst.direction) else {
                continue;
            };
            table.add_row([
                pair.sites.join(" / "),
                words::metric(worst.metric).to_owned(),
                words::value(worst.measured),
                format!("{} -> {}", direction.from, direction.to),
                direction.family.to_string(),
            ]);
        }
    }
    table
}
