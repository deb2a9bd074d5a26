//! How good this host's clock is, and whether the round's label has to be corrected.

pub(crate) mod daemon;

use std::time::Duration;

use ippm::UnixTime;

use self::daemon::DaemonState;

/// Below this the probe's and the collector's clock agree well enough for a label.
pub(crate) const CORRECTION_THRESHOLD: Duration = Duration::from_secs(30);

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

    /// The correction in seconds for a daemon's word, a measured and a kept distance in seconds.
    #[track_caller]
    fn check(synchronised: Option<bool>, measured: Option<i64>, kept: Option<i64>, expected: Option<i64>) {
        let daemon = DaemonState {
            synchronised,
            ..DaemonState::UNKNOWN
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
