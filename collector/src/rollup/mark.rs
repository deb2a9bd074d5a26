//! Which hours have something new.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ippm::cell::row::hour_of;
use ippm::{ProbeName, UnixTime};

use crate::store::{Entry, Report};

/// Hours of each source.
pub type Marked = BTreeMap<ProbeName, BTreeSet<UnixTime>>;

/// Hours of sources whose results are more than their cells know of.
#[derive(Debug, Default)]
pub struct Marks(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    marked: Marked,
    number: usize,
    has_overflowed: bool,
}

impl Marks {
    /// Most hours of sources that are kept in mind: 30 probes that come back after a week bring 5,040.
    pub const MOST: usize = 65_536;

    /// Marks the hours of the results of `report`, which are durable.
    pub fn mark(&self, report: &Report) {
        let mut hours = BTreeSet::new();
        for (_, entry) in &report.entries {
            let period = match entry {
                Entry::Native(measurement) => measurement.period,
                Entry::Legacy(result) => result.period,
            };
            hours.insert(hour_of(report.run.time, Some(period)));
        }
        self.lock().add(&report.run.source, hours);
    }

    /// Hours of sources that are marked.
    #[must_use]
    pub fn number(&self) -> usize {
        self.lock().number
    }

    /// Takes all marks.
    #[must_use]
    pub fn take(&self) -> Marked {
        let mut inner = self.lock();
        inner.number = 0;
        mem::take(&mut inner.marked)
    }

    /// Puts marks back that came to nothing.
    pub fn put_back(&self, marked: Marked) {
        let mut inner = self.lock();
        for (source, hours) in marked {
            inner.add(&source, hours);
        }
    }

    /// Whether there were more than [`Marks::MOST`] since this was asked the last time.
    #[must_use]
    pub fn take_overflow(&self) -> bool {
        mem::take(&mut self.lock().has_overflowed)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, source: &ProbeName, hours: BTreeSet<UnixTime>) {
        for hour in hours {
            if self.marked.get(source).is_some_and(|known| known.contains(&hour)) {
                continue;
            }
            if self.number >= Marks::MOST {
                self.has_overflowed = true;
                return;
            }
            self.marked.entry(source.clone()).or_default().insert(hour);
            self.number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_marks_than_can_be_kept_are_told() {
        let marks = Marks::default();
        let source: ProbeName = "ams1".parse().unwrap();
        let hours = |from: i64, to: i64| (from..to).map(UnixTime::from_ns).collect();
        let most = i64::try_from(Marks::MOST).unwrap();
        marks.put_back(Marked::from([(source.clone(), hours(0, most))]));
        // A mark that is there already is no further one.
        marks.put_back(Marked::from([(source.clone(), hours(0, 5))]));
        assert!(!marks.take_overflow());
        marks.put_back(Marked::from([(source, hours(most, most + 1))]));
        assert_eq!(marks.number(), Marks::MOST);
        assert!(marks.take_overflow() && !marks.take_overflow());
        assert_eq!(marks.take().len(), 1);
        assert_eq!(marks.number(), 0);
    }
}
