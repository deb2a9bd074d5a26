//! `synthetic`: history that never happened, to try pages and reports with.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use clap::Args as Arguments;
use ippm::UnixTime;
use ippm::cell::{DAY, HOUR};
use ippm::wire::time;

use crate::cli::{Args, Failure, start_log};
use crate::clock::Clock;
use crate::config::Config;
use crate::plan::Defaults;
use crate::startup::storage;
use crate::synthetic::{History, Scenario, SyntheticError};

/// How large, how long, until when.
#[derive(Debug, Clone, Arguments)]
pub struct SyntheticArgs {
    /// Probes, two at each site
    #[arg(long, value_name = "N", default_value_t = 6)]
    probes: usize,
    /// Days before the end; the first one is whole
    #[arg(long, value_name = "D", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3_649))]
    days: u32,
    /// End, RFC 3339; the last full hour if left out
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<UnixTime>,
    /// What chance decides
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

/// Makes it, and the roster and the schedule that belong to it.
pub(super) fn run(args: &Args, synthetic: &SyntheticArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let config = args.load_with_store()?;
    start_log();
    let scenario = synthetic.scenario(&config, Clock::system().now());
    let history = History::new(scenario, Defaults::of(&config)).map_err(failure)?;
    let files = [
        (&config.access.roster_file, history.roster_text()),
        (&config.access.schedule_file, history.schedule_text()),
    ];
    for (path, text) in files {
        check_file(path, text)?;
    }
    let written = actix_web::rt::System::new().block_on(async {
        let store = storage::open(&config).map_err(Failure::Store)?;
        history.write(store.as_ref()).await.map_err(failure)
    })?;
    for (path, text) in files {
        fs::write(path, text).map_err(Failure::io(path.display().to_string()))?;
    }
    let mut say = |line: String| writeln!(out, "{line}").map_err(Failure::io("stdout"));
    say(format!(
        "synthetic history of {} probes, {} to {}, seed {}: {} rounds, {} results, {} hours and days, {} beats",
        scenario.probes,
        time::format(scenario.start),
        time::format(scenario.end),
        scenario.seed,
        written.reports,
        written.results,
        written.cells,
        written.beats
    ))?;
    for incident in history.incidents() {
        let (from, to) = (time::format(incident.from), time::format(incident.to));
        say(format!(
            "{from} to {to}: {}",
            incident.kind.describe(scenario.probes)
        ))?;
    }
    for (path, _) in files {
        say(format!("{} belongs to it", path.display()))?;
    }
    say(format!(
        "next: collector serve, and http://{}/",
        config.server.listen
    ))
}

impl SyntheticArgs {
    /// Single results for as long as they are kept: what is older has expired, and only hours and days are left.
    fn scenario(&self, config: &Config, now: UnixTime) -> Scenario {
        let end = self.until.unwrap_or(now).floor(HOUR);
        let start = end.saturating_sub(DAY * self.days).floor(DAY);
        let expired = now.saturating_sub(config.retention.raw).saturating_add(HOUR);
        Scenario {
            probes: self.probes,
            start,
            end,
            raw_from: start.max(expired.floor(HOUR)),
            seed: self.seed,
        }
    }
}

/// A file that an operator wrote is not written over.
fn check_file(path: &Path, text: &str) -> Result<(), Failure> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::io(path.display().to_string())(error)),
        Ok(found) if found == text.as_bytes() => Ok(()),
        Ok(_) => Err(Failure::Refused(format!(
            "{} is there and belongs to something else; choose an empty directory",
            path.display()
        ))),
    }
}

fn failure(error: SyntheticError) -> Failure {
    match error {
        SyntheticError::Store(error) => Failure::Store(error),
        SyntheticError::Foreign { .. } => Failure::Refused(error.to_string()),
        SyntheticError::Probes { .. } => Failure::fault("--probes", error),
        SyntheticError::Length => Failure::fault("--days", error),
        SyntheticError::Plan(_) => Failure::fault("plan", error),
    }
}
