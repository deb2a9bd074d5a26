//! The HTTP surface, in process: every test has a collector of its own on a free port.

#![cfg(test)]

mod app;
mod operations;
mod reading;

#[path = "../support/memory.rs"]
mod memory;
