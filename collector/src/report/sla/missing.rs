//! What the ledger says about the rounds of which nothing came: that of the source, and no more of it than is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ippm::UnixTime;
use ippm::cell::DAY;
use ippm::class::Class;
use ippm::class::slot::GRACE;
use ippm::plan::MAX_PERIOD;

use crate::report::ledger::Ledger;
use crate::report::segment::kept_since;
use crate::report::sla::book::Book;
use crate::report::sla::gather::{Recorder, SlaError};
use crate::report::sla::raw;
use crate::report::sla::reading::Source;
use crate::report::slot::expected_at;
use crate::store::StoreError;
use crate::store::row::Parts;

/// Most time whose reports are asked for at once.
const AT_ONCE: Duration = Duration::from_hours(7 * 24);

/// What decides which class of silence a slot has.
const COUNTS: Parts = Parts {
    counts: true,
    ..Parts::NONE
};

/// How a slot was to be measured, as far as its silence is concerned: period, period of the plan, spread, packets.
type How = (Duration, Duration, Duration, u64);

/// The ledger as far as it was read: the reports of one source, and the beats of all days that were asked for.
///
/// A month of beats takes 4 MB however many collectors there are, because they beat at the same times.
pub(super) struct Watch {
    pub(super) ledger: Ledger,
    /// Days whose beats are in the ledger.
    days: BTreeSet<UnixTime>,
}

impl Watch {
    /// Nothing was read.
    pub(super) fn new() -> Self {
        Self {
            ledger: Ledger::empty(),
            days: BTreeSet::new(),
        }
    }

    /// Begins with another source, whose reports are all that is wanted.
    pub(super) fn next_source(&mut self) {
        self.ledger.forget_runs();
    }

    /// Reads the beats of `days`.
    async fn read_beats(&mut self, source: Source<'_>, days: &BTreeSet<UnixTime>) -> Result<(), StoreError> {
        let days: BTreeSet<UnixTime> = days.difference(&self.days).copied().collect();
        for span in spans(&days, DAY) {
            self.ledger.read_beats(source.store, span).await?;
        }
        self.days.extend(days);
        Ok(())
    }
}

/// Judges every slot of `books`, which are those of the pairs of `source`, in their order.
pub(super) async fn settle(
    source: Source<'_>,
    books: &mut [Book],
    watch: &mut Watch,
    record: &Recorder<'_>,
) -> Result<(), SlaError> {
    let view = source.view;
    let mut reported = BTreeSet::new();
    let mut noted = BTreeMap::new();
    loop {
        let open: BTreeSet<UnixTime> = books.iter().flat_map(Book::open).collect();
        let days: BTreeSet<UnixTime> = open.iter().map(|hour| hour.floor(DAY)).collect();
        let unread: BTreeSet<UnixTime> = days.difference(&reported).copied().collect();
        for span in spans(&unread, AT_ONCE) {
            let ledger = &mut watch.ledger;
            ledger
                .read_runs(source.store, view.directory, Some(source.name()), span)
                .await?;
        }
        reported.extend(unread);
        let silent = silent_days(source, books, watch);
        watch.read_beats(source, &silent).await?;
        note(source, books, &watch.ledger, &mut noted);
        let unclear: Vec<BTreeSet<UnixTime>> = books
            .iter_mut()
            .map(|book| book.settle(&watch.ledger, view))
            .collect();
        let hours: BTreeSet<UnixTime> = unclear.iter().flatten().copied().collect();
        if hours.is_empty() {
            break;
        }
        for hour in hours {
            if hour < kept_since(None, view) {
                return Err(SlaError::RoundsExpired { hour });
            }
            let is_wanted = |place: usize| unclear[place].contains(&hour);
            let rows = raw::rows(source, hour, COUNTS, &mut watch.ledger, is_wanted).await?;
            for (place, rows) in rows {
                books[place].take_rows(hour, &rows, &watch.ledger, view);
            }
        }
    }
    for ((start, _), (place, index, class)) in noted {
        let expected = &source.pairs[place].expected[index];
        record.silence(&expected_at(expected, start, view), class);
    }
    Ok(())
}

/// The days with a slot of which the ledger knows no report: only there it matters who listened.
fn silent_days(source: Source<'_>, books: &[Book], watch: &Watch) -> BTreeSet<UnixTime> {
    let mut days = BTreeSet::new();
    for book in books {
        for hour in book.open() {
            let day = hour.floor(DAY);
            if watch.days.contains(&day) || days.contains(&day) {
                continue;
            }
            let is_silent = |class| class != Some(Class::Error);
            let mut classes = book
                .slots(hour)
                .map(|(slot, _)| book.class_of_silence(slot, &watch.ledger, source.view));
            if classes.any(is_silent) {
                days.insert(day);
            }
        }
    }
    days
}

/// Slots without a report, each once however many pairs it silences: by start and how it was to be measured, with
/// the pair, the place among what was expected of it, and the class.
type Noted = BTreeMap<(UnixTime, How), (usize, usize, Class)>;

fn note(source: Source<'_>, books: &[Book], ledger: &Ledger, noted: &mut Noted) {
    for (place, book) in books.iter().enumerate() {
        for hour in book.open() {
            for (slot, how) in book.slots(hour) {
                let key = (slot.start, (how.period, how.plan_period, how.spread, how.count));
                if noted.contains_key(&key) {
                    continue;
                }
                let class = book.class_of_silence(slot, ledger, source.view);
                if let Some(class) = class.filter(|class| *class != Class::Error) {
                    noted.insert(key, (place, slot.index, class));
                }
            }
        }
    }
}

/// `days`, those that follow each other together but not more than `longest`, each until after the grace of a slot
/// that begins before its midnight.
fn spans(days: &BTreeSet<UnixTime>, longest: Duration) -> Vec<(UnixTime, UnixTime)> {
    let mut spans: Vec<(UnixTime, UnixTime)> = Vec::new();
    for day in days {
        let end = day.saturating_add(DAY);
        match spans.last_mut() {
            Some((from, to)) if *to == *day && *day < from.saturating_add(longest) => *to = end,
            _ => spans.push((*day, end)),
        }
    }
    let longer = |(from, to): (UnixTime, UnixTime)| (from, to.saturating_add(MAX_PERIOD + GRACE));
    spans.into_iter().map(longer).collect()
}
