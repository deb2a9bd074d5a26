//! The coded strings of a stored point: pure functions, text in and values out, in both directions.
//!
//! Both stores write the same strings. Decoding accepts exactly what encoding produces.

mod params;
pub mod varint;

pub use crate::codec::params::{duration, params};
