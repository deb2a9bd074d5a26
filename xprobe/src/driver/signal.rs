//! SIGINT and SIGTERM as something to poll.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// Holds both signals back from this thread and makes them readable, until it is dropped.
#[derive(Debug)]
pub(super) struct Signals {
    descriptor: SignalFd,
    previous: SigSet,
}

impl Signals {
    /// `None` if the kernel has no descriptor left: then the signals act as they do without us.
    pub(super) fn hold() -> Option<Self> {
        let mut both = SigSet::empty();
        both.add(Signal::SIGINT);
        both.add(Signal::SIGTERM);
        let descriptor = SignalFd::with_flags(&both, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).ok()?;
        let previous = both.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok()?;
        Some(Self { descriptor, previous })
    }

    /// Whether a signal came since this was asked last.
    pub(super) fn came(&self) -> bool {
        matches!(self.descriptor.read_signal(), Ok(Some(_)))
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // It cannot fail with a mask that the kernel itself returned.
        let _ = self.previous.thread_set_mask();
    }
}
