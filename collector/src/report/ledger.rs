//! What the ledger says about a time: who reported, and when a collector was there.

use std::collections::{BTreeMap, BTreeSet};
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
        let mut touched: BTreeSet<ProbeName> = BTreeSet::new();
        for report in reported {
            let present = directory.resolve(&report.source);
            if !touched.contains(present) {
                touched.insert(present.clone());
            }
            match self.runs.get_mut(present) {
                Some(known) => known.push(report),
                None => drop(self.runs.insert(present.clone(), vec![report])),
            }
        }
        for present in touched {
            if let Some(runs) = self.runs.get_mut(&present) {
                runs.sort_unstable_by(|a, b| (a.time, &a.source).cmp(&(b.time, &b.source)));
                runs.dedup();
            }
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
