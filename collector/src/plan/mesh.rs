//! Which ordered pairs each test measures.

use std::collections::{BTreeMap, BTreeSet};

use ippm::class::slot::Aliases;
use ippm::roster::Roster;
use ippm::roster::probe::Role;
use ippm::schedule::Schedule;
use ippm::schedule::selection::{GroupRule, Selection};
use ippm::{Family, Label, ProbeName};

use crate::plan::fault::{PlanFault, PlanFile, Problem};

/// The selections of a schedule, with the probes of a roster in the place of names. A probe is its place in
/// [`Roster::probes`], a test its place in [`Schedule::tests`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mesh {
    /// Whether anything is measured at all.
    measure: bool,
    tests: Vec<Selected>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Selected {
    family: Option<Family>,
    pairs: Pairs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pairs {
    Everyone,
    Groups(Vec<Group>),
    Listed(BTreeMap<usize, BTreeSet<usize>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    members: BTreeSet<usize>,
    /// The rule by present names; `None` if every member measures every other one.
    rule: Option<GroupRule>,
}

impl Mesh {
    /// The mesh of `schedule` over `roster`; names in the schedule may be former ones.
    ///
    /// # Errors
    ///
    /// A fault for each group without a member, each probe that the roster does not know, each rule of a group that
    /// names somebody outside it, and each pair against the role of one of its probes.
    pub(super) fn new(
        roster: &Roster,
        schedule: &Schedule,
        aliases: &Aliases,
    ) -> Result<Self, Vec<PlanFault>> {
        let mut reader = Reader {
            places: roster.names().zip(0..).collect(),
            roster,
            aliases,
            faults: Vec::new(),
        };
        let tests = schedule
            .tests
            .iter()
            .enumerate()
            .map(|(index, test)| Selected {
                family: test.family,
                pairs: reader.pairs(&format!("tests[{index}]"), &test.selection),
            })
            .collect();
        if reader.faults.is_empty() {
            Ok(Self {
                measure: schedule.measure,
                tests,
            })
        } else {
            Err(reader.faults)
        }
    }

    /// Whom `source` measures in `test`, over which family: each once, in the order of the roster.
    ///
    /// Never itself, nobody that takes no part or is only a source, and only families that both have.
    #[must_use]
    pub fn targets(&self, roster: &Roster, test: usize, source: usize) -> Vec<(usize, Family)> {
        let probes = roster.probes();
        let from = &probes[source];
        let Some(selected) = self
            .tests
            .get(test)
            .filter(|_| self.measure && from.is_source() && !from.details.legacy)
        else {
            return Vec::new();
        };
        let families: Vec<Family> = [Family::V4, Family::V6]
            .into_iter()
            .filter(|family| selected.family.is_none_or(|only| only == *family))
            .filter(|family| from.address(*family).is_some())
            .collect();
        let mut targets = Vec::new();
        for target in selected.pairs.of(source, roster) {
            let to = &probes[target];
            if target != source && to.is_target() {
                let common = families.iter().filter(|family| to.address(**family).is_some());
                targets.extend(common.map(|family| (target, *family)));
            }
        }
        targets
    }

    /// Whom a probe of the original measures: everyone who is measured over IPv4. It knows no schedule.
    #[must_use]
    pub fn legacy_targets(&self, roster: &Roster, source: usize) -> Vec<(usize, Family)> {
        let probes = roster.probes();
        if !self.measure || !probes[source].is_source() || !probes[source].details.legacy {
            return Vec::new();
        }
        let is_measured =
            |target: &usize| *target != source && probes[*target].is_target() && probes[*target].v4.is_some();
        (0..probes.len())
            .filter(is_measured)
            .map(|target| (target, Family::V4))
            .collect()
    }
}

impl Pairs {
    /// Candidates of `source`, ascending, each once.
    fn of(&self, source: usize, roster: &Roster) -> Vec<usize> {
        match self {
            Self::Everyone => (0..roster.probes().len()).collect(),
            Self::Listed(pairs) => pairs.get(&source).into_iter().flatten().copied().collect(),
            Self::Groups(groups) => {
                let names = roster.probes();
                let wanted = groups
                    .iter()
                    .filter(|group| group.members.contains(&source))
                    .flat_map(|group| {
                        let keeps = |target: &&usize| {
                            let (one, other) = (&names[source].name, &names[**target].name);
                            group.rule.as_ref().is_none_or(|rule| rule.keeps(one, other))
                        };
                        group.members.iter().filter(keeps).copied()
                    });
                let wanted: BTreeSet<usize> = wanted.collect();
                wanted.into_iter().collect()
            }
        }
    }
}

struct Reader<'a> {
    places: BTreeMap<&'a ProbeName, usize>,
    roster: &'a Roster,
    aliases: &'a Aliases,
    faults: Vec<PlanFault>,
}

impl Reader<'_> {
    fn pairs(&mut self, path: &str, selection: &Selection) -> Pairs {
        match selection {
            Selection::Everyone => Pairs::Everyone,
            Selection::Groups(rules) => {
                let group =
                    |(index, rule): (usize, &GroupRule)| self.group(&format!("{path}.groups[{index}]"), rule);
                Pairs::Groups(rules.iter().enumerate().map(group).collect())
            }
            Selection::Pairs(list) => {
                let mut pairs: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
                for (index, pair) in list.iter().enumerate() {
                    let path = format!("{path}.pairs[{index}]");
                    let source = self.place(&path, &pair.source);
                    let target = self.place(&path, &pair.target);
                    if let (Some(source), Some(target)) = (source, target) {
                        self.check_roles(&path, source, target);
                        pairs.entry(source).or_default().insert(target);
                    }
                }
                Pairs::Listed(pairs)
            }
        }
    }

    fn group(&mut self, path: &str, rule: &GroupRule) -> Group {
        let probes = self.roster.probes().iter().zip(0..);
        let members: BTreeSet<usize> = probes
            .filter(|(probe, _)| probe.is_in(&rule.group))
            .map(|(_, place)| place)
            .collect();
        if members.is_empty() {
            self.fault(path, Problem::UnknownGroup(Label::clone(&rule.group)));
        }
        let include = self.partners(&format!("{path}.include"), &rule.group, &rule.include);
        let exclude = self.partners(&format!("{path}.exclude"), &rule.group, &rule.exclude);
        let has_rule = !(include.is_empty() && exclude.is_empty());
        Group {
            members,
            rule: has_rule.then(|| GroupRule {
                group: rule.group.clone(),
                include,
                exclude,
            }),
        }
    }

    /// The rules of one group by present names.
    fn partners(
        &mut self,
        path: &str,
        group: &Label,
        rules: &BTreeMap<ProbeName, BTreeSet<ProbeName>>,
    ) -> BTreeMap<ProbeName, BTreeSet<ProbeName>> {
        let mut present: BTreeMap<ProbeName, BTreeSet<ProbeName>> = BTreeMap::new();
        for (probe, partners) in rules {
            let path = format!("{path}.{probe}");
            for name in std::iter::once(probe).chain(partners) {
                self.check_member(&path, group, name);
            }
            let known = present.entry(self.aliases.resolve(probe).clone()).or_default();
            for partner in partners {
                known.insert(self.aliases.resolve(partner).clone());
            }
        }
        present
    }

    fn check_member(&mut self, path: &str, group: &Label, name: &ProbeName) {
        let place = self.place(path, name);
        if place.is_some_and(|place| !self.roster.probes()[place].is_in(group)) {
            let (probe, group) = (name.clone(), group.clone());
            self.fault(path, Problem::NotMember { probe, group });
        }
    }

    fn check_roles(&mut self, path: &str, source: usize, target: usize) {
        let probes = self.roster.probes();
        let (source, target) = (&probes[source], &probes[target]);
        if source.details.role == Role::Target {
            self.fault(path, Problem::NotSource(source.name.clone()));
        }
        if target.details.role == Role::Source {
            self.fault(path, Problem::NotTarget(target.name.clone()));
        }
    }

    fn place(&mut self, path: &str, name: &ProbeName) -> Option<usize> {
        let place = self.places.get(self.aliases.resolve(name)).copied();
        if place.is_none() {
            self.fault(path, Problem::UnknownProbe(name.clone()));
        }
        place
    }

    fn fault(&mut self, key: &str, problem: Problem) {
        self.faults.push(PlanFault {
            file: PlanFile::Schedule,
            key: key.to_owned(),
            problem,
        });
    }
}
