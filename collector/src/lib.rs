//! The collector of IXPQoS: keeps what the probes measured, proves it, and shows it.

pub mod ingest;
pub mod store;
