//! Announced work: what it touches, and when.

use std::collections::BTreeMap;

use super::slot::{Aliases, Expected};
use crate::{ProbeName, TestName, UnixTime};

/// One version of an announcement. A change and a deletion are versions too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// What the versions of one announcement have in common.
    pub id: String,
    /// When this version was loaded: the latest counts, also for slots before it.
    pub loaded: UnixTime,
    /// First instant of the work.
    pub from: UnixTime,
    /// First instant after it.
    pub to: UnixTime,
    /// What it touches.
    pub scope: Scope,
    /// Whether this version takes the announcement back.
    pub is_deleted: bool,
}

/// What an announcement touches: all conditions that are present have to hold, none at all is everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Pairs with this probe, as source or as target.
    pub probe: Option<ProbeName>,
    /// Pairs that this probe measures.
    pub source: Option<ProbeName>,
    /// Pairs in which this probe is measured.
    pub target: Option<ProbeName>,
    /// Pairs with a probe at this site, as source or as target.
    pub site: Option<String>,
    /// Results of this test.
    pub test: Option<TestName>,
}

impl Scope {
    /// Everything.
    pub const ALL: Self = Self {
        probe: None,
        source: None,
        target: None,
        site: None,
        test: None,
    };

    fn matches(&self, expected: &Expected<'_>, aliases: &Aliases) -> bool {
        let is = |name: &ProbeName, present: &ProbeName| aliases.resolve(name) == present;
        let holds = [
            self.probe
                .as_ref()
                .is_none_or(|name| is(name, expected.source) || is(name, expected.target)),
            self.source.as_ref().is_none_or(|name| is(name, expected.source)),
            self.target.as_ref().is_none_or(|name| is(name, expected.target)),
            self.site
                .as_deref()
                .is_none_or(|site| expected.source_site == Some(site) || expected.target_site == Some(site)),
            self.test.as_ref().is_none_or(|test| test == expected.test),
        ];
        holds.into_iter().all(|holds| holds)
    }
}

/// The announcements in force: of each the latest version, unless that takes it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    entries: Vec<Maintenance>,
}

impl Calendar {
    /// Nothing was announced.
    pub const EMPTY: Self = Self { entries: Vec::new() };

    /// The spans of all announcements that touch the pair and the test of `expected`, whatever its slot: first
    /// instant, first instant after it.
    #[must_use]
    pub fn spans_of(&self, expected: &Expected<'_>, aliases: &Aliases) -> Vec<(UnixTime, UnixTime)> {
        let touching = self
            .entries
            .iter()
            .filter(|entry| entry.scope.matches(expected, aliases));
        touching.map(|entry| (entry.from, entry.to)).collect()
    }

    /// Whether an announcement touches `expected`: its span meets the slot's, ends excluded.
    #[must_use]
    pub fn covers(&self, expected: &Expected<'_>, aliases: &Aliases) -> bool {
        self.entries.iter().any(|entry| {
            let begins = entry.from.max(expected.slot_start);
            let ends = entry.to.min(expected.slot_end());
            begins < ends && entry.scope.matches(expected, aliases)
        })
    }
}

impl FromIterator<Maintenance> for Calendar {
    /// Collects versions in any order; of two loaded at one time the later in the list counts.
    fn from_iter<I: IntoIterator<Item = Maintenance>>(versions: I) -> Self {
        let mut latest: BTreeMap<String, Maintenance> = BTreeMap::new();
        for version in versions {
            let is_superseded = latest
                .get(&version.id)
                .is_some_and(|known| version.loaded < known.loaded);
            if !is_superseded {
                latest.insert(version.id.clone(), version);
            }
        }
        Self {
            entries: latest
                .into_values()
                .filter(|version| !version.is_deleted)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Family;

    #[track_caller]
    fn check_scope(scope: &Scope, matches: bool) {
        let (source, target, test) = ("ams1".parse().unwrap(), "lon1".parse().unwrap(), TestName::icmp());
        let expected = Expected {
            source: &source,
            source_site: Some("Amsterdam"),
            target: &target,
            target_site: Some("London"),
            family: Family::V4,
            test: &test,
            period: Duration::from_mins(5),
            plan_period: Duration::from_mins(5),
            spread: Duration::from_secs(280),
            count: 280,
            slot_start: UnixTime::from_ns(0),
        };
        let aliases = [("ams-old".parse().unwrap(), source.clone())]
            .into_iter()
            .collect();
        assert_eq!(scope.matches(&expected, &aliases), matches, "{scope:?}");
    }

    fn name(text: &str) -> Option<ProbeName> {
        text.parse().ok()
    }

    #[test]
    fn a_site_is_touched_at_either_end_of_a_pair() {
        check_scope(
            &Scope {
                site: Some("London".to_owned()),
                ..Scope::ALL
            },
            true,
        );
        check_scope(
            &Scope {
                site: Some("Amsterdam".to_owned()),
                ..Scope::ALL
            },
            true,
        );
        check_scope(
            &Scope {
                site: Some("Paris".to_owned()),
                ..Scope::ALL
            },
            false,
        );
    }

    #[test]
    fn a_source_is_touched_in_its_own_direction_only_and_also_by_a_former_name() {
        check_scope(
            &Scope {
                source: name("ams1"),
                ..Scope::ALL
            },
            true,
        );
        check_scope(
            &Scope {
                source: name("ams-old"),
                ..Scope::ALL
            },
            true,
        );
        check_scope(
            &Scope {
                target: name("ams1"),
                ..Scope::ALL
            },
            false,
        );
    }

    #[test]
    fn every_condition_that_is_present_has_to_hold() {
        let test = |text: &str| Some(text.parse().unwrap());
        check_scope(
            &Scope {
                probe: name("lon1"),
                test: test("icmp"),
                ..Scope::ALL
            },
            true,
        );
        check_scope(
            &Scope {
                probe: name("lon1"),
                test: test("voice"),
                ..Scope::ALL
            },
            false,
        );
    }
}
