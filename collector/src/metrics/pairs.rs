//! The latest of every pair as Prometheus sees it.
//!
//! It is made of what the store says, not of what this instance took, so that every instance says the same; and at
//! most every [`REFRESH`], whoever asks how often.

use std::time::Duration;

use ippm::class::Class;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Text;
use crate::context::Context;
use crate::report::directory::Directory;
use crate::report::latest::{self, Latest, LatestEntry, LatestQuestion};
use crate::report::selection::{Filter, Subject};
use crate::report::view::ReportError;

/// How long an exposition is used again.
pub const REFRESH: Duration = Duration::from_secs(15);

/// How far back a result is looked for: the longest period of a plan twice, and its grace.
const WITHIN: Duration = Duration::from_mins(125);

/// The last exposition, and when it was made.
#[derive(Debug, Default)]
pub struct PairMetrics(Mutex<Option<(Instant, String)>>);

impl PairMetrics {
    /// The text, made anew if it is older than [`REFRESH`]; empty if the operator switched it off.
    ///
    /// # Errors
    ///
    /// The store's; the last text is not used again then: old figures would look like new ones.
    pub async fn text(&self, context: &Context, directory: &Directory) -> Result<String, ReportError> {
        let most = context.config.display.pair_metrics;
        if most == 0 {
            return Ok(String::new());
        }
        // Whoever asks meanwhile waits for the same answer.
        let mut kept = self.0.lock().await;
        if let Some((made, text)) = &*kept
            && made.elapsed() < REFRESH
        {
            return Ok(text.clone());
        }
        *kept = None;
        let question = LatestQuestion {
            filter: Filter::default(),
            within: WITHIN,
        };
        let view = context.view(directory, context.clock.now());
        let latest = latest::read(&*context.store, &view, &question).await?;
        let text = expose(&latest, most);
        *kept = Some((Instant::now(), text.clone()));
        Ok(text)
    }
}

/// The figures of at most `most` subjects; how many are left out is a figure too.
#[must_use]
pub fn expose(latest: &Latest, most: usize) -> String {
    let shown = &latest.entries[..most.min(latest.entries.len())];
    let mut text = Text(String::new());
    text.family(
        "ixpqos_rtt_seconds",
        "Round-trip delay of the latest round (RFC 2681), exact percentiles of its packets.",
        "summary",
    );
    for entry in shown {
        delay(&mut text, entry);
    }
    gauge(
        &mut text,
        shown,
        "ixpqos_loss_ratio",
        "Round-trip loss ratio of the latest round (RFC 6673).",
        |entry| {
            let counts = entry.row.as_ref()?.counts?;
            ippm::LossRatio::of(counts.sent.saturating_sub(counts.received), counts.sent)
                .map(ippm::LossRatio::get)
        },
    );
    gauge(
        &mut text,
        shown,
        "ixpqos_packets_sent",
        "Packets sent in the latest round.",
        |entry| Some(entry.row.as_ref()?.counts?.sent),
    );
    gauge(
        &mut text,
        shown,
        "ixpqos_packets_received",
        "Packets answered within the waiting time in the latest round.",
        |entry| Some(entry.row.as_ref()?.counts?.received),
    );
    gauge(
        &mut text,
        shown,
        "ixpqos_last_round_timestamp_seconds",
        "Start of the latest round that measured the pair.",
        |entry| Some(seconds(entry.standing.last_measured?.as_ns())),
    );
    text.family(
        "ixpqos_slot_class",
        "Class of the latest expected slot that has one: always 1, the class is the label.",
        "gauge",
    );
    for entry in shown {
        if let Some(class) = entry.standing.class {
            let labels = Labels::of(&entry.subject);
            let with = |name, value| [&labels.all()[..], &[(name, value)]].concat();
            text.sample("ixpqos_slot_class", &with("class", Class::as_str(class)), 1);
        }
    }
    text.family(
        "ixpqos_pairs_left_out",
        "Pairs, families and tests beyond display.pair_metrics, whose figures are not here.",
        "gauge",
    );
    text.sample("ixpqos_pairs_left_out", &[], latest.entries.len() - shown.len());
    text.0
}

fn delay(text: &mut Text, entry: &LatestEntry) {
    let Some(delay) = entry.row.as_ref().and_then(|row| row.delay.as_ref()) else {
        return;
    };
    let labels = Labels::of(&entry.subject);
    let quantiles = [
        ("0", delay.min_ns),
        ("0.5", delay.p50_ns),
        ("0.95", delay.p95_ns),
        ("0.99", delay.p99_ns),
        ("1", delay.max_ns),
    ];
    for (quantile, ns) in quantiles {
        let with = [&labels.all()[..], &[("quantile", quantile)]].concat();
        text.sample("ixpqos_rtt_seconds", &with, decimal(ns));
    }
    text.sample("ixpqos_rtt_seconds_sum", &labels.all(), decimal(delay.sum_ns));
    text.sample("ixpqos_rtt_seconds_count", &labels.all(), delay.count);
}

fn gauge<T: std::fmt::Display>(
    text: &mut Text,
    entries: &[LatestEntry],
    name: &'static str,
    help: &str,
    value: impl Fn(&LatestEntry) -> Option<T>,
) {
    text.family(name, help, "gauge");
    for entry in entries {
        if let Some(value) = value(entry) {
            text.sample(name, &Labels::of(&entry.subject).all(), value);
        }
    }
}

/// The labels of a subject.
struct Labels<'a> {
    subject: &'a Subject,
    family: String,
}

impl<'a> Labels<'a> {
    fn of(subject: &'a Subject) -> Self {
        Self {
            subject,
            family: subject.family.to_string(),
        }
    }

    fn all(&self) -> [(&'static str, &str); 4] {
        [
            ("source", self.subject.source.as_str()),
            ("target", self.subject.target.as_str()),
            ("family", &self.family),
            ("test", self.subject.test.as_str()),
        ]
    }
}

/// Whole nanoseconds as seconds, without rounding.
fn decimal(ns: u64) -> String {
    format!("{}.{:09}", ns / 1_000_000_000, ns % 1_000_000_000)
}

/// A time as Prometheus writes it: seconds with a fraction.
fn seconds(ns: i64) -> String {
    let ms = ns.div_euclid(1_000_000);
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}
