//! The sockets of a round.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::admission::{Accepted, Way};
use super::signal::Signals;
use crate::net::binding::Binding;
use crate::net::buffer::Load;
use crate::net::{Event, Mode, OpenError, Readiness, Setup, Socket};

/// One socket for each way that packets leave: four at most.
pub(super) struct Sockets {
    entries: Vec<Entry>,
}

/// Why a wait was over; neither, if its time was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wake {
    /// There is something to read.
    pub(super) readable: bool,
    /// A signal came.
    pub(super) signal: bool,
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
    pub(super) fn open(accepted: &[Accepted], key: u64, binding: &Binding) -> Self {
        let mut ways: Vec<(Way, Load)> = Vec::new();
        for Accepted { shape, flow, .. } in accepted {
            let pps = flow.packets_per_second();
            match ways.iter_mut().find(|(way, _)| *way == shape.way) {
                Some((_, load)) => {
                    load.payload = shape.payload.max(load.payload);
                    load.pps = load.pps.saturating_add(pps);
                }
                None => ways.push((
                    shape.way,
                    Load {
                        pps,
                        payload: shape.payload,
                    },
                )),
            }
        }
        let open = |(way, load): (Way, Load)| Entry {
            way,
            socket: Socket::open(&Setup {
                family: way.0,
                dont_fragment: way.1,
                key,
                load,
                binding: binding.clone(),
                stamps: true,
            }),
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

    /// Waits until something is to be read, a signal comes, or the time is over.
    pub(super) fn wait(&mut self, signals: Option<&Signals>, timeout: Duration) -> Wake {
        let mut polled = Vec::with_capacity(self.entries.len() + 1);
        for socket in self.entries.iter().filter_map(|entry| entry.socket.as_ref().ok()) {
            polled.push(PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        }
        polled.extend(signals.map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN)));
        let found = poll(&mut polled, timeout);
        let mut found = found.into_iter();
        let mut readable = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.socket.is_ok()) {
            let events = found.next().unwrap_or(PollFlags::empty());
            entry.readiness = Readiness::from(events);
            readable |= !events.is_empty();
        }
        let signal = found.next().is_some_and(|events| !events.is_empty());
        Wake {
            readable,
            signal: signal && signals.is_some_and(Signals::came),
        }
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

/// Waits until a signal comes or the time is over, whatever arrives at the sockets.
pub(super) fn rest(signals: Option<&Signals>, timeout: Duration) -> Wake {
    let mut polled: Vec<_> = signals
        .iter()
        .map(|signals| PollFd::new(signals.as_fd(), PollFlags::POLLIN))
        .collect();
    let [signal, ..] = poll(&mut polled, timeout);
    Wake {
        readable: false,
        signal: !signal.is_empty() && signals.is_some_and(Signals::came),
    }
}

/// What happened at each descriptor, in their order.
fn poll(polled: &mut [PollFd<'_>], timeout: Duration) -> [PollFlags; MOST] {
    // An error of ppoll is an interruption or a lack of memory, and leaves nothing to read: the loop comes
    // again either way.
    let ready = ppoll(polled, Some(TimeSpec::from_duration(timeout)), None);
    let mut found = polled.iter().map(|polled| match ready {
        Ok(1..) => polled.revents().unwrap_or(PollFlags::empty()),
        _ => PollFlags::empty(),
    });
    std::array::from_fn(|_| found.next().unwrap_or(PollFlags::empty()))
}
