//! Measures a list of items: names to addresses, then one job for the engine.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ippm::{ProbeName, UnixTime};

use crate::agenda::Item;
use crate::clock::Clock;
use crate::driver::fitness::Fitness;
use crate::driver::{self, Due, Job, Progress, Unmeasured};
use crate::net::binding::Binding;
use crate::report::Unreported;
use crate::resolve::{self, ResolveError};
use crate::round::CutShort;
use crate::round::pace::Limits;

/// How items are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// The probe that measures, see [`Job::source`].
    pub(crate) source: Option<&'a ProbeName>,
    /// Start of the round, corrected if need be.
    pub(crate) round_start: UnixTime,
    /// When the measurement has to be over.
    pub(crate) deadline: Option<Instant>,
    /// How long to listen after the last packet; as long as the slowest ICMP error takes if none.
    /// It is never shorter than the waiting time.
    pub(crate) linger: Option<Duration>,
    /// Whether to end as soon as every packet was answered.
    pub(crate) until_answered: bool,
    pub(crate) limits: Limits,
    /// Interface, VRF and source addresses of the packets.
    pub(crate) binding: &'a Binding,
}

/// What came of all items.
#[derive(Debug)]
pub(crate) struct Taken {
    /// One for each item, in their order.
    pub(crate) results: Vec<Result<(IpAddr, ippm::Sample), Untaken>>,
    pub(crate) fitness: Fitness,
    pub(crate) cut_short: Option<CutShort>,
    /// Whether the process was asked to end meanwhile.
    pub(crate) is_interrupted: bool,
    pub(crate) duration: Duration,
}

/// Why an item has no sample.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Untaken {
    #[error("this probe does not know the kind of test")]
    UnsupportedKind,
    #[error(transparent)]
    Unresolved(#[from] ResolveError),
    #[error(transparent)]
    Unmeasured(#[from] Unmeasured),
}

impl Untaken {
    /// The reason in the words of a report; none if the item was never tried.
    pub(crate) fn reported(&self) -> Option<Unreported> {
        match self {
            Self::UnsupportedKind => Some(Unreported::UNSUPPORTED_KIND),
            Self::Unresolved(error) => Some(Unreported::unresolved(error)),
            Self::Unmeasured(error) => Unreported::unmeasured(error),
        }
    }

    /// Whether this process may not open the socket it needs.
    pub(crate) fn is_permission(&self) -> bool {
        matches!(self, Self::Unmeasured(Unmeasured::Permission(_)))
    }

    /// Whether nothing was sent for want of time.
    pub(crate) fn is_not_tried(&self) -> bool {
        matches!(self, Self::Unmeasured(Unmeasured::NotTried))
    }
}

/// Measures `items` on `terms`, and tells `observer` how it goes.
pub(crate) fn measure(
    items: &[Item],
    terms: Terms<'_>,
    clock: Clock,
    observer: &mut dyn FnMut(Progress),
) -> Taken {
    let wanted: Vec<_> = items
        .iter()
        .map(|item| (item.address.as_str(), Some(item.family)))
        .collect();
    let addresses = resolve::resolve(&wanted, clock);
    let mut tests = Vec::new();
    let mut results = Vec::new();
    // Which item each test of the job belongs to.
    let mut owners = Vec::new();
    for (index, (item, address)) in items.iter().zip(addresses).enumerate() {
        results.push(match address {
            _ if !item.is_supported() => Err(Untaken::UnsupportedKind),
            Err(error) => Err(error.into()),
            Ok(address) => {
                owners.push((index, address));
                tests.push(due(item, address));
                Err(Unmeasured::NotTried.into())
            }
        });
    }
    let outcome = driver::measure(
        &Job {
            source: terms.source.cloned(),
            tests,
            round_start: terms.round_start,
            started: clock.monotonic_start(),
            deadline: terms.deadline,
            linger: terms.linger,
            until_answered: terms.until_answered,
            limits: terms.limits,
            binding: terms.binding.clone(),
        },
        observer,
    );
    for result in outcome.results {
        if let Some(&(index, address)) = owners.get(result.due) {
            results[index] = result
                .sample
                .map(|sample| (address, sample))
                .map_err(Untaken::from);
        }
    }
    Taken {
        results,
        fitness: outcome.fitness,
        cut_short: outcome.cut_short,
        is_interrupted: outcome.is_interrupted,
        duration: outcome.duration,
    }
}

fn due(item: &Item, address: IpAddr) -> Due {
    Due {
        test: item.test.clone(),
        kind: item.kind.to_string(),
        target: item.target.clone(),
        family: item.family,
        address,
        params: item.params,
    }
}
