//! What a stored result says about its slot, and what a silent slot says.

use std::time::Duration;

use ippm::UnixTime;
use ippm::class::maintenance::Calendar;
use ippm::class::result::{Finding, Run, SlotResult, counting};
use ippm::class::slot::{Expected as ExpectedSlot, GRACE};
use ippm::class::watch::Beats;
use ippm::class::{Class, Evidence, classify};

use crate::plan::history::Expected;
use crate::plan::span::Span;
use crate::report::accounting::{Account, SlotClass, Slots};
use crate::report::ledger::Ledger;
use crate::report::view::View;
use crate::store::row::Row;

/// What `row` says about its slot; a row without a period has `legacy_period`.
#[must_use]
pub fn result_of(row: &Row, legacy_period: Duration) -> SlotResult<'_> {
    let finding = match (&row.counts, &row.legacy) {
        _ if !row.measured => Finding::Unmeasured,
        (Some(counts), _) => Finding::Counted {
            sent: counts.sent,
            received: counts.received,
        },
        (None, Some(values)) => Finding::Ratio { loss: values.loss },
        (None, None) => Finding::Unmeasured,
    };
    SlotResult {
        source: &row.source,
        target: &row.target,
        family: row.family,
        test: &row.test,
        period: row.period.unwrap_or(legacy_period),
        time: row.time,
        finding,
    }
}

/// Start of the slot of `row`, by its own period.
#[must_use]
pub fn start_of(row: &Row, legacy_period: Duration) -> UnixTime {
    row.time.floor(row.period.unwrap_or(legacy_period))
}

/// What is expected of one subject, and which announced work touches it.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    /// In ascending order of what else is expected; no slot comes twice.
    pub(super) expected: Vec<Expected>,
    /// Spans of announced work.
    announced: Vec<(UnixTime, UnixTime)>,
}

/// One expected slot: which of the expectations, and its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SlotAt {
    pub(super) index: usize,
    pub(super) start: UnixTime,
}

impl Outlook {
    /// Nothing is expected.
    pub(super) const NOTHING: Self = Self {
        expected: Vec::new(),
        announced: Vec::new(),
    };

    pub(super) fn new(expected: Vec<Expected>, calendar: &Calendar, view: &View<'_>) -> Self {
        let announced = expected.first().map_or_else(Vec::new, |first| {
            let any_slot = expected_at(first, UnixTime::from_ns(0), view);
            calendar.spans_of(&any_slot, view.directory.aliases())
        });
        Self { expected, announced }
    }

    /// The expected slots that begin in `[from, to)`, ascending for each expectation.
    pub(super) fn slots(&self, from: UnixTime, to: UnixTime) -> impl Iterator<Item = SlotAt> + '_ {
        self.expected
            .iter()
            .enumerate()
            .flat_map(move |(index, expected)| {
                let period = expected.expectation.period;
                let first = ceil(from, period);
                std::iter::successors(Some(first), move |start| Some(start.saturating_add(period)))
                    .take_while(move |start| *start < to)
                    .filter(|start| expected.slots.contains(*start))
                    .map(move |start| SlotAt { index, start })
            })
    }

    /// How many slots are expected that begin in `[from, to)`, and how many of them announced work touches.
    pub(super) fn count(&self, from: UnixTime, to: UnixTime) -> (u64, u64) {
        let span = Span::new(from, to);
        let expected = self.expected.iter();
        let slots = expected.map(|expected| expected.slots.count_in(span)).sum();
        if self.announced.is_empty() {
            return (slots, 0);
        }
        let announced = self.slots(from, to).filter(|slot| self.is_announced(*slot));
        (slots, u64::try_from(announced.count()).unwrap_or(u64::MAX))
    }

    pub(super) fn period(&self, slot: SlotAt) -> Duration {
        self.expected[slot.index].expectation.period
    }

    /// From the start of `slot` until its result is due, that instant included.
    pub(super) fn until_due(&self, slot: SlotAt) -> Span {
        Span::new(slot.start, self.due(slot).saturating_add(Duration::from_nanos(1)))
    }

    fn due(&self, slot: SlotAt) -> UnixTime {
        slot.start.saturating_add(self.period(slot) + GRACE)
    }

    pub(super) fn is_announced(&self, slot: SlotAt) -> bool {
        let end = slot.start.saturating_add(self.period(slot));
        self.announced
            .iter()
            .any(|(from, to)| (*from).max(slot.start) < (*to).min(end))
    }

    /// The class of `slot` if one of `results`, which ascend in time, counts for it, and which.
    pub(super) fn class_of_result<'r, 'a>(
        &self,
        slot: SlotAt,
        results: &'r [SlotResult<'a>],
        ledger: &Ledger,
        view: &View<'_>,
    ) -> Option<(Class, &'r SlotResult<'a>)> {
        let end = slot.start.saturating_add(self.period(slot));
        let first = results.partition_point(|result| result.time < slot.start);
        let behind = results.partition_point(|result| result.time < end);
        let own = results.get(first..behind).unwrap_or_default();
        let expected = expected_at(&self.expected[slot.index], slot.start, view);
        let counts = counting(&expected, own, view.directory.aliases())?;
        let runs = ledger.runs(expected.source, slot.start, end);
        let evidence = evidence(std::slice::from_ref(counts), &runs, &NO_BEATS, view);
        let class = classify(&expected, &evidence)?.class;
        Some((class, counts))
    }

    /// Whether a report came in the slot of the plan that begins with `slot`.
    pub(super) fn is_reported(&self, slot: SlotAt, ledger: &Ledger) -> bool {
        let expectation = &self.expected[slot.index].expectation;
        let end = slot.start.saturating_add(expectation.plan_period);
        ledger.has_run(&expectation.source, slot.start, end)
    }

    /// The class of `slot`, of which no result is there; `None` as long as one may still come.
    pub(super) fn class_of_silence(&self, slot: SlotAt, ledger: &Ledger, view: &View<'_>) -> Option<Class> {
        let expected = expected_at(&self.expected[slot.index], slot.start, view);
        let end = slot.start.saturating_add(expected.plan_period);
        let runs = ledger.runs(expected.source, slot.start, end);
        let evidence = evidence(&[], &runs, ledger.beats(), view);
        Some(classify(&expected, &evidence)?.class)
    }

    /// The account of the slots of `[from, to)` that are `missing` among its results, all or none of which announced
    /// work touches. Slots of which the ledger knows no report have no result; whichever others have none were left
    /// out of a report that came.
    ///
    /// `None` if results are there of whose reports the ledger knows nothing, or if the one that was left out may be
    /// of a slot that has no class yet.
    pub(super) fn account_of_missing(
        &self,
        (from, to): (UnixTime, UnixTime),
        missing: u64,
        ledger: &Ledger,
        view: &View<'_>,
    ) -> Option<Account> {
        let mut account = Account::NOTHING;
        let (mut unreported, mut is_open) = (0, false);
        for slot in self.slots(from, to) {
            if self.is_reported(slot, ledger) {
                // A report that is there has its results with it, and nothing else can come of the slot.
                is_open |= view.now < self.due(slot);
                continue;
            }
            match self.class_of_silence(slot, ledger, view) {
                Some(class) => account.add(class, Slots::counted(1, self.is_announced(slot))),
                None => account.pending += 1,
            }
            unreported += 1;
        }
        let left_out = missing
            .checked_sub(unreported)
            .filter(|left_out| *left_out == 0 || !is_open)?;
        let first = self.slots(from, to).next()?;
        account.add(Class::Error, Slots::counted(left_out, self.is_announced(first)));
        Some(account)
    }

    pub(super) fn described(&self, slot: SlotAt, class: Option<Class>) -> SlotClass {
        SlotClass {
            start: slot.start,
            end: slot.start.saturating_add(self.period(slot)),
            class,
            in_maintenance: self.is_announced(slot),
            is_loaded: false,
        }
    }
}

/// The earliest multiple of `step` that is not before `time`.
pub(super) fn ceil(time: UnixTime, step: Duration) -> UnixTime {
    let floor = time.floor(step);
    if floor < time {
        floor.saturating_add(step)
    } else {
        floor
    }
}

static NOTHING_ANNOUNCED: Calendar = Calendar::EMPTY;
static NO_BEATS: std::sync::LazyLock<Beats> = std::sync::LazyLock::new(|| std::iter::empty().collect());

/// What was expected in the slot that begins at `start`.
pub(super) fn expected_at<'a>(expected: &'a Expected, start: UnixTime, view: &View<'a>) -> ExpectedSlot<'a> {
    let expectation = &expected.expectation;
    let site = |name| view.directory.site(name);
    expectation.at(start, site(&expectation.source), site(&expectation.target))
}

/// No test of ours loads a path yet; announced work is looked up apart, once for all slots of a subject.
fn evidence<'a>(
    results: &'a [SlotResult<'a>],
    runs: &'a [Run<'a>],
    beats: &'a Beats,
    view: &View<'a>,
) -> Evidence<'a> {
    Evidence {
        results,
        runs,
        beats,
        aliases: view.directory.aliases(),
        calendar: &NOTHING_ANNOUNCED,
        is_loaded: false,
        limit: view.limit,
        now: view.now,
    }
}
