//! The pairs of one source on their way through a period.

use std::collections::BTreeMap;

use ippm::cell::Cell;
use ippm::cell::slices::CellSlices;
use ippm::class::maintenance::Calendar;
use ippm::{Family, ProbeName, TestName, UnixTime};

use crate::report::sla::account::Accounting;
use crate::report::sla::availability::Window;
use crate::report::sla::book::Book;
use crate::report::sla::digest::Inputs;
use crate::report::sla::fresh::Stale;
use crate::report::sla::gather::{Question, Recorder, SlaError};
use crate::report::sla::missing::{self, Watch};
use crate::report::sla::opened::Opened;
use crate::report::sla::pairs::Expectations;
use crate::report::sla::raw::{self, CutHour};
use crate::report::sla::site::Sites;
use crate::report::sla::statement::{Both, Pair};
use crate::report::sla::tally::{Hour, Tally};
use crate::report::view::View;
use crate::store::{Store, StoreError};

/// The pairs of one source, and where what it measured lies.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) view: &'a View<'a>,
    pub(super) question: &'a Question,
    /// Not empty.
    pub(super) pairs: &'a [Expectations],
}

impl<'a> Source<'a> {
    /// The present name of the source.
    pub(super) fn name(self) -> &'a ProbeName {
        &self.pairs[0].source.probe
    }

    /// The names under which results of the source lie.
    pub(super) fn names(self) -> Vec<ProbeName> {
        self.view.directory.names_of(self.name()).cloned().collect()
    }

    /// The place of the pair of a result.
    pub(super) fn place_of(self, target: &ProbeName, family: Family, test: &TestName) -> Option<usize> {
        let target = self.view.directory.resolve(target);
        self.pairs
            .iter()
            .position(|pair| pair.target.probe == *target && pair.family == family && pair.test == *test)
    }
}

/// The pairs of one source on their way through the period.
pub(super) struct Reading<'a> {
    pub(super) source: Source<'a>,
    pub(super) names: Vec<ProbeName>,
    pub(super) books: Vec<Book>,
    pub(super) sums: Vec<PairSums>,
}

/// What was measured of one pair so far.
pub(super) struct PairSums {
    pub(super) tally: Tally,
    pub(super) inputs: Inputs,
    loaded_slices: u64,
    cut: BTreeMap<UnixTime, CutHour>,
}

impl<'a> Reading<'a> {
    /// Everything that cells and single results say of the pairs of `source`.
    pub(super) async fn of(
        source: Source<'a>,
        calendar: &Calendar,
        stale: &Stale,
        record: &Recorder<'_>,
    ) -> Result<Self, StoreError> {
        let mut reading = Self::begin(source, calendar, record).await?;
        reading.stream(stale, record).await?;
        Ok(reading)
    }

    async fn begin(
        source: Source<'a>,
        calendar: &Calendar,
        record: &Recorder<'_>,
    ) -> Result<Self, StoreError> {
        let Source { view, question, .. } = source;
        let book = |pair| Book::new(pair, calendar, view, question.period.from);
        let mut books: Vec<Book> = source.pairs.iter().map(book).collect();
        let cut = raw::read(source, &mut books, record).await?;
        let window = Window {
            length: question.profile.window,
            threshold: question.profile.threshold,
        };
        let sums = cut.into_iter().map(|cut| PairSums {
            tally: Tally::new(window),
            loaded_slices: 0,
            cut,
            inputs: Inputs::new(),
        });
        Ok(Self {
            source,
            names: source.names(),
            books,
            sums: sums.collect(),
        })
    }

    /// Lets the ledger judge what did not come.
    pub(super) async fn settle(&mut self, watch: &mut Watch, record: &Recorder<'_>) -> Result<(), SlaError> {
        watch.next_source();
        missing::settle(self.source, &mut self.books, watch, record).await
    }

    pub(super) fn finish(self, inputs: &mut Inputs, sites: &mut Sites, stated: &mut Vec<Pair>) {
        let profile = &self.source.question.profile;
        for ((pair, book), sums) in self.source.pairs.iter().zip(self.books).zip(self.sums) {
            let totals = sums.tally.finish();
            let accounting = Accounting {
                slices: totals.including.slices,
                loaded_slices: sums.loaded_slices,
                ..book.finish()
            };
            pair.describe(inputs);
            inputs.nested(sums.inputs);
            inputs.rounds(&accounting);
            let pair = Pair {
                source: pair.source.clone(),
                target: pair.target.clone(),
                family: pair.family,
                test: pair.test.clone(),
                figures: Both::of(profile, accounting, &totals),
            };
            sites.add(&pair, &totals);
            stated.push(pair);
        }
    }
}

impl PairSums {
    /// Adds the cell of a whole hour, which is later than those before it.
    pub(super) fn add(
        &mut self,
        hour: UnixTime,
        in_maintenance: bool,
        cell: &Cell,
    ) -> Result<(), StoreError> {
        self.flush_until(hour)?;
        let opened = Opened::of(cell)?;
        self.inputs.cell(hour, in_maintenance, &opened);
        self.tally.add(Hour {
            outside: Some(&opened).filter(|_| !in_maintenance),
            in_maintenance: Some(&opened).filter(|_| in_maintenance),
        });
        Ok(())
    }

    /// Takes the cut hours before `hour`, which lie between the whole ones.
    pub(super) fn flush_until(&mut self, hour: UnixTime) -> Result<(), StoreError> {
        while let Some(entry) = self.cut.first_entry().filter(|entry| *entry.key() < hour) {
            let (hour, cut) = entry.remove_entry();
            let outside = Opened::maybe(cut.outside.as_ref())?;
            let inside = Opened::maybe(cut.in_maintenance.as_ref())?;
            for (opened, in_maintenance) in [(&outside, false), (&inside, true)] {
                if let Some(opened) = opened {
                    self.inputs.cell(hour, in_maintenance, opened);
                }
            }
            if let Some(loaded) = Opened::maybe(cut.loaded.as_ref())? {
                let with_packets = loaded.slices.as_ref().map_or(0, CellSlices::with_packets);
                self.loaded_slices += u64::try_from(with_packets).unwrap_or(u64::MAX);
            }
            self.tally.add(Hour {
                outside: outside.as_ref(),
                in_maintenance: inside.as_ref(),
            });
        }
        Ok(())
    }
}

impl Expectations {
    /// Adds who the pair is and what was expected of it to the inputs.
    fn describe(&self, inputs: &mut Inputs) {
        for end in [&self.source, &self.target] {
            inputs.text(end.probe.as_str());
            inputs.text(end.site.as_deref().unwrap_or_default());
        }
        inputs.number(u64::from(self.family.number()));
        inputs.text(self.test.as_str());
        for expected in &self.expected {
            inputs.number(u64::try_from(expected.slots.period().as_nanos()).unwrap_or(u64::MAX));
            for span in expected.slots.spans().as_slice() {
                inputs.time(span.from());
                inputs.time(span.to());
            }
        }
        for (from, to) in self.maintenance.spans() {
            inputs.time(*from);
            inputs.time(*to);
        }
    }
}
