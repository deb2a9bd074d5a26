//! What was measured, beside what is wanted.

use std::time::Duration;

/// What is wanted of a figure.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// Most time of the 99th percentile.
    pub(crate) p99: Option<Duration>,
    /// Most bytes of the answer as it is before it is compressed.
    pub(crate) bytes: Option<usize>,
}

impl Target {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        p99: None,
        bytes: None,
    };
    /// Of the matrix over 24 hours.
    pub(crate) const MATRIX: Self = Self::within(Duration::from_millis(50));
    /// Of a pair.
    pub(crate) const PAIR: Self = Self::within(Duration::from_millis(100));
    /// Of the statement of a month.
    pub(crate) const STATEMENT: Self = Self::within(Duration::from_secs(5));
    /// Of the page of the matrix.
    pub(crate) const PAGE: Self = Self {
        bytes: Some(300_000),
        ..Self::MATRIX
    };

    const fn within(time: Duration) -> Self {
        Self {
            p99: Some(time),
            bytes: None,
        }
    }
}

/// The times of one question.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// These, at least one.
    pub(crate) fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// By nearest rank.
    pub(crate) fn permille(&self, permille: usize) -> Duration {
        self.0[(self.0.len() * permille).div_ceil(1000).max(1) - 1]
    }
}

/// The head of a table of questions to report functions.
pub(crate) fn head(title: &str) {
    println!(
        "\n{title:<46} {:>6} {:>9} {:>9} {:>9} {:>9}",
        "times", "p50 ms", "p99 ms", "wanted", "entries"
    );
}

/// One question to a report function.
pub(crate) fn row(name: &str, times: Vec<Duration>, entries: usize, target: Target) {
    let line = timed(name, times, target);
    println!("{line} {entries:>9}");
}

/// The head of a table of requests.
pub(crate) fn head_of_requests(title: &str) {
    println!(
        "\n{title:<46} {:>6} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "times", "p50 ms", "p99 ms", "wanted", "bytes", "wanted", "gzip"
    );
}

/// One request: bytes as they are, and compressed.
pub(crate) fn row_of_request(
    name: &str,
    times: Vec<Duration>,
    (plain, packed): (usize, usize),
    target: Target,
) {
    let line = timed(name, times, target);
    let wanted = target
        .bytes
        .map_or(String::new(), |most| format!("<{most}{}", mark(plain < most)));
    println!("{line} {plain:>9} {wanted:>9} {packed:>9}");
}

fn timed(name: &str, times: Vec<Duration>, target: Target) -> String {
    let number = times.len();
    let times = Times::new(times);
    let p99 = times.permille(990);
    let wanted = target.p99.map_or(String::new(), |most| {
        format!("<{}{}", most.as_millis(), mark(p99 < most))
    });
    format!(
        "{name:<46} {number:>6} {:>9.1} {:>9.1} {wanted:>9}",
        ms(times.permille(500)),
        ms(p99)
    )
}

fn mark(is_met: bool) -> &'static str {
    if is_met { "" } else { " !" }
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
