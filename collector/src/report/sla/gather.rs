//! Reads what a statement is made of, pair by pair, and puts it together.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::cell::{Cell, HOUR};
use ippm::roster::Roster;
use ippm::roster::probe::Probe;
use ippm::{Family, ProbeName, TestName, UnixTime};
use thiserror::Error;

use crate::plan::history::{self, History, HistoryError};
use crate::report::directory::Directory;
use crate::report::sla::availability::Window;
use crate::report::sla::digest::{self, Inputs};
use crate::report::sla::pairs::{self, Expectations, Load};
use crate::report::sla::profile::Profile;
use crate::report::sla::raw::{self, CutHour};
use crate::report::sla::site::Sites;
use crate::report::sla::statement::{Accounting, Both, Pair, Period, Statement};
use crate::report::sla::tally::{Hour, Tally};
use crate::store::cell::{CellParts, CellQuery, Resolution, StoredCell};
use crate::store::ledger::{MaintenanceVersion, PlanVersion};
use crate::store::row::Row;
use crate::store::{Store, StoreError};

/// What is to be stated.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The period.
    pub period: Period,
    /// Parameters and promises.
    pub profile: Profile,
    /// Only pairs between these sites; empty: all pairs.
    pub sites: Vec<String>,
    /// Only pairs that this probe measures.
    pub source: Option<ProbeName>,
    /// Only pairs in which this probe is measured.
    pub target: Option<ProbeName>,
    /// Only this family.
    pub family: Option<Family>,
    /// The test.
    pub test: TestName,
}

/// From where a statement is made. No clock is read below it.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Names and sites.
    pub directory: &'a Directory,
    /// Who is judged.
    pub roster: &'a Roster,
    /// When our own throughput tests ran.
    pub loads: &'a [Load],
    /// For how long single results are kept.
    pub raw_retention: Duration,
    /// For how long cells of an hour are kept.
    pub hour_retention: Duration,
    /// The present.
    pub now: UnixTime,
}

/// Takes down what a statement is computed from, as it is used.
pub trait Record {
    /// A plan of the ledger, from which what was expected follows.
    fn plan(&mut self, version: &PlanVersion);
    /// An announcement that touches the period.
    fn maintenance(&mut self, version: &MaintenanceVersion);
    /// A cell of an hour that counts as a whole.
    fn cell(&mut self, cell: &StoredCell, in_maintenance: bool);
    /// A result of an hour that is cut; whether its probe was not fit to measure.
    fn row(&mut self, row: &Row, is_suspect: bool);
}

/// Takes nothing down.
#[derive(Debug, Clone, Copy)]
pub struct NoRecord;

impl Record for NoRecord {
    fn plan(&mut self, _version: &PlanVersion) {}
    fn maintenance(&mut self, _version: &MaintenanceVersion) {}
    fn cell(&mut self, _cell: &StoredCell, _in_maintenance: bool) {}
    fn row(&mut self, _row: &Row, _is_suspect: bool) {}
}

/// Why there is no statement.
#[derive(Debug, Error)]
pub enum SlaError {
    /// A site that no probe of the roster has.
    #[error("no probe of the roster stands at the site {site:?}")]
    UnknownSite {
        /// The site.
        site: String,
    },
    /// No plan asked for anything of it.
    #[error("no plan in force in the period asked for any of these pairs")]
    NothingExpected,
    /// The cells have expired.
    #[error("the cells of the hours before {} have expired: a statement is not approximated", ippm::wire::time::format(*.before))]
    CellsExpired {
        /// What is older is gone.
        before: UnixTime,
    },
    /// The single results of an hour that is cut have expired.
    #[error(
        "the hour {} is cut by an edge of announced work, of our own load or of the period, and its single results have expired: \
         a statement is not approximated",
        ippm::wire::time::format(*.hour)
    )]
    RowsExpired {
        /// The hour.
        hour: UnixTime,
    },
    /// The ledger.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The statement that answers `question`.
///
/// # Errors
///
/// [`SlaError`]: inputs that are not there any more are never replaced by something else.
pub async fn read(
    store: &dyn Store,
    ground: &Ground<'_>,
    question: &Question,
    record: &mut (dyn Record + Send),
) -> Result<Statement, SlaError> {
    let period = &question.period;
    let cells_from = ground.now.saturating_sub(ground.hour_retention);
    if period.from < cells_from {
        return Err(SlaError::CellsExpired { before: cells_from });
    }
    let known_sites: Vec<&String> = ground
        .roster
        .probes()
        .iter()
        .filter_map(|probe| probe.details.site.as_ref())
        .collect();
    if let Some(site) = question.sites.iter().find(|site| !known_sites.contains(site)) {
        return Err(SlaError::UnknownSite { site: site.clone() });
    }
    let versions = store.plan_versions(None, period.to).await?;
    for version in &versions {
        record.plan(version);
    }
    let history = History::new(versions)?.renamed(ground.directory.aliases().clone());
    let expected = history.expected(period.from, period.to, &|pair| question.wants(pair, ground));
    let works = pairs::in_force(store.maintenance_versions(ground.now).await?, period);
    for work in &works {
        record.maintenance(work);
    }
    let expectations = Expectations::of(expected, &works, ground.loads, ground.directory, period);
    if expectations.is_empty() {
        return Err(SlaError::NothingExpected);
    }
    refuse_expired(&expectations, ground)?;

    let mut inputs = Inputs::new();
    let works = pairs::named(&works, &expectations, ground.directory.aliases());
    let mut sites = Sites::NONE;
    let mut stated = Vec::with_capacity(expectations.len());
    for of_source in expectations.chunk_by(|one, next| one.source.probe == next.source.probe) {
        let mut reading = Reading::begin(store, ground, question, of_source, record).await?;
        reading.stream(store, record).await?;
        reading.finish(&question.profile, &mut inputs, &mut sites, &mut stated);
    }
    Ok(Statement {
        period: period.clone(),
        method: digest::method(&question.profile, period),
        inputs: inputs.finish(),
        profile: question.profile.clone(),
        sites: question.sites.clone(),
        works,
        pairs: stated,
        site_pairs: sites.finish(&question.profile),
    })
}

impl Question {
    /// Whether a pair belongs to the statement: results towards a host without a probe do only if the roster says so.
    fn wants(&self, pair: &history::Pair<'_>, ground: &Ground<'_>) -> bool {
        let is = |wanted: &Option<ProbeName>, name: &ProbeName| {
            wanted
                .as_ref()
                .is_none_or(|wanted| ground.directory.resolve(wanted) == name)
        };
        let at = |name: &ProbeName| {
            let site = ground.directory.site(name);
            self.sites.is_empty() || site.is_some_and(|site| self.sites.iter().any(|wanted| wanted == site))
        };
        *pair.test == self.test
            && self.family.is_none_or(|family| family == pair.family)
            && is(&self.source, pair.source)
            && is(&self.target, pair.target)
            && at(pair.source)
            && at(pair.target)
            && ground.roster.probe(pair.target).is_none_or(Probe::is_judged)
    }
}

fn refuse_expired(pairs: &[Expectations], ground: &Ground<'_>) -> Result<(), SlaError> {
    let rows_from = ground.now.saturating_sub(ground.raw_retention);
    let expired = pairs.iter().filter_map(|pair| pair.cut.first()).min();
    match expired {
        Some(hour) if *hour < rows_from => Err(SlaError::RowsExpired { hour: *hour }),
        _ => Ok(()),
    }
}

/// The pairs of one source on their way through the period.
struct Reading<'a> {
    question: &'a Question,
    directory: &'a Directory,
    pairs: &'a [Expectations],
    /// The names under which results of the source lie.
    sources: Vec<ProbeName>,
    sums: Vec<PairSums>,
}

/// What was read of one pair so far.
struct PairSums {
    tally: Tally,
    accounting: Accounting,
    cut: BTreeMap<UnixTime, CutHour>,
    inputs: Inputs,
}

impl<'a> Reading<'a> {
    async fn begin(
        store: &dyn Store,
        ground: &Ground<'a>,
        question: &'a Question,
        pairs: &'a [Expectations],
        record: &mut (dyn Record + Send),
    ) -> Result<Self, StoreError> {
        let directory = ground.directory;
        let sources: Vec<ProbeName> = directory.names_of(&pairs[0].source.probe).cloned().collect();
        let cut = raw::read(
            store,
            &sources,
            directory.aliases(),
            pairs,
            &question.period,
            &mut |row, suspect| {
                record.row(row, suspect);
            },
        )
        .await?;
        let window = Window {
            length: question.profile.window,
            threshold: question.profile.threshold,
        };
        let sums = pairs
            .iter()
            .zip(cut)
            .map(|(pair, cut)| PairSums {
                tally: Tally::new(window),
                accounting: pair.accounting(),
                cut,
                inputs: Inputs::new(),
            })
            .collect();
        Ok(Self {
            question,
            directory,
            pairs,
            sources,
            sums,
        })
    }

    /// Reads the cells: of a source that was never renamed in one go, else pair by pair.
    async fn stream(
        &mut self,
        store: &dyn Store,
        record: &mut (dyn Record + Send),
    ) -> Result<(), StoreError> {
        if self.sources.len() == 1 {
            let mut cells = store.cells(self.query(self.sources[0].clone(), None, self.question.family));
            let mut last = 0;
            while let Some(cell) = cells.next().await? {
                // Cells of one series come together, so the pair is that of the last cell almost always.
                let is_of = |pair: &Expectations| {
                    pair.target.probe == cell.target && pair.family == cell.family && pair.test == cell.test
                };
                let place = if is_of(&self.pairs[last]) {
                    Some(last)
                } else {
                    self.pairs.iter().position(is_of)
                };
                if let Some(place) = place.filter(|place| !self.is_renamed(*place)) {
                    last = place;
                    self.add(place, &cell, record);
                }
            }
        }
        for place in 0..self.pairs.len() {
            if self.sources.len() > 1 || self.is_renamed(place) {
                self.stream_renamed(place, store, record).await?;
            }
            self.sums[place].flush_until(UnixTime::from_ns(i64::MAX));
        }
        Ok(())
    }

    fn is_renamed(&self, place: usize) -> bool {
        self.directory.names_of(&self.pairs[place].target.probe).count() > 1
    }

    /// A renamed probe has cells under several names; of the hour in which it was renamed they are added up.
    async fn stream_renamed(
        &mut self,
        place: usize,
        store: &dyn Store,
        record: &mut (dyn Record + Send),
    ) -> Result<(), StoreError> {
        let pair = &self.pairs[place];
        let targets: Vec<ProbeName> = self.directory.names_of(&pair.target.probe).cloned().collect();
        let mut cells: Vec<StoredCell> = Vec::new();
        for source in &self.sources {
            for target in &targets {
                let query = self.query(source.clone(), Some(target.clone()), Some(pair.family));
                cells.extend(store.cells(query).collect().await?);
            }
        }
        cells.sort_by_key(|cell| cell.time);
        for of_hour in cells.chunk_by(|one, next| one.time == next.time) {
            if let Some(cell) = joined(of_hour) {
                self.add(place, &cell, record);
            }
        }
        Ok(())
    }

    fn query(&self, source: ProbeName, target: Option<ProbeName>, family: Option<Family>) -> CellQuery {
        CellQuery {
            source: Some(source),
            target,
            family,
            test: Some(self.question.test.clone()),
            from: self.question.period.from.floor(HOUR),
            to: self.question.period.to,
            resolution: Resolution::Hour,
            parts: CellParts::ALL,
        }
    }

    fn add(&mut self, place: usize, cell: &StoredCell, record: &mut (dyn Record + Send)) {
        let pair = &self.pairs[place];
        if pair.cut.contains(&cell.time) {
            return;
        }
        let in_maintenance = pair.is_in_maintenance(cell.time);
        record.cell(cell, in_maintenance);
        let sums = &mut self.sums[place];
        sums.flush_until(cell.time);
        sums.add(cell.time, in_maintenance, &cell.cell);
        let rounds = Some(&cell.cell);
        sums.tally.add(Hour {
            outside: rounds.filter(|_| !in_maintenance),
            in_maintenance: rounds.filter(|_| in_maintenance),
        });
    }

    fn finish(self, profile: &Profile, inputs: &mut Inputs, sites: &mut Sites, stated: &mut Vec<Pair>) {
        for (pair, sums) in self.pairs.iter().zip(self.sums) {
            let totals = sums.tally.finish();
            let accounting = Accounting {
                slices: totals.including.slices,
                ..sums.accounting
            };
            pair.describe(inputs);
            inputs.nested(sums.inputs);
            let pair = Pair {
                source: pair.source.clone(),
                target: pair.target.clone(),
                family: pair.family,
                test: pair.test.clone(),
                figures: Both::of(profile, accounting, &totals),
            };
            sites.add(&pair, &totals);
            stated.push(pair);
        }
    }
}

/// The cells of one hour under several names as one.
fn joined(cells: &[StoredCell]) -> Option<StoredCell> {
    let (first, rest) = cells.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let mut cell = Cell::of_hours(cells.iter().map(|cell| &cell.cell))?;
    for slices in cells.iter().filter_map(|cell| cell.cell.slices.as_ref()) {
        match &mut cell.slices {
            None => cell.slices = Some(slices.clone()),
            Some(sum) => {
                for (sum, list) in [
                    (&mut sum.sent, &slices.sent),
                    (&mut sum.lost, &slices.lost),
                    (&mut sum.rtt_count, &slices.rtt_count),
                    (&mut sum.rtt_sum_ns, &slices.rtt_sum_ns),
                ] {
                    for (sum, value) in sum.iter_mut().zip(list) {
                        *sum = sum.saturating_add(*value);
                    }
                }
            }
        }
    }
    Some(StoredCell {
        cell,
        ..first.clone()
    })
}

impl PairSums {
    /// Takes the cut hours before `hour`, which lie between the whole ones.
    fn flush_until(&mut self, hour: UnixTime) {
        while let Some(entry) = self.cut.first_entry().filter(|entry| *entry.key() < hour) {
            let (hour, cut) = entry.remove_entry();
            for (cell, in_maintenance) in [(&cut.outside, false), (&cut.in_maintenance, true)] {
                if let Some(cell) = cell {
                    self.add(hour, in_maintenance, cell);
                }
            }
            if let Some(loaded) = &cut.loaded {
                self.accounting.loaded += loaded.rounds;
                let slices = loaded.slices.iter().flat_map(|slices| &slices.sent);
                let with_packets = slices.filter(|sent| **sent > 0).count();
                self.accounting.loaded_slices += u64::try_from(with_packets).unwrap_or(u64::MAX);
                self.accounting.suspect += loaded.rounds_suspect;
                self.accounting.unmeasured += loaded.rounds_error;
                self.accounting.legacy += loaded.rounds_legacy;
            }
            self.tally.add(Hour {
                outside: cut.outside.as_ref(),
                in_maintenance: cut.in_maintenance.as_ref(),
            });
        }
    }

    fn add(&mut self, hour: UnixTime, in_maintenance: bool, cell: &Cell) {
        self.inputs.cell(hour, in_maintenance, cell);
        self.accounting.measured += cell.rounds;
        self.accounting.suspect += cell.rounds_suspect;
        self.accounting.unmeasured += cell.rounds_error;
        self.accounting.legacy += cell.rounds_legacy;
        if in_maintenance {
            self.accounting.measured_in_maintenance += cell.rounds;
        }
    }
}

impl Expectations {
    /// Adds who the pair is and what was expected of it to the inputs.
    fn describe(&self, inputs: &mut Inputs) {
        for end in [&self.source, &self.target] {
            inputs.text(end.probe.as_str());
            inputs.text(end.site.as_deref().unwrap_or_default());
        }
        inputs.number(u64::from(self.family.number()));
        inputs.text(self.test.as_str());
        for expected in &self.expected {
            inputs.number(u64::try_from(expected.slots.period().as_nanos()).unwrap_or(u64::MAX));
            for span in expected.slots.spans().as_slice() {
                inputs.time(span.from());
                inputs.time(span.to());
            }
        }
        for (from, to) in self.maintenance.spans() {
            inputs.time(*from);
            inputs.time(*to);
        }
    }
}
