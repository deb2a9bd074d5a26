//! What a run says to people: on stderr, one line at a time.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

/// Where a run's lines go. Silence means success, so a line is a failure, or was asked for by `-v`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Whether [`Console::step`] says anything.
    pub(crate) verbose: bool,
}

impl Console {
    /// One line about something that went wrong and does not end the run.
    ///
    /// A closed stderr is no reason to lose a round, so its errors are passed over.
    pub(crate) fn warn(self, what: fmt::Arguments<'_>) {
        let _ = writeln!(io::stderr(), "xprobe: {what}");
    }

    /// One line about an error that does not end the run, its causes included.
    pub(crate) fn warn_error(self, error: &dyn Error) {
        self.warn(format_args!("{}", crate::exit::chain(error)));
    }

    /// One line about what is being done, with `-v` only.
    pub(crate) fn step(self, what: fmt::Arguments<'_>) {
        if self.verbose {
            self.warn(what);
        }
    }
}
