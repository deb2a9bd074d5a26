//! `plan`: what roster and schedule ask of the probes, what it costs, and what a change does.

mod check;
mod diff;
mod show;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use ippm::{ProbeName, UnixTime, wire};
use serde_json::Value;

use crate::cli::{Args, Failure};
use crate::config::layer::Fault;
use crate::plan::Plans;
use crate::watch::planned::{Planned, Sources};

/// What to do with plans.
#[derive(Debug, Clone, Subcommand)]
pub enum PlanCommand {
    /// Print whom a probe measures, and when; without --probe the plans of all probes in one line each
    Show(ShowArgs),
    /// Print what the plans cost, or why they are refused
    ///
    /// Exit status 0 if a collector would take them, 2 if not.
    Check(Form),
    /// Print what another roster and schedule would add and remove
    Diff(DiffArgs),
}

/// How the answer looks.
#[derive(Debug, Clone, Copy, Arguments)]
pub struct Form {
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

/// Whose plan, and when.
#[derive(Debug, Clone, Arguments)]
pub struct ShowArgs {
    /// The probe, by its present name or a former one
    #[arg(long)]
    probe: Option<ProbeName>,
    /// A time of RFC 3339 that decides which windows are open; now if left out
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<UnixTime>,
    #[command(flatten)]
    form: Form,
}

/// What is compared.
#[derive(Debug, Clone, Arguments)]
pub struct DiffArgs {
    /// A folder with probes.json and schedule.json, or ROSTER,SCHEDULE
    #[arg(value_name = "OLD")]
    old: String,
    /// The same, as it would be
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    form: Form,
}

fn time(text: &str) -> Result<UnixTime, String> {
    wire::time::parse(text).map_err(|_| "expected a time like 2026-11-21T00:00:00Z".to_owned())
}

/// Runs the command.
pub(super) fn run(args: &Args, command: &PlanCommand, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load()?;
    let sources = Sources::of(&config);
    match command {
        PlanCommand::Show(show) => {
            let planned = load(&sources)?;
            let at = show.at.unwrap_or_else(|| crate::clock::Clock::system().now());
            show::show(&planned.plans, show, at, out)
        }
        PlanCommand::Check(form) => check::check(&load(&sources)?.plans, *form, out),
        PlanCommand::Diff(diff) => {
            let of = |place: &str| load(&at_place(place, &sources));
            diff::diff(&of(&diff.old)?.plans, &of(&diff.new)?.plans, diff.form, out)
        }
    }
}

fn at_place(place: &str, sources: &Sources) -> Sources {
    let (roster, schedule) = match place.split_once(',') {
        Some((roster, schedule)) => (PathBuf::from(roster), PathBuf::from(schedule)),
        None => (
            Path::new(place).join("probes.json"),
            Path::new(place).join("schedule.json"),
        ),
    };
    Sources {
        roster,
        schedule,
        defaults: sources.defaults,
    }
}

fn load(sources: &Sources) -> Result<Planned, Failure> {
    let outcome = sources.read(None);
    let fault = |fault: &crate::watch::file::FileFault| Fault::new(fault.file, &fault.problem);
    outcome
        .planned
        .filter(|_| outcome.faults.is_empty())
        .ok_or_else(|| Failure::Faulty(outcome.faults.iter().map(fault).collect()))
}

/// A table without lines; the columns from `numbers` on are numbers.
fn table<'a>(header: impl IntoIterator<Item = &'a str>, numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for column in table.column_iter_mut().skip(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn write_table(out: &mut dyn Write, title: &str, table: &Table) -> Result<(), Failure> {
    writeln!(out, "{title}\n{}\n", table.trim_fmt()).map_err(Failure::io("stdout"))
}

fn write_json(out: &mut dyn Write, value: &Value) -> Result<(), Failure> {
    writeln!(out, "{value:#}").map_err(Failure::io("stdout"))
}

/// Whether anything is measured at all, in words for the head of an answer.
fn head(plans: &Plans) -> String {
    let roster = plans.roster();
    let sites: std::collections::BTreeSet<&str> = roster
        .probes()
        .iter()
        .filter_map(|probe| probe.details.site.as_deref())
        .collect();
    let switch = if plans.schedule().measure {
        ""
    } else {
        "; the schedule says measure: false, so nothing is measured"
    };
    format!(
        "{} probes at {} named sites, {} pairs, rounds every {}{switch}",
        roster.probes().len(),
        sites.len(),
        plans.cost().pairs,
        ippm::codec::duration::encode(plans.defaults().period),
    )
}
