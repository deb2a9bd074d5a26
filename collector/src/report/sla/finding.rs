//! What the figures say about the promises.

use ippm::interval::{self, LossSums, Sides, Verdict};
use ippm::limit::LossLimit;

use crate::report::sla::account::Accounting;
use crate::report::sla::profile::{AvailabilityForm, DelayTarget, Profile};
use crate::report::sla::statement::{Both, Delay, Figures, Finding, Measured, Metric};
use crate::report::sla::tally::Totals;

/// Largest error of a quantile from a histogram, in hundredths of a percent.
const HISTOGRAM_ERROR: u128 = 105;

/// All of a quantile, in the same unit.
const WHOLE: u128 = 10_000;

/// Packets that have to lie above a quantile for it to be judged: the rule of three, as for a loss ratio.
const PACKETS_ABOVE: u128 = 3;

impl Both {
    /// The figures of `totals`, held against the promises of `profile`.
    #[must_use]
    pub fn of(profile: &Profile, accounting: Accounting, totals: &Totals) -> Self {
        let mut both = Self {
            accounting,
            including: totals.including.figures(),
            excluding: totals.excluding.figures(),
            downtime: totals.downtime(),
            findings: Vec::new(),
        };
        both.findings = both.judge(profile);
        both
    }

    fn judge(&self, profile: &Profile) -> Vec<Finding> {
        let targets = &profile.targets;
        let figures = &self.excluding;
        let findings = [
            targets
                .unavailability
                .map(|target| self.availability(target, profile.form)),
            targets.loss.map(|target| loss(figures, target)),
            targets
                .delay
                .map(|target| quantile(Metric::Delay, figures, target, Delay::quantile_ns)),
            targets
                .pdv
                .map(|target| quantile(Metric::Pdv, figures, target, Delay::pdv_ns)),
            targets.minute_loss.map(|target| minute_loss(figures, target)),
            targets
                .minute_delay
                .map(|target| minute_delay(figures, nanoseconds(target))),
        ];
        let is_covered = self
            .accounting
            .excluding()
            .coverage()
            .is_some_and(|coverage| profile.least_coverage.as_ratio() <= coverage);
        findings
            .into_iter()
            .flatten()
            .map(|finding| Finding {
                verdict: if is_covered {
                    finding.verdict
                } else {
                    Verdict::InsufficientData
                },
                ..finding
            })
            .collect()
    }

    fn availability(&self, target: LossLimit, form: AvailabilityForm) -> Finding {
        let share = match form {
            AvailabilityForm::Announced => self.excluding.availability.unavailable,
            AvailabilityForm::Downtime => self.downtime.share,
        };
        Finding {
            metric: Metric::Availability,
            form: Some(form),
            quantile: None,
            target: Measured::Ratio(1.0 - target.as_ratio()),
            measured: share.ratio().map(|ratio| Measured::Ratio(1.0 - ratio)),
            verdict: share.sums().verdict(target),
        }
    }
}

fn loss(figures: &Figures, target: LossLimit) -> Finding {
    Finding {
        metric: Metric::Loss,
        form: None,
        quantile: None,
        target: Measured::Ratio(target.as_ratio()),
        measured: figures.loss.ratio().map(Measured::Ratio),
        verdict: figures.loss.sums().verdict(target),
    }
}

/// The mean of minutes is worth as many packets as the rounds behind it, and judged as their ratio is.
fn minute_loss(figures: &Figures, target: LossLimit) -> Finding {
    let sums = figures.loss.sums();
    let verdict = match (figures.minutes, sums.verdict(target)) {
        (None, _) => Verdict::InsufficientData,
        (Some(_), verdict @ (Verdict::InsufficientData | Verdict::FewEvents)) => verdict,
        (Some(_), _) if sums.lost == 0 => Verdict::Met,
        (Some(minutes), _) => of_bounds(minutes.mean_loss, sums, target),
    };
    Finding {
        metric: Metric::MinuteLoss,
        form: None,
        quantile: None,
        target: Measured::Ratio(target.as_ratio()),
        measured: figures.minutes.map(|minutes| Measured::Ratio(minutes.mean_loss)),
        verdict,
    }
}

fn of_bounds(ratio: f64, sums: &LossSums, target: LossLimit) -> Verdict {
    match interval::score(ratio, sums.effective_sent(), Sides::One) {
        Some(interval) if interval.upper() < target.as_ratio() => Verdict::Met,
        Some(interval) if target.as_ratio() < interval.lower() => Verdict::Missed,
        Some(_) => Verdict::Undecided,
        None => Verdict::InsufficientData,
    }
}

/// A quantile is known within the error of the histogram: a promise inside of it is not decided.
fn quantile(
    metric: Metric,
    figures: &Figures,
    target: DelayTarget,
    value: fn(&Delay, crate::report::sla::profile::Quantile) -> u64,
) -> Finding {
    let limit = nanoseconds(target.limit);
    let verdict = figures.delay.as_ref().map_or(Verdict::InsufficientData, |delay| {
        let above = u128::from(delay.count) * u128::from(1000 - target.quantile.permille());
        if above < PACKETS_ABOVE * 1000 {
            return Verdict::InsufficientData;
        }
        let error = u128::from(delay.quantile_ns(target.quantile)) * HISTOGRAM_ERROR;
        let measured = u128::from(value(delay, target.quantile)) * WHOLE;
        let limit = u128::from(limit) * WHOLE;
        if measured + error <= limit {
            Verdict::Met
        } else if limit + error < measured {
            Verdict::Missed
        } else {
            Verdict::Undecided
        }
    });
    Finding {
        metric,
        form: None,
        quantile: Some(target.quantile),
        target: Measured::Delay(limit),
        measured: figures
            .delay
            .as_ref()
            .map(|delay| Measured::Delay(value(delay, target.quantile))),
        verdict,
    }
}

/// The mean over the minutes that were measured is what was promised; there is nothing to estimate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of delays lies between two of them, which are whole nanoseconds below 2^63"
)]
fn minute_delay(figures: &Figures, limit: u64) -> Finding {
    let measured = figures
        .minutes
        .and_then(|minutes| minutes.mean_delay_ns)
        .map(|mean| mean.round() as u64);
    Finding {
        metric: Metric::MinuteDelay,
        form: None,
        quantile: None,
        target: Measured::Delay(limit),
        measured: measured.map(Measured::Delay),
        verdict: match measured {
            None => Verdict::InsufficientData,
            Some(measured) if measured <= limit => Verdict::Met,
            Some(_) => Verdict::Missed,
        },
    }
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
