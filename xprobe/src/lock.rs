//! One round of one probe at a time on this host.
//!
//! The lock is an abstract Unix socket, so it needs no directory, leaves no file behind and is
//! freed by the kernel when the process ends in any way, SIGKILL included.

use std::fmt::Write as _;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use ippm::ProbeName;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The right to run a round of one probe; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lock(
    #[expect(dead_code, reason = "held, never used: dropping it frees the lock")] UnixListener,
);

/// Why the lock could not be taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process holds the lock of this name.
    #[error(
        "nothing measured: another round of {name} is still running (it holds @{address}); \
         if this repeats, start xprobe at the period of its plan"
    )]
    Held {
        /// The probe whose round is running.
        name: String,
        /// The abstract socket that is taken, without the leading `@`.
        address: String,
    },
    /// The kernel refused the socket for another reason.
    #[error("cannot take the lock @{address}")]
    Socket {
        /// The abstract socket that was tried, without the leading `@`.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Takes the lock of the probe called `name`.
///
/// # Errors
///
/// [`LockError::Held`] if a round of this probe is running in this network namespace,
/// [`LockError::Socket`] if the socket cannot be made.
pub(crate) fn acquire(name: &ProbeName) -> Result<Lock, LockError> {
    let address = address(name);
    let bound = SocketAddr::from_abstract_name(&address).and_then(|at| UnixListener::bind_addr(&at));
    match bound {
        Ok(listener) => Ok(Lock(listener)),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(LockError::Held {
            name: name.to_string(),
            address,
        }),
        Err(source) => Err(LockError::Socket { address, source }),
    }
}

/// `xprobe/` and the first 32 hex digits of SHA-256(name): an abstract address holds 107 bytes,
/// a name up to 128.
fn address(name: &ProbeName) -> String {
    format!("xprobe/{}", name_digest(name, 32))
}

/// The first `digits` hex digits of SHA-256 over the bytes of `name`.
pub(crate) fn name_digest(name: &ProbeName, digits: usize) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(name.as_str().as_bytes()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_documented_one() {
        let name: ProbeName = "ams1".parse().unwrap();
        // printf ams1 | sha256sum | cut -c1-32
        assert_eq!(address(&name), "xprobe/db5fd79b8452baad2e9612066cebf03a");
    }

    #[test]
    fn a_lock_is_exclusive_until_it_is_dropped() {
        let name: ProbeName = format!("lock-test-{}", std::process::id()).parse().unwrap();
        let held = acquire(&name).unwrap();
        assert!(matches!(acquire(&name), Err(LockError::Held { .. })));
        drop(held);
        acquire(&name).unwrap();
    }

    #[test]
    fn the_longest_name_fits() {
        let name: ProbeName = "n".repeat(128).parse().unwrap();
        acquire(&name).unwrap();
    }
}
