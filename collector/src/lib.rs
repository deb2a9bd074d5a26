//! The collector of IXPQoS: keeps what the probes measured, proves it, and shows it.
//!
//! # Layout
//!
//! * the program: [`cli`], [`startup`] (puts everything together), [`config`], [`clock`]
//! * the HTTP surface: [`routes`], [`auth`], [`error`], [`context`] (what handlers are handed), [`tag`] (who has
//!   an answer already)
//! * who may do what: [`key`], [`limit`], [`watch`] (roster and keys, read again when they change)
//! * what is asked of probes: [`plan`]; what they send: [`ingest`]; where it is kept: [`store`],
//!   [`rollup`] (hours and days); what it says: [`report`]
//! * how it is shown: [`pages`] (for people), [`csv`] (for spreadsheets)
//! * what never happened: [`synthetic`] (history to try everything with)
//! * what is said about itself: [`beat`] (ledger), [`health`], [`metrics`]

pub mod auth;
pub mod beat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod csv;
pub mod error;
mod gzip;
pub mod health;
pub mod ingest;
pub mod key;
pub mod limit;
pub mod metrics;
pub mod pages;
pub mod plan;
pub mod read_threads;
pub mod report;
pub mod rollup;
pub mod routes;
pub mod startup;
pub mod statement;
pub mod store;
pub mod synthetic;
pub mod tag;
pub mod watch;
