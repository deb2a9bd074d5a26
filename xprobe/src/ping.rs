//! `xprobe ping`: measures targets from here and prints what came of it; asks and tells nobody else.

mod sweep;
mod text;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use ippm::wire::report::ResultV1;
use ippm::{Family, Measurement, Params, ProbeName, TestName};
use thiserror::Error;

use crate::agenda::Item;
use crate::cli::PingArgs;
use crate::clock::Clock;
use crate::console;
use crate::driver::{KIND, Progress};
use crate::measure::{self, Taken, Terms};
use crate::net::binding::Binding;
use crate::report;
use crate::resolve;
use crate::round::pace::Limits;

/// A run that takes longer than this shows on a terminal how far it is.
const LONG: Duration = Duration::from_secs(3);

/// Why `ping` did not measure every target.
#[derive(Debug, Error)]
pub enum PingFailure {
    /// Some targets were measured, others not; each of those was named.
    #[error("{failed} of {targets} targets could not be measured")]
    Some {
        /// Targets that were not measured.
        failed: usize,
        /// Targets asked for.
        targets: usize,
    },
    /// No target was measured; each was named.
    #[error("nothing measured")]
    Nothing {
        /// Whether it was for want of permission.
        permission: bool,
    },
    /// The product of count and interval is beyond what can be measured in one run.
    #[error("{count} packets at this interval take longer than a day")]
    TooLong {
        /// Packets asked for.
        count: u32,
    },
    /// A sweep of more sizes than one run measures.
    #[error("{found} sizes, expected at most {MOST_SIZES}")]
    TooManySizes {
        /// Sizes asked for.
        found: usize,
    },
    /// The results could not be printed.
    #[error("cannot print the results")]
    Print(#[source] io::Error),
}

/// Most sizes of a sweep.
const MOST_SIZES: usize = 16;

/// Longest run.
const LONGEST: Duration = Duration::from_hours(24);

/// Measures and prints.
///
/// # Errors
///
/// [`PingFailure`]; loss is data and no failure.
pub(crate) fn run(args: &PingArgs, binding: &Binding, clock: Clock) -> Result<(), PingFailure> {
    let tests = tests(args)?;
    let spread = spread(args)?;
    let family = match (args.ipv4, args.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        _ => None,
    };
    let (items, mut failed) = items(args, family, &tests, clock);
    let terms = Terms {
        source: None,
        round_start: clock.start(),
        deadline: None,
        linger: Some(Duration::ZERO),
        until_answered: true,
        limits: Limits::HARD,
        binding,
    };
    let shows_progress = io::stderr().is_terminal() && spread > LONG;
    let taken = measure::measure(&items, terms, clock, &mut |progress| {
        if shows_progress {
            show(progress);
        }
    });
    if shows_progress {
        // Nobody is there to read it if the terminal is gone.
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let permission = taken
        .results
        .iter()
        .any(|r| r.as_ref().is_err_and(measure::Untaken::is_permission));
    let measurements = measurements(&items, &taken);
    let verdicts = sweep::verdicts(&items, &measurements);
    // A size of a sweep that could not be sent belongs to its verdict.
    let is_measured = |item: &Item| {
        measurements
            .iter()
            .any(|m| m.target == item.target && m.family == item.family)
    };
    let unmeasured = items.iter().filter(|item| !is_measured(item));
    failed += unmeasured.count() / tests.len();
    print(args.json, &measurements, &verdicts).map_err(PingFailure::Print)?;
    match failed {
        0 => Ok(()),
        _ if measurements.is_empty() => Err(PingFailure::Nothing { permission }),
        _ => Err(PingFailure::Some {
            failed,
            targets: args.targets.len(),
        }),
    }
}

fn spread(args: &PingArgs) -> Result<Duration, PingFailure> {
    args.interval
        .checked_mul(args.count)
        .filter(|spread| *spread <= LONGEST)
        .ok_or(PingFailure::TooLong { count: args.count })
}

/// One test, or one for each size of a sweep.
fn tests(args: &PingArgs) -> Result<Vec<(TestName, Params)>, PingFailure> {
    let spread = spread(args)?;
    let mut sizes = args.size.clone();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() > MOST_SIZES {
        return Err(PingFailure::TooManySizes { found: sizes.len() });
    }
    let is_sweep = sizes.len() > 1;
    let test = |size: u16| {
        let params = Params {
            count: Some(u64::from(args.count)),
            spread: Some(spread),
            timeout: Some(args.timeout),
            payload_bytes: Some(u64::from(size)),
            dscp: Some(u64::from(args.dscp)),
            dont_fragment: Some(is_sweep || args.dont_fragment),
        };
        let name = if is_sweep {
            sweep::test_name(size)
        } else {
            TestName::icmp()
        };
        (name, params)
    };
    Ok(sizes.into_iter().map(test).collect())
}

/// What to measure, and how many targets cannot be named or resolved.
fn items(
    args: &PingArgs,
    family: Option<Family>,
    tests: &[(TestName, Params)],
    clock: Clock,
) -> (Vec<Item>, usize) {
    let wanted: Vec<_> = args
        .targets
        .iter()
        .map(|target| (target.as_str(), family))
        .collect();
    let mut items = Vec::new();
    let mut failed = 0;
    for (target, address) in args.targets.iter().zip(resolve::resolve(&wanted, clock)) {
        let named = target.parse::<ProbeName>();
        match (named, address, KIND.parse()) {
            (Ok(name), Ok(address), Ok(kind)) => items.extend(tests.iter().map(|(test, params)| Item {
                test: test.clone(),
                kind: Clone::clone(&kind),
                target: name.clone(),
                family: Family::of(address),
                address: address.to_string(),
                period: params.spread.unwrap_or_default(),
                params: *params,
            })),
            (Err(error), _, _) => {
                failed += 1;
                console::warn(format_args!("{}: {error}", crate::exit::one_line(target)));
            }
            (_, Err(error), _) => {
                failed += 1;
                console::warn_error(&error);
            }
            (_, _, Err(_)) => failed += 1,
        }
    }
    (items, failed)
}

/// What was measured, in the order of the targets; what was not is named.
fn measurements(items: &[Item], taken: &Taken) -> Vec<Measurement> {
    let mut measurements = Vec::new();
    for (item, result) in items.iter().zip(&taken.results) {
        match result {
            Ok((address, sample)) => measurements.extend(report::measurement(item, Ok((*address, sample)))),
            Err(untaken) => {
                let cause = crate::exit::chain(untaken);
                let (target, test) = (&item.target, text::test(&item.test));
                console::warn(format_args!("{target}{test} was not measured: {cause}"));
            }
        }
    }
    measurements
}

fn print(json: bool, measurements: &[Measurement], verdicts: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = if json {
        let results: Vec<ResultV1> = measurements.iter().map(ResultV1::new).collect();
        serde_json::to_writer(&mut out, &results)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        text::lines(measurements)
            .iter()
            .chain(verdicts)
            .try_for_each(|line| writeln!(out, "{line}"))
    };
    match written.and_then(|()| out.flush()) {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn show(progress: Progress) {
    let Progress {
        sent,
        answered,
        elapsed,
        expected,
    } = progress;
    // Nobody is there to read it if the terminal is gone.
    let _ = write!(
        io::stderr(),
        "\r\x1b[K{sent} sent, {answered} answered, {} of {} s",
        elapsed.as_secs(),
        expected.as_secs()
    );
}
