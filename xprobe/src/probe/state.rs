//! The state directory of a round: what was remembered, and what is kept.

use ippm::UnixTime;

use crate::agenda;
use crate::cache::{Cache, CachedPlan};
use crate::config::Settings;
use crate::console;
use crate::spool::{Entry, Limits, Spool};

/// What the state directory holds; each part none without one, or if it cannot be used.
pub(super) struct State {
    cache: Option<Cache>,
    spool: Option<Spool>,
}

impl State {
    /// Opens the state directory, if one is set; what cannot be used is named, and the round goes on:
    /// measuring and delivering need no disk.
    pub(super) fn open(settings: &Settings) -> Self {
        let Some(directory) = &settings.state_dir else {
            return Self {
                cache: None,
                spool: None,
            };
        };
        let cache = Cache::open(directory, &settings.name).map_err(|error| {
            console::warn(format_args!(
                "cannot use the state directory {}: {error}",
                directory.display()
            ));
        });
        let spool = cache.as_ref().ok().and_then(|_| {
            let opened = Spool::open(directory, &settings.name, Limits::STANDARD);
            opened.map_err(|error| console::warn_error(&error)).ok()
        });
        Self {
            cache: cache.ok(),
            spool,
        }
    }

    /// Where reports are kept.
    pub(super) fn spool(&self) -> Option<&Spool> {
        self.spool.as_ref()
    }

    /// The clock correction in force, probe minus collector in nanoseconds.
    pub(super) fn correction(&self) -> Option<i64> {
        self.cache.as_ref()?.correction()
    }

    /// The last good plan, if it can still be read.
    pub(super) fn cached_plan(&self, start: UnixTime) -> Option<CachedPlan> {
        let plan = self.cache.as_ref()?.plan()?;
        agenda::read(plan.body.as_bytes(), start, true)
            .is_ok()
            .then_some(plan)
    }

    /// Remembers a plan that was good.
    pub(super) fn remember(&self, plan: &CachedPlan) {
        let Some(cache) = &self.cache else { return };
        if cache.plan().as_ref() != Some(plan)
            && let Err(error) = cache.keep_plan(plan)
        {
            console::warn(format_args!("cannot keep the plan: {error}"));
        }
    }

    /// Remembers the clock correction that is in force from now on, or that none is.
    pub(super) fn correct(&self, correction: Option<i64>) {
        let Some(cache) = &self.cache else { return };
        if let Err(error) = cache.keep_correction(correction) {
            console::warn(format_args!("cannot keep the clock correction: {error}"));
        }
    }

    /// Keeps the report before the first attempt to deliver it, so that a kill loses nothing.
    pub(super) fn keep(&self, round_start: UnixTime, body: &[u8]) -> Option<Entry> {
        match self.spool.as_ref()?.keep(round_start, body) {
            Ok((entry, dropped)) => {
                if dropped.now > 0 {
                    console::warn(format_args!(
                        "the spool is full: {} oldest report(s) dropped, {} in all",
                        dropped.now, dropped.in_all
                    ));
                }
                Some(entry)
            }
            Err(error) => {
                console::warn_error(&error);
                None
            }
        }
    }
}
