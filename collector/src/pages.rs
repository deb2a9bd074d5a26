//! What people see: HTML and SVG made from answers of [`crate::report`].
//!
//! Everything here is a pure function from values to text: no store, no HTTP, no clock. Pages load nothing from
//! another host, work without a script, and say in UTC how old their data are.
//!
//! # Layout
//!
//! * what every page shares: [`layout`] (the frame), [`asset`] (style, script, icon), [`link`], [`format`](mod@format), [`classes`]
//! * what is drawn: [`heat`] (the colors of a matrix), [`chart`] (smoke graph, loss, variation)
//! * what was chosen: [`choice`]
//! * the pages: [`matrix`], [`pair`], [`probes`], [`sla`], [`explained`] (what the figures mean), [`fault`] (an error)

pub mod asset;
pub mod chart;
pub mod choice;
pub mod classes;
pub mod explained;
pub mod fault;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod heat;
pub mod layout;
pub mod link;
pub mod matrix;
pub mod pair;
pub mod probes;
pub mod sla;
