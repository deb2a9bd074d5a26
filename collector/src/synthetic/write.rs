//! A synthetic history, into a store.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::task::Poll;
use std::time::Duration;

use ippm::cell::row::{CellRow, Counted, RowFinding};
use ippm::cell::{Cell, CellDelay, DAY, HOUR};
use ippm::class::maintenance::Maintenance;
use ippm::{
    Family, Measured, Measurement, Moments, Outcome, ProbeName, Summary, TestName, UnixTime, Word, plan,
};

use super::incident::IncidentKind;
use super::packet::{Known, as_u64, offset};
use super::truth::Delivery;
use super::{History, Pair, SyntheticError, VERSION};
use crate::store::cell::{Resolution, StoredCell};
use crate::store::ledger::{CollectorRun, Condition, MaintenanceVersion, NativeRun, PlanVersion, ProbeRun};
use crate::store::row::Parts;
use crate::store::{Answer, Entry, Report, Store, StoreError};

/// Beats on their way at a time.
const BEATS_AT_ONCE: usize = 500;
/// Results in one append, about.
const RESULTS_AT_ONCE: usize = 2_000;
/// How long a round takes after its last packet: the wait for replies.
const LINGER: Duration = Duration::from_secs(4);

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Rounds.
    pub reports: u64,
    /// Single results.
    pub results: u64,
    /// Hours and days.
    pub cells: u64,
    /// Beats of the collector.
    pub beats: u64,
}

/// Refuses a store that holds anything measured: nobody could tell it from what is made up.
///
/// The latest result of every series is looked at; real results that came later than synthetic ones are seen.
///
/// # Errors
///
/// [`SyntheticError::Foreign`] names a probe whose results are not synthetic.
pub async fn check(store: &dyn Store) -> Result<(), SyntheticError> {
    let rows = store.latest(None, UnixTime::from_ns(0), Parts::ALL).await?;
    let rounds: BTreeSet<(ProbeName, UnixTime)> =
        rows.into_iter().map(|row| (row.source, row.time)).collect();
    for (source, time) in rounds {
        let end = time.saturating_add(Duration::from_nanos(1));
        let runs = store.probe_runs(Some(&source), time, end).await?;
        let is_synthetic = |run: &ProbeRun| {
            run.native
                .as_ref()
                .is_some_and(|native| native.version == VERSION)
        };
        if runs.is_empty() || !runs.iter().all(is_synthetic) {
            return Err(SyntheticError::Foreign { source_name: source });
        }
    }
    Ok(())
}

impl History {
    /// Writes all of it, hours and days included, after a [`check`]. A second call changes nothing.
    ///
    /// # Errors
    ///
    /// [`SyntheticError::Foreign`] for a store with real results; [`SyntheticError::Store`] if the store fails:
    /// what was written until then stays.
    pub async fn write(&self, store: &dyn Store) -> Result<Written, SyntheticError> {
        check(store).await?;
        let mut written = Written::default();
        store.put_plan_versions(&self.plan_versions()).await?;
        store.put_maintenance(&self.announcements()).await?;
        let mut known = Known::new();
        let (start, end) = (self.scenario.start, self.scenario.end);
        let mut day = start.floor(DAY);
        while day < end {
            let next = day.saturating_add(DAY);
            let (from, to) = (day.max(start), next.min(end));
            written.beats += self.write_beats(store, from, to).await?;
            for source in 0..self.scenario.probes {
                self.write_rounds(store, source, (from, to), &mut known, &mut written)
                    .await?;
            }
            day = next;
        }
        Ok(written)
    }

    /// The rounds of one probe within a day, and their cells; that of the day itself if it is over.
    async fn write_rounds(
        &self,
        store: &dyn Store,
        source: usize,
        (from, to): (UnixTime, UnixTime),
        known: &mut Known,
        written: &mut Written,
    ) -> Result<(), StoreError> {
        let pairs: Vec<Pair> = self
            .pairs
            .iter()
            .copied()
            .filter(|pair| pair.source == source)
            .collect();
        let plan = self.plan_of(source).version();
        let mut reports = Vec::new();
        let mut rows: BTreeMap<(usize, UnixTime), Vec<CellRow>> = BTreeMap::new();
        for slot in self.slots_between(from, to) {
            let delivery = self.delivery(source, slot);
            if !delivery.is_stored() {
                continue;
            }
            let time = slot.saturating_add(offset(source));
            let mut entries = Vec::new();
            for (place, pair) in pairs.iter().enumerate() {
                let losses = self.losses(*pair, slot);
                let Some(summary) = self.summary(*pair, slot, &losses, known) else {
                    continue;
                };
                let row = CellRow {
                    time,
                    period: Some(self.period),
                    is_suspect: delivery == Delivery::Suspect,
                    finding: RowFinding::Counted(Box::new(counted(&summary))),
                };
                rows.entry((place, row.hour())).or_default().push(row);
                if self.scenario.raw_from <= slot {
                    entries.push((place, Entry::Native(self.measurement(*pair, summary))));
                }
            }
            written.reports += 1;
            written.results += as_u64(entries.len());
            reports.push(Report {
                run: self.run(source, time, delivery, pairs.len(), &plan),
                entries,
            });
            if RESULTS_AT_ONCE <= reports.len() * pairs.len() {
                store.append(&reports).await?;
                reports.clear();
            }
        }
        if !reports.is_empty() {
            store.append(&reports).await?;
        }
        let hours = self.hours(&pairs, rows);
        let mut days = Vec::new();
        if to.floor(DAY) == to {
            for of_day in hours.chunk_by(|one, other| one.series() == other.series()) {
                let cell = Cell::of_hours(of_day.iter().map(|hour| &hour.cell));
                days.extend(cell.map(|cell| StoredCell::new(of_day[0].series(), from.floor(DAY), cell)));
            }
        }
        written.cells += as_u64(hours.len() + days.len());
        if !hours.is_empty() {
            store.put_cells(Resolution::Hour, &hours).await?;
        }
        if !days.is_empty() {
            store.put_cells(Resolution::Day, &days).await?;
        }
        Ok(())
    }

    fn hours(&self, pairs: &[Pair], rows: BTreeMap<(usize, UnixTime), Vec<CellRow>>) -> Vec<StoredCell> {
        let cell = |((place, hour), rows): ((usize, UnixTime), Vec<CellRow>)| {
            let subject = self.subject(pairs[place]);
            let cell = Cell::of_rows(hour, rows)?;
            Some(StoredCell {
                source: subject.source,
                target: subject.target,
                family: subject.family,
                test: subject.test,
                time: hour,
                cell,
            })
        };
        rows.into_iter()
            .filter(|((_, hour), _)| hour.saturating_add(HOUR) <= self.scenario.end)
            .filter_map(cell)
            .collect()
    }

    async fn write_beats(&self, store: &dyn Store, from: UnixTime, to: UnixTime) -> Result<u64, StoreError> {
        let gaps = || {
            self.incidents
                .iter()
                .filter(|incident| incident.kind == IncidentKind::DeadCollector)
        };
        let labels = std::iter::successors(Some(from), |label| {
            Some(label.saturating_add(CollectorRun::INTERVAL))
        });
        let beats: Vec<CollectorRun> = labels
            .take_while(|label| *label < to)
            .filter(|label| !gaps().any(|gap| gap.contains(*label)))
            .map(|time| CollectorRun {
                instance: VERSION.to_owned(),
                time,
            })
            .collect();
        for some in beats.chunks(BEATS_AT_ONCE) {
            let writes = some.iter().map(|beat| store.put_collector_run(beat));
            all(writes.collect()).await?;
        }
        Ok(as_u64(beats.len()))
    }

    fn plan_versions(&self) -> Vec<PlanVersion> {
        let version = |(probe, plan): (&ProbeName, plan::Plan)| PlanVersion {
            probe: probe.clone(),
            time: self.scenario.start.saturating_sub(HOUR),
            version: plan.version(),
            record: plan.record(),
        };
        self.plans.iter().map(version).collect()
    }

    fn announcements(&self) -> Vec<MaintenanceVersion> {
        let version = |spec: &ippm::schedule::maintenance::MaintenanceSpec| MaintenanceVersion {
            entry: Maintenance {
                id: spec.id.as_str().to_owned(),
                loaded: self.scenario.start,
                from: spec.from,
                to: spec.to,
                scope: spec.scope.clone(),
                is_deleted: false,
            },
            reason: spec.reason.clone(),
        };
        self.schedule().maintenance.iter().map(version).collect()
    }

    fn measurement(&self, pair: Pair, summary: Summary) -> Measurement {
        Measurement {
            test: TestName::icmp(),
            kind: word("icmp"),
            target: self.name(pair.target).clone(),
            family: pair.family,
            period: self.period,
            outcome: Outcome::Measured(Box::new(Measured {
                address: address(pair),
                params: self.params(),
                clock: summary.delay.is_some().then(|| word("kernel")),
                summary,
            })),
        }
    }

    fn run(&self, source: usize, time: UnixTime, delivery: Delivery, results: usize, plan: &str) -> ProbeRun {
        let duration = self.params().spread.unwrap_or_default() + LINGER;
        let is_suspect = delivery == Delivery::Suspect;
        ProbeRun {
            source: self.name(source).clone(),
            time,
            origin: word("fetched"),
            results: as_u64(results),
            received_at: time.saturating_add(duration),
            skew_ns: Some(0),
            native: Some(NativeRun {
                duration,
                plan: plan.to_owned(),
                cut_short: None,
                version: VERSION.to_owned(),
                engine: word("icmp-datagram"),
                clock_offset_ns: Some(0),
                clock_synchronised: Some(true),
                collector_offset_ns: None,
                send_lag_p99_ns: Some(if is_suspect { 60_000_000 } else { 80_000 }),
                receive_drops: Some(0),
                stamps_missing: Some(0),
                stamps_discarded: Some(0),
                clock_steps: Some(0),
                suspect: if is_suspect {
                    vec![word("send_lag")]
                } else {
                    Vec::new()
                },
                condition: Condition::UNKNOWN,
            }),
        }
    }
}

/// What a result gives to its cell.
fn counted(summary: &Summary) -> Counted {
    Counted {
        sent: summary.sent,
        received: summary.received,
        late: summary.late,
        duplicates: summary.duplicates,
        reordered: summary.reordered,
        unsent: summary.unsent,
        delay: summary.delay.as_ref().map(|delay| CellDelay {
            moments: Moments {
                count: delay.count,
                sum_ns: delay.sum_ns,
                m2_ns2: delay.m2_ns2,
            },
            min_ns: delay.min.as_ns(),
            max_ns: delay.max.as_ns(),
        }),
        hist: summary.delay.as_ref().map(|delay| delay.hist.clone()),
        ipdv_pairs: summary.ipdv.as_ref().map_or(0, |ipdv| ipdv.pairs),
        ipdv_abs_sum_ns: summary.ipdv.as_ref().map_or(0, |ipdv| ipdv.abs_sum_ns),
        slices: Some(summary.slices.clone()),
    }
}

/// As the roster of the mesh has it.
fn address(pair: Pair) -> IpAddr {
    let host = u8::try_from(pair.target + 1).unwrap_or(u8::MAX);
    match pair.family {
        Family::V4 => IpAddr::V4(Ipv4Addr::new(198, 18, 0, host)),
        Family::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into())),
    }
}

fn word(text: &str) -> Word {
    text.parse().expect("lower-case letters and dashes are a word")
}

/// Waits for all of them at once: a store that commits in groups does so here.
async fn all(mut answers: Vec<Answer<'_, ()>>) -> Result<(), StoreError> {
    poll_fn(|context| {
        let mut failed = None;
        answers.retain_mut(|answer| match answer.as_mut().poll(context) {
            Poll::Ready(done) => {
                failed = failed.take().or(done.err());
                false
            }
            Poll::Pending => true,
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if answers.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}
