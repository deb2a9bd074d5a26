//! One round, from the lock to the last delivery.
//!
//! Process start ≤ 2 s → plan ≤ 3 s, one try → packets over the spread → linger → this report, then
//! the kept ones, until the plan's `end_before`. Every step is bounded, so the whole is.

mod state;

use std::time::Duration;

use ippm::{Measurement, plan};
use secrecy::SecretString;
use thiserror::Error;

use crate::agenda::{self, Agenda, PlanFault};
use crate::cache::CachedPlan;
use crate::cli::RoundArgs;
use crate::client::Client;
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::console::{self, Console};
use crate::deliver::Courier;
use crate::exit::Failure;
use crate::fetch::{self, CollectorTime, Fetched, NoPlan};
use crate::measure::{self, Taken, Terms};
use crate::refusal::Refusal;
use crate::report::{self, Heading, Origin};
use crate::stop::{self, Stop};
use crate::timekeeping::daemon::{Asking, DaemonState};
use crate::timekeeping::{self, Label};
use crate::{legacy, lock};

use self::state::State;

/// Most time that a measurement leaves for the delivery, before `end_before`.
const DELIVERY_RESERVE: Duration = Duration::from_secs(5);
/// The same for a short period: this part of it.
const DELIVERY_PART: u32 = 20;
/// How long a round that was asked to end goes on to deliver its report.
const SIGNAL_GRACE: Duration = Duration::from_secs(10);

/// Why a round measured nothing although the collector is there.
#[derive(Debug, Error)]
pub enum RoundError {
    /// The plan cannot be followed.
    #[error("nothing measured: the plan from {url} cannot be followed")]
    Plan {
        /// Where it came from.
        url: String,
        /// What is wrong with it.
        #[source]
        fault: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The round was asked to end before anything was sent.
    #[error("nothing measured: ended by a signal before the first packet")]
    Interrupted,
    /// The slot was over before anything could be sent.
    #[error("nothing measured: started {} s into a slot of {} s, too late to end in it", late.as_secs(), period.as_secs())]
    TooLate {
        /// How long after the slot's start the process was started.
        late: Duration,
        /// The plan's period.
        period: Duration,
    },
    /// The report could not be written.
    #[error("cannot write the report")]
    Encode(#[source] std::io::Error),
    /// SIGTERM and SIGINT could not be held back.
    #[error("cannot watch for signals")]
    Signals(#[source] std::io::Error),
}

/// What a round finds on its host, which tests give it instead.
#[derive(Debug, Clone, Copy)]
struct Surroundings {
    clock: Clock,
    /// What the clock daemon states; asked for if none.
    daemon: Option<DaemonState>,
    /// How long to listen after the last packet, see [`Terms::linger`].
    linger: Option<Duration>,
}

/// Runs one round.
///
/// # Errors
///
/// [`Failure`], whose exit status says whether anything was measured or delivered.
pub(crate) fn round(
    args: RoundArgs,
    environment_key: Option<SecretString>,
    clock: Clock,
) -> Result<(), Failure> {
    round_in(
        args,
        environment_key,
        Surroundings {
            clock,
            daemon: None,
            linger: None,
        },
    )
}

fn round_in(
    args: RoundArgs,
    environment_key: Option<SecretString>,
    surroundings: Surroundings,
) -> Result<(), Failure> {
    let clock = surroundings.clock;
    let settings = config::settle(args, environment_key)?;
    let console = Console {
        verbose: settings.verbose,
    };
    let _lock = lock::acquire(&settings.name)?;
    stop::hold_signals().map_err(RoundError::Signals)?;
    let stop = Stop::new();
    let asking = surroundings.daemon.map_or_else(Asking::begin, Asking::answered);
    let state = State::open(&settings);
    let client = Client::new(settings.key.as_ref(), settings.ca_file.as_ref(), clock)?;

    let kept_correction = state.correction();
    // A clock that needed a correction cannot say which windows are open.
    let start = kept_correction.is_none().then_some(clock.start());
    let url = fetch::plan_url(&settings.remote, &settings.name, start);
    let shown = fetch::plan_url(&settings.remote, &settings.name, None).to_string();
    let cached = state.cached_plan(clock.start());
    let (fetched, time) = fetch::fetch(&client, url, cached.as_ref());
    let (plan, origin) = match choose(fetched, cached) {
        Choice::Measure(plan, origin) => (plan, origin),
        Choice::Legacy => return Ok(legacy::round(&settings, &client, clock, &stop, console)?),
        Choice::Nothing(refusal) => {
            return Err(NoPlan { url: shown, refusal }.into());
        }
    };
    let time = time.filter(|_| origin == Origin::Fetched);
    let daemon = asking.finish();
    let label = timekeeping::label(
        clock.start(),
        daemon,
        time.map(|time| time.offset_ns),
        kept_correction,
    );
    let agenda = agenda::read(plan.body.as_bytes(), label.round_start, origin == Origin::Cached)
        .map_err(|fault| unusable(&shown, fault))?;
    if origin == Origin::Fetched {
        state.remember(&plan);
        if time.is_some() {
            state.correct(label.correction_ns);
        }
    }
    console.step(format_args!(
        "measuring {} results of plan {}",
        agenda.items.len(),
        agenda.version
    ));
    let round = Round {
        settings: &settings,
        agenda,
        origin,
        label,
        daemon,
        time,
        clock,
        linger: surroundings.linger,
        console,
    };
    round.run(&client, &state, &stop)
}

fn unusable(url: &str, fault: PlanFault) -> RoundError {
    RoundError::Plan {
        url: url.to_owned(),
        fault: Box::new(fault),
    }
}

/// What to measure by.
enum Choice {
    Measure(CachedPlan, Origin),
    Legacy,
    Nothing(Refusal),
}

/// Chooses between what the collector answered and the last good plan.
fn choose(fetched: Fetched, cached: Option<CachedPlan>) -> Choice {
    match (fetched, cached) {
        (Fetched::Fresh(plan), _) | (Fetched::Unchanged, Some(plan)) => {
            Choice::Measure(plan, Origin::Fetched)
        }
        (Fetched::Away(_), Some(plan)) => Choice::Measure(plan, Origin::Cached),
        (Fetched::Legacy, _) => Choice::Legacy,
        (Fetched::Away(refusal) | Fetched::Refused(refusal), _) => Choice::Nothing(refusal),
        (Fetched::Unchanged, None) => Choice::Nothing(Refusal::NotACollector { status: 304 }),
    }
}

/// A round that knows what to measure.
struct Round<'a> {
    settings: &'a Settings,
    agenda: Agenda,
    origin: Origin,
    label: Label,
    daemon: DaemonState,
    time: Option<CollectorTime>,
    clock: Clock,
    linger: Option<Duration>,
    console: Console,
}

impl Round<'_> {
    fn run(self, client: &Client, state: &State, stop: &Stop) -> Result<(), Failure> {
        let end = self.end();
        let reserve = DELIVERY_RESERVE.min(self.agenda.period / DELIVERY_PART);
        let terms = Terms {
            source: Some(&self.settings.name),
            round_start: self.label.round_start,
            deadline: self
                .clock
                .monotonic_start()
                .checked_add(end.saturating_sub(reserve)),
            linger: self.linger,
            until_answered: false,
            limits: self.agenda.limits,
            binding: &self.settings.binding,
        };
        let mut is_sending = false;
        let taken = measure::measure(&self.agenda.items, terms, self.clock, &mut |progress| {
            if !is_sending && progress.sent > 0 {
                is_sending = true;
                self.console.step(format_args!("packets are leaving"));
            }
        });
        stop.take_over(taken.is_interrupted);
        let results = self.results(&taken);
        let is_untried = !taken.results.is_empty()
            && taken
                .results
                .iter()
                .all(|result| result.as_ref().is_err_and(measure::Untaken::is_not_tried));
        if is_untried {
            return Err(self.untried(stop).into());
        }
        let permission = taken.results.iter().find_map(|result| {
            result
                .as_ref()
                .err()
                .filter(|untaken| untaken.is_permission())
                .map(|untaken| crate::exit::chain(untaken))
        });
        let body = self.encode(&taken, &results).map_err(RoundError::Encode)?;
        drop(results);
        let kept = state.keep(self.label.round_start, &body);
        let courier = Courier {
            client,
            url: self.settings.remote.endpoint(&["api", "v2", "reports"]),
            clock: self.clock,
            deadline: if stop.is_asked() {
                end.min(self.clock.elapsed() + SIGNAL_GRACE)
            } else {
                end
            },
            stop,
            console: self.console,
        };
        let delivered = courier.deliver(&body, state.spool(), kept.as_ref());
        match (permission, delivered) {
            (None, delivered) => Ok(delivered?),
            (Some(cause), Ok(())) => Err(Failure::Permission { cause }),
            (Some(cause), Err(undelivered)) => {
                console::warn_error(&undelivered);
                Err(Failure::Permission { cause })
            }
        }
    }

    /// When the process has to be gone, counted from its start.
    fn end(&self) -> Duration {
        let slot = plan::slot_start(self.label.round_start, self.agenda.period);
        let end = slot.saturating_add(self.agenda.end_before);
        end.since(self.label.round_start).unwrap_or_default()
    }

    /// What is reported of each item; one that was never tried is left out.
    fn results(&self, taken: &Taken) -> Vec<Measurement> {
        let pairs = self.agenda.items.iter().zip(&taken.results);
        pairs
            .filter_map(|(item, result)| match result {
                Ok((address, sample)) => report::measurement(item, Ok((*address, sample))),
                Err(untaken) => report::measurement(item, Err(untaken.reported()?)),
            })
            .collect()
    }

    fn untried(&self, stop: &Stop) -> RoundError {
        if stop.is_asked() {
            return RoundError::Interrupted;
        }
        let slot = plan::slot_start(self.label.round_start, self.agenda.period);
        let late = self.label.round_start.since(slot).unwrap_or_default();
        RoundError::TooLate {
            late,
            period: self.agenda.period,
        }
    }

    fn encode(&self, taken: &Taken, results: &[Measurement]) -> std::io::Result<Vec<u8>> {
        let heading = Heading {
            source: &self.settings.name,
            round_start: self.label.round_start,
            duration: taken.duration,
            plan_version: &self.agenda.version,
            origin: self.origin,
            cut_short: taken.cut_short,
            fitness: &taken.fitness,
            daemon: self.daemon,
            collector_offset_ns: self.time.map(|time| time.offset_ns),
            is_corrected: self.label.correction_ns.is_some(),
            report_fields: &self.agenda.report_fields,
        };
        report::encode(&heading, results)
    }
}

#[cfg(test)]
mod tests;
