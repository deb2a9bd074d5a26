//! A statement as people and programs take it: JSON, CSV, text and HTML.
//!
//! Pure functions from [`crate::report::sla::statement::Statement`] to text: the same statement is the same bytes.
//!
//! # Layout
//!
//! * [`json`]: everything, in types of its own
//! * [`csv`]: a row for each pair and each direction between sites, with and without announced work
//! * [`text`]: tables for a terminal; [`html`]: for the dashboard and for print
//! * [`words`]: what all of them say in words

pub mod csv;
pub mod html;
pub mod json;
pub mod text;
pub mod words;
