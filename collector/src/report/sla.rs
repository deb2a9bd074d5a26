//! The SLA statement: what a period says about what was promised, so that it can be recomputed and disputed.
//!
//! Formulas and worked examples are in `docs/metrics.md`.
//!
//! # Layout
//!
//! * what is asked: [`profile`] (parameters and promises)
//! * what is answered: [`statement`], and the [`share`]s in it
//! * arithmetic on slices: [`availability`] (sliding windows), [`minute`] (averages per minute)

pub mod availability;
pub mod minute;
pub mod profile;
pub mod share;
pub mod statement;
