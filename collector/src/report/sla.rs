//! The SLA statement: what a period says about what was promised, so that it can be recomputed and disputed.
//!
//! Formulas and worked examples are in `docs/metrics.md`.
//!
//! # Layout
//!
//! * what is asked: [`profile`] (parameters and promises), [`period`] (a month in a time zone)
//! * what is answered: [`statement`], and the [`share`]s in it
//! * arithmetic on slices: [`availability`] (sliding windows), [`minute`] (averages per minute)
//! * sums over a period: [`account`] (of rounds), [`tally`] (of a pair), [`finding`] (held against the promises),
//!   [`site`] (of two sites)
//! * a cell of which the slices are wanted: [`opened`]
//! * what is set apart: [`overlay`] (announced work, our own load)
//! * what became of expected slots: `book` (of a pair), `missing` (what the ledger says of a source)
//! * where it comes from: [`pairs`] (what was expected), `raw` (hours that are cut), `fresh` (hours whose cells are
//!   still to be made), `stream` and `reading` (the pairs of a source), [`gather`] (all of it)
//! * what it was computed from: [`digest`]

pub mod account;
pub mod availability;
mod book;
pub mod digest;
pub mod finding;
mod fresh;
pub mod gather;
pub mod minute;
mod missing;
pub mod opened;
pub mod overlay;
pub mod pairs;
pub mod period;
pub mod profile;
mod raw;
mod reading;
pub mod share;
pub mod site;
pub mod statement;
mod stream;
pub mod tally;
