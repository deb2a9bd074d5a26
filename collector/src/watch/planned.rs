//! Roster and schedule, which come into force together: neither means anything without the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ippm::roster::Roster;
use ippm::schedule::Schedule;
use ippm::wire;
use ippm::wire::file::place::Places;
use ippm::wire::file::{Fault, FileError, MAX_BYTES};
use sha2::{Digest, Sha256};

use super::file::{FileFault, chain, read};
use crate::config::Config;
use crate::config::reader::hex;
use crate::plan::fault::{PlanError, PlanFault, PlanFile};
use crate::plan::{Defaults, Plans};

/// Name of the roster among the files.
pub const ROSTER: &str = "roster";
/// Name of the schedule among the files.
pub const SCHEDULE: &str = "schedule";

/// Where roster and schedule lie, and what follows where they say nothing.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `probes.json`.
    pub roster: PathBuf,
    /// `schedule.json`, which need not exist.
    pub schedule: PathBuf,
    /// What the configuration says.
    pub defaults: Defaults,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub struct Source<T> {
    /// What it says.
    pub value: Arc<T>,
    /// SHA-256 of its bytes; `None` if there is no file.
    pub digest: Option<String>,
    /// Its bytes, to find the line of a key that turns out to be wrong.
    text: Arc<[u8]>,
}

/// What is in force of roster and schedule.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The roster.
    pub roster: Source<Roster>,
    /// The schedule; the default one without a file.
    pub schedule: Source<Schedule>,
    /// The plans that follow from both.
    pub plans: Plans,
}

/// What one look brought: what comes into force, and what is wrong.
#[derive(Debug)]
pub struct Outcome {
    /// Roster and schedule with their plans, if there are any; as they were before if a file is wrong.
    pub planned: Option<Planned>,
    /// The roster alone, good by itself, as long as no plans follow from it.
    pub roster: Option<Source<Roster>>,
    /// What is wrong with the files as they are now.
    pub faults: Vec<FileFault>,
}

impl Sources {
    /// Those of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            roster: config.access.roster_file.clone(),
            schedule: config.access.schedule_file.clone(),
            defaults: Defaults::of(config),
        }
    }

    /// Reads both files. Of a file that is wrong by itself that of `last` stays; if both together make no plans,
    /// all of `last` does.
    #[must_use]
    pub fn read(&self, last: Option<&Planned>) -> Outcome {
        let mut faults = Vec::new();
        let roster = self.read_roster().unwrap_or_else(|fault| {
            faults.push(fault);
            last.map(|last| last.roster.clone())
        });
        let schedule = self.read_schedule(last).unwrap_or_else(|fault| {
            faults.push(fault);
            last.map(|last| last.schedule.clone())
        });
        let mut planned = last.cloned();
        if let (Some(roster), Some(schedule)) = (&roster, schedule) {
            match self.plans(roster.clone(), schedule) {
                Ok(new) => planned = Some(new),
                Err(more) => faults.extend(more),
            }
        }
        Outcome {
            planned,
            roster,
            faults,
        }
    }

    fn read_roster(&self) -> Result<Option<Source<Roster>>, FileFault> {
        let path = &self.roster;
        let text = read(path, MAX_BYTES).map_err(|error| whole(ROSTER, path, &error))?;
        match wire::roster::parse(&text) {
            Ok(roster) => Ok(Some(Source::new(roster, text))),
            Err(error) => Err(named(ROSTER, path, error)),
        }
    }

    fn read_schedule(&self, last: Option<&Planned>) -> Result<Option<Source<Schedule>>, FileFault> {
        let path = &self.schedule;
        let text = match read(path, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if last.is_some_and(|last| last.schedule.digest.is_some()) {
                    Err(FileFault::new(
                        SCHEDULE,
                        format!(
                            "schedule {} is gone; for the default test write {{}}",
                            path.display()
                        ),
                    ))
                } else {
                    Ok(Some(Source::default_schedule()))
                };
            }
            Err(error) => return Err(whole(SCHEDULE, path, &error)),
        };
        match wire::schedule::parse(&text) {
            Ok(schedule) => Ok(Some(Source::new(schedule, text))),
            Err(error) => Err(named(SCHEDULE, path, error)),
        }
    }

    fn plans(&self, roster: Source<Roster>, schedule: Source<Schedule>) -> Result<Planned, Vec<FileFault>> {
        let plans = Plans::new(
            Arc::clone(&roster.value),
            Arc::clone(&schedule.value),
            self.defaults,
        );
        match plans {
            Ok(plans) => Ok(Planned {
                roster,
                schedule,
                plans,
            }),
            Err(error) => Err(self.refused(&error, &roster, &schedule)),
        }
    }

    /// The faults of a refused plan, each at the line of its key.
    fn refused(
        &self,
        error: &PlanError,
        roster: &Source<Roster>,
        schedule: &Source<Schedule>,
    ) -> Vec<FileFault> {
        let of_file = |file: PlanFile| {
            // Without a schedule it is the roster that asks for too much.
            let is_here = |fault: &&PlanFault| {
                file == if schedule.digest.is_some() {
                    fault.file
                } else {
                    PlanFile::Roster
                }
            };
            let (name, path, text) = match file {
                PlanFile::Roster => (ROSTER, &self.roster, &roster.text),
                PlanFile::Schedule => (SCHEDULE, &self.schedule, &schedule.text),
            };
            let place = |fault: &PlanFault| {
                let key = if fault.file == file { &fault.key } else { "probes" };
                Fault {
                    line: match file {
                        PlanFile::Roster => wire::roster::line(text, key),
                        PlanFile::Schedule => Places::of(text).line(key),
                    },
                    path: key.to_owned(),
                    problem: fault.problem.to_string(),
                }
            };
            let places: Vec<Fault> = error.faults.iter().filter(is_here).map(place).collect();
            (!places.is_empty()).then(|| {
                let fault = whole(name, path, &FileError::Faults(places.clone()));
                FileFault { places, ..fault }
            })
        };
        [PlanFile::Roster, PlanFile::Schedule]
            .into_iter()
            .filter_map(of_file)
            .collect()
    }
}

impl<T> Source<T> {
    fn new(value: T, text: Vec<u8>) -> Self {
        Self {
            value: Arc::new(value),
            digest: Some(hex(&Sha256::digest(&text))),
            text: text.into(),
        }
    }
}

impl Source<Schedule> {
    /// What holds without a file.
    fn default_schedule() -> Self {
        Self {
            value: Arc::new(Schedule::everybody()),
            digest: None,
            text: Arc::new([]),
        }
    }
}

impl Planned {
    /// What announced work names and the roster does not know, each with its line.
    #[must_use]
    pub fn unknown_names(&self) -> Vec<Fault> {
        let (schedule, roster) = (&self.schedule, &self.roster);
        wire::schedule::names::unknown(&schedule.value, &roster.value, &schedule.text)
    }
}

fn whole(file: &'static str, path: &Path, error: &dyn std::error::Error) -> FileFault {
    FileFault::new(file, format!("{file} {}: {}", path.display(), chain(error)))
}

fn named(file: &'static str, path: &Path, error: FileError) -> FileFault {
    let fault = whole(file, path, &error);
    let places = match error {
        FileError::Faults(places) => places,
        FileError::TooLarge { .. } | FileError::Json(_) => Vec::new(),
    };
    FileFault { places, ..fault }
}
