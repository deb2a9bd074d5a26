//! How good this host's clock is, and whether the round's label has to be corrected.

use std::io::{BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use ippm::UnixTime;

use crate::config::KEY_VARIABLE;

/// Longest wait for each of the two programs that know the clock's state.
const LIMIT: Duration = Duration::from_secs(1);

/// Below this the probe's and the collector's clock agree well enough for a label.
pub(crate) const CORRECTION_THRESHOLD: Duration = Duration::from_secs(30);

/// Most text that is read of what a program says.
const MAX_TEXT: u64 = 64 << 10;

/// What the clock daemon of this host states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DaemonState {
    /// Whether it states that the clock is synchronized; none if nobody could be asked.
    pub(crate) synchronised: Option<bool>,
    /// The clock minus its reference; none if unknown.
    pub(crate) offset_ns: Option<i64>,
}

impl DaemonState {
    pub(crate) const UNKNOWN: Self = Self {
        synchronised: None,
        offset_ns: None,
    };
}

/// Asks the clock daemon in the background: chrony, else whatever systemd knows of.
#[derive(Debug)]
pub(crate) struct Asking(Receiver<DaemonState>);

impl Asking {
    /// Begins to ask.
    pub(crate) fn begin() -> Self {
        let (sender, receiver) = mpsc::channel();
        let ask = move || {
            let state = run("chronyc", &["-c", "tracking"])
                .and_then(|text| read_chronyc(&text))
                .or_else(|| run("timedatectl", &["show"]).and_then(|text| read_timedatectl(&text)));
            // Nobody listens any more if the run is over.
            let _ = sender.send(state.unwrap_or(DaemonState::UNKNOWN));
        };
        // Without a thread nobody is asked, and the state is unknown.
        drop(thread::Builder::new().spawn(ask));
        Self(receiver)
    }

    /// What was stated already.
    pub(crate) fn answered(state: DaemonState) -> Self {
        let (sender, receiver) = mpsc::channel();
        // The receiver is right here.
        let _ = sender.send(state);
        Self(receiver)
    }

    /// What was stated, unknown if it takes too long.
    pub(crate) fn finish(self) -> DaemonState {
        self.0.recv_timeout(2 * LIMIT).unwrap_or(DaemonState::UNKNOWN)
    }
}

/// The standard output of a program that ended well within the time limit.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .env_remove(KEY_VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let text = read_within(&mut child);
    if text.is_none() {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
    }
    let ended_well = child.wait().ok()?.success();
    text.filter(|_| ended_well)
}

fn read_within(child: &mut Child) -> Option<String> {
    let output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut text = String::new();
        if BufReader::new(output.take(MAX_TEXT))
            .read_to_string(&mut text)
            .is_ok()
        {
            let _ = sender.send(text);
        }
    };
    thread::Builder::new().spawn(read).ok()?;
    receiver.recv_timeout(LIMIT).ok()
}

/// Reads `chronyc -c tracking`: the fifth field is what the clock lacks of the reference, in seconds,
/// positive when it is slow; the last is the leap status.
pub(crate) fn read_chronyc(text: &str) -> Option<DaemonState> {
    let fields: Vec<&str> = text.lines().next()?.split(',').collect();
    let (correction, leap) = (fields.get(4)?, fields.get(13)?);
    let synchronised = leap.trim() != "Not synchronised";
    let offset_ns = seconds_to_ns(correction.trim())
        .map(|ns| -ns)
        .filter(|_| synchronised);
    Some(DaemonState {
        synchronised: Some(synchronised),
        offset_ns,
    })
}

/// Reads `timedatectl show`, which knows no offset.
pub(crate) fn read_timedatectl(text: &str) -> Option<DaemonState> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("NTPSynchronized="))?;
    Some(DaemonState {
        synchronised: Some(value == "yes"),
        offset_ns: None,
    })
}

fn seconds_to_ns(text: &str) -> Option<i64> {
    let seconds: f64 = text.parse().ok()?;
    let size = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    let ns = i64::try_from(size.as_nanos()).ok()?;
    Some(if seconds < 0.0 { -ns } else { ns })
}

/// How a round is labeled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// Start of the round, corrected if need be.
    pub(crate) round_start: UnixTime,
    /// The correction that was applied: probe minus collector. It makes the round suspect.
    pub(crate) correction_ns: Option<i64>,
}

/// Labels a round that the host's clock says began at `start`.
///
/// `measured_ns` is the clock's distance from the collector's (probe minus collector) as learned in
/// this round, `kept_ns` the correction in force after the last one, used when nothing was learned.
/// A clock that its daemon calls synchronized is believed: then the collector's is the wrong one.
pub(crate) fn label(
    start: UnixTime,
    daemon: DaemonState,
    measured_ns: Option<i64>,
    kept_ns: Option<i64>,
) -> Label {
    let distance_ns = measured_ns.or(kept_ns);
    let is_far = |ns: &i64| Duration::from_nanos(ns.unsigned_abs()) > CORRECTION_THRESHOLD;
    let correction_ns = distance_ns
        .filter(is_far)
        .filter(|_| daemon.synchronised != Some(true));
    let corrected = start.as_ns().saturating_sub(correction_ns.unwrap_or(0));
    Label {
        round_start: UnixTime::from_ns(corrected),
        correction_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn a_synchronized_chrony_states_its_offset_with_our_sign() {
        let text = "C0000201,192.0.2.1,3,1795255500.1,0.000812000,-0.000001,0.000002,1.2,0.0,0.1,0.01,0.002,64.5,Normal\n";
        let state = read_chronyc(text).unwrap();
        // Slow by 812 µs: the probe is behind, so probe minus reference is negative.
        assert_eq!(
            state,
            DaemonState {
                synchronised: Some(true),
                offset_ns: Some(-812_000)
            }
        );
    }

    #[test]
    fn a_chrony_without_a_source_states_that_it_is_not_synchronized() {
        let text = "7F7F0101,,0,0.0,0.000000000,0,0,0,0,0,1,1,0,Not synchronised\n";
        assert_eq!(
            read_chronyc(text).unwrap(),
            DaemonState {
                synchronised: Some(false),
                offset_ns: None
            }
        );
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for text in ["", "506 Cannot talk to daemon", "a,b,c"] {
            assert_eq!(read_chronyc(text), None, "{text}");
        }
        assert_eq!(read_timedatectl("Timezone=UTC\n"), None);
        assert_eq!(run("no-such-program-here", &[]), None);
        assert_eq!(run("false", &[]), None);
    }

    #[test]
    fn systemd_knows_whether_the_clock_is_synchronized() {
        let state = |text| read_timedatectl(text).unwrap().synchronised;
        assert_eq!(state("Timezone=UTC\nNTPSynchronized=yes\n"), Some(true));
        assert_eq!(state("NTPSynchronized=no\n"), Some(false));
    }

    /// The correction in seconds for a daemon's word, a measured and a kept distance in seconds.
    #[track_caller]
    fn check(synchronised: Option<bool>, measured: Option<i64>, kept: Option<i64>, expected: Option<i64>) {
        let daemon = DaemonState {
            synchronised,
            offset_ns: None,
        };
        let ns = |seconds: Option<i64>| seconds.map(|seconds| seconds * SECOND);
        let label = label(UnixTime::from_ns(1000 * SECOND), daemon, ns(measured), ns(kept));
        assert_eq!(label.correction_ns, ns(expected));
        assert_eq!(label.round_start.as_ns(), (1000 - expected.unwrap_or(0)) * SECOND);
    }

    #[test]
    fn a_label_is_corrected_only_if_the_clock_is_far_off_and_nobody_vouches_for_it() {
        check(None, Some(31), None, Some(31));
        check(Some(false), Some(-600), None, Some(-600));
        check(None, Some(30), None, None);
        check(None, None, None, None);
        check(Some(true), Some(600), None, None);
    }

    #[test]
    fn a_kept_correction_is_used_while_nothing_newer_is_known() {
        check(None, None, Some(600), Some(600));
        check(Some(true), None, Some(600), None);
        check(None, Some(0), Some(600), None);
        check(None, Some(-40), Some(600), Some(-40));
    }
}
