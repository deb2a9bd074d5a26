//! What a run says to people: on stderr, one line at a time.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};

/// One line about something that went wrong; silence means success.
///
/// Whatever others wrote into it can neither break the line nor talk to a terminal. A closed stderr is no reason to lose a round, so its errors are passed over.
pub(crate) fn warn(what: fmt::Arguments<'_>) {
    let _ = writeln!(
        io::stderr(),
        "xprobe: {}",
        crate::exit::one_line(&what.to_string())
    );
}

/// One line about an error, its causes included.
pub(crate) fn warn_error(error: &dyn Error) {
    warn(format_args!("{}", crate::exit::chain(error)));
}

/// What a run says beyond its failures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// Whether [`Console::step`] says anything.
    pub(crate) verbose: bool,
}

impl Console {
    /// One line about what is being done, with `-v` only.
    pub(crate) fn step(self, what: fmt::Arguments<'_>) {
        if self.verbose {
            warn(what);
        }
    }
}
