//! What stored rows say: pure functions over what a store streams, no form of an answer.
//!
//! # Layout
//!
//! * the question: [`selection`] (time, step, pairs), [`view`] (the present, the limit), [`directory`] (names, sites)
//! * what is said: [`figures`] (statistics over rounds), [`accounting`] (what became of every expected slot)
//! * the answers: [`latest`], [`series`], [`matrix`], [`rounds`], [`liveness`]; [`last`] in the words of the original;
//!   [`sla`], the statement

pub mod accounting;
pub mod directory;
pub mod figures;
pub mod last;
pub mod latest;
pub mod liveness;
pub mod matrix;
pub mod rounds;
pub mod selection;
pub mod series;
pub mod sla;
pub mod view;
