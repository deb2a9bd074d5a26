//! The one-shot probe of IXPQoS: measures every target of its plan once, reports, and ends.
mod agenda;
mod cache;
pub mod cli;
mod client;
mod clock;
mod config;
mod console;
mod deliver;
pub mod driver;
mod durable;
pub mod exit;
mod fetch;
mod key;
mod lock;
pub mod net;
pub mod packet;
mod refusal;
mod remote;
pub mod round;
mod spool;
mod stop;

#[cfg(test)]
#[path = "../tests/support/server.rs"]
mod test_server;
