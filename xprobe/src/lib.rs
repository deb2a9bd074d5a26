//! The one-shot probe of IXPQoS: measures every target of its plan once, reports, and ends.
//!
//! # Layout
//!
//! * what was typed, what is meant: [`cli`], `config`, `key`, `remote`
//! * one round: `probe`; with a collector of the original's kind: `legacy`; without one: `ping`
//! * whom to measure: `fetch` (asks), `agenda` (checks), `cache` (remembers), `resolve` (addresses)
//! * measuring: `measure` hands a job to the [`driver`], which joins the [`round`] with the [`net`]
//!   and the [`packet`]s
//! * when: `clock`, `timekeeping`, `stop`
//! * what is told: `report` (writes), `deliver` (sends), `spool` (keeps), `client` (HTTP), `refusal`
//! * on this host: `durable` (whole files), `lock` (one round at a time)
//! * what spoils it: `doctor`
//! * how it ends: [`exit`], `console`

mod agenda;
mod cache;
pub mod cli;
mod client;
mod clock;
mod config;
mod console;
mod deliver;
mod doctor;
pub mod driver;
mod durable;
pub mod exit;
mod fetch;
#[cfg(fuzzing)]
pub mod fuzzing;
mod key;
mod legacy;
mod lock;
mod measure;
pub mod net;
pub mod packet;
mod ping;
mod probe;
mod refusal;
mod remote;
mod report;
mod resolve;
pub mod round;
mod spool;
mod stop;
#[cfg(test)]
#[path = "../tests/support/server.rs"]
mod test_server;
mod timekeeping;

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;

use secrecy::SecretString;

use crate::cli::{Command, Parsed};
pub use crate::clock::Clock;
use crate::exit::Failure;

/// Does what the command line `arguments` asks for; `key` is the value of `XPROBE_KEY`, if it is set.
///
/// # Errors
///
/// [`Failure`], which knows the exit status and the line to print.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    key: Option<OsString>,
    clock: Clock,
) -> Result<(), Failure> {
    let args = match cli::parse(arguments)? {
        Parsed::Run(args) => *args,
        Parsed::Show(text) => {
            // Whoever asked for help and does not read it needs no message either.
            let _ = io::stdout().write_all(text.as_bytes());
            return Ok(());
        }
    };
    // Bytes that are no UTF-8 become characters that no key may hold, and are refused as such.
    let key = key.map(|key| SecretString::from(String::from_utf8_lossy(&key.into_vec()).into_owned()));
    match args.command {
        Some(Command::Ping(mut ping)) => {
            let binding = config::bind(std::mem::take(&mut ping.interface))?.unwrap_or_default();
            Ok(ping::run(&ping, &binding, clock)?)
        }
        Some(Command::Doctor(doctor)) => Ok(doctor::run(doctor, key, clock)?),
        None => probe::round(args.round, key, clock),
    }
}
