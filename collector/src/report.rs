//! What stored rows say: pure functions, no question to a store and no form of an answer.

pub mod last;
pub mod sla;
