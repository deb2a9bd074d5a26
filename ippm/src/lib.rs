//! What IXPQoS measures.

pub mod codec;
pub mod histogram;
pub mod quantile;
