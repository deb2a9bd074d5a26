//! The HTTP surface, in process: every test has a collector of its own on a free port.

#![cfg(test)]

mod access;
mod answers;
mod app;
mod legacy;
mod limits;
mod operations;
mod plans;
mod reading;
mod reports;
mod schedule;

#[path = "../support/memory.rs"]
mod memory;
