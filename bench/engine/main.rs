//! What the measuring engine can do, and how true it is, for the scripts `bench/capacity` and
//! `bench/accuracy`. Every command works in the network namespace that it is started in.

mod errors;
mod flat;
mod others;
mod ours;
mod paced;
mod reflect;
mod usage;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends as fast as replies come, through `xprobe::net`
    Flat(flat::Args),
    /// Sends at a pace to many targets, through `xprobe::net` and `xprobe::round`
    Paced(paced::Args),
    /// Prints the targets on the loopback device that the other commands measure, one a line
    Targets {
        #[arg(default_value_t = 2000)]
        number: u32,
    },
    /// Answers echo requests, and writes down from which stamp of the kernel to which one it took
    Reflect(reflect::Args),
    /// Measures with our engine, and prints each RTT
    Ours(others::Args),
    /// The same with surge-ping
    Surge(others::Args),
    /// The same with ping-rs
    PingRs(others::Args),
    /// Compares RTTs with what the reflector wrote down
    Errors(errors::Args),
}

fn main() {
    match Args::parse().command {
        Command::Flat(args) => flat::run(&args),
        Command::Paced(args) => paced::run(&args),
        Command::Targets { number } => (0..number).for_each(|index| println!("{}", loopback(index, false))),
        Command::Reflect(args) => reflect::run(&args),
        Command::Ours(args) => ours::run(&args),
        Command::Surge(args) => others::surge(&args),
        Command::PingRs(args) => others::ping_rs(&args),
        Command::Errors(args) => errors::run(&args),
    }
}

/// One of the addresses that a loopback device answers for: of IPv4 it has a whole /8, of IPv6 one.
fn loopback(index: u32, ipv6: bool) -> IpAddr {
    if ipv6 {
        IpAddr::V6(Ipv6Addr::LOCALHOST)
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(0x7f01_0001 + index))
    }
}
