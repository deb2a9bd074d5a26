//! What a period is to be stated about: the pairs that were expected, and the hours that are not whole.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ippm::cell::HOUR;
use ippm::class::maintenance::{Calendar, Scope};
use ippm::class::slot::{self, Aliases};
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::plan::history::Expected;
use crate::report::directory::Directory;
use crate::report::sla::account::Accounting;
use crate::report::sla::overlay::{Cover, Overlay};
use crate::report::sla::statement::{End, Period, Work};
use crate::store::ledger::MaintenanceVersion;

/// A time in which our own throughput test ran between two probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The probe that sent, by its present name.
    pub source: ProbeName,
    /// The probe that received.
    pub target: ProbeName,
    /// First instant.
    pub from: UnixTime,
    /// First instant after it.
    pub to: UnixTime,
}

/// One pair, family and test of a statement, before anything was read of it.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// The probe that measures.
    pub source: End,
    /// The probe that is measured.
    pub target: End,
    /// The family.
    pub family: Family,
    /// The test.
    pub test: TestName,
    /// What the plans in force asked for.
    pub expected: Vec<Expected>,
    /// Announced work that touches it.
    pub maintenance: Overlay,
    /// Our own load on it.
    pub loaded: Overlay,
    /// Hours of which not every round has the same overlays: they are read round by round.
    pub cut: BTreeSet<UnixTime>,
}

impl Expectations {
    /// The pairs of `expected`, which are ordered, with what touches them in `period`.
    #[must_use]
    pub fn of(
        expected: Vec<Expected>,
        works: &[MaintenanceVersion],
        loads: &[Load],
        directory: &Directory,
        period: &Period,
    ) -> Vec<Self> {
        let mut pairs: Vec<Self> = Vec::new();
        for expected in expected {
            let how = &expected.expectation;
            let is_same = |pair: &Self| {
                pair.source.probe == how.source
                    && pair.target.probe == how.target
                    && pair.family == how.family
                    && pair.test == how.test
            };
            match pairs.last_mut().filter(|pair| is_same(pair)) {
                Some(pair) => pair.expected.push(expected),
                None => pairs.push(Self {
                    source: end(&how.source, directory),
                    target: end(&how.target, directory),
                    family: how.family,
                    test: how.test.clone(),
                    expected: vec![expected],
                    maintenance: Overlay::NONE,
                    loaded: Overlay::NONE,
                    cut: BTreeSet::new(),
                }),
            }
        }
        for pair in &mut pairs {
            let touching = works
                .iter()
                .filter(|work| touches(work, pair, directory.aliases()));
            pair.maintenance = touching.map(|work| (work.entry.from, work.entry.to)).collect();
            pair.loaded = loads
                .iter()
                .filter(|load| load.source == pair.source.probe && load.target == pair.target.probe)
                .map(|load| (load.from, load.to))
                .collect();
            pair.cut = pair.cut_hours(period);
        }
        pairs
    }

    /// What was expected, and how much of it in announced work.
    #[must_use]
    pub fn accounting(&self) -> Accounting {
        let mut accounting = Accounting::NOTHING;
        for expected in &self.expected {
            let period = expected.expectation.period;
            let count = expected.slots.count();
            accounting.all.expected += count;
            accounting.slices_expected += count * (period.as_secs() / ippm::Slices::LENGTH.as_secs());
            if !self.maintenance.is_none() {
                let slots = expected.slots.iter();
                let touched = slots.filter(|slot| self.maintenance.meets(*slot, slot.saturating_add(period)));
                accounting.in_maintenance.expected += u64::try_from(touched.count()).unwrap_or(u64::MAX);
            }
        }
        accounting
    }

    /// Whether announced work covers the rounds of `hour`, which is not cut.
    #[must_use]
    pub fn is_in_maintenance(&self, hour: UnixTime) -> bool {
        !self.maintenance.is_none() && self.cover(&self.maintenance, hour) == Cover::Whole
    }

    fn cut_hours(&self, period: &Period) -> BTreeSet<UnixTime> {
        let mut cut = BTreeSet::new();
        for edge in [period.from, period.to] {
            if edge.floor(HOUR) != edge {
                cut.insert(edge.floor(HOUR));
            }
        }
        if self.maintenance.is_none() && self.loaded.is_none() {
            return cut;
        }
        let mut hour = period.from.floor(HOUR);
        while hour < period.to {
            let is_cut = self.cover(&self.maintenance, hour) == Cover::Cut
                || self.cover(&self.loaded, hour) != Cover::None;
            if is_cut {
                cut.insert(hour);
            }
            hour = hour.saturating_add(HOUR);
        }
        cut
    }

    /// How much of the slots that begin in `hour` an overlay covers.
    fn cover(&self, overlay: &Overlay, hour: UnixTime) -> Cover {
        let mut cover = None;
        for expected in &self.expected {
            let (from, to) = slots_of(hour, expected.expectation.period);
            let found = overlay.cover(from, to);
            if cover.is_some_and(|known| known != found) {
                return Cover::Cut;
            }
            cover = Some(found);
        }
        cover.unwrap_or(Cover::None)
    }
}

/// From the start of the first slot that begins in `hour` to the end of the last.
fn slots_of(hour: UnixTime, period: Duration) -> (UnixTime, UnixTime) {
    let ceil = |time: UnixTime| {
        let floor = time.floor(period);
        if floor < time {
            floor.saturating_add(period)
        } else {
            floor
        }
    };
    (ceil(hour), ceil(hour.saturating_add(HOUR)))
}

fn end(probe: &ProbeName, directory: &Directory) -> End {
    End {
        probe: probe.clone(),
        site: directory.site(probe).map(str::to_owned),
    }
}

/// Of each announcement the version in force that meets `period`, ordered by start and id.
#[must_use]
pub fn in_force(versions: Vec<MaintenanceVersion>, period: &Period) -> Vec<MaintenanceVersion> {
    let mut latest: BTreeMap<String, MaintenanceVersion> = BTreeMap::new();
    for version in versions {
        let is_superseded = latest
            .get(&version.entry.id)
            .is_some_and(|known| version.entry.loaded < known.entry.loaded);
        if !is_superseded {
            latest.insert(version.entry.id.clone(), version);
        }
    }
    let mut works: Vec<MaintenanceVersion> = latest
        .into_values()
        .filter(|version| {
            let entry = &version.entry;
            !entry.is_deleted && entry.from < entry.to && entry.from < period.to && period.from < entry.to
        })
        .collect();
    works.sort_by(|one, other| (one.entry.from, &one.entry.id).cmp(&(other.entry.from, &other.entry.id)));
    works
}

/// The announcements of `works` that touch a pair, as a statement names them.
#[must_use]
pub fn named(works: &[MaintenanceVersion], pairs: &[Expectations], aliases: &Aliases) -> Vec<Work> {
    works
        .iter()
        .filter(|work| pairs.iter().any(|pair| touches(work, pair, aliases)))
        .map(|work| Work {
            id: work.entry.id.clone(),
            from: work.entry.from,
            to: work.entry.to,
            loaded: work.entry.loaded,
            reason: Some(work.reason.clone()).filter(|reason| !reason.is_empty()),
            scope: conditions(&work.entry.scope),
        })
        .collect()
}

/// Whether the scope of `work` holds for `pair`: the calendar of it alone covers a slot as long as the work.
fn touches(work: &MaintenanceVersion, pair: &Expectations, aliases: &Aliases) -> bool {
    let entry = &work.entry;
    let calendar: Calendar = [entry.clone()].into_iter().collect();
    let length = entry.to.since(entry.from).unwrap_or(Duration::ZERO);
    calendar.covers(
        &slot::Expected {
            source: &pair.source.probe,
            source_site: pair.source.site.as_deref(),
            target: &pair.target.probe,
            target_site: pair.target.site.as_deref(),
            family: pair.family,
            test: &pair.test,
            period: length,
            plan_period: length,
            spread: Duration::ZERO,
            count: 1,
            slot_start: entry.from,
        },
        aliases,
    )
}

fn conditions(scope: &Scope) -> Vec<String> {
    let mut conditions = Vec::new();
    let mut add = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            conditions.push(format!("{key}={value}"));
        }
    };
    add("probe", scope.probe.as_ref().map(ProbeName::as_str));
    add("site", scope.site.as_deref());
    add("source", scope.source.as_ref().map(ProbeName::as_str));
    add("target", scope.target.as_ref().map(ProbeName::as_str));
    add("test", scope.test.as_ref().map(TestName::as_str));
    conditions
}
