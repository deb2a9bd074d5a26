//! Doors to the private parsers for the targets in `fuzz/`; compiled for nothing else.

use std::path::Path;
use std::time::Duration;

use ippm::UnixTime;

use crate::client::{self, Answer};
use crate::deliver::receipt::Receipt;
use crate::driver::host;
use crate::refusal::Complaint;
use crate::timekeeping::daemon::{self, DaemonState};
use crate::{agenda, cli, config, exit};

/// Reads a configuration file.
///
/// # Errors
///
/// The line that would be printed.
pub fn configuration(text: &str) -> Result<(), String> {
    let given = config::read_text(Path::new("xprobe.toml"), text).map_err(|error| exit::chain(&error))?;
    assert!(given.count.is_none_or(|count| count > 0));
    assert!(
        given
            .delay
            .is_none_or(|delay| !delay.is_zero() && delay <= cli::MAX_DELAY)
    );
    assert!(given.key.is_none() || given.key_file.is_none());
    if let Some(remote) = given.remote {
        assert_eq!(remote.to_string().parse(), Ok(remote));
    }
    Ok(())
}

/// Reads a plan as a round does; the number of results to measure.
///
/// # Errors
///
/// The line that would be printed.
pub fn plan(body: &[u8], round_start: UnixTime, is_cached: bool) -> Result<usize, String> {
    let agenda = agenda::read(body, round_start, is_cached).map_err(|error| exit::chain(&error))?;
    assert!(agenda.end_before <= agenda.period);
    for item in agenda.items.iter().filter(|item| item.is_supported()) {
        assert!(item.params.count.is_some_and(|count| count > 0));
        assert!(
            item.params
                .spread
                .is_some_and(|spread| spread <= agenda.end_before)
        );
        assert!(
            item.params
                .timeout
                .is_some_and(|timeout| timeout <= agenda.end_before)
        );
    }
    Ok(agenda.items.len())
}

/// Reads what a clock daemon printed: whether it states that the clock is synchronized, and its offset in ns.
#[must_use]
pub fn clock_daemon(text: &str) -> [Option<(Option<bool>, Option<i64>)>; 3] {
    let parts = |state: DaemonState| (state.synchronised, state.offset_ns);
    [
        daemon::read_chronyc(text).map(parts),
        daemon::read_ntpq(text).map(parts),
        daemon::read_timedatectl(text).map(parts),
    ]
}

/// Reads the answer to a report: what would be printed about it, first as an acknowledgment, then as a refusal.
#[must_use]
pub fn answer(status: u16, body: &[u8]) -> (Option<String>, String) {
    let rejected = Receipt::read(body).and_then(|receipt| receipt.rejected());
    let answer = Answer {
        status,
        body: body.to_vec(),
        etag: None,
        date: None,
        retry_after: Some(Duration::ZERO),
        midpoint: UnixTime::from_ns(0),
    };
    (rejected, Complaint::of(&answer).to_string())
}

/// Reads a `Date` header.
#[must_use]
pub fn http_date(text: &str) -> Option<UnixTime> {
    client::http_date(text)
}

/// Reads what the kernel counts, before and after a round: the share of time that was stolen, parts per million,
/// and how much the errors and the drops of the interfaces grew.
#[must_use]
pub fn counters(before: &str, now: &str) -> (Option<u64>, Option<(u64, u64)>) {
    host::between(before, now)
}
