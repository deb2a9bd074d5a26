//! Entry point: parses the arguments, runs the command, maps its failure to an exit status.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    collector::cli::run(&collector::cli::Args::parse())
}
