//! The sockets of a round.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::admission::{Accepted, Way};
use super::signal::Signals;
use crate::net::{Event, Mode, OpenError, Readiness, Socket};

/// One socket for each way that packets leave: four at most.
pub(super) struct Sockets {
    entries: Vec<Entry>,
}

/// Descriptors in one poll: a socket for each way, and the signals.
const MOST: usize = 5;

struct Entry {
    way: Way,
    socket: Result<Socket, OpenError>,
    readiness: Readiness,
}

impl Sockets {
    /// Opens what the accepted results need.
    pub(super) fn open(accepted: &[Accepted], key: u64) -> Self {
        let mut ways: Vec<(Way, usize)> = Vec::new();
        for Accepted { shape, .. } in accepted {
            match ways.iter_mut().find(|(way, _)| *way == shape.way) {
                Some((_, payload)) => *payload = shape.payload.max(*payload),
                None => ways.push((shape.way, shape.payload)),
            }
        }
        let open = |(way, payload): (Way, usize)| Entry {
            way,
            socket: Socket::open(way.0, way.1, key, payload),
            readiness: Readiness::NOTHING,
        };
        Self {
            entries: ways.into_iter().map(open).collect(),
        }
    }

    /// The socket for a way; `None` if no accepted result goes it.
    pub(super) fn of(&self, way: Way) -> Option<&Result<Socket, OpenError>> {
        self.entries
            .iter()
            .find(|entry| entry.way == way)
            .map(|entry| &entry.socket)
    }

    /// Waits until something is to be read or the time is over; true if a signal came.
    pub(super) fn wait(&mut self, signals: Option<&Signals>, timeout: Duration) -> bool {
        let mut polled = Vec::with_capacity(self.entries.len() + 1);
        for socket in self.entries.iter().filter_map(|entry| entry.socket.as_ref().ok()) {
            polled.push(PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        }
        polled.extend(signals.map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        // An error of ppoll is an interruption or a lack of memory, and leaves nothing to read: the loop
        // comes again either way.
        let ready = ppoll(&mut polled, Some(TimeSpec::from_duration(timeout)), None);
        let mut found = polled.iter().map(|polled| match ready {
            Ok(1..) => polled.revents().unwrap_or(PollFlags::empty()),
            _ => PollFlags::empty(),
        });
        let found: [PollFlags; MOST] = std::array::from_fn(|_| found.next().unwrap_or(PollFlags::empty()));
        let mut found = found.into_iter();
        for entry in self.entries.iter_mut().filter(|entry| entry.socket.is_ok()) {
            entry.readiness = Readiness::from(found.next().unwrap_or(PollFlags::empty()));
        }
        let signal = found.next().unwrap_or(PollFlags::empty());
        signals.is_some_and(|signals| signal.contains(PollFlags::POLLIN) && signals.came())
    }

    /// Reads what the last wait found.
    pub(super) fn read(&mut self, mut tell: impl FnMut(Event)) -> io::Result<()> {
        for entry in &mut self.entries {
            if let Ok(socket) = &mut entry.socket {
                socket.drain(entry.readiness, &mut tell)?;
            }
        }
        Ok(())
    }

    /// Raw if any socket is.
    pub(super) fn mode(&self) -> Option<Mode> {
        self.sockets().map(Socket::mode).max()
    }

    /// What the kernel threw away.
    pub(super) fn drops(&self) -> u64 {
        self.sockets().filter_map(Socket::drops).sum()
    }

    fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.entries.iter().filter_map(|entry| entry.socket.as_ref().ok())
    }
}
