//! `report sla`: the SLA statement, printed or archived.

mod archive;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args as Arguments, Subcommand, ValueEnum};
use ippm::roster::Roster;
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::cli::report::archive::Archive;
use crate::cli::{Args, Failure};
use crate::clock::Clock;
use crate::config::Config;
use crate::report::directory::Directory;
use crate::report::sla::gather::{self, Ground, NoRecord, Question, Record, SlaError};
use crate::report::sla::period::PeriodError;
use crate::report::sla::statement::{Period, Statement};
use crate::startup::storage;
use crate::statement::{csv, html, json, text};

/// Which report.
#[derive(Debug, Clone, Subcommand)]
pub enum ReportCommand {
    /// The SLA statement of a month: availability, loss and delay with and without announced maintenance
    ///
    /// Reads the store directly, also while a collector runs. The same call on the same data prints the same bytes.
    Sla(SlaArgs),
}

/// What is to be stated, and how it is written.
#[derive(Debug, Clone, Arguments)]
pub struct SlaArgs {
    /// The month, `2026-10`
    #[arg(long, value_name = "MONTH", required_unless_present = "from", conflicts_with_all = ["from", "to"])]
    month: Option<String>,
    /// First instant, RFC 3339, instead of a month
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "to")]
    from: Option<UnixTime>,
    /// First instant after it
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "from")]
    to: Option<UnixTime>,
    /// Time zone in which the month begins and ends
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
    /// Profile of the configuration, `[sla.NAME]`
    #[arg(long, value_name = "NAME", default_value = "default")]
    profile: String,
    /// Only pairs between these sites; can be repeated
    #[arg(long = "site", value_name = "SITE")]
    sites: Vec<String>,
    /// Only pairs that this probe measures
    #[arg(long, value_name = "PROBE")]
    source: Option<ProbeName>,
    /// Only pairs in which this probe is measured
    #[arg(long, value_name = "PROBE")]
    target: Option<ProbeName>,
    /// Only this family, 4 or 6
    #[arg(long, value_name = "FAMILY", value_parser = family)]
    family: Option<Family>,
    /// The test
    #[arg(long, value_name = "TEST", default_value_t = TestName::icmp())]
    test: TestName,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Write statement, inputs as CSV and their hashes into this new directory instead of printing
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
}

/// How a statement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// A page that prints
    Html,
    /// A row for each pair and each direction between sites
    Csv,
    /// Everything
    Json,
    /// Tables for a terminal
    Text,
}

impl Form {
    const ALL: [Self; 4] = [Self::Html, Self::Csv, Self::Json, Self::Text];

    /// The end of a file's name.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Text => "txt",
        }
    }

    fn write(self, statement: &Statement) -> Result<String, Failure> {
        let refused = |error: &dyn std::fmt::Display| Failure::Refused(error.to_string());
        match self {
            Self::Html => html::write(statement).map_err(|error| refused(&error)),
            Self::Csv => Ok(csv::write(statement)),
            Self::Json => json::Document::of(statement)
                .write()
                .map_err(|error| refused(&error)),
            Self::Text => Ok(text::write(statement)),
        }
    }
}

/// Makes the report.
pub(super) fn run(args: &Args, command: &ReportCommand, out: &mut dyn Write) -> Result<(), Failure> {
    let ReportCommand::Sla(sla) = command;
    let config = args.load_with_store()?;
    let now = Clock::system().now();
    let question = sla.question(&config, now)?;
    let roster = roster(&config.access.roster_file)?;
    match &sla.archive {
        None => {
            let statement = state(&config, &roster, &question, now, &mut NoRecord)?;
            let text = sla.format.write(&statement)?;
            out.write_all(text.as_bytes()).map_err(Failure::io("stdout"))
        }
        Some(folder) => {
            let mut archive = Archive::create(folder)?;
            let statement = state(&config, &roster, &question, now, &mut archive)?;
            for form in Form::ALL {
                archive.add(&format!("statement.{}", form.suffix()), &form.write(&statement)?)?;
            }
            archive.finish(&statement)?;
            writeln!(out, "{}: statement, inputs and their hashes", folder.display())
                .map_err(Failure::io("stdout"))
        }
    }
}

impl SlaArgs {
    fn question(&self, config: &Config, now: UnixTime) -> Result<Question, Failure> {
        let period = match (&self.month, self.from, self.to) {
            (Some(month), ..) => Period::month(month, &self.tz, now),
            (None, Some(from), Some(to)) => {
                let label = [from, to].map(ippm::wire::time::format).join("/");
                Period::between(from, to, &self.tz, &label, now)
            }
            (None, ..) => Err(PeriodError::Empty),
        };
        let period = period.map_err(|error| {
            let flag = match &error {
                PeriodError::Zone { .. } => "--tz",
                _ if self.month.is_some() => "--month",
                _ => "--from",
            };
            Failure::fault(flag, error)
        })?;
        let profile = config.sla.iter().find(|profile| profile.name == self.profile);
        let profile = profile.ok_or_else(|| {
            let known: Vec<&str> = config.sla.iter().map(|profile| profile.name.as_str()).collect();
            Failure::fault(
                "--profile",
                format_args!("no [sla.{}]; there are {}", self.profile, known.join(", ")),
            )
        })?;
        Ok(Question {
            period,
            profile: profile.clone(),
            sites: self.sites.clone(),
            source: self.source.clone(),
            target: self.target.clone(),
            family: self.family,
            test: self.test.clone(),
        })
    }
}

fn state(
    config: &Config,
    roster: &Roster,
    question: &Question,
    now: UnixTime,
    record: &mut (dyn Record + Send),
) -> Result<Statement, Failure> {
    let directory = Directory::of(roster);
    let ground = Ground {
        directory: &directory,
        roster,
        // No test of this release loads a path.
        loads: &[],
        legacy_period: config.legacy.period,
        raw_retention: config.retention.raw,
        hour_retention: config.retention.hour,
        now,
    };
    actix_web::rt::System::new().block_on(async {
        let store = storage::open_to_read(config)?;
        match gather::read(store.as_ref(), &ground, question, record).await {
            Ok(statement) => Ok(statement),
            Err(SlaError::Store(error)) => Err(Failure::Store(error)),
            Err(SlaError::UnknownSite { site }) => {
                let problem = format_args!("no probe of the roster stands at {site:?}").to_string();
                Err(Failure::fault("--site", problem))
            }
            Err(error) => Err(Failure::Refused(error.to_string())),
        }
    })
}

fn roster(path: &Path) -> Result<Roster, Failure> {
    let text = std::fs::read(path).map_err(Failure::io(path.display().to_string()))?;
    ippm::wire::roster::parse(&text).map_err(|error| Failure::fault(path.display().to_string(), error))
}

fn family(text: &str) -> Result<Family, String> {
    let number = text.parse().ok();
    number
        .and_then(Family::from_number)
        .ok_or_else(|| "expected 4 or 6".to_owned())
}

fn instant(text: &str) -> Result<UnixTime, ippm::wire::time::TimeError> {
    ippm::wire::time::parse(text)
}
