//! What was expected: of every probe, in every slot, by the plan that was in force when the slot began.
//!
//! The plans are those of the ledger, not today's roster. In force for a slot is a probe's latest record that is
//! not later than the slot's start, so a plan that went and came back counts for just as long as it was there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ippm::class::slot::{self, Aliases};
use ippm::plan::Plan;
use ippm::plan::record::RecordError;
use ippm::{Family, ProbeName, TestName, UnixTime};
use thiserror::Error;

use crate::plan::resolve::{Resolved, ResolvedTest};
use crate::plan::span::{Slots, Span, Spans};
use crate::plan::window::WindowError;
use crate::store::ledger::PlanVersion;

/// Every plan that was ever in force.
#[derive(Debug, Clone)]
pub struct History {
    probes: BTreeMap<ProbeName, Vec<Version>>,
    aliases: Aliases,
}

#[derive(Debug, Clone)]
struct Version {
    time: UnixTime,
    plan: Arc<Resolved>,
}

/// A record of the ledger that this release cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the plan of probe {probe} of {} is unreadable: {fault}", ippm::wire::time::format(*.time))]
pub struct HistoryError {
    /// Whose plan it is.
    pub probe: ProbeName,
    /// When it was loaded.
    pub time: UnixTime,
    /// What is wrong with it.
    pub fault: HistoryFault,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryFault {
    /// Its text.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// One of its windows.
    #[error(transparent)]
    Window(#[from] WindowError),
}

/// A pair, a family and a test: what results are stored by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair<'a> {
    /// The probe that measures, by its present name.
    pub source: &'a ProbeName,
    /// The probe that is measured, by its present name.
    pub target: &'a ProbeName,
    /// The address family.
    pub family: Family,
    /// The test.
    pub test: &'a TestName,
}

/// What a plan expects of one pair, family and test in each of its slots.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expectation {
    /// The probe that measures, by its present name.
    pub source: ProbeName,
    /// The probe that is measured, by its present name.
    pub target: ProbeName,
    /// The address family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// The test's period: the length of a slot.
    pub period: Duration,
    /// The period of the whole plan.
    pub plan_period: Duration,
    /// Over how long the packets are spread; zero if the plan did not say, which watches the whole slot.
    pub spread: Duration,
    /// How many packets are sent; one if the plan did not say.
    pub count: u64,
}

/// The slots in which one thing was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What was expected.
    pub expectation: Expectation,
    /// When.
    pub slots: Slots,
}

impl Expectation {
    /// The pair, the family and the test.
    #[must_use]
    pub fn pair(&self) -> Pair<'_> {
        Pair {
            source: &self.source,
            target: &self.target,
            family: self.family,
            test: &self.test,
        }
    }

    /// What was expected in the slot that begins at `slot_start`; the sites are today's.
    #[must_use]
    pub fn at<'a>(
        &'a self,
        slot_start: UnixTime,
        source_site: Option<&'a str>,
        target_site: Option<&'a str>,
    ) -> slot::Expected<'a> {
        slot::Expected {
            source: &self.source,
            source_site,
            target: &self.target,
            target_site,
            family: self.family,
            test: &self.test,
            period: self.period,
            plan_period: self.plan_period,
            spread: self.spread,
            count: self.count,
            slot_start,
        }
    }
}

impl History {
    /// The history that `versions` tell, in any order; of two of one probe and time the later in the list counts.
    ///
    /// # Errors
    ///
    /// [`HistoryError`] names the first record that cannot be read.
    pub fn new(versions: Vec<PlanVersion>) -> Result<Self, HistoryError> {
        let mut times: BTreeMap<ProbeName, BTreeMap<UnixTime, String>> = BTreeMap::new();
        for version in versions {
            times
                .entry(version.probe)
                .or_default()
                .insert(version.time, version.record);
        }
        let mut probes = BTreeMap::new();
        for (probe, records) in times {
            let mut list = Vec::with_capacity(records.len());
            for (time, record) in records {
                let fault = |fault| HistoryError {
                    probe: probe.clone(),
                    time,
                    fault,
                };
                let plan = Plan::parse_record(&record).map_err(|error| fault(error.into()))?;
                let plan = Resolved::new(plan).map_err(|error| fault(error.into()))?;
                list.push(Version {
                    time,
                    plan: Arc::new(plan),
                });
            }
            probes.insert(probe, list);
        }
        Ok(Self {
            probes,
            aliases: Aliases::NONE,
        })
    }

    /// The same history with each former name read as the present one.
    #[must_use]
    pub fn renamed(self, aliases: Aliases) -> Self {
        Self { aliases, ..self }
    }

    /// The plan of `probe`, by the name that it had, that was in force at `time`.
    #[must_use]
    pub fn in_force(&self, probe: &ProbeName, time: UnixTime) -> Option<&Plan> {
        let versions = self.probes.get(probe)?;
        let behind = versions.partition_point(|version| version.time <= time);
        versions
            .get(behind.checked_sub(1)?)
            .map(|version| version.plan.plan())
    }

    /// Everything that was expected in the slots that begin in `[from, to)`, of the pairs that `is_wanted` accepts,
    /// ordered by source, target, family, test and then by what else is expected. No slot of a pair, family and
    /// test comes twice.
    #[must_use]
    pub fn expected(
        &self,
        from: UnixTime,
        to: UnixTime,
        is_wanted: &dyn Fn(&Pair<'_>) -> bool,
    ) -> Vec<Expected> {
        let mut found = Found::new();
        // Where a present and a former name both have a plan, that of the present name counts.
        let (former, present): (Vec<_>, Vec<_>) = self
            .probes
            .iter()
            .partition(|(name, _)| self.aliases.resolve(name) != *name);
        for (name, versions) in present.into_iter().chain(former) {
            let source = self.aliases.resolve(name);
            for (index, version) in versions.iter().enumerate() {
                let until = versions.get(index + 1).map_or(to, |next| next.time.min(to));
                let span = Span::new(version.time.max(from), until);
                for test in version.plan.tests() {
                    let open = test.windows().open_within(span);
                    if !open.is_empty() {
                        self.collect(source, version.plan.plan(), test, &open, is_wanted, &mut found);
                    }
                }
            }
        }
        let mut expected: Vec<Expected> = found
            .into_iter()
            .flat_map(|(key, parts)| {
                parts
                    .into_iter()
                    .map(move |(how, spans)| key.expected(how, spans))
            })
            .filter(|expected| expected.slots.count() > 0)
            .collect();
        expected.sort_unstable_by(|a, b| a.expectation.cmp(&b.expectation));
        expected
    }

    fn collect<'a>(
        &'a self,
        source: &'a ProbeName,
        plan: &Plan,
        test: ResolvedTest<'a>,
        open: &Spans,
        is_wanted: &dyn Fn(&Pair<'_>) -> bool,
        found: &mut Found<'a>,
    ) {
        let test = test.test();
        let how = How {
            period: test.period,
            plan_period: plan.period,
            spread: test.params.spread.unwrap_or(Duration::ZERO),
            count: test.params.count.unwrap_or(1),
        };
        for target in &test.targets {
            let pair = Pair {
                source,
                target: self.aliases.resolve(&target.name),
                family: target.family,
                test: &test.name,
            };
            if pair.source != pair.target && is_wanted(&pair) {
                add(found.entry(pair).or_default(), how, open);
            }
        }
    }
}

/// Of each pair, family and test: how it was measured, and when slots began that expect it so.
type Found<'a> = BTreeMap<Pair<'a>, Vec<(How, Spans)>>;

/// How something is measured, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct How {
    period: Duration,
    plan_period: Duration,
    spread: Duration,
    count: u64,
}

/// Adds `spans` as far as nothing is expected there yet.
fn add(parts: &mut Vec<(How, Spans)>, how: How, spans: &Spans) {
    let mut free = spans.clone();
    for (_, taken) in &*parts {
        free = free.without(taken);
    }
    match parts.iter_mut().find(|(known, _)| *known == how) {
        Some((_, known)) => *known = known.union(&free),
        None => parts.push((how, free)),
    }
}

impl Pair<'_> {
    fn expected(&self, how: How, spans: Spans) -> Expected {
        let expectation = Expectation {
            source: self.source.clone(),
            target: self.target.clone(),
            family: self.family,
            test: self.test.clone(),
            period: how.period,
            plan_period: how.plan_period,
            spread: how.spread,
            count: how.count,
        };
        Expected {
            expectation,
            slots: Slots::new(how.period, spans),
        }
    }
}

#[cfg(test)]
mod tests;
