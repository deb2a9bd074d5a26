//! What people see: HTML and SVG made from answers of [`crate::report`].
//!
//! Everything here is a pure function from values to text: no store, no HTTP, no clock. Pages load nothing from
//! another host, work without a script, and say in UTC how old their data are.
//!
//! # Layout
//!
//! * what every page shares: [`layout`] (the frame), [`asset`] (style, script, icon), [`link`], [`format`](mod@format)
//! * what is drawn: [`heat`] (the colors of a matrix), [`chart`] (smoke graph, loss, variation)
//! * the pages: [`fault`] (an error), [`explained`] (what the figures mean)

pub mod asset;
pub mod chart;
pub mod explained;
pub mod fault;
pub mod format;
pub mod heat;
pub mod layout;
pub mod link;
