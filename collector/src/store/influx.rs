//! InfluxDB 2 as a store.
//!
//! # Layout
//!
//! * [`line`]: a point as a line of its protocol

pub mod line;
