//! What happened, counted: the text of `/metrics` (Prometheus exposition format 0.0.4).

pub mod pairs;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The counters of one collector.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(String, u16), Requests>>,
    rejected: Mutex<BTreeMap<String, u64>>,
    /// Reports that were stored, legacy posts included.
    pub reports_stored: Counter,
    /// Results that were stored.
    pub results_stored: Counter,
    /// Fields of reports that were read past.
    pub fields_ignored: Counter,
    /// Answers "the store is not available".
    pub store_errors: Counter,
    /// Requests without a valid key.
    pub auth_failures: Counter,
    /// Requests refused because their key or address was too fast.
    pub too_fast: Counter,
    /// Key files, rosters and shared keys that could not be loaded.
    pub reload_failures: Counter,
    /// Reloads that brought something new.
    pub reloads: Counter,
    /// Beats that the store did not take.
    pub beats_lost: Counter,
    /// Reports whose probe's clock disagrees with ours by more than a minute, or says so.
    pub clock_disagreements: Counter,
    /// Hours and days that were computed and stored.
    pub cells_written: Counter,
    /// Hours and days that were left, because fewer results are left than they were made of.
    pub cells_left: Counter,
    /// Times that hours and days were not computed because of the store.
    pub cell_failures: Counter,
    /// Comparisons of results with hours and days that came to their end.
    pub cell_passes: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `number`.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// The number.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default, Clone, Copy)]
struct Requests {
    number: u64,
    time: Duration,
}

impl Metrics {
    /// Counts a request to `route` that was answered with `status` after `time`.
    pub fn request(&self, route: &str, status: u16, time: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = requests.entry((route.to_owned(), status)).or_default();
        entry.number += 1;
        entry.time = entry.time.saturating_add(time);
    }

    /// Counts a rejected result by its code.
    pub fn reject(&self, code: &str) {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        *rejected.entry(code.to_owned()).or_default() += 1;
    }

    /// All counters, and the `gauges` that the caller measured: name, help, labels and value.
    #[must_use]
    pub fn expose(&self, gauges: &[Gauge<'_>]) -> String {
        let mut text = Text(String::new());
        let requests = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        text.family("ixpqos_http_requests_total", "Answered requests.", "counter");
        for ((route, status), entry) in &requests {
            let labels = [("route", route.as_str()), ("status", &status.to_string())];
            text.sample("ixpqos_http_requests_total", &labels, entry.number);
        }
        text.family(
            "ixpqos_http_request_seconds_total",
            "Time until the answer, summed.",
            "counter",
        );
        for ((route, status), entry) in &requests {
            let labels = [("route", route.as_str()), ("status", &status.to_string())];
            text.sample(
                "ixpqos_http_request_seconds_total",
                &labels,
                entry.time.as_secs_f64(),
            );
        }
        text.family(
            "ixpqos_results_rejected_total",
            "Results that were not stored, by code.",
            "counter",
        );
        for (code, number) in self
            .rejected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            text.sample("ixpqos_results_rejected_total", &[("code", code)], number);
        }
        for (name, help, counter) in self.counters() {
            text.family(name, help, "counter");
            text.sample(name, &[], counter.get());
        }
        let mut last = "";
        for gauge in gauges {
            if gauge.name != last {
                text.family(gauge.name, gauge.help, "gauge");
                last = gauge.name;
            }
            text.sample(gauge.name, &gauge.labels, gauge.value);
        }
        text.0
    }

    fn counters(&self) -> [(&'static str, &'static str, &Counter); 14] {
        [
            (
                "ixpqos_reports_stored_total",
                "Reports that were stored.",
                &self.reports_stored,
            ),
            (
                "ixpqos_results_stored_total",
                "Results that were stored.",
                &self.results_stored,
            ),
            (
                "ixpqos_fields_ignored_total",
                "Unknown fields of reports.",
                &self.fields_ignored,
            ),
            (
                "ixpqos_store_errors_total",
                "Requests that the store failed.",
                &self.store_errors,
            ),
            (
                "ixpqos_auth_failures_total",
                "Requests without a valid key.",
                &self.auth_failures,
            ),
            (
                "ixpqos_too_fast_total",
                "Requests refused by a rate limit.",
                &self.too_fast,
            ),
            (
                "ixpqos_reload_failures_total",
                "Files that could not be loaded.",
                &self.reload_failures,
            ),
            (
                "ixpqos_reloads_total",
                "Files that were loaded anew.",
                &self.reloads,
            ),
            (
                "ixpqos_beats_lost_total",
                "Beats that the store did not take.",
                &self.beats_lost,
            ),
            (
                "ixpqos_clock_disagreements_total",
                "Reports of probes whose clock disagrees with the collector's.",
                &self.clock_disagreements,
            ),
            (
                "ixpqos_cells_written_total",
                "Hours and days that were computed and stored.",
                &self.cells_written,
            ),
            (
                "ixpqos_cells_left_total",
                "Hours and days that were left, because fewer results are left than they were made of.",
                &self.cells_left,
            ),
            (
                "ixpqos_cells_failures_total",
                "Times that hours and days were not computed because of the store.",
                &self.cell_failures,
            ),
            (
                "ixpqos_cells_passes_total",
                "Finished comparisons of results with hours and days.",
                &self.cell_passes,
            ),
        ]
    }
}

/// A value that goes up and down.
#[derive(Debug, Clone)]
pub struct Gauge<'a> {
    /// Name of the family.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Labels and their values.
    pub labels: Vec<(&'static str, &'a str)>,
    /// The value.
    pub value: u64,
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&'static str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if index == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_quoted() {
        let metrics = Metrics::default();
        metrics.reject("a\"b\\c\nd");
        metrics.request("/x", 200, Duration::from_millis(1500));
        let text = metrics.expose(&[]);
        assert!(
            text.contains("ixpqos_results_rejected_total{code=\"a\\\"b\\\\c\\nd\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("ixpqos_http_request_seconds_total{route=\"/x\",status=\"200\"} 1.5\n"),
            "{text}"
        );
        assert!(text.contains("ixpqos_reports_stored_total 0\n"), "{text}");
    }
}
