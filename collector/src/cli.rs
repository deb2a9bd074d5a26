//! The command line: its arguments, its exit statuses, and one module for each group of commands.

mod check;
mod keys;
mod last;
mod plan;
mod report;
mod serve;
mod storage;
mod synthetic;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use thiserror::Error;

use crate::cli::keys::KeyCommand;
use crate::cli::last::LastArgs;
use crate::cli::plan::PlanCommand;
use crate::cli::report::ReportCommand;
use crate::cli::synthetic::SyntheticArgs;
use crate::config::Config;
use crate::config::layer::{Fault, Sources};
use crate::store::StoreError;

/// Exit statuses, as `collector(1)` documents them.
pub mod exit {
    /// Done.
    pub const SUCCESS: u8 = 0;
    /// The command could not do what it was asked: an address in use, a store that is away.
    pub const FAILED: u8 = 1;
    /// Usage, configuration, roster or key file: something the operator has to mend first.
    pub const FAULTY: u8 = 2;
}

/// Keeps what the probes of an Internet Exchange Point measured, and shows it.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "collector",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 failed, 2 usage or configuration. See collector(1)."
)]
pub struct Args {
    /// Configuration file; without one every setting has its default
    #[arg(long, global = true, value_name = "FILE", env = "IXPQOS_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of the embedded store (setting `store.data_dir`)
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Take reports and answer questions until SIGTERM
    ///
    /// Without a configuration file: on the loopback address, with a store in ./ixpqos-data; the first
    /// start makes a roster and keys and prints the keys once. SIGHUP reads roster and keys again.
    Serve {
        /// Address and port (setting `server.listen`)
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
    },
    /// Name every fault of configuration, roster and key file
    ///
    /// Exit status 0 if a collector would start with them (warnings included), 2 if not.
    CheckConfig,
    /// Print the effective configuration, secrets left out
    PrintConfig,
    /// Prepare the store: buckets, retention, field types; can be repeated
    Setup,
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Copy the embedded store into a file while a collector works
    Backup {
        /// The file to write; it must not exist
        #[arg(value_name = "FILE")]
        to: PathBuf,
    },
    /// Put a copy made by `backup` in the place of the embedded store; no collector may run
    Restore {
        /// The copy
        #[arg(value_name = "FILE")]
        from: PathBuf,
    },
    /// Print the latest results of a probe as a table
    Last(LastArgs),
    /// Show, check and compare the plans that follow from roster and schedule
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Make a report from the store
    #[command(subcommand)]
    Report(ReportCommand),
    /// Fill an empty store with made-up history, to try pages and reports with
    ///
    /// Also writes the roster and the schedule that belong to it. Pages say that it is synthetic. A store that
    /// holds measured results is refused, and so are files that are there.
    Synthetic(SyntheticArgs),
}

/// Why a command failed; the variant decides the exit status.
#[derive(Debug, Error)]
pub enum Failure {
    /// Faults of the configuration.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\ncollector: "))]
    Faulty(Vec<Fault>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or a socket; says which.
    #[error("{what}")]
    Io {
        /// What could not be done.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Anything else that a running collector or this host answered.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }

    fn fault(path: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Faulty(vec![Fault::new(path, problem)])
    }

    /// The exit status.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Faulty(_) => exit::FAULTY,
            Self::Store(_) | Self::Io { .. } | Self::Refused(_) => exit::FAILED,
        }
    }
}

/// Runs the command; its failure goes to stderr.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let mut out = io::stdout().lock();
    let result = match &args.command {
        Command::Serve { .. } => serve::serve(args, &mut out),
        Command::CheckConfig => check::check(args, &mut out),
        Command::PrintConfig => check::print(args, &mut out),
        Command::Setup => storage::setup(args, &mut out),
        Command::Key(command) => keys::run(args, command, &mut out),
        Command::Backup { to } => storage::backup(args, to, &mut out),
        Command::Restore { from } => storage::restore(args, from, &mut out),
        Command::Last(last) => last::last(args, last, &mut out),
        Command::Plan(command) => plan::run(args, command, &mut out),
        Command::Report(command) => report::run(args, command, &mut out),
        Command::Synthetic(wanted) => synthetic::run(args, wanted, &mut out),
    };
    match result {
        Ok(()) => ExitCode::from(exit::SUCCESS),
        // Whoever read our output has gone: `collector last ams1 | head`.
        Err(Failure::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(exit::SUCCESS)
        }
        Err(failure) => {
            let mut text = failure.to_string();
            if let Failure::Io { source, .. } = &failure {
                text = format!("{text}: {source}");
            }
            // Nothing is left to do if stderr is closed.
            let _ = writeln!(io::stderr(), "collector: {text}");
            ExitCode::from(failure.status())
        }
    }
}

impl Args {
    /// Where settings come from: file, environment and the flags of this command line.
    fn sources(&self) -> Sources<'_> {
        let mut flags = Vec::new();
        if let Some(dir) = &self.data_dir {
            flags.push(("store.data_dir", dir.to_string_lossy().into_owned()));
        }
        if let Command::Serve { listen: Some(listen) } = &self.command {
            flags.push(("server.listen", listen.clone()));
        }
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources {
            file: self.config.as_deref(),
            environment,
            flags,
        }
    }

    fn load(&self) -> Result<Config, Failure> {
        Config::load(&self.sources()).map_err(Failure::Faulty)
    }

    /// The configuration, for a command that opens the store.
    fn load_with_store(&self) -> Result<Config, Failure> {
        let config = self.load()?;
        match config.unplaced() {
            Some(fault) => Err(Failure::Faulty(vec![fault])),
            None => Ok(config),
        }
    }
}

/// The log goes to stderr, to the journal under systemd; `IXPQOS_LOG` filters it (`debug`, `collector=warn`).
fn start_log() {
    let env = env_logger::Env::new()
        .filter_or("IXPQOS_LOG", "info,actix_server=warn")
        .write_style("IXPQOS_LOG_STYLE");
    // A second logger in one process (tests) is no fault.
    let _ = env_logger::Builder::from_env(env).try_init();
}
