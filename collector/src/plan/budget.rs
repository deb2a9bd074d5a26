//! What the plans may send, and whether they keep to it.

use ippm::plan::{self, Plan};
use ippm::roster::Roster;
use ippm::schedule::limits::{Budget, Limits};
use ippm::schedule::{Schedule, TestSpec};
use ippm::{Params, TestName};

use crate::plan::Defaults;
use crate::plan::cost::{Cost, Heaviest, Load, Sum};
use crate::plan::fault::{Amount, Over, PlanFault, PlanFile, Problem, Who};
use crate::plan::window::Windows;

/// What is wrong with each test on its own: its zone, its period, the time that a round of it takes.
pub(super) fn check_tests(schedule: &Schedule, defaults: &Defaults) -> Vec<PlanFault> {
    let mut faults = Vec::new();
    for (index, test) in schedule.tests.iter().enumerate() {
        let mut fault = |key: String, problem: Problem| faults.push(in_schedule(key, problem));
        for (window, of_test) in test.windows.iter().enumerate() {
            if let Err(error) = Windows::new(std::slice::from_ref(of_test)) {
                fault(
                    format!("tests[{index}].windows[{window}]"),
                    Problem::Window(error),
                );
            }
        }
        if let Some(problem) = check_period(test, defaults) {
            fault(format!("tests[{index}].period"), problem);
        }
        let params = schedule.params(test, defaults.params);
        if let Some(problem) = check_time(&params, defaults) {
            fault(format!("tests[{index}]"), problem);
        }
    }
    faults
}

/// Each budget that `cost` exceeds, with who exceeds it most.
pub(super) fn check(
    cost: &Cost,
    roster: &Roster,
    schedule: &Schedule,
    defaults: &Defaults,
) -> Vec<PlanFault> {
    let mut check = Check {
        cost,
        roster,
        schedule,
        faults: Vec::new(),
    };
    check.results();
    check.packets();
    check.rates(defaults);
    check.limits("limits", &schedule.limits, None);
    for (index, test) in schedule.tests.iter().enumerate() {
        check.limits(&format!("tests[{index}].limits"), &test.limits, Some(index));
    }
    check.capacities();
    check.faults
}

struct Check<'a> {
    cost: &'a Cost,
    roster: &'a Roster,
    schedule: &'a Schedule,
    faults: Vec<PlanFault>,
}

/// A sum that somebody may exceed.
struct Candidate {
    who: Who,
    load: Load,
    largest: Option<(usize, Load)>,
}

impl Check<'_> {
    fn results(&mut self) {
        let limit = u64::try_from(Plan::MAX_RESULTS).unwrap_or(u64::MAX);
        let over = |load: &Load| limit < load.results;
        self.of_round(
            &over,
            |load| load.results,
            |probe, results, others| Problem::Results {
                probe,
                results,
                others,
            },
        );
    }

    fn packets(&mut self) {
        let over = |load: &Load| Plan::MAX_PACKETS < load.packets;
        self.of_round(
            &over,
            |load| load.packets,
            |probe, packets, others| Problem::Packets {
                probe,
                packets,
                others,
            },
        );
    }

    /// What a probe can hold of one round.
    fn of_round(
        &mut self,
        is_over: &dyn Fn(&Load) -> bool,
        amount: impl Fn(&Load) -> u64,
        problem: impl FnOnce(ippm::ProbeName, u64, usize) -> Problem,
    ) {
        let over = || self.cost.probes.iter().filter(|probe| is_over(&probe.sends.all));
        // The first of several with as many.
        let Some(worst) = over().rev().max_by_key(|probe| amount(&probe.sends.all)) else {
            return;
        };
        let others = over().count() - 1;
        let largest = worst.sends.largest(Amount::Packets).map_or(0, |(test, _)| test);
        let problem = problem(worst.probe.clone(), amount(&worst.sends.all), others);
        self.faults
            .push(in_schedule(format!("tests[{largest}]"), problem));
    }

    /// The rates above which a probe would refuse to measure.
    fn rates(&mut self, defaults: &Defaults) {
        let limit = |set: u64, hard: u64, name: &str| {
            if set < hard {
                (set, name.to_owned())
            } else {
                (hard, "the most that xprobe sends".to_owned())
            }
        };
        let (pps, set_by) = limit(defaults.pps, Plan::MAX_PPS, "plan.pps");
        let probes = self.probes(None).filter(|(place, _)| !self.is_legacy(*place));
        let candidates: Vec<Candidate> = probes.map(|(_, candidate)| candidate).collect();
        self.compare(None, Amount::Packets, pps, set_by, candidates);
        let (pps, set_by) = limit(
            defaults.pps_per_target,
            Plan::MAX_PPS_PER_TARGET,
            "plan.pps_per_target",
        );
        let address = self.pair(&self.cost.addresses, Amount::Packets, true);
        self.compare(None, Amount::Packets, pps, set_by, address.into_iter().collect());
    }

    /// The limits of the schedule, of all tests or of one.
    fn limits(&mut self, key: &str, limits: &Limits, test: Option<usize>) {
        let cost = self.cost;
        let heaviest = test.map_or(&cost.heaviest, |test| &cost.by_test[test]);
        for (amount, name) in [(Amount::Packets, "pps"), (Amount::Bits, "bandwidth")] {
            let limit = |budget: &Budget| match amount {
                Amount::Packets => budget.pps,
                Amount::Bits => budget.bandwidth.map(ippm::Bandwidth::bits),
            };
            let pairs = self.pair(heaviest, amount, false).into_iter().collect();
            let probes = self.probes(test).map(|(_, candidate)| candidate).collect();
            let sites = cost
                .sites
                .iter()
                .map(|(site, sum)| candidate(Who::Site(site.clone()), sum, test));
            let targets = cost
                .probes
                .iter()
                .map(|probe| candidate(Who::Target(probe.probe.clone()), &probe.answers, test));
            for (sum, budget, candidates) in [
                ("pair", &limits.pair, pairs),
                ("probe", &limits.probe, probes),
                ("site", &limits.site, sites.collect()),
                ("target", &limits.target, targets.collect::<Vec<_>>()),
            ] {
                if let Some(limit) = limit(budget) {
                    let key = format!("{key}.{sum}.{name}");
                    self.compare(Some(&key), amount, limit, key.clone(), candidates);
                }
            }
        }
    }

    fn capacities(&mut self) {
        for (probe, cost) in self.roster.probes().iter().zip(&self.cost.probes) {
            let bits = cost.sends.all.bits.saturating_add(cost.answers.all.bits);
            if let Some(capacity) = probe.details.capacity
                && capacity.bits() < bits
            {
                self.faults.push(PlanFault {
                    file: PlanFile::Roster,
                    key: format!("probes.{}.capacity", probe.name),
                    problem: Problem::Capacity {
                        probe: probe.name.clone(),
                        bits,
                        capacity,
                    },
                });
            }
        }
    }

    /// A fault for the heaviest of `candidates` that exceeds `limit`; without a key it is that of the test which
    /// weighs most.
    fn compare(
        &mut self,
        key: Option<&str>,
        amount: Amount,
        limit: u64,
        set_by: String,
        candidates: Vec<Candidate>,
    ) {
        let over = candidates
            .into_iter()
            .filter(|candidate| limit < amount.in_units(&candidate.load));
        let over: Vec<Candidate> = over.collect();
        let others = over.len().saturating_sub(1);
        let worst = over
            .into_iter()
            .rev()
            .max_by_key(|candidate| amount.raw(&candidate.load));
        let Some(Candidate { who, load, largest }) = worst else {
            return;
        };
        let key = key.map_or_else(
            || format!("tests[{}]", largest.map_or(0, |(test, _)| test)),
            str::to_owned,
        );
        let over = Over {
            who,
            amount,
            found: load,
            limit,
            set_by,
            largest: largest
                .filter(|_| 1 < self.schedule.tests.len())
                .map(|(test, load)| (self.name(test), load)),
            others,
        };
        self.faults.push(in_schedule(key, Problem::Over(Box::new(over))));
    }

    /// What each probe sends, of all tests or of one.
    fn probes(&self, test: Option<usize>) -> impl Iterator<Item = (usize, Candidate)> {
        let probes = self.cost.probes.iter().enumerate();
        probes.map(move |(place, probe)| {
            (
                place,
                candidate(Who::Probe(probe.probe.clone()), &probe.sends, test),
            )
        })
    }

    fn pair(&self, heaviest: &Heaviest, amount: Amount, is_address: bool) -> Option<Candidate> {
        let pair = heaviest.by(amount)?;
        let name = |place: usize| self.roster.probes()[place].name.clone();
        let (source, target) = (name(pair.source), name(pair.target));
        Some(Candidate {
            who: if is_address {
                Who::Address(source, target, pair.family)
            } else {
                Who::Pair(source, target)
            },
            load: pair.load,
            largest: pair.largest,
        })
    }

    fn is_legacy(&self, place: usize) -> bool {
        self.roster.probes()[place].details.legacy
    }

    fn name(&self, test: usize) -> TestName {
        self.schedule.tests[test].name.clone()
    }
}

fn candidate(who: Who, sum: &Sum, test: Option<usize>) -> Candidate {
    match test {
        None => Candidate {
            who,
            load: sum.all,
            // Either amount shows which test it is; packets decide.
            largest: sum.largest(Amount::Packets),
        },
        Some(test) => Candidate {
            who,
            load: sum.by_test[test],
            largest: None,
        },
    }
}

fn check_period(test: &TestSpec, defaults: &Defaults) -> Option<Problem> {
    let period = test.period?;
    let fits = period
        .as_nanos()
        .is_multiple_of(defaults.period.as_nanos().max(1));
    let is_within = defaults.period <= period && period <= plan::MAX_PERIOD;
    (!(fits && is_within)).then_some(Problem::Period {
        test: period,
        plan: defaults.period,
    })
}

fn check_time(params: &Params, defaults: &Defaults) -> Option<Problem> {
    let spread = params.spread?;
    let timeout = params.timeout.unwrap_or(Params::DEFAULT_TIMEOUT);
    let (needed, end) = (
        plan::time_needed(spread, timeout),
        plan::end_before(defaults.period),
    );
    (end < needed).then_some(Problem::Time { needed, spread, end })
}

fn in_schedule(key: String, problem: Problem) -> PlanFault {
    PlanFault {
        file: PlanFile::Schedule,
        key,
        problem,
    }
}

#[cfg(test)]
mod tests;
