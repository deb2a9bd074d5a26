//! What the ledger says about a time: who reported, and when a collector was there.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::class::result::Run;
use ippm::class::watch::Beats;
use ippm::{ProbeName, UnixTime};

use crate::report::directory::Directory;
use crate::store::ledger::{CollectorRun, Reported};
use crate::store::{Store, StoreError};

/// Longest time of beats that is asked for at once.
const BEATS_AT_ONCE: Duration = Duration::from_hours(24);

/// Reports by present name, and beats.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// By present name, ascending in time and stored name.
    runs: BTreeMap<ProbeName, Vec<Reported>>,
    times: Vec<UnixTime>,
    beats: Beats,
}

impl Ledger {
    /// Nobody reported, no collector was there.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            runs: BTreeMap::new(),
            times: Vec::new(),
            beats: Beats::from_iter([]),
        }
    }

    /// Adds reports; those that are there already are left alone.
    pub fn add_runs(&mut self, reported: impl IntoIterator<Item = Reported>, directory: &Directory) {
        let mut added: BTreeMap<ProbeName, Vec<Reported>> = BTreeMap::new();
        for report in reported {
            let present = directory.resolve(&report.source);
            match added.get_mut(present) {
                Some(added) => added.push(report),
                None => drop(added.insert(present.clone(), vec![report])),
            }
        }
        for (present, added) in added {
            insert(self.runs.entry(present).or_default(), added);
        }
    }

    /// Adds beats.
    pub fn add_beats<'a>(&mut self, beats: impl IntoIterator<Item = &'a CollectorRun>) {
        self.times.extend(beats.into_iter().map(|beat| beat.time));
        self.times.sort_unstable();
        self.times.dedup();
        self.beats = self.times.iter().copied().collect();
    }

    /// Drops the reports; the beats stay.
    pub fn forget_runs(&mut self) {
        self.runs.clear();
    }

    /// When collectors were there.
    #[must_use]
    pub const fn beats(&self) -> &Beats {
        &self.beats
    }

    /// The reports of `source` in `[from, to)`, `source` being a present name.
    #[must_use]
    pub fn runs(&self, source: &ProbeName, from: UnixTime, to: UnixTime) -> Vec<Run<'_>> {
        let own = self.within(source, from, to);
        own.map(|run| Run {
            source: &run.source,
            time: run.time,
            is_suspect: run.is_suspect,
        })
        .collect()
    }

    /// Whether there is a report of `source` in `[from, to)`, `source` being a present name.
    #[must_use]
    pub fn has_run(&self, source: &ProbeName, from: UnixTime, to: UnixTime) -> bool {
        self.within(source, from, to).next().is_some()
    }

    fn within(&self, source: &ProbeName, from: UnixTime, to: UnixTime) -> impl Iterator<Item = &Reported> {
        let runs = self.runs.get(source).map_or(&[][..], Vec::as_slice);
        let first = runs.partition_point(|run| run.time < from);
        runs.iter().skip(first).take_while(move |run| run.time < to)
    }

    /// Whether the probe doubted itself in the report that brought a result of `source`, a stored name whose present
    /// one is `present`, at `time`. A result without a report is not doubted.
    #[must_use]
    pub fn is_suspect(&self, present: &ProbeName, time: UnixTime) -> bool {
        let runs = self.runs.get(present).map_or(&[][..], Vec::as_slice);
        let first = runs.partition_point(|run| run.time < time);
        let same = runs.iter().skip(first).take_while(|run| run.time == time);
        same.into_iter().any(|run| run.is_suspect)
    }

    /// Reads the reports of `[from, to)`: those of `source`, a present name, or all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the store.
    pub async fn read_runs(
        &mut self,
        store: &dyn Store,
        directory: &Directory,
        source: Option<&ProbeName>,
        (from, to): (UnixTime, UnixTime),
    ) -> Result<(), StoreError> {
        match source {
            None => self.add_runs(store.reported(None, from, to).await?, directory),
            Some(source) => {
                let names: Vec<ProbeName> = directory.names_of(source).cloned().collect();
                for name in names {
                    self.add_runs(store.reported(Some(&name), from, to).await?, directory);
                }
            }
        }
        Ok(())
    }

    /// Reads the beats of `[from, to)`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] of the store.
    pub async fn read_beats(
        &mut self,
        store: &dyn Store,
        (mut from, to): (UnixTime, UnixTime),
    ) -> Result<(), StoreError> {
        while from < to {
            let until = from.saturating_add(BEATS_AT_ONCE).min(to);
            self.add_beats(&store.collector_runs(from, until).await?);
            from = until;
        }
        Ok(())
    }
}

/// Puts `added` among `known`, which ascend. Mostly they are of one time, of which nothing is known yet.
fn insert(known: &mut Vec<Reported>, mut added: Vec<Reported>) {
    added.sort_by(|a, b| order(a).cmp(&order(b)));
    let (Some(first), Some(last)) = (added.first(), added.last()) else {
        return;
    };
    let at = known.partition_point(|known| order(known) < order(first));
    if known.get(at).is_none_or(|next| order(last) < order(next)) {
        known.splice(at..at, added);
    } else {
        known.extend(added);
        known.sort_by(|a, b| order(a).cmp(&order(b)));
    }
    known.dedup();
}

fn order(report: &Reported) -> (UnixTime, &ProbeName) {
    (report.time, &report.source)
}
