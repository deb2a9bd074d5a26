//! `xprobe`: reads the clocks, the command line and the key's variable, calls the library, and turns
//! its answer into an exit status.

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ippm::UnixTime;
use xprobe::{Clock, exit};

fn main() -> ExitCode {
    let clock = start_clock();
    exit::report(xprobe::run(
        std::env::args_os(),
        std::env::var_os("XPROBE_KEY"),
        clock,
    ))
}

/// The start of the round: the only reading of the wall clock in the program.
#[expect(clippy::disallowed_methods, reason = "the wall clock is read once, here")]
fn start_clock() -> Clock {
    let monotonic = Instant::now();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Clock::new(UnixTime::from_ns(0).saturating_add(since_epoch), monotonic)
}
