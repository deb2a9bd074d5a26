//! The coded strings of a stored point: pure functions, text in and values out, in both directions.
//!
//! Both stores write the same strings, and later releases read them: one value has one text, and decoding
//! accepts exactly what encoding produces. An empty list has the empty text, which the stores do not write.
//!
//! # Layout
//!
//! * [`slices`] (`s1:`), [`cell_slices`] (`s2:`) and the histogram's `h1:`, over [`varint`]
//! * [`loss_runs`], [`icmp_errors`], [`hop_limits`], [`unsent_errors`]: lists with a comma between the entries
//! * [`params`], [`duration`]: what a test was asked to do
//! * [`float`], [`legacy`]: numbers; [`foreign`]: text that we did not make ourselves

pub mod cell_slices;
pub mod dscp;
pub mod duration;
pub mod float;
pub mod foreign;
pub mod hop_limits;
pub mod icmp_errors;
pub mod legacy;
mod list;
pub mod loss_hist;
pub mod loss_runs;
pub mod params;
pub mod slices;
pub mod unsent_errors;
pub mod varint;

use thiserror::Error;

use crate::Slices;
use varint::VarintError;

/// Why a text is not the code of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodecError {
    /// A binary text that cannot be taken apart.
    #[error("coded text {0}")]
    Varint(#[from] VarintError),
    /// A part of the text has another form.
    #[error("coded text holds a part that is not {expected}")]
    Part {
        /// The form that each part has.
        expected: &'static str,
    },
    /// The value is there, but the encoder writes it in another way.
    #[error("coded text is not the one that the encoder writes")]
    NotCanonical,
    /// Entries that ascend do not, or one stands for nothing.
    #[error("coded list does not ascend, or has an entry of zero")]
    Order,
    /// The first slice starts outside the years that a time can express.
    #[error("coded slices start outside the range of a time")]
    Start,
    /// More slices than one result or one hour has.
    #[error("coded slices are more than {}", Slices::MAX)]
    TooManySlices,
    /// Runs that are empty, that could be one, or that do not add up to the number of slices.
    #[error("coded runs do not add up to the slices")]
    Runs,
}

#[cfg(test)]
mod tests;
