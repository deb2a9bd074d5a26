//! The collector, built with the tests of this crate so that the end-to-end tests have one to talk to.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    collector::cli::run(&collector::cli::Args::parse())
}
