//! The schedule: what is measured between whom, when and with which packets.
//!
//! It names groups and probes and knows no roster; who is in a group, and which plan of which probe follows, is
//! resolved where both are known. Nothing here reads a clock or a table of time zones: a [`Window`] is only text
//! that was understood.
//!
//! # Layout
//!
//! * [`Schedule`], [`TestSpec`]: the file as a whole and one test of it
//! * [`selection`]: which pairs a test measures
//! * [`window`]: when it does
//! * [`profile`]: packets like those of a service
//! * [`limits`]: what it may cost
//! * [`maintenance`]: announced work

pub mod limits;
pub mod maintenance;
pub mod profile;
pub mod selection;
pub mod window;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Family, Label, Params, TestName, Word, plan};
use limits::Limits;
use maintenance::MaintenanceSpec;
use profile::Profile;
use selection::Selection;
use window::Window;

/// The whole of `schedule.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Whether anything is measured at all: the switch that silences every probe.
    pub measure: bool,
    /// What all tests together may cost.
    pub limits: Limits,
    /// The tests in the order of the file; no two have the same name.
    pub tests: Vec<TestSpec>,
    /// The traffic profiles: those of the file, and [`Profile::built_in`] where the file names none so.
    pub profiles: BTreeMap<Label, Profile>,
    /// Announced work in the order of the file; no two have the same id.
    pub maintenance: Vec<MaintenanceSpec>,
}

/// One test, as the operator asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSpec {
    /// Its name.
    pub name: TestName,
    /// Its kind: one of [`TestSpec::KINDS`].
    pub kind: Word,
    /// Which pairs it measures.
    pub selection: Selection,
    /// The only family that it measures; `None`: both.
    pub family: Option<Family>,
    /// How often it is done, a multiple of the plan's period; `None`: in every round.
    pub period: Option<Duration>,
    /// When it is done, in the order of the file; none means always.
    pub windows: Vec<Window>,
    /// Whose packets it imitates; a key of [`Schedule::profiles`].
    pub profile: Option<Label>,
    /// The parameters that the file states; the others follow from the profile and the defaults, see
    /// [`TestSpec::params`].
    pub params: Params,
    /// What this test alone may cost.
    pub limits: Limits,
}

impl Schedule {
    /// Most tests.
    pub const MAX_TESTS: usize = 64;
    /// Most profiles that a file defines.
    pub const MAX_PROFILES: usize = 64;
    /// Most announcements, those of the past included.
    pub const MAX_MAINTENANCE: usize = 8192;

    /// What holds without a file: the test `icmp`, everyone to everyone, always, as the defaults say.
    #[must_use]
    pub fn everybody() -> Self {
        Self {
            measure: true,
            limits: Limits::NONE,
            tests: vec![TestSpec {
                name: TestName::icmp(),
                kind: TestSpec::icmp(),
                selection: Selection::Everyone,
                family: None,
                period: None,
                windows: Vec::new(),
                profile: None,
                params: Params::NONE,
                limits: Limits::NONE,
            }],
            profiles: Profile::built_in(),
            maintenance: Vec::new(),
        }
    }

    /// The complete parameters of `test` in a plan with these `defaults`; see [`TestSpec::params`].
    #[must_use]
    pub fn params(&self, test: &TestSpec, defaults: Params) -> Params {
        let profile = test.profile.as_ref().and_then(|name| self.profiles.get(name));
        test.params(profile, defaults)
    }
}

impl TestSpec {
    /// The kinds of tests there are.
    pub const KINDS: [&str; 1] = ["icmp"];
    /// Most windows of one test.
    pub const MAX_WINDOWS: usize = 16;
    /// Shortest period of a test: that of a plan.
    pub const MIN_PERIOD: Duration = plan::MIN_PERIOD;
    /// Longest period of a test: one a round is expected by, and kept in a result.
    pub const MAX_PERIOD: Duration = plan::MAX_PERIOD;
    /// Most packets of one round to one target: what the fastest probe sends in the longest period.
    pub const MAX_COUNT: u64 = Profile::MAX_PPS * plan::MAX_PERIOD.as_secs();
    /// Shortest waiting time for a reply.
    pub const MIN_TIMEOUT: Duration = Duration::from_millis(10);
    /// Longest waiting time for a reply.
    pub const MAX_TIMEOUT: Duration = Duration::from_mins(1);
    /// Smallest payload: the probe's own key and counters have to fit.
    pub const MIN_PAYLOAD_BYTES: u64 = 16;
    /// Largest payload.
    pub const MAX_PAYLOAD_BYTES: u64 = 65_000;
    /// Largest differentiated services code point (RFC 2474).
    pub const MAX_DSCP: u64 = 63;

    /// The kind of the default test.
    pub(crate) fn icmp() -> Word {
        "icmp".parse().expect("four lower-case letters are a word")
    }

    /// The complete parameters of this test: what it states, then what `profile` says, then `defaults`.
    ///
    /// The number of packets is stated; or the profile's rate times the spread; or, when only the spread is
    /// stated, one for each second of it; or the default.
    #[must_use]
    pub fn params(&self, profile: Option<&Profile>, defaults: Params) -> Params {
        let stated = self.params;
        let spread = stated.spread.or(defaults.spread);
        let follows = match (profile, spread) {
            (Some(profile), Some(spread)) => Some(profile.count(spread)),
            _ => stated.spread.map(plan::default_count).or(defaults.count),
        };
        let (payload, dscp) = match profile {
            Some(profile) => (Some(profile.payload_bytes()), Some(profile.dscp)),
            None => (defaults.payload_bytes, defaults.dscp),
        };
        Params {
            count: stated.count.or(follows),
            spread,
            timeout: stated.timeout.or(defaults.timeout),
            payload_bytes: stated.payload_bytes.or(payload),
            dscp: stated.dscp.or(dscp),
            dont_fragment: stated.dont_fragment.or(defaults.dont_fragment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(profile: Option<&str>, params: Params) -> TestSpec {
        TestSpec {
            profile: profile.map(|name| name.parse().unwrap()),
            params,
            ..Schedule::everybody().tests.remove(0)
        }
    }

    #[test]
    fn without_a_file_the_test_is_the_default_one() {
        let schedule = Schedule::everybody();
        let defaults = plan::default_params(Duration::from_mins(5));
        assert_eq!(schedule.params(&schedule.tests[0], defaults), defaults);
    }

    #[test]
    fn a_profile_gives_count_payload_and_code_point() {
        let schedule = Schedule::everybody();
        let defaults = plan::default_params(Duration::from_mins(5));
        let voice = schedule.params(&test(Some("voip-g711"), Params::NONE), defaults);
        // 50 packets/s over 280 s; 218 bytes less Ethernet 18, IPv4 20, ICMP 8.
        assert_eq!(
            (voice.count, voice.payload_bytes, voice.dscp),
            (Some(14_000), Some(172), Some(46))
        );
        let stated = Params {
            spread: Some(Duration::from_mins(1)),
            dscp: Some(0),
            ..Params::NONE
        };
        let voice = schedule.params(&test(Some("voip-g711"), stated), defaults);
        assert_eq!((voice.count, voice.dscp), (Some(3_000), Some(0)));
    }

    #[test]
    fn a_spread_alone_means_one_packet_a_second() {
        let defaults = plan::default_params(Duration::from_mins(5));
        let stated = Params {
            spread: Some(Duration::from_secs(40)),
            ..Params::NONE
        };
        assert_eq!(test(None, stated).params(None, defaults).count, Some(40));
    }
}
