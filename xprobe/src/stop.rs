//! SIGTERM and SIGINT: an orderly end, which delivers or keeps what was measured.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use std::{io, process, thread};

use nix::sys::signal::{SigSet, Signal};

use crate::{console, exit};

/// Whether the run was asked to end; clones share one state.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// A stop that nobody has asked for.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared {
            asked: Mutex::new(false),
            changed: Condvar::new(),
        }))
    }

    /// Takes the signals over from a measurement, which watched for them itself and was interrupted or not.
    ///
    /// If that fails the run goes on: what was measured is worth more than an early end.
    pub(crate) fn take_over(&self, is_interrupted: bool) {
        if is_interrupted {
            self.ask();
        }
        if let Err(error) = self.listen() {
            console::warn(format_args!("cannot watch for signals: {error}"));
        }
    }

    /// Turns SIGTERM and SIGINT into this stop; the second of them ends the process at once.
    ///
    /// The signals must be held already, see [`hold_signals`].
    ///
    /// # Errors
    ///
    /// If the waiting thread cannot be started.
    fn listen(&self) -> io::Result<()> {
        let stop = self.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while both().wait().is_ok() {
                if stop.is_asked() {
                    // What was measured is in the spool already, if there is one.
                    let _ = writeln!(io::stderr(), "xprobe: ended by a second signal");
                    process::exit(i32::from(exit::NOT_DELIVERED));
                }
                stop.ask();
            }
        })?;
        Ok(())
    }

    /// Asks the run to end.
    pub(crate) fn ask(&self) {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }

    /// Whether the run was asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `duration`, or until the run is asked to end; whether it was.
    pub(crate) fn wait(&self, duration: Duration) -> bool {
        let asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .changed
            .wait_timeout_while(asked, duration, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Holds SIGTERM and SIGINT back until somebody asks for them: the measurement, which watches for
/// them itself, or [`Stop::listen`].
///
/// Must be called before any other thread is started: they inherit the mask.
///
/// # Errors
///
/// If the mask cannot be set.
pub(crate) fn hold_signals() -> io::Result<()> {
    Ok(both().thread_block()?)
}

fn both() -> SigSet {
    SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_as_soon_as_the_run_is_asked_to_end() {
        let stop = Stop::new();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let asking = thread::spawn(move || other.ask());
        assert!(stop.wait(Duration::from_mins(10)));
        assert!(stop.is_asked());
        asking.join().unwrap();
    }
}
