//! What went wrong in a run, and the exit status that says so.
//!
//! | status | meaning |
//! |---|---|
//! | 0 | delivered; loss is data, so a round that lost every packet exits 0 |
//! | 1 | measured but not delivered; the line says whether the report was kept |
//! | 2 | nothing measured: usage, configuration, no plan, another round holds the lock |
//! | 3 | not allowed to open sockets; still reported, as `error` |
//!
//! `doctor` uses them in the same order of severity: 0 nothing to mend, 1 something spoils measurements,
//! 2 something keeps a round from being measured or delivered, 3 not allowed to open sockets.

use std::error::Error as StdError;
use std::process::ExitCode;

use thiserror::Error;

use crate::cli::UsageError;
use crate::client::ClientError;
use crate::config::ConfigError;
use crate::console;
use crate::deliver::Undelivered;
use crate::doctor::DoctorFailure;
use crate::fetch::NoPlan;
use crate::legacy::LegacyFailure;
use crate::lock::LockError;
use crate::ping::PingFailure;
use crate::probe::RoundError;

/// Exit status of a round that was measured and not delivered.
pub const NOT_DELIVERED: u8 = 1;
/// Exit status of a run that measured nothing.
pub const NOTHING_MEASURED: u8 = 2;
/// Exit status of a run that may not open the sockets it needs.
pub const NOT_PERMITTED: u8 = 3;

/// Why a run did not do what it was started for; one variant per thing the caller can do about it.
#[derive(Debug, Error)]
pub enum Failure {
    /// The command line was not understood.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A setting, the key or the configuration file is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another round of the same probe is running, or the lock could not be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no plan, and none may be used from the cache.
    #[error(transparent)]
    NoPlan(#[from] NoPlan),
    /// The round measured nothing for a reason on the probe's side.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The round was measured; its report is not with the collector.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// The kernel does not let this process open the sockets it needs.
    #[error("{cause}")]
    Permission {
        /// What was tried, what the kernel said, and what to do.
        cause: String,
    },
    /// The round with a collector of the original's kind failed.
    #[error(transparent)]
    Legacy(#[from] LegacyFailure),
    /// `ping` did not measure every target.
    #[error(transparent)]
    Ping(#[from] PingFailure),
    /// `doctor` found something.
    #[error(transparent)]
    Doctor(#[from] DoctorFailure),
}

impl Failure {
    /// The exit status of this failure.
    #[must_use]
    pub fn status(&self) -> u8 {
        match self {
            Self::Undelivered(_)
            | Self::Legacy(
                LegacyFailure::Undelivered { .. }
                | LegacyFailure::NothingMeasured {
                    permission: false, ..
                },
            )
            | Self::Ping(PingFailure::Some { .. } | PingFailure::Print(_))
            | Self::Doctor(DoctorFailure::Warnings { .. } | DoctorFailure::Print(_)) => NOT_DELIVERED,
            Self::Permission { .. }
            | Self::Legacy(LegacyFailure::NothingMeasured { permission: true, .. })
            | Self::Ping(PingFailure::Nothing { permission: true })
            | Self::Doctor(DoctorFailure::Permission) => NOT_PERMITTED,
            Self::Usage(_)
            | Self::Config(_)
            | Self::Lock(_)
            | Self::Client(_)
            | Self::NoPlan(_)
            | Self::Round(_)
            | Self::Legacy(_)
            | Self::Ping(_)
            | Self::Doctor(_) => NOTHING_MEASURED,
        }
    }

    /// The exit status of this failure, for `main`.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.status())
    }
}

/// The end of the program: one line on stderr for a failure, nothing for a success.
#[must_use]
pub fn report(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    console::warn_error(&failure);
    failure.exit_code()
}

/// The error and its causes on one line, joined by `: `.
///
/// A cause whose text its parent already ends with is not repeated, and line breaks become
/// spaces, so that cron mails exactly one line for one failure.
#[must_use]
pub fn chain(error: &dyn StdError) -> String {
    let mut text = one_line(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = one_line(&error.to_string());
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    text
}

/// `text` without control characters, runs of white space shortened to one space.
#[must_use]
pub(crate) fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Error)]
    #[error("outer\nline")]
    struct Outer(#[source] Inner);

    #[derive(Debug, Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn a_chain_is_one_line_with_every_cause() {
        assert_eq!(chain(&Outer(Inner)), "outer line: inner");
    }

    #[test]
    fn a_cause_already_named_is_not_repeated() {
        #[derive(Debug, Error)]
        #[error("outer: {0}")]
        struct Naming(#[source] Inner);
        assert_eq!(chain(&Naming(Inner)), "outer: inner");
    }
}
