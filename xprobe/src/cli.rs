//! The command line: what was typed. What is meant is settled in `config`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as ClapArgs, Parser, Subcommand};
use ippm::ProbeName;
use secrecy::SecretString;
use thiserror::Error;

use crate::net::binding::Origin;
use crate::remote::Remote;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "xprobe",
    version,
    about = "Measures every target of its plan once, reports to the collector and exits",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub struct Args {
    /// The options of a round.
    #[command(flatten)]
    pub round: RoundArgs,
    /// What to do instead of a round.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str = "\
The key comes from -k, --key-file, the environment variable XPROBE_KEY or the configuration
file, the first that is given. A round prints nothing unless something is wrong.

Exit status: 0 delivered; 1 measured but not delivered; 2 nothing measured;
3 not allowed to open sockets.";

/// The options of a round: the predecessor's five and ours.
#[derive(Debug, ClapArgs)]
pub struct RoundArgs {
    /// Name of this probe in the collector's roster
    #[arg(short, long, value_name = "NAME")]
    pub name: Option<ProbeName>,
    /// The collector: a host, reached by https below /backend/, or a URL
    #[arg(short, long, value_name = "HOST[:PORT]|URL")]
    pub remote: Option<Remote>,
    /// Key of this probe; visible in the process list, so prefer --key-file
    #[arg(short, long, value_name = "KEY", conflicts_with = "key_file")]
    pub key: Option<SecretString>,
    /// Packets to each target; only for a collector that sends no plan [default: 10]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_COUNT))]
    pub count: Option<u32>,
    /// Milliseconds between packets; only for a collector that sends no plan [default: 1000]
    #[arg(short, long, value_name = "MS", value_parser = milliseconds)]
    pub delay: Option<Duration>,
    /// File that holds the key
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Configuration file (TOML); options given here win over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory for the last plan and for reports that could not be delivered; without it
    /// nothing is written to disk
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Certificate authorities (PEM) to trust beside those of the operating system
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Interface, VRF or source address of the packets; at most one interface and one address of
    /// each family
    #[arg(short = 'I', long, value_name = "NAME|ADDRESS")]
    pub interface: Vec<Origin>,
    /// Say on stderr what is being done
    #[arg(short, long)]
    pub verbose: bool,
}

/// Most packets to one target of a round without a plan, and of `ping`.
pub const MAX_COUNT: i64 = 100_000;

/// Longest delay between two packets of one target.
pub const MAX_DELAY: Duration = Duration::from_hours(1);

/// What to do instead of a round.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure targets from here and print the result; needs no collector and posts nothing
    Ping(PingArgs),
    /// Find what on this host, or on the way to the collector, spoils measurements; changes nothing
    Doctor(DoctorArgs),
}

/// The options of `doctor`: those of the round that it examines, and its own.
#[derive(Debug, ClapArgs)]
pub struct DoctorArgs {
    /// The round to examine.
    #[command(flatten)]
    pub round: RoundArgs,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

/// The options of `ping`.
#[derive(Debug, ClapArgs)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a switch on the command line is on or off"
)]
pub struct PingArgs {
    /// Host names or addresses to measure, all at once
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Packets to each target
    #[arg(short, long, value_name = "N", default_value = "10",
          value_parser = clap::value_parser!(u32).range(1..=MAX_COUNT))]
    pub count: u32,
    /// Seconds between packets to one target
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub interval: Duration,
    /// Bytes of ICMP payload; several, with commas between them, are a sweep: each is sent whole, and
    /// the largest that is answered is told
    #[arg(
        short,
        long,
        value_name = "BYTES[,BYTES...]",
        default_value = "56",
        value_delimiter = ','
    )]
    pub size: Vec<u16>,
    /// Send every packet whole or not at all (DF); a sweep always does
    #[arg(short = 'D', long)]
    pub dont_fragment: bool,
    /// Differentiated services code point of the packets, 0 to 63
    #[arg(short = 'Q', long, value_name = "DSCP", default_value = "0",
          value_parser = clap::value_parser!(u8).range(0..=63))]
    pub dscp: u8,
    /// Interface, VRF or source address of the packets; at most one interface and one address of
    /// each family
    #[arg(short = 'I', long, value_name = "NAME|ADDRESS")]
    pub interface: Vec<Origin>,
    /// Seconds to wait for each reply
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub timeout: Duration,
    /// Resolve names to IPv4 addresses only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Resolve names to IPv6 addresses only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// Print the results as JSON, times in integer nanoseconds
    #[arg(long)]
    pub json: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Parsed {
    /// Something to do.
    Run(Box<Args>),
    /// A text to print: help or version.
    Show(String),
}

/// A command line that was not understood: what is wrong, on one line.
#[derive(Debug, Error)]
#[error("{what}; see 'xprobe --help'")]
pub struct UsageError {
    what: String,
}

/// Reads the command line `arguments`, the program's own name first.
///
/// # Errors
///
/// [`UsageError`] for everything that is neither a valid command line nor a request for help.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Parsed, UsageError> {
    let mut error = match Args::try_parse_from(arguments) {
        Ok(args) => return Ok(Parsed::Run(Box::new(args))),
        Err(error) => error,
    };
    conceal(&mut error);
    let text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Ok(Parsed::Show(text));
    }
    // clap writes "error: what", details on further lines, then a blank line and the usage.
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let what = crate::exit::one_line(paragraph.trim_start_matches("error: "));
    Err(UsageError { what })
}

/// Takes a value out of the message that may hold a password or a key: standard error goes to mails and logs.
fn conceal(error: &mut clap::Error) {
    let shown = error.get(ContextKind::InvalidValue);
    if matches!(shown, Some(ContextValue::String(value)) if value.contains("://") && value.contains(['@', '?', '#']))
    {
        error.insert(
            ContextKind::InvalidValue,
            ContextValue::String("(not shown)".to_owned()),
        );
    }
}

/// Reads milliseconds, with a fraction if need be, as the predecessor did.
fn milliseconds(text: &str) -> Result<Duration, DurationError> {
    duration(text, 1000.0)
}

/// Reads seconds, with a fraction if need be.
fn seconds(text: &str) -> Result<Duration, DurationError> {
    duration(text, 1.0)
}

/// Why a text is not a usable length of time.
#[derive(Debug, Error)]
enum DurationError {
    #[error("not a number")]
    NotANumber,
    #[error("expected more than 0 and at most {} s", MAX_DELAY.as_secs())]
    Range,
}

fn duration(text: &str, per_second: f64) -> Result<Duration, DurationError> {
    let number: f64 = text.parse().map_err(|_| DurationError::NotANumber)?;
    match Duration::try_from_secs_f64(number / per_second) {
        Ok(duration) if !duration.is_zero() && duration <= MAX_DELAY => Ok(duration),
        _ => Err(DurationError::Range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Parsed, UsageError> {
        parse(line.split(' ').map(OsString::from))
    }

    #[track_caller]
    fn round(line: &str) -> RoundArgs {
        match run(line) {
            Ok(Parsed::Run(args)) => args.round,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_predecessors_command_line_is_understood() {
        let args = round("xprobe -n ams1 -r collector.example:8443 -k k -c 5 -d 100.5");
        assert_eq!(args.name.unwrap().as_str(), "ams1");
        assert_eq!(args.count, Some(5));
        assert_eq!(args.delay, Some(Duration::from_micros(100_500)));
    }

    #[test]
    fn a_usage_error_is_one_line() {
        for line in [
            "xprobe -x",
            "xprobe -n a/b -r h",
            "xprobe ping",
            "xprobe -c 0",
            "xprobe -d nan",
            "xprobe -d 0",
        ] {
            let error = run(line).unwrap_err().to_string();
            assert!(
                !error.contains('\n') && error.ends_with("see 'xprobe --help'"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_password_in_the_collectors_address_is_not_repeated() {
        for remote in ["https://u:marked@c.example/", "https://c.example/?key=marked"] {
            let error = run(&format!("xprobe -n a -r {remote}")).unwrap_err().to_string();
            assert!(!error.contains("marked") && error.contains("--remote"), "{error}");
        }
        let error = run("xprobe -n a -r ftp://c.example").unwrap_err().to_string();
        assert!(error.contains("ftp://c.example"), "{error}");
    }

    #[test]
    fn debug_output_does_not_show_the_key() {
        let args = round("xprobe -n a -r h -k marked");
        assert!(!format!("{args:?}").contains("marked"));
    }
}
