//! Answers as reports give them, for the tests of pages.

use std::time::Duration;

use ippm::class::Class;
use ippm::histogram::Histogram;
use ippm::{Family, LossRatio, ProbeName, Rtt, TestName, UnixTime};

use crate::report::accounting::{Account, Slots};
use crate::report::figures::{Confidence, DelayFigures, Figures, Loss, Percentiles};
use crate::report::latest::Standing;
use crate::report::matrix::{Matrix, MatrixEntry};
use crate::report::selection::{Subject, Window};
use crate::report::view::Freshness;

/// 2026-11-21 06:45:10 UTC.
pub(crate) const NOW: UnixTime = UnixTime::from_ns(1_795_243_510_000_000_000);
/// A name with everything that could break a page.
pub(crate) const HOSTILE: &str = "<b>\"x'&% ü</b>";

pub(crate) fn name(text: &str) -> ProbeName {
    // A name holds no slash; the closing tag above is written with another one.
    text.replace('/', "∕").parse().unwrap()
}

pub(crate) fn subject(source: &str, target: &str, family: Family) -> Subject {
    Subject {
        source: name(source),
        target: name(target),
        family,
        test: TestName::icmp(),
    }
}

/// Figures of one round of 280 packets: so many lost, all others after this many microseconds and twice as many.
pub(crate) fn figures(lost: u64, us: u64) -> Figures {
    let received = 280 - lost;
    let delay = (received > 0).then(|| {
        let (min, max) = (Rtt::from_ns(us * 1000), Rtt::from_ns(us * 2000));
        let mut histogram = Histogram::new();
        for packet in 0..received {
            histogram.record(if packet % 10 == 0 {
                max.as_ns()
            } else {
                min.as_ns()
            });
        }
        DelayFigures {
            count: received,
            min,
            max,
            mean: min,
            stddev_ns: 0.0,
            percentiles: Percentiles::of(&histogram, min, max),
        }
    });
    Figures {
        rounds: 1,
        rounds_lossy: u64::from(lost > 0),
        rounds_down: u64::from(lost == 280),
        rounds_suspect: 0,
        rounds_error: 0,
        sent: 280,
        received,
        late: 0,
        duplicates: 0,
        reordered: 0,
        unsent: 0,
        loss: Some(Loss {
            lost,
            ratio: LossRatio::of(lost, 280).unwrap(),
            confidence: Confidence::SingleRound,
        }),
        delay,
        ipdv_mean_ns: (received > 1).then_some(12_000),
        hop_limit: Some(64),
        legacy: None,
    }
}

pub(crate) fn account(slots: &[(Class, u64)]) -> Account {
    let mut account = Account::NOTHING;
    for (class, count) in slots {
        let slots = Slots {
            count: *count,
            ..Slots::default()
        };
        account.add(*class, slots);
    }
    account
}

/// How a pair stands whose latest slot has this class and whose latest round is so old.
pub(crate) fn standing(class: Class, age: Option<Duration>) -> Standing {
    Standing {
        class: Some(class),
        slot_start: Some(NOW.floor(Duration::from_mins(5))),
        in_maintenance: false,
        period: Some(Duration::from_mins(5)),
        last_measured: age.map(|age| NOW.saturating_sub(age)),
    }
}

/// An entry that reports.
pub(crate) fn entry(subject: Subject, figures: Figures) -> MatrixEntry {
    MatrixEntry {
        subject,
        figures: Some(figures),
        account: account(&[(Class::Ok, 288)]),
        standing: standing(Class::Ok, Some(Duration::from_mins(6))),
    }
}

pub(crate) fn matrix(mut entries: Vec<MatrixEntry>) -> Matrix {
    entries.sort_by(|a, b| a.subject.cmp(&b.subject));
    Matrix {
        window: Window::last(Duration::from_hours(24), NOW).unwrap(),
        freshness: Freshness {
            read_at: NOW,
            latest: entries
                .iter()
                .filter_map(|entry| entry.standing.last_measured)
                .max(),
        },
        entries,
    }
}
