//! The JSON that probes and collectors exchange: the only serializable types.
//!
//! What people write (the roster, the schedule) is read strictly, so that a typo cannot hide; what programs send
//! is read tolerantly, so that a newer probe loses nothing to an older collector.

pub mod answer;
pub mod error;
pub mod file;
pub mod json;
pub mod legacy;
pub mod plan;
pub mod report;
pub mod roster;
pub mod schedule;
pub mod time;
