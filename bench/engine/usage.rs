//! What this process has used.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// Processor time, user and kernel, and the largest resident size in KiB.
pub(crate) fn read() -> (Duration, i64) {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("the usage of this process");
    let time = |value: nix::sys::time::TimeVal| {
        Duration::from_micros(
            u64::try_from(value.tv_sec() * 1_000_000 + value.tv_usec()).expect("not negative"),
        )
    };
    (
        time(usage.user_time()) + time(usage.system_time()),
        usage.max_rss(),
    )
}
