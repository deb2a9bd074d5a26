//! What the clock daemon of this host states: chrony, ntpd, or whatever systemd knows of.

use std::io::{BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::config::KEY_VARIABLE;

/// Longest wait for each of the programs that know the clock's state.
const LIMIT: Duration = Duration::from_secs(1);

/// Most programs that are asked one after the other.
const PROGRAMS: u32 = 4;

/// Most text that is read of what a program says.
const MAX_TEXT: u64 = 64 << 10;

/// What the clock daemon of this host states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DaemonState {
    /// Whether it states that the clock is synchronized; none if nobody could be asked.
    pub(crate) synchronised: Option<bool>,
    /// The clock minus its reference; none if unknown.
    pub(crate) offset_ns: Option<i64>,
    /// Bound of the clock's error if its reference is right; none if unknown.
    pub(crate) error_ns: Option<u64>,
    /// By how much the daemon corrects the clock's frequency: positive if the clock would be slow without it;
    /// none if unknown.
    pub(crate) frequency_ppb: Option<i64>,
}

impl DaemonState {
    pub(crate) const UNKNOWN: Self = Self {
        synchronised: None,
        offset_ns: None,
        error_ns: None,
        frequency_ppb: None,
    };

    /// Only whether the clock is synchronized is known.
    pub(crate) const fn stated(synchronised: bool) -> Self {
        Self {
            synchronised: Some(synchronised),
            ..Self::UNKNOWN
        }
    }
}

/// Asks the clock daemon in the background: chrony, else ntpd, else systemd.
#[derive(Debug)]
pub(crate) struct Asking(Receiver<DaemonState>);

impl Asking {
    /// Begins to ask.
    pub(crate) fn begin() -> Self {
        let (sender, receiver) = mpsc::channel();
        let ask = move || {
            let state = run("chronyc", &["-c", "tracking"])
                .and_then(|text| read_chronyc(&text))
                .or_else(|| run("ntpq", &["-n", "-c", "rv"]).and_then(|text| read_ntpq(&text)))
                .or_else(|| run("timedatectl", &["show"]).and_then(|text| read_timedatectl(&text)))
                .map(DaemonState::with_timesync);
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
        self.0
            .recv_timeout(PROGRAMS * LIMIT)
            .unwrap_or(DaemonState::UNKNOWN)
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

/// Reads `chronyc -c tracking`. Fields: the fifth is what the clock lacks of the reference, in seconds, positive
/// when it is slow; the eighth the frequency in ppm, positive when the clock is fast; root delay and root
/// dispersion the eleventh and twelfth; the last is the leap status.
///
/// The bound of the error is the one that chrony's manual gives: offset, root dispersion and half the root delay.
pub(crate) fn read_chronyc(text: &str) -> Option<DaemonState> {
    let fields: Vec<&str> = text.lines().next()?.split(',').map(str::trim).collect();
    let (correction, leap) = (*fields.get(4)?, *fields.get(13)?);
    if leap == "Not synchronised" {
        return Some(DaemonState::stated(false));
    }
    let correction_ns = scaled(correction, 9);
    Some(DaemonState {
        offset_ns: correction_ns.map(|ns| -ns),
        error_ns: bound(correction_ns, scaled(fields[10], 9), scaled(fields[11], 9)),
        frequency_ppb: scaled(fields[7], 3).map(|ppb| -ppb),
        ..DaemonState::stated(true)
    })
}

/// Reads `ntpq -c rv`, which lists variables: `stratum` (16 when there is no reference), `offset` (reference
/// minus clock), `rootdelay` and `rootdisp` in milliseconds, `frequency` in ppm, positive when the daemon makes
/// the clock faster.
pub(crate) fn read_ntpq(text: &str) -> Option<DaemonState> {
    let variable = |name: &str| {
        let mut pairs = text
            .split([',', '\n'])
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.trim())
    };
    let stratum: u8 = variable("stratum")?.parse().ok()?;
    if stratum >= 16 {
        return Some(DaemonState::stated(false));
    }
    let ms = |name| variable(name).and_then(|value| scaled(value, 6));
    let correction_ns = ms("offset");
    Some(DaemonState {
        offset_ns: correction_ns.map(|ns| -ns),
        error_ns: bound(correction_ns, ms("rootdelay"), ms("rootdisp")),
        frequency_ppb: variable("frequency").and_then(|value| scaled(value, 3)),
        ..DaemonState::stated(true)
    })
}

/// Reads `timedatectl show`, which knows no offset.
pub(crate) fn read_timedatectl(text: &str) -> Option<DaemonState> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("NTPSynchronized="))?;
    Some(DaemonState::stated(value == "yes"))
}

impl DaemonState {
    /// Adds what systemd-timesyncd states, if that is what keeps the clock and nobody stated it yet.
    fn with_timesync(self) -> Self {
        if self.synchronised != Some(true) || self.frequency_ppb.is_some() {
            return self;
        }
        run("timedatectl", &["show-timesync"]).map_or(self, |text| self.with_timesync_of(&text))
    }

    /// Reads `timedatectl show-timesync`: the frequency is in 2^-16 ppm, as the kernel keeps it.
    fn with_timesync_of(self, text: &str) -> Self {
        let frequency = text
            .lines()
            .find_map(|line| line.strip_prefix("Frequency="))
            .and_then(|value| value.parse::<i64>().ok());
        Self {
            frequency_ppb: frequency.map(|units| units.saturating_mul(1000) / (1 << 16)),
            ..self
        }
    }
}

/// |offset| + delay ÷ 2 + dispersion; none if any is unknown.
fn bound(offset_ns: Option<i64>, delay_ns: Option<i64>, dispersion_ns: Option<i64>) -> Option<u64> {
    let (delay, dispersion) = (delay_ns?.unsigned_abs(), dispersion_ns?.unsigned_abs());
    Some(
        offset_ns?
            .unsigned_abs()
            .saturating_add(delay / 2)
            .saturating_add(dispersion),
    )
}

/// A decimal number times 10^`digits`, as a whole number; what is smaller is cut off.
fn scaled(text: &str, digits: usize) -> Option<i64> {
    let (is_negative, size) = match text.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let kept = fraction.len().min(digits);
    let value: i64 = format!("{whole}{}{}", &fraction[..kept], "0".repeat(digits - kept))
        .parse()
        .ok()?;
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synchronized_chrony_states_its_offset_with_our_sign() {
        let text = "C0000201,192.0.2.1,3,1795255500.1,0.000812000,-0.000001,0.000002,1.2,0.0,0.1,0.01,0.002,64.5,Normal\n";
        let state = read_chronyc(text).unwrap();
        // Slow by 812 µs: the probe is behind, so probe minus reference is negative.
        assert_eq!(
            state,
            DaemonState {
                synchronised: Some(true),
                offset_ns: Some(-812_000),
                // 812 µs + half of 10 ms + 2 ms.
                error_ns: Some(7_812_000),
                // The clock is fast by 1.2 ppm, so it is slowed down.
                frequency_ppb: Some(-1_200),
            }
        );
    }

    #[test]
    fn a_chrony_without_a_source_states_that_it_is_not_synchronized() {
        let text = "7F7F0101,,0,0.0,0.000000000,0,0,0,0,0,1,1,0,Not synchronised\n";
        assert_eq!(read_chronyc(text).unwrap(), DaemonState::stated(false));
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

    #[test]
    fn an_ntpd_states_its_offset_in_milliseconds() {
        let text = "associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,\n\
            version=\"ntpd 4.2.8p15\", processor=\"x86_64\", stratum=2, precision=-24,\n\
            rootdelay=10.500, rootdisp=2.250, refid=192.0.2.1, offset=-0.125, frequency=+12.345, sys_jitter=0.1\n";
        let expected = DaemonState {
            synchronised: Some(true),
            offset_ns: Some(125_000),
            // 0.125 ms + half of 10.5 ms + 2.25 ms.
            error_ns: Some(7_625_000),
            frequency_ppb: Some(12_345),
        };
        assert_eq!(read_ntpq(text), Some(expected));
        let alone = text.replace("stratum=2", "stratum=16");
        assert_eq!(read_ntpq(&alone), Some(DaemonState::stated(false)));
        assert_eq!(read_ntpq("ntpq: read: Connection refused\n"), None);
    }

    #[test]
    fn systemd_states_the_frequency_in_the_units_of_the_kernel() {
        let text = "SystemNTPServers=\nFrequency=-655360\n";
        let state = DaemonState::stated(true).with_timesync_of(text);
        // 655,360 ÷ 65,536 = 10 ppm.
        assert_eq!(state.frequency_ppb, Some(-10_000));
        assert_eq!(
            DaemonState::stated(true).with_timesync_of("x\n"),
            DaemonState::stated(true)
        );
    }

    #[test]
    fn decimal_numbers_are_read_without_rounding() {
        for (text, value) in [
            ("0.000812000", Some(812_000)),
            ("-0.0000000019", Some(-1)),
            ("+3", Some(3_000_000_000)),
            ("12.5", Some(12_500_000_000)),
            ("", None),
            ("-", None),
            (".5", None),
            ("1e-3", None),
            ("nan", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(scaled(text, 9), value, "{text}");
        }
    }
}
