//! Hours and days: computed anew from all their results whenever there are more of them.
//!
//! A report marks its hours as soon as its results are durable, and marked hours are computed together soon after.
//! What a mark cannot tell, because the collector that had it was killed or because another collector was writing
//! meanwhile, a pass finds out by counting: every hour over the last days, once a day and at the start over
//! everything that is kept. Nothing of this is remembered anywhere but in the cells themselves, so it does not matter
//! who computes them, how often, or where he was stopped.
//!
//! # Layout
//!
//! * [`mark`]: which hours have something new
//! * `pass`: which hours of a day have more results than their cells
//! * `redo`: one source's hours and days from its results

pub mod mark;
mod pass;
mod redo;

use std::collections::BTreeSet;
use std::time::Duration;

use ippm::UnixTime;
use tokio::time::Instant;

use crate::context::Context;
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use mark::Marks;
use pass::{Known, Pass};
use redo::Redone;

/// How often marked hours are computed.
const MARKED_INTERVAL: Duration = Duration::from_secs(30);

/// How often the last days are compared.
const RECENT_INTERVAL: Duration = Duration::from_hours(1);

/// How far back they are: a probe keeps what it could not deliver for a week.
const RECENT: Duration = Duration::from_hours(8 * 24);

/// How often everything is compared that is kept.
const WHOLE_INTERVAL: Duration = Duration::from_hours(24);

/// Longest pause between two steps of a pass, each of which is followed by a pause as long as itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Computes cells until the task is dropped, at whatever point that is.
pub async fn run(context: &Context) {
    let rollup = Rollup {
        store: context.store.as_ref(),
        marks: &context.marks,
        metrics: &context.metrics,
    };
    let (mut whole, mut recent) = (None, None);
    let (mut whole_due, mut recent_due) = (Instant::now(), Instant::now() + RECENT_INTERVAL);
    let mut marked_due = Instant::now();
    let mut known = Known::default();
    loop {
        let now = Instant::now();
        if now >= whole_due {
            whole_due = now + WHOLE_INTERVAL;
            whole = Some(Pass::new(context.clock.now(), context.config.retention.raw));
        }
        if now >= recent_due {
            recent_due = now + RECENT_INTERVAL;
            recent = Some(Pass::new(context.clock.now(), RECENT));
        }
        let done = if now >= marked_due {
            marked_due = now + MARKED_INTERVAL;
            rollup.redo_marked(&mut whole, context).await
        } else if let Some(pass) = recent.as_mut().or(whole.as_mut()) {
            let done = rollup.step(pass, &mut known).await;
            if pass.is_done() {
                context.metrics.cell_passes.add(1);
                if recent.take().is_none() {
                    whole = None;
                }
            }
            done
        } else {
            tokio::time::sleep_until(marked_due).await;
            continue;
        };
        match done {
            Ok(()) => tokio::time::sleep(now.elapsed().min(LONGEST_PAUSE)).await,
            Err(error) => {
                context.metrics.cell_failures.add(1);
                log::warn!("hours and days not computed, trying again: {error}");
                tokio::time::sleep(MARKED_INTERVAL).await;
            }
        }
    }
}

/// What computes cells.
#[derive(Clone, Copy)]
pub struct Rollup<'a> {
    /// Where results and cells are kept.
    pub store: &'a dyn Store,
    /// Hours with something new.
    pub marks: &'a Marks,
    /// What is counted.
    pub metrics: &'a Metrics,
}

impl Rollup<'_> {
    /// Computes the marked hours, and the days that they belong to.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was not computed stays marked.
    pub async fn marked(&self) -> Result<(), StoreError> {
        let mut marked = self.marks.take();
        while let Some((source, hours)) = marked.pop_first() {
            match redo::redo(self.store, &source, &hours, &BTreeSet::new()).await {
                Ok(redone) => self.count(redone),
                Err(error) if self.is_passed_over(&error) => {}
                Err(error) => {
                    marked.insert(source, hours);
                    self.marks.put_back(marked);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Compares everything of the time `span` before `now`, and computes what has more results than its cell.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was computed until then is stored.
    pub async fn pass(&self, now: UnixTime, span: Duration) -> Result<(), StoreError> {
        let mut pass = Pass::new(now, span);
        let mut known = Known::default();
        while !pass.is_done() {
            self.step(&mut pass, &mut known).await?;
        }
        self.metrics.cell_passes.add(1);
        Ok(())
    }

    /// The marked hours. More marks than can be kept are in no list: then everything is compared.
    async fn redo_marked(&self, whole: &mut Option<Pass>, context: &Context) -> Result<(), StoreError> {
        if self.marks.take_overflow() {
            *whole = Some(Pass::new(context.clock.now(), context.config.retention.raw));
        }
        self.marked().await
    }

    /// One day compared, or one source of a day computed.
    async fn step(&self, pass: &mut Pass, known: &mut Known) -> Result<(), StoreError> {
        match pass.step(self.store, known).await {
            Ok(Some(redone)) => self.count(redone),
            Ok(None) => {}
            Err(error) if self.is_passed_over(&error) => pass.skip(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What cannot be read today cannot be read tomorrow: it must not keep everything else from being computed.
    fn is_passed_over(&self, error: &StoreError) -> bool {
        let is_lasting = matches!(error, StoreError::Unreadable { .. });
        if is_lasting {
            self.metrics.cell_failures.add(1);
            log::error!("hours and days passed over: {error}");
        }
        is_lasting
    }

    fn count(&self, redone: Redone) {
        self.metrics.cells_written.add(redone.written);
        self.metrics.cells_left.add(redone.left);
    }
}

impl std::fmt::Debug for Rollup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rollup").finish_non_exhaustive()
    }
}
