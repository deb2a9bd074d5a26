//! What the figures of a statement look like to people, and what has to be said with them.

use std::fmt::Write as _;

use ippm::interval::Interval;

use crate::report::sla::account::Rounds;
use crate::report::sla::profile::{AvailabilityForm, Quantile};
use crate::report::sla::share::Share;
use crate::report::sla::statement::{Figures, Finding, Measured, Metric, Statement};

/// What stands where there is no value.
pub const NOTHING: &str = "–";

/// What has to be said with the figures, in sentences.
#[must_use]
pub fn notes(statement: &Statement) -> Vec<String> {
    let profile = &statement.profile;
    let form = match profile.form {
        AvailabilityForm::Announced => "announced: (T - M - D) / (T - M)",
        AvailabilityForm::Downtime => "downtime: (T - D - Dm) / (T - Dm)",
    };
    let mut notes = vec![
        format!(
            "Availability (MEF 10.2.1): slices of 10 s; unavailable from the first of {window} consecutive slices with more than \
             {threshold} loss until the first of {window} without. Windows run over slices that have packets; a hole longer than \
             a window ends the sequence; coverage states the rest. Judged form: {form}.",
            window = profile.window,
            threshold = percent(profile.threshold.as_ratio()),
        ),
        "Figures per minute are means over the minutes that have packets, each minute alike. Jitter per minute is not offered: \
         slices hold sums of delays and no differences of neighbors."
            .to_owned(),
        "Delay is the round-trip delay; percentiles come from merged histograms and are within 1.05 %. PDV is the percentile less \
         the smallest delay of the period (RFC 5481)."
            .to_owned(),
        "Intervals are 95 %, two-sided (Wilson), with rounds as clusters for packets and hours as clusters for slices; verdicts use \
         one-sided bounds of 95 %. With fewer than 30 clusters with events the verdict is few-events. Where nothing was lost, the \
         upper bound holds if losses are independent."
            .to_owned(),
        format!(
            "Below {} of the expected rounds nothing is judged. Suspect rounds, rounds under our own load and rounds without packet \
             counts are left out of every figure and counted.",
            percent(profile.least_coverage.as_ratio())
        ),
        "Every expected round is in exactly one class. Of a round of which nothing came it is: left out of a report that came; not \
         reported, though a collector was there to take it; or with no collector there, when for 20 s of the time in which the \
         report was due no collector was heard of."
            .to_owned(),
    ];
    if statement.period.is_provisional {
        notes.push("Provisional: the period is not over.".to_owned());
    }
    let legacy: u64 = statement
        .pairs
        .iter()
        .map(|pair| pair.figures.accounting.all.legacy)
        .sum();
    if legacy > 0 {
        notes.push(format!(
            "{legacy} rounds came from probes of the original IXPQoS, which count no packets: they are in no figure and in no interval."
        ));
    }
    let loaded: u64 = statement
        .pairs
        .iter()
        .map(|pair| pair.figures.accounting.all.loaded)
        .sum();
    if loaded > 0 {
        notes.push(format!(
            "{loaded} rounds ran under our own load and are left out."
        ));
    }
    notes
}

/// A ratio in percent, to four decimals, trailing zeros left out: `0.0312 %`.
///
/// What is more than nothing never reads as nothing, and what is less than everything never as everything.
#[must_use]
pub fn percent(ratio: f64) -> String {
    const LEAST: f64 = 0.000_1;
    let percent = ratio * 100.0;
    if 0.0 < percent && percent < LEAST {
        return "<0.0001 %".to_owned();
    }
    if 100.0 - LEAST < percent && percent < 100.0 {
        return ">99.9999 %".to_owned();
    }
    let text = format!("{percent:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

/// Nanoseconds as milliseconds, to three decimals: `1.234 ms`.
#[must_use]
pub fn ms(ns: u64) -> String {
    let us = ns.saturating_add(500) / 1000;
    format!("{}.{:03} ms", us / 1000, us % 1000)
}

/// The bounds of an interval in percent.
#[must_use]
pub fn bounds(interval: Interval) -> String {
    format!("{} to {}", percent(interval.lower()), percent(interval.upper()))
}

/// A ratio with what may be said about it: its interval, the bound without events, or the counts alone.
#[must_use]
pub fn share(share: &Share) -> String {
    let Some(ratio) = share.ratio() else {
        return NOTHING.to_owned();
    };
    // Writing to a String cannot fail.
    let mut text = percent(ratio);
    if let Some(interval) = share.interval() {
        let _ = write!(text, " [{}]", bounds(interval));
    } else if let Some(bound) = share.upper_bound() {
        let _ = write!(text, " [at most {}]", percent(bound));
    } else {
        let _ = write!(text, " ({} of {})", share.part(), share.whole());
    }
    if share.has_few_events() {
        text += ", few events";
    }
    text
}

/// The availability that belongs to a share of unavailable slices, with its interval.
#[must_use]
pub fn availability(unavailable: &Share) -> String {
    let Some(ratio) = unavailable.ratio() else {
        return NOTHING.to_owned();
    };
    // Writing to a String cannot fail.
    let mut text = percent(1.0 - ratio);
    if let Some(interval) = unavailable.interval() {
        let (lower, upper) = (1.0 - interval.upper(), 1.0 - interval.lower());
        let _ = write!(text, " [{} to {}]", percent(lower), percent(upper));
    } else if let Some(bound) = unavailable.upper_bound() {
        let _ = write!(text, " [at least {}]", percent(1.0 - bound));
    } else {
        let _ = write!(
            text,
            " ({} of {} slices unavailable)",
            unavailable.part(),
            unavailable.whole()
        );
    }
    if unavailable.has_few_events() {
        text += ", few events";
    }
    text
}

/// The mean of the mean delays per minute.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a mean of delays lies between two of them, which are whole nanoseconds below 2^63"
)]
pub fn minute_delay(figures: &Figures) -> String {
    let mean = figures.minutes.and_then(|minutes| minutes.mean_delay_ns);
    mean.map_or_else(|| NOTHING.to_owned(), |mean| ms(mean.round() as u64))
}

/// A quantile of the delay.
#[must_use]
pub fn quantile(figures: &Figures, quantile: Quantile) -> String {
    let delay = figures.delay.as_ref();
    delay.map_or_else(|| NOTHING.to_owned(), |delay| ms(delay.quantile_ns(quantile)))
}

/// A quantile of the delay variation.
#[must_use]
pub fn pdv(figures: &Figures, quantile: Quantile) -> String {
    let delay = figures.delay.as_ref();
    delay.map_or_else(|| NOTHING.to_owned(), |delay| ms(delay.pdv_ns(quantile)))
}

/// A measured or promised value.
#[must_use]
pub fn value(value: Measured) -> String {
    match value {
        Measured::Ratio(ratio) => percent(ratio),
        Measured::Delay(ns) => ms(ns),
    }
}

/// What is judged, in words: `availability (announced)`, `delay p95`.
#[must_use]
pub fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Availability => "availability",
        Metric::Loss => "loss",
        Metric::Delay => "delay",
        Metric::Pdv => "delay variation (PDV)",
        Metric::MinuteLoss => "loss, mean of minutes",
        Metric::MinuteDelay => "delay, mean of minutes",
    }
}

/// A promise and what came of it: `availability 99.98 % (at least 99.95 %): met`.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    let bound = if finding.metric == Metric::Availability {
        "at least"
    } else {
        "at most"
    };
    let quantile = finding
        .quantile
        .map_or_else(String::new, |quantile| format!(" {}", quantile.as_str()));
    format!(
        "{}{quantile} {} ({bound} {}): {}",
        metric(finding.metric),
        finding.measured.map_or_else(|| NOTHING.to_owned(), value),
        value(finding.target),
        verdict(finding.verdict),
    )
}

/// What became of expected rounds that are in no figure: `2 suspect, 1 left out of a report`; empty if all are.
#[must_use]
pub fn left_over(rounds: &Rounds) -> String {
    let parts = [
        (rounds.suspect, "suspect"),
        (rounds.loaded, "under load"),
        (rounds.unmeasured, "not measured"),
        (rounds.legacy, "without counts"),
        (rounds.left_out, "left out of a report"),
        (rounds.probe_missing, "not reported"),
        (rounds.collector_gap, "with no collector there"),
        (rounds.unplanned, "beyond the plan"),
    ];
    let present = parts.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = present.map(|(count, what)| format!("{count} {what}")).collect();
    words.join(", ")
}

/// Share of the expected rounds that is in the figures, with both counts: `99.8 % (8910/8928)`.
#[must_use]
pub fn coverage(rounds: &Rounds) -> String {
    rounds.coverage().map_or_else(
        || NOTHING.to_owned(),
        |coverage| format!("{} ({}/{})", percent(coverage), rounds.measured, rounds.expected),
    )
}

/// A verdict in words.
#[must_use]
pub fn verdict(verdict: ippm::interval::Verdict) -> &'static str {
    use ippm::interval::Verdict;
    match verdict {
        Verdict::InsufficientData => "insufficient data",
        Verdict::Met => "met",
        Verdict::FewEvents => "few events",
        Verdict::Missed => "missed",
        Verdict::Undecided => "undecided",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_nothing_and_nearly_everything_do_not_read_as_such() {
        for (ratio, text) in [
            (0.0, "0 %"),
            (1e-9, "<0.0001 %"),
            (0.000_312, "0.0312 %"),
            (0.5, "50 %"),
            (0.999_999_9, ">99.9999 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(ratio), text);
        }
    }

    #[test]
    fn a_delay_is_rounded_to_microseconds() {
        assert_eq!(ms(1_234_499), "1.234 ms");
        assert_eq!(ms(999_500), "1.000 ms");
    }
}
