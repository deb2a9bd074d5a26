//! The HTTP surface, in process: every test has a collector of its own on a free port.

#![cfg(test)]

mod access;
mod answers;
mod app;
mod counting;
mod decoded;
mod described;
mod harmless;
mod hostile;
mod hostile_values;
mod legacy;
mod limits;
mod named;
mod operations;
mod packed;
mod plans;
mod raw;
mod reading;
mod reports;
mod schedule;
mod support;
mod target;

#[path = "../support/memory.rs"]
mod memory;
