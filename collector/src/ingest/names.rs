//! The bound on names that neither the roster nor the ledger knows.
//!
//! Every new name is a new series for ever. A probe that is older or newer than our roster may measure
//! whom we do not know, but nobody can fill the store with inventions.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ippm::{ProbeName, UnixTime};
use thiserror::Error;

/// Unknown names of one source in [`WINDOW`].
pub const MAX_PER_SOURCE: usize = 64;
/// Unknown names of all sources together in [`WINDOW`].
pub const MAX_PER_COLLECTOR: usize = 1000;
/// For how long an admitted name counts; by then it is in the ledger.
pub const WINDOW: Duration = Duration::from_hours(24);

/// A name that is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TooManyNames {
    /// For its source.
    #[error("more than {MAX_PER_SOURCE} names of this source are unknown")]
    OfSource,
    /// For this collector.
    #[error("more than {MAX_PER_COLLECTOR} names are unknown")]
    OfCollector,
}

/// The known names, and the unknown ones that were admitted lately.
#[derive(Debug, Default)]
pub struct Names(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: HashSet<ProbeName>,
    /// When each unknown name was first admitted.
    admitted: HashMap<ProbeName, UnixTime>,
    /// The same for each source.
    by_source: HashMap<ProbeName, HashMap<ProbeName, UnixTime>>,
}

impl Names {
    /// Nobody is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the known names: those of the roster and of the last 90 days of the store.
    pub fn set_known(&self, known: HashSet<ProbeName>) {
        let mut state = self.state();
        state.admitted.retain(|name, _| !known.contains(name));
        for names in state.by_source.values_mut() {
            names.retain(|name, _| !known.contains(name));
        }
        state.by_source.retain(|_, names| !names.is_empty());
        state.known = known;
    }

    /// Admits `name` in a report of `source` at `now`: at once if it is known or was admitted lately.
    ///
    /// # Errors
    ///
    /// [`TooManyNames`] if it is one unknown name too many.
    pub fn admit(&self, source: &ProbeName, name: &ProbeName, now: UnixTime) -> Result<(), TooManyNames> {
        let mut state = self.state();
        if state.known.contains(name) {
            return Ok(());
        }
        let State {
            admitted, by_source, ..
        } = &mut *state;
        let of_source = by_source.get(source).map_or(0, HashMap::len);
        if of_source >= MAX_PER_SOURCE || admitted.len() >= MAX_PER_COLLECTOR {
            forget(admitted, by_source, now);
        }
        let is_new_here = by_source
            .get(source)
            .is_none_or(|names| !names.contains_key(name));
        let of_source = by_source.get(source).map_or(0, HashMap::len);
        if is_new_here && of_source >= MAX_PER_SOURCE {
            return Err(TooManyNames::OfSource);
        }
        if !admitted.contains_key(name) && admitted.len() >= MAX_PER_COLLECTOR {
            return Err(TooManyNames::OfCollector);
        }
        admitted.entry(name.clone()).or_insert(now);
        let names = by_source.entry(source.clone()).or_default();
        names.entry(name.clone()).or_insert(now);
        Ok(())
    }

    /// A thread that panicked in here left nothing half done: every change is one insertion.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops what was admitted longer than [`WINDOW`] ago.
fn forget(
    admitted: &mut HashMap<ProbeName, UnixTime>,
    by_source: &mut HashMap<ProbeName, HashMap<ProbeName, UnixTime>>,
    now: UnixTime,
) {
    let counts = |since: &UnixTime| now.since(*since).is_none_or(|age| age < WINDOW);
    admitted.retain(|_, since| counts(since));
    for names in by_source.values_mut() {
        names.retain(|_, since| counts(since));
    }
    by_source.retain(|_, names| !names.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProbeName {
        text.parse().unwrap()
    }

    fn fill(names: &Names, source: &str, count: usize, now: UnixTime) {
        for number in 0..count {
            names
                .admit(&name(source), &name(&format!("{source}-{number}")), now)
                .unwrap();
        }
    }

    const NOW: UnixTime = UnixTime::from_ns(1_795_255_500_000_000_000);

    #[test]
    fn a_source_may_name_64_strangers_a_day_and_name_them_again() {
        let names = Names::new();
        fill(&names, "a", MAX_PER_SOURCE, NOW);
        fill(&names, "a", MAX_PER_SOURCE, NOW);
        let one_more = |now| names.admit(&name("a"), &name("x"), now);
        assert_eq!(one_more(NOW), Err(TooManyNames::OfSource));
        assert_eq!(names.admit(&name("b"), &name("x"), NOW), Ok(()));
        let nearly = NOW.saturating_add(WINDOW).saturating_sub(Duration::from_nanos(1));
        assert_eq!(one_more(nearly), Err(TooManyNames::OfSource));
        assert_eq!(one_more(NOW.saturating_add(WINDOW)), Ok(()));
    }

    #[test]
    fn all_sources_together_may_name_a_thousand() {
        let names = Names::new();
        for source in 0..20 {
            fill(&names, &format!("s{source}"), 50, NOW);
        }
        assert_eq!(
            names.admit(&name("s0"), &name("x"), NOW),
            Err(TooManyNames::OfCollector)
        );
        // A name that another source brought is no new name for the collector.
        assert_eq!(names.admit(&name("s0"), &name("s1-0"), NOW), Ok(()));
        assert!(TooManyNames::OfCollector.to_string().contains("1000"));
    }

    #[test]
    fn a_known_name_takes_no_place() {
        let names = Names::new();
        fill(&names, "a", MAX_PER_SOURCE, NOW);
        names.set_known([name("x"), name("a-0")].into());
        assert_eq!(names.admit(&name("a"), &name("x"), NOW), Ok(()));
        // One of the admitted has become known, so that there is room for one.
        assert_eq!(names.admit(&name("a"), &name("y"), NOW), Ok(()));
        assert_eq!(
            names.admit(&name("a"), &name("z"), NOW),
            Err(TooManyNames::OfSource)
        );
    }
}
