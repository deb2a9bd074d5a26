#![cfg(test)]
//! Ten thousand random rosters of up to 200 probes: each plan is held against the definition of who measures whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use collector::plan::{Defaults, Plans};
use ippm::plan::{self, Plan};
use ippm::roster::probe::{Details, Role};
use ippm::roster::{Entry, Roster};
use ippm::schedule::selection::{GroupRule, Pair, Selection};
use ippm::schedule::{Schedule, TestSpec};
use ippm::{Family, ProbeName};

const CASES: u64 = 10_000;
const GROUPS: [&str; 4] = ["core", "edge", "lab", "north"];
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Random numbers that are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}

/// What a probe is, in the words of the definition.
struct Host {
    families: [bool; 2],
    groups: [bool; 4],
    role: Role,
    enabled: bool,
    legacy: bool,
    former: bool,
}

/// Which pairs a test wants, by places.
enum Wish {
    Everyone,
    /// Group, only partners of a host, partners that a host refuses.
    Groups(Vec<(usize, Rules, Rules)>),
    Pairs(BTreeSet<(usize, usize)>),
}

type Rules = BTreeMap<usize, BTreeSet<usize>>;

struct Wanted {
    wish: Wish,
    family: Option<Family>,
}

struct World {
    hosts: Vec<Host>,
    tests: Vec<Wanted>,
    measure: bool,
}

impl World {
    fn random(random: &mut Random, case: u64) -> Self {
        // Some have the full 200 probes; of the others most are small.
        let size = (0..8).map(|_| random.below(200)).min().unwrap_or(0) + 2;
        let size = if case.is_multiple_of(400) { 200 } else { size };
        let hosts: Vec<Host> = (0..size)
            .map(|_| Host {
                families: match random.below(4) {
                    0 => [false, true],
                    1 => [true, true],
                    _ => [true, false],
                },
                groups: [(); 4].map(|()| random.one_in(2)),
                role: match random.below(8) {
                    0 => Role::Source,
                    1 => Role::Target,
                    _ => Role::Both,
                },
                enabled: !random.one_in(8),
                legacy: random.one_in(16),
                former: random.one_in(10),
            })
            .collect();
        let tests = (0..=random.below(3))
            .map(|_| Wanted {
                wish: Wish::random(random, &hosts),
                family: match random.below(4) {
                    0 => Some(Family::V4),
                    1 => Some(Family::V6),
                    _ => None,
                },
            })
            .collect();
        Self {
            hosts,
            tests,
            measure: !random.one_in(30),
        }
    }

    /// The definition: whether `source` measures `target` over `family` in `test`.
    fn is_wanted(&self, test: usize, source: usize, target: usize, family: Family) -> bool {
        let (from, to) = (&self.hosts[source], &self.hosts[target]);
        let has = |host: &Host| host.families[usize::from(family == Family::V6)];
        let wanted = &self.tests[test];
        self.measure
            && source != target
            && from.enabled
            && to.enabled
            && from.role != Role::Target
            && to.role != Role::Source
            && !from.legacy
            && has(from)
            && has(to)
            && wanted.family.is_none_or(|only| only == family)
            && match &wanted.wish {
                Wish::Everyone => true,
                Wish::Pairs(pairs) => pairs.contains(&(source, target)),
                Wish::Groups(groups) => groups.iter().any(|(group, include, exclude)| {
                    let names = |rules: &Rules| {
                        let lists = |a, b| rules.get(&a).is_some_and(|partners| partners.contains(&b));
                        lists(source, target) || lists(target, source)
                    };
                    let is_limited = include.contains_key(&source) || include.contains_key(&target);
                    from.groups[*group]
                        && to.groups[*group]
                        && (!is_limited || names(include))
                        && !names(exclude)
                }),
            }
    }

    fn is_wanted_of_original(&self, source: usize, target: usize) -> bool {
        let (from, to) = (&self.hosts[source], &self.hosts[target]);
        self.measure
            && source != target
            && from.legacy
            && from.enabled
            && to.enabled
            && from.role != Role::Target
            && to.role != Role::Source
            && to.families[0]
    }

    fn roster(&self) -> Arc<Roster> {
        let (mut entries, mut details) = (Vec::new(), BTreeMap::new());
        for (place, host) in self.hosts.iter().enumerate() {
            for (family, _) in FAMILIES.into_iter().zip(host.families).filter(|(_, has)| *has) {
                entries.push(Entry {
                    name: name(place),
                    family,
                    address: format!("p{place}.example").parse().unwrap(),
                    site: None,
                    description: None,
                    legacy: host.legacy,
                });
            }
            let groups = GROUPS.iter().zip(host.groups).filter(|(_, is_in)| *is_in);
            let of_host = Details {
                groups: groups.map(|(group, _)| group.parse().unwrap()).collect(),
                role: host.role,
                enabled: host.enabled,
                aliases: host.former.then(|| former(place)).into_iter().collect(),
                ..Details::NONE
            };
            details.insert(name(place), of_host);
        }
        Arc::new(Roster::with(entries, details).unwrap())
    }

    /// Wishes by present names, and by former ones where there are.
    fn schedule(&self, random: &mut Random) -> Arc<Schedule> {
        let mut called = |place: usize| {
            if self.hosts[place].former && random.one_in(2) {
                former(place)
            } else {
                name(place)
            }
        };
        let mut rules = |rules: &Rules| {
            let rule = |(place, partners): (&usize, &BTreeSet<usize>)| {
                (
                    called(*place),
                    partners.iter().map(|partner| called(*partner)).collect(),
                )
            };
            rules.iter().map(rule).collect::<BTreeMap<_, BTreeSet<_>>>()
        };
        let everybody = Schedule::everybody();
        let tests = self.tests.iter().enumerate().map(|(index, wanted)| TestSpec {
            name: format!("t{index}").parse().unwrap(),
            family: wanted.family,
            selection: match &wanted.wish {
                Wish::Everyone => Selection::Everyone,
                Wish::Pairs(pairs) => Selection::Pairs(
                    pairs
                        .iter()
                        .map(|(source, target)| Pair {
                            source: name(*source),
                            target: name(*target),
                        })
                        .collect(),
                ),
                Wish::Groups(groups) => Selection::Groups(
                    groups
                        .iter()
                        .map(|(group, include, exclude)| GroupRule {
                            group: GROUPS[*group].parse().unwrap(),
                            include: rules(include),
                            exclude: rules(exclude),
                        })
                        .collect(),
                ),
            },
            ..everybody.tests[0].clone()
        });
        Arc::new(Schedule {
            measure: self.measure,
            tests: tests.collect(),
            ..everybody.clone()
        })
    }
}

impl Wish {
    fn random(random: &mut Random, hosts: &[Host]) -> Self {
        match random.below(4) {
            0 => Self::Everyone,
            1 => {
                let pair = |_| (random.place(hosts.len()), random.place(hosts.len()));
                let pairs: BTreeSet<(usize, usize)> = (0..40).map(pair).collect();
                let is_allowed = |(source, target): &(usize, usize)| {
                    hosts[*source].role != Role::Target && hosts[*target].role != Role::Source
                };
                Self::Pairs(pairs.into_iter().filter(is_allowed).collect())
            }
            _ => {
                let groups = (0..GROUPS.len()).filter(|_| random.one_in(2)).collect::<Vec<_>>();
                let rules = |group: usize| {
                    let members: Vec<usize> = (0..hosts.len())
                        .filter(|host| hosts[*host].groups[group])
                        .collect();
                    if members.is_empty() {
                        return None;
                    }
                    let mut some = || {
                        let mut rules = Rules::new();
                        for _ in 0..random.below(4) {
                            let (one, other) = (
                                members[random.place(members.len())],
                                members[random.place(members.len())],
                            );
                            rules.entry(one).or_default().insert(other);
                        }
                        rules
                    };
                    Some((group, some(), some()))
                };
                Self::Groups(groups.into_iter().filter_map(rules).collect())
            }
        }
    }
}

fn name(place: usize) -> ProbeName {
    format!("p{place}").parse().unwrap()
}

fn former(place: usize) -> ProbeName {
    format!("former p{place}").parse().unwrap()
}

#[test]
fn every_wanted_pair_is_measured_exactly_once_and_no_other() {
    // Two threads have half of the cases each.
    std::thread::scope(|scope| {
        scope.spawn(|| check_worlds((1..=CASES).step_by(2)));
        scope.spawn(|| check_worlds((2..=CASES).step_by(2)));
    });
}

fn check_worlds(cases: impl Iterator<Item = u64>) {
    let period = Duration::from_mins(5);
    let defaults = Defaults {
        period,
        params: plan::default_params(period),
        legacy_period: period,
        pps: 20_000,
        pps_per_target: 200,
    };
    let mut measured = 0;
    for case in cases {
        let mut random = Random(case);
        let world = World::random(&mut random, case);
        let roster = world.roster();
        let plans = Plans::new(Arc::clone(&roster), world.schedule(&mut random), defaults).unwrap();
        let hosts = world.hosts.len();
        let mut results = 0;
        for source in 0..hosts {
            let mut wanted = Vec::new();
            for test in 0..world.tests.len() {
                let mut of_test = Vec::new();
                for target in 0..hosts {
                    let wants = |family: &Family| world.is_wanted(test, source, target, *family);
                    of_test.extend(FAMILIES.into_iter().filter(wants).map(|family| (target, family)));
                }
                assert_eq!(
                    plans.mesh().targets(&roster, test, source),
                    of_test,
                    "case {case}, test {test}, source {source}"
                );
                wanted.push(of_test);
            }
            let original: Vec<(usize, Family)> = (0..hosts)
                .filter(|target| world.is_wanted_of_original(source, *target))
                .map(|target| (target, Family::V4))
                .collect();
            results += wanted.iter().map(Vec::len).sum::<usize>() + original.len();
            // The plan itself: all of them where there are few, else every sixteenth.
            if hosts <= 24 || source.is_multiple_of(16) {
                check_plan(&plans, source, &wanted, &original, case);
            }
        }
        assert_eq!(plans.cost().total.all.results, results as u64, "case {case}");
        measured += results;
    }
    // Enough to mean something: were the worlds empty, everything above would hold too.
    assert!(500_000 < measured, "{measured}");
}

fn check_plan(
    plans: &Plans,
    source: usize,
    wanted: &[Vec<(usize, Family)>],
    original: &[(usize, Family)],
    case: u64,
) {
    let plan = plans.get(&name(source)).unwrap();
    let line = |test: &str, (target, family): &(usize, Family)| (test.to_owned(), name(*target), *family);
    let of_tests = wanted.iter().enumerate().flat_map(|(test, targets)| {
        let test = format!("t{test}");
        targets
            .iter()
            .map(move |target| line(&test, target))
            .collect::<Vec<_>>()
    });
    let expected: Vec<_> = of_tests
        .chain(original.iter().map(|target| line("icmp", target)))
        .collect();
    let found: Vec<_> = plan
        .tests
        .iter()
        .flat_map(|test| {
            let line = |target: &plan::Target| (test.name.to_string(), target.name.clone(), target.family);
            test.targets.iter().map(line)
        })
        .collect();
    assert_eq!(found, expected, "case {case}, source {source}");
    let record = plan.record();
    assert_eq!(Plan::parse_record(&record).unwrap().record(), record);
}
