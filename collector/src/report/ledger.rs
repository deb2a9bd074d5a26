//! What the ledger says about a time: who reported, and when a collector was there.

use std::collections::BTreeMap;
use std::time::Duration;

use ippm::class::result::Run;
use ippm::class::watch::Beats;
use ippm::{ProbeName, UnixTime};

use crate::report::directory::Directory;
use crate::store::ledger::{CollectorRun, ProbeRun};
use crate::store::{Store, StoreError};

/// Longest time of beats that is asked for at once.
const BEATS_AT_ONCE: Duration = Duration::from_hours(24);

/// Reports by present name, and beats.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Ascending in time.
    runs: BTreeMap<ProbeName, Vec<Noted>>,
    times: Vec<UnixTime>,
    beats: Beats,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Noted {
    time: UnixTime,
    source: ProbeName,
    is_suspect: bool,
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
    pub fn add_runs<'a>(&mut self, runs: impl IntoIterator<Item = &'a ProbeRun>, directory: &Directory) {
        for run in runs {
            let present = directory.resolve(&run.source);
            let noted = Noted {
                time: run.time,
                source: run.source.clone(),
                is_suspect: is_suspect(run),
            };
            match self.runs.get_mut(present) {
                Some(known) => known.push(noted),
                None => drop(self.runs.insert(present.clone(), vec![noted])),
            }
        }
        for runs in self.runs.values_mut() {
            runs.sort_unstable();
            runs.dedup();
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
        let runs = self.runs.get(source).map_or(&[][..], Vec::as_slice);
        let first = runs.partition_point(|run| run.time < from);
        let own = runs.iter().skip(first).take_while(|run| run.time < to);
        own.map(|run| Run {
            source: &run.source,
            time: run.time,
            is_suspect: run.is_suspect,
        })
        .collect()
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
            None => self.add_runs(&store.probe_runs(None, from, to).await?, directory),
            Some(source) => {
                let names: Vec<ProbeName> = directory.names_of(source).cloned().collect();
                for name in names {
                    self.add_runs(&store.probe_runs(Some(&name), from, to).await?, directory);
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

/// Whether a report says that its probe was not fit to measure.
#[must_use]
pub fn is_suspect(run: &ProbeRun) -> bool {
    run.native
        .as_ref()
        .is_some_and(|native| !native.suspect.is_empty())
}
