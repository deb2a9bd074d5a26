//! SIGTERM and SIGINT: an orderly end, which delivers or keeps what was measured.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use std::{io, process, thread};

use nix::sys::signal::{SigSet, Signal};

use crate::exit;

/// Whether the run was asked to end; clones share one state.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    asked: Mutex<bool>,
    changed: Condvar,
    /// Becomes readable when the run is asked to end, so that a loop in `ppoll` wakes up.
    reader: UnixStream,
    writer: UnixStream,
}

impl Stop {
    /// A stop that nobody has asked for.
    ///
    /// # Errors
    ///
    /// If the kernel has no more file descriptors for this process.
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self(Arc::new(Shared {
            asked: Mutex::new(false),
            changed: Condvar::new(),
            reader,
            writer,
        })))
    }

    /// Turns SIGTERM and SIGINT into this stop; the second of them ends the process at once.
    ///
    /// Must be called before any other thread is started: they inherit the blocked signals.
    ///
    /// # Errors
    ///
    /// If the signals cannot be blocked or the waiting thread cannot be started.
    pub(crate) fn listen(&self) -> io::Result<()> {
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGTERM);
        signals.add(Signal::SIGINT);
        signals.thread_block()?;
        let stop = self.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            while signals.wait().is_ok() {
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
        // A full pipe is readable already.
        let _ = (&self.0.writer).write(&[0]);
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

impl AsFd for Stop {
    /// Readable once the run was asked to end; nobody may read from it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.reader.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_as_soon_as_the_run_is_asked_to_end() {
        let stop = Stop::new().unwrap();
        assert!(!stop.wait(Duration::from_millis(1)));
        let other = stop.clone();
        let asking = thread::spawn(move || other.ask());
        assert!(stop.wait(Duration::from_secs(600)));
        assert!(stop.is_asked());
        asking.join().unwrap();
    }
}
