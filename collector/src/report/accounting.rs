//! What became of everything that was expected: silence is counted, never left out.

use ippm::UnixTime;
use ippm::class::Class;
use ippm::limit::LossLimit;

use crate::report::gather::{Ask, Wanted, gather};
use crate::report::segment::{coarsest, widened};
use crate::report::selection::{Filter, Subject, Window};
use crate::report::view::{Freshness, ReportError, View};
use crate::store::Store;

/// Every slot of a window that begins in it, by class.
///
/// The sum over the classes is what was expected, less what may still come and what can no longer be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    slots: [Slots; Class::ALL.len()],
    /// Slots whose result may still come: in no class and in no sum.
    pub pending: u64,
    /// Slots that cannot be judged any more, because results that it would need are no longer kept: in no class and
    /// in no sum.
    pub expired: u64,
}

/// Slots of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slots {
    /// How many.
    pub count: u64,
    /// How many of them announced work touched.
    pub in_maintenance: u64,
    /// During how many of them our own throughput test ran on the path.
    pub loaded: u64,
}

impl Slots {
    /// `count` slots, all of them in maintenance or none. No test of ours loads a path yet.
    #[must_use]
    pub const fn counted(count: u64, in_maintenance: bool) -> Self {
        Self {
            count,
            in_maintenance: if in_maintenance { count } else { 0 },
            loaded: 0,
        }
    }
}

impl Account {
    /// Nothing was expected.
    pub const NOTHING: Self = Self {
        slots: [Slots {
            count: 0,
            in_maintenance: 0,
            loaded: 0,
        }; Class::ALL.len()],
        pending: 0,
        expired: 0,
    };

    /// The slots of `class`.
    #[must_use]
    pub const fn of(&self, class: Class) -> Slots {
        self.slots[class as usize]
    }

    /// Every class with its slots, in the order in which classes apply.
    pub fn iter(&self) -> impl Iterator<Item = (Class, Slots)> + '_ {
        Class::ALL.into_iter().zip(self.slots)
    }

    /// All slots that have a class: what was expected, less what is pending or expired.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.slots.iter().map(|slots| slots.count).sum()
    }

    /// Slots that announced work touched, of any class.
    #[must_use]
    pub fn in_maintenance(&self) -> u64 {
        self.slots.iter().map(|slots| slots.in_maintenance).sum()
    }

    /// Counts `count` slots of `class`.
    pub fn add(&mut self, class: Class, slots: Slots) {
        let of = &mut self.slots[class as usize];
        of.count += slots.count;
        of.in_maintenance += slots.in_maintenance;
        of.loaded += slots.loaded;
    }

    /// Adds the slots of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (class, slots) in other.iter() {
            self.add(class, slots);
        }
        self.pending += other.pending;
        self.expired += other.expired;
    }
}

/// One expected slot and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotClass {
    /// Start of the slot.
    pub start: UnixTime,
    /// First instant behind it.
    pub end: UnixTime,
    /// Its class; `None` as long as its result may still come.
    pub class: Option<Class>,
    /// Whether announced work touched it.
    pub in_maintenance: bool,
    /// Whether our own throughput test ran on the path.
    pub is_loaded: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountingQuestion {
    /// Slots that begin in it are accounted for.
    pub window: Window,
    /// Which ones.
    pub filter: Filter,
}

/// The answer: one account for each subject of which anything was expected, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounting {
    /// What it covers.
    pub window: Window,
    /// The limit above which loss is `degraded`.
    pub limit: LossLimit,
    /// By subject.
    pub subjects: Vec<(Subject, Account)>,
    /// How old it is.
    pub freshness: Freshness,
}

impl Accounting {
    /// The account of all subjects together.
    #[must_use]
    pub fn total(&self) -> Account {
        let mut total = Account::NOTHING;
        for (_, account) in &self.subjects {
            total.merge(account);
        }
        total
    }
}

/// Accounts for every slot that begins in a window. Where whole hours or days lie in it, their cells are asked
/// before single results are, with the same answer.
///
/// # Errors
///
/// [`ReportError::Expired`] if results that it needs are no longer kept, and the store's.
pub async fn read(
    store: &dyn Store,
    view: &View<'_>,
    question: &AccountingQuestion,
) -> Result<Accounting, ReportError> {
    let window = widened(question.window, coarsest(None), view);
    let ask = Ask {
        filter: &question.filter,
        window,
        step: None,
        wanted: Wanted::Account,
    };
    let gathered = gather(store, view, ask).await?;
    let mut subjects = Vec::with_capacity(gathered.subjects.len());
    for (subject, buckets) in gathered.subjects {
        for bucket in buckets.values() {
            if 0 < bucket.account.expired {
                return Err(ReportError::Expired);
            }
            if bucket.account != Account::NOTHING {
                subjects.push((subject.clone(), bucket.account));
            }
        }
    }
    Ok(Accounting {
        window,
        limit: view.limit,
        subjects,
        freshness: gathered.freshness,
    })
}
