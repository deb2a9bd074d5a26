//! What stored rows say: pure functions over what a store streams, no form of an answer.
//!
//! # Layout
//!
//! * the question: [`selection`] (time, step, pairs), [`view`] (the present, the limit), [`directory`] (names, sites)
//! * what is said: [`figures`] (statistics over rounds), [`accounting`] (what became of every expected slot)
//! * the answers: [`latest`], [`series`], [`matrix`], [`rounds`], [`liveness`]; [`last`] in the words of the original;
//!   [`sla`], the statement

pub mod accounting;
mod choice;
pub mod directory;
pub mod figures;
mod fold;
mod gather;
mod known;
pub mod last;
pub mod latest;
pub mod ledger;
pub mod liveness;
pub mod matrix;
pub mod rounds;
pub mod segment;
pub mod selection;
pub mod series;
pub mod sla;
pub mod slot;
mod tally;
pub mod view;
