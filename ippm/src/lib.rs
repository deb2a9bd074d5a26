//! What IXPQoS measures: the metrics of the IETF working group *IP Performance Metrics*, as types.
//!
//! Nothing in this crate opens a socket or a file or reads a clock; the same input gives the same
//! bytes on every platform. Only [`wire`] can be serialized, so that a change to a metric type
//! cannot change the wire by accident.
//!
//! # Layout
//!
//! * who: [`ProbeName`], [`TestName`], [`Label`], [`Family`], [`roster`]
//! * when: [`UnixTime`]; who measures whom, when and how: [`schedule`]
//! * one packet and the packets of one result: [`Rtt`], [`Ipdv`], [`Pdv`], [`RoundTrip`], [`Packet`], [`Sample`]
//! * what a sample says: [`Summary`], [`Slices`], [`LossRatio`], [`histogram`]; one result: [`Measurement`]
//! * what the results of an hour or a day add up to: [`cell`]
//! * what is concluded from it: [`class`] (of a slot), [`limit`] (a promise), [`interval`] (confidence),
//!   [`emodel`] (speech), [`sweep`] (packet sizes), [`quantile`]
//! * what a probe is asked to do: [`Params`], [`plan`]
//! * how it is written: [`codec`] (text in a store), [`wire`] (JSON on a wire)

mod bandwidth;
pub mod cell;
pub mod class;
pub mod codec;
mod delay;
pub mod emodel;
mod family;
pub mod histogram;
pub mod interval;
pub mod limit;
mod loss;
mod measurement;
mod moments;
mod name;
mod packet;
mod params;
pub mod plan;
pub mod quantile;
pub mod roster;
mod sample;
pub mod schedule;
mod slice;
mod summary;
pub mod sweep;
mod time;
pub mod wire;

pub use crate::bandwidth::{Bandwidth, BandwidthError};
pub use crate::delay::{Ipdv, Pdv, Rtt};
pub use crate::family::Family;
pub use crate::loss::LossRatio;
pub use crate::measurement::{Measured, Measurement, Outcome, Word, WordError};
pub use crate::moments::Moments;
pub use crate::name::{Label, LabelError, ProbeName, ProbeNameError, TestName, TestNameError};
pub use crate::packet::{Fate, IcmpError, Packet, RoundTrip};
pub use crate::params::Params;
pub use crate::sample::Sample;
pub use crate::slice::Slices;
pub use crate::summary::{Delay, IcmpErrorCount, IpdvSummary, Summary};
pub use crate::time::UnixTime;
