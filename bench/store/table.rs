//! What was measured, beside what is wanted.

use std::time::Duration;

use crate::raw::Fetched;

/// Most time of a question to InfluxDB, as a multiple of the time of its Flux alone.
const MOST_OF_RAW: f64 = 1.3;

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

    /// How many.
    pub(crate) fn number(&self) -> usize {
        self.0.len()
    }

    /// By nearest rank.
    pub(crate) fn permille(&self, permille: usize) -> Duration {
        self.0[(self.0.len() * permille).div_ceil(1000).max(1) - 1]
    }
}

/// What an answer is.
pub(crate) enum Answer {
    /// Entries of a report.
    Entries(usize),
    /// Bytes as they are, and compressed.
    Bytes(usize, usize),
}

/// The head of a table of questions to report functions, or of requests.
pub(crate) fn head(title: &str, is_of_requests: bool, is_beside_raw: bool) {
    print!(
        "\n{title:<46} {:>6} {:>9} {:>9} {:>9}",
        "times", "p50 ms", "p99 ms", "wanted"
    );
    if is_of_requests {
        print!(" {:>9} {:>9} {:>9}", "bytes", "wanted", "gzip");
    } else {
        print!(" {:>9}", "entries");
    }
    if is_beside_raw {
        print!(" {:>10} {:>9} {:>6} {:>9}", "raw p50 ms", "wanted", "Flux", "MB");
    }
    println!();
}

/// One question, and what the same Flux took raw.
pub(crate) fn row(name: &str, times: Vec<Duration>, answer: &Answer, target: Target, raw: Option<Fetched>) {
    let number = times.len();
    let times = Times::new(times);
    let (p50, p99) = (times.permille(500), times.permille(990));
    // A goal in milliseconds is one for the embedded store.
    let wanted = target.p99.filter(|_| raw.is_none());
    let wanted = wanted.map_or(String::new(), |most| {
        format!("<{}{}", most.as_millis(), mark(p99 < most))
    });
    print!(
        "{name:<46} {number:>6} {:>9.1} {:>9.1} {wanted:>9}",
        ms(p50),
        ms(p99)
    );
    match *answer {
        Answer::Entries(entries) => print!(" {entries:>9}"),
        Answer::Bytes(plain, packed) => {
            let wanted = target
                .bytes
                .map_or(String::new(), |most| format!("<{most}{}", mark(plain < most)));
            print!(" {plain:>9} {wanted:>9} {packed:>9}");
        }
    }
    if let Some(raw) = raw {
        let fetched = Times::new(raw.times).permille(500);
        let ratio = p50.as_secs_f64() / fetched.as_secs_f64();
        let wanted = format!("{ratio:.2}<1.3{}", mark(ratio <= MOST_OF_RAW));
        print!(
            " {:>10.1} {wanted:>9} {:>6} {:>9.1}",
            ms(fetched),
            raw.questions,
            raw.bytes as f64 / 1e6
        );
    }
    println!();
}

fn mark(is_met: bool) -> &'static str {
    if is_met { "" } else { " !" }
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
