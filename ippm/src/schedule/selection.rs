//! Which pairs a test measures.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Label, ProbeName};

/// Which ordered pairs a test measures. A probe never measures itself, and a pair that is wanted twice is measured
/// once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every probe every other one.
    Everyone,
    /// Within each of these groups every member every other one, as the rules of the group say.
    Groups(Vec<GroupRule>),
    /// Exactly these.
    Pairs(Vec<Pair>),
}

/// An ordered pair.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The probe that measures.
    pub source: ProbeName,
    /// The probe that is measured.
    pub target: ProbeName,
}

/// A group, and which pairs of its members a test measures. The rules of one group say nothing of another: a pair
/// that one group drops and another keeps is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRule {
    /// The group.
    pub group: Label,
    /// Of each probe here the only partners in this group. Of a pair in which either side is listed here, one has
    /// to name the other.
    pub include: BTreeMap<ProbeName, BTreeSet<ProbeName>>,
    /// Of each probe here partners with whom no pair is measured, in neither direction. No pair is both included
    /// and excluded.
    pub exclude: BTreeMap<ProbeName, BTreeSet<ProbeName>>,
}

impl Selection {
    /// Most groups of one test.
    pub const MAX_GROUPS: usize = 64;
    /// Most explicit pairs of one test.
    pub const MAX_PAIRS: usize = 65_536;
    /// Most probes with a rule in one group of one test.
    pub const MAX_RULES: usize = 2048;
    /// Most partners that one rule names.
    pub const MAX_PARTNERS: usize = 2048;
}

impl GroupRule {
    /// A group without rules: every member every other one.
    #[must_use]
    pub const fn all_of(group: Label) -> Self {
        Self {
            group,
            include: BTreeMap::new(),
            exclude: BTreeMap::new(),
        }
    }

    /// Whether the pair of two members is measured, in either direction: the rules are mutual.
    #[must_use]
    pub fn keeps(&self, one: &ProbeName, other: &ProbeName) -> bool {
        if one == other {
            return false;
        }
        let is_limited = self.include.contains_key(one) || self.include.contains_key(other);
        let is_included = !is_limited || Self::names(&self.include, one, other);
        is_included && !Self::names(&self.exclude, one, other)
    }

    /// Whether either names the other.
    fn names(rules: &BTreeMap<ProbeName, BTreeSet<ProbeName>>, one: &ProbeName, other: &ProbeName) -> bool {
        let lists = |one, other| rules.get(one).is_some_and(|partners| partners.contains(other));
        lists(one, other) || lists(other, one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> BTreeMap<ProbeName, BTreeSet<ProbeName>> {
        let rule = |rule: &str| {
            let (probe, partners) = rule.split_once(':').unwrap();
            let partners = partners.split(',').map(|name| name.parse().unwrap()).collect();
            (probe.parse().unwrap(), partners)
        };
        text.split_whitespace().map(rule).collect()
    }

    /// The unordered pairs of a, b, c and d that are kept.
    #[track_caller]
    fn check(include: &str, exclude: &str, kept: &str) {
        let rule = GroupRule {
            group: "g".parse().unwrap(),
            include: rules(include),
            exclude: rules(exclude),
        };
        let names: Vec<ProbeName> = ["a", "b", "c", "d"].map(|name| name.parse().unwrap()).into();
        let mut found = Vec::new();
        for (index, one) in names.iter().enumerate() {
            assert!(!rule.keeps(one, one));
            for other in &names[index + 1..] {
                assert_eq!(
                    rule.keeps(one, other),
                    rule.keeps(other, one),
                    "mutual: {one} {other}"
                );
                if rule.keeps(one, other) {
                    found.push(format!("{one}{other}"));
                }
            }
        }
        assert_eq!(found.join(" "), kept, "include {include:?}, exclude {exclude:?}");
    }

    #[test]
    fn without_rules_every_pair_is_kept() {
        check("", "", "ab ac ad bc bd cd");
    }

    #[test]
    fn a_pair_of_a_probe_with_included_partners_is_kept_if_either_lists_the_other() {
        check("a:b", "", "ab bc bd cd");
        // c lists a, so ac is kept though a lists only b; cd and bc fall because c lists neither.
        check("a:b c:a", "", "ab ac bd");
    }

    #[test]
    fn an_exclusion_of_one_side_drops_both_directions() {
        check("", "a:b", "ac ad bc bd cd");
        check("", "b:a,c d:c", "ac ad bd");
    }

    #[test]
    fn inclusion_limits_and_exclusion_takes_from_what_is_left() {
        check("a:b", "c:d", "ab bc bd");
    }
}
