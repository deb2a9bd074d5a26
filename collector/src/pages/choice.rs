//! What a visitor chose: the parameters of an address, checked, and back to an address.
//!
//! Everything is bounded here: an unknown or repeated parameter, or a value outside its range, is refused.

use std::time::Duration;

use ippm::{Family, TestName, UnixTime, wire};
use thiserror::Error;

use crate::pages::link;
use crate::report::matrix::Metric;

/// Parameters of an address in their order.
pub type Parameters = [(String, String)];

/// Most parameters of one address.
pub const MAX_PARAMETERS: usize = 16;
/// Longest span of a page: a year and a day.
pub const LONGEST: Duration = Duration::from_hours(24 * 366);
/// Shortest span of a page.
pub const SHORTEST: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);

/// Why an address cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChoiceError {
    /// No such parameter.
    #[error("this page knows no parameter {0:?}")]
    Unknown(String),
    /// Given twice.
    #[error("the parameter {0:?} is given twice")]
    Repeated(String),
    /// Too many of them.
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
    /// No such value.
    #[error("{name}={value:?} is not understood: expected {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be understood.
        expected: String,
    },
    /// The span is empty, or out of bounds.
    #[error("the range must be between {} min and {} d long", SHORTEST.as_secs() / 60, LONGEST.as_secs() / 86_400)]
    Range,
}

/// What a cell of the matrix shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// A statistic of what was measured.
    Of(Metric),
    /// The share of expected results that were measured.
    Coverage,
}

impl Shown {
    /// Every one, with its word in an address, its name, and its unit.
    pub const ALL: [(Self, &'static str, &'static str, &'static str); 7] = [
        (Self::Of(Metric::Loss), "loss", "Loss", "%"),
        (Self::Of(Metric::Median), "median", "RTT median", "ms"),
        (Self::Of(Metric::P95), "p95", "RTT p95", "ms"),
        (Self::Of(Metric::P99), "p99", "RTT p99", "ms"),
        (Self::Of(Metric::Pdv), "pdv", "PDV p99.9", "ms"),
        (Self::Of(Metric::Ipdv), "ipdv", "Mean round-trip IPDV", "ms"),
        (Self::Coverage, "coverage", "Coverage", "%"),
    ];

    fn entry(self) -> &'static (Self, &'static str, &'static str, &'static str) {
        let entry = Self::ALL.iter().find(|(shown, ..)| *shown == self);
        entry.unwrap_or(&Self::ALL[0])
    }

    /// The word in an address.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.entry().1
    }

    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().2
    }

    /// Whether it is read from histograms; without them an answer comes faster.
    #[must_use]
    pub fn needs_percentiles(self) -> bool {
        matches!(
            self,
            Self::Of(Metric::Median | Metric::P95 | Metric::P99 | Metric::Pdv)
        )
    }

    /// The unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        self.entry().3
    }
}

/// Windows of the matrix, shortest first.
pub const WINDOWS: [(&str, &str, Duration); 6] = [
    ("1h", "1 hour", HOUR),
    ("3h", "3 hours", Duration::from_hours(3)),
    ("24h", "24 hours", Duration::from_hours(24)),
    ("3d", "3 days", Duration::from_hours(3 * 24)),
    ("7d", "7 days", Duration::from_hours(7 * 24)),
    ("30d", "30 days", Duration::from_hours(30 * 24)),
];
/// Ranges of a pair, shortest first.
pub const RANGES: [(&str, &str, Duration); 7] = [
    ("3h", "3 h", Duration::from_hours(3)),
    ("24h", "24 h", Duration::from_hours(24)),
    ("3d", "3 d", Duration::from_hours(3 * 24)),
    ("7d", "7 d", Duration::from_hours(7 * 24)),
    ("30d", "30 d", Duration::from_hours(30 * 24)),
    ("90d", "90 d", Duration::from_hours(90 * 24)),
    ("365d", "1 y", Duration::from_hours(365 * 24)),
];

/// What is chosen on the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixChoice {
    /// What a cell shows.
    pub shown: Shown,
    /// Of which family; `None`: the worse of both.
    pub family: Option<Family>,
    /// Of which test.
    pub test: TestName,
    /// Over how much time until now: one of [`WINDOWS`].
    pub last: Duration,
}

impl MatrixChoice {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// [`ChoiceError`] for anything that the page would not write.
    pub fn parse(parameters: &Parameters) -> Result<Self, ChoiceError> {
        let given = known(parameters, &["metric", "family", "test", "last"])?;
        let shown = one_of(
            &given,
            "metric",
            &Shown::ALL.map(|(shown, word, ..)| (word, shown)),
        )?;
        let family = one_of(
            &given,
            "family",
            &[("any", None), ("4", Some(Family::V4)), ("6", Some(Family::V6))],
        )?;
        let last = one_of(&given, "last", &WINDOWS.map(|(word, _, length)| (word, length)))?;
        Ok(Self {
            shown: shown.unwrap_or(Shown::ALL[0].0),
            family: family.flatten(),
            test: test(&given)?,
            last: last.unwrap_or(WINDOWS[2].2),
        })
    }

    /// The word of the window.
    #[must_use]
    pub fn last_word(&self) -> &'static str {
        let window = WINDOWS.iter().find(|(_, _, length)| *length == self.last);
        window.map_or(WINDOWS[2].0, |(word, ..)| word)
    }
}

/// A span of time as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Until now.
    Last(Duration),
    /// From one time to another.
    Between(UnixTime, UnixTime),
}

impl Range {
    /// Its beginning and end, seen from `now`.
    #[must_use]
    pub fn bounds(self, now: UnixTime) -> (UnixTime, UnixTime) {
        match self {
            Self::Last(length) => (now.saturating_sub(length), now),
            Self::Between(from, to) => (from, to),
        }
    }
}

/// What is chosen on the page of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairChoice {
    /// Of which family.
    pub family: Family,
    /// Of which test.
    pub test: TestName,
    /// Over which time.
    pub range: Range,
    /// The round whose slices are shown: its start.
    pub round: Option<UnixTime>,
}

impl PairChoice {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// As [`MatrixChoice::parse`].
    pub fn parse(parameters: &Parameters) -> Result<Self, ChoiceError> {
        let given = known(parameters, &["family", "test", "last", "from", "to", "round"])?;
        let family = one_of(&given, "family", &[("4", Family::V4), ("6", Family::V6)])?;
        let round = value(&given, "round")
            .map(|text| time("round", text))
            .transpose()?;
        Ok(Self {
            family: family.unwrap_or(Family::V4),
            test: test(&given)?,
            range: range(&given)?,
            round,
        })
    }

    /// The query of the same choice, without what is the default, and without a round.
    #[must_use]
    pub fn query(&self) -> String {
        self.with(&[])
    }

    /// The same choice over another range.
    #[must_use]
    pub fn over(&self, range: Range) -> Self {
        Self {
            range,
            round: None,
            ..self.clone()
        }
    }

    /// The query of the same choice and of these parameters.
    #[must_use]
    pub fn with(&self, more: &[(&str, &str)]) -> String {
        let family = self.family.number().to_string();
        let mut parameters = Vec::new();
        if self.family != Family::V4 {
            parameters.push(("family", family.as_str()));
        }
        if !self.test.is_icmp() {
            parameters.push(("test", self.test.as_str()));
        }
        let (first, second) = match self.range {
            Range::Last(length) => (last_text(length), String::new()),
            Range::Between(from, to) => (exact(from), exact(to)),
        };
        match self.range {
            Range::Last(length) if length == RANGES[1].2 => {}
            Range::Last(_) => parameters.push(("last", &first)),
            Range::Between(..) => parameters.extend([("from", first.as_str()), ("to", second.as_str())]),
        }
        parameters.extend(more);
        link::query(&parameters)
    }
}

/// What is chosen on the page of the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlaChoice {
    /// The month, as 2026-10; without one there is no statement.
    pub month: Option<String>,
    /// The time zone in which it begins and ends.
    pub zone: String,
    /// The name of the profile.
    pub profile: String,
    /// Only pairs between these sites; empty: all.
    pub sites: Vec<String>,
}

/// Most sites of one statement on a page.
pub const MAX_SITES: usize = 16;

impl SlaChoice {
    /// Reads an address; whether month, zone, profile and sites exist is found out by the report.
    ///
    /// # Errors
    ///
    /// As [`MatrixChoice::parse`].
    pub fn parse(parameters: &Parameters) -> Result<Self, ChoiceError> {
        let given = known(parameters, &["month", "tz", "profile", "sites"])?;
        let text = |name| value(&given, name).map(str::trim).filter(|text| !text.is_empty());
        let sites: Vec<String> = text("sites")
            .map(|sites| sites.split(',').map(|site| site.trim().to_owned()).collect())
            .unwrap_or_default();
        if sites.len() > MAX_SITES {
            let sites = text("sites").unwrap_or_default();
            return Err(refused(
                "sites",
                sites,
                format!("at most {MAX_SITES} names with commas between"),
            ));
        }
        Ok(Self {
            month: text("month").map(str::to_owned),
            zone: text("tz").unwrap_or("UTC").to_owned(),
            profile: text("profile").unwrap_or("default").to_owned(),
            sites,
        })
    }
}

/// A time as short as it is exact.
#[must_use]
pub fn exact(time: UnixTime) -> String {
    let text = wire::time::format(time);
    text.replace(".000000000Z", "Z")
}

/// `90m`, `24h`, `7d`.
#[must_use]
pub fn last_text(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    match minutes {
        m if m >= 2880 && m % 1440 == 0 => format!("{}d", m / 1440),
        m if m % 60 == 0 => format!("{}h", m / 60),
        m => format!("{m}m"),
    }
}

type Given<'a> = Vec<(&'a str, &'a str)>;

/// The parameters that have a value; an empty one is as good as none, because forms send those too.
fn known<'a>(parameters: &'a Parameters, names: &[&str]) -> Result<Given<'a>, ChoiceError> {
    if parameters.len() > MAX_PARAMETERS {
        return Err(ChoiceError::TooMany);
    }
    let mut given: Given<'a> = Vec::new();
    for (name, value) in parameters {
        if !names.contains(&name.as_str()) {
            return Err(ChoiceError::Unknown(name.clone()));
        }
        if given.iter().any(|(other, _)| other == name) {
            return Err(ChoiceError::Repeated(name.clone()));
        }
        if !value.is_empty() {
            given.push((name, value));
        }
    }
    Ok(given)
}

fn value<'a>(given: &Given<'a>, name: &str) -> Option<&'a str> {
    given
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, value)| *value)
}

fn one_of<T: Clone>(
    given: &Given<'_>,
    name: &'static str,
    choices: &[(&'static str, T)],
) -> Result<Option<T>, ChoiceError> {
    let Some(text) = value(given, name) else {
        return Ok(None);
    };
    let found = choices.iter().find(|(word, _)| *word == text);
    let Some((_, choice)) = found else {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        return Err(refused(name, text, words.join(", ")));
    };
    Ok(Some(choice.clone()))
}

fn test(given: &Given<'_>) -> Result<TestName, ChoiceError> {
    let Some(text) = value(given, "test") else {
        return Ok(TestName::icmp());
    };
    text.parse()
        .map_err(|_| refused("test", text, "the name of a test"))
}

fn range(given: &Given<'_>) -> Result<Range, ChoiceError> {
    let range = match (value(given, "from"), value(given, "to"), value(given, "last")) {
        (None, None, None) => return Ok(Range::Last(RANGES[1].2)),
        (None, None, Some(last)) => Range::Last(length(last)?),
        (Some(from), Some(to), None) => Range::Between(time("from", from)?, time("to", to)?),
        (Some(from), Some(_), Some(_)) => return Err(refused("from", from, "either last, or from and to")),
        (Some(text), None, _) => return Err(refused("from", text, "to as well")),
        (None, Some(text), _) => return Err(refused("to", text, "from as well")),
    };
    let (from, to) = range.bounds(UnixTime::from_ns(0));
    match to.since(from) {
        Some(length) if (SHORTEST..=LONGEST).contains(&length) => Ok(range),
        _ => Err(ChoiceError::Range),
    }
}

/// A whole number and m, h or d.
fn length(text: &str) -> Result<Duration, ChoiceError> {
    let parse = || {
        let unit = text.chars().next_back()?;
        let number: u64 = text.get(..text.len() - unit.len_utf8())?.parse().ok()?;
        let minutes = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 1440,
            _ => return None,
        };
        number.checked_mul(minutes * 60).map(Duration::from_secs)
    };
    parse().ok_or_else(|| refused("last", text, "a whole number and m, h or d, as 24h"))
}

/// RFC 3339, or the value of an input `datetime-local`, which is read as UTC.
fn time(name: &'static str, text: &str) -> Result<UnixTime, ChoiceError> {
    let parsed = wire::time::parse(text)
        .or_else(|_| wire::time::parse(&format!("{text}:00Z")))
        .or_else(|_| wire::time::parse(&format!("{text}Z")));
    parsed.map_err(|_| {
        refused(
            name,
            text,
            "a UTC time as 2026-11-21T06:45 or 2026-11-21T06:45:10Z",
        )
    })
}

fn refused(name: &'static str, value: &str, expected: impl Into<String>) -> ChoiceError {
    ChoiceError::Value {
        name,
        // Enough to find it again, and no more than a page can bear.
        value: value.chars().take(80).collect(),
        expected: expected.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(query: &[(&str, &str)]) -> Vec<(String, String)> {
        query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn matrix(query: &[(&str, &str)]) -> Result<MatrixChoice, ChoiceError> {
        MatrixChoice::parse(&parameters(query))
    }

    fn pair(query: &[(&str, &str)]) -> Result<PairChoice, ChoiceError> {
        PairChoice::parse(&parameters(query))
    }

    #[test]
    fn an_empty_address_is_loss_of_the_worse_family_over_a_day() {
        let choice = matrix(&[("family", ""), ("metric", "")]).unwrap();
        assert_eq!((choice.shown, choice.family), (Shown::Of(Metric::Loss), None));
        assert_eq!(
            (choice.last, choice.last_word()),
            (Duration::from_hours(24), "24h")
        );
        assert!(choice.test.is_icmp());
        assert_eq!(pair(&[]).unwrap().range, Range::Last(Duration::from_hours(24)));
    }

    #[test]
    fn what_no_page_writes_is_refused_with_what_would_be_understood() {
        for (query, text) in [
            (
                vec![("metrik", "loss")],
                "this page knows no parameter \"metrik\"",
            ),
            (
                vec![("last", "24h"), ("last", "1h")],
                "the parameter \"last\" is given twice",
            ),
            (
                vec![("family", "5")],
                "family=\"5\" is not understood: expected any, 4, 6",
            ),
            (
                vec![("test", "A B")],
                "test=\"A B\" is not understood: expected the name of a test",
            ),
            (
                vec![("last", "5y")],
                "last=\"5y\" is not understood: expected 1h, 3h, 24h, 3d, 7d, 30d",
            ),
        ] {
            assert_eq!(matrix(&query).unwrap_err().to_string(), text);
        }
        let many = vec![("a", "b"); MAX_PARAMETERS + 1];
        assert_eq!(matrix(&many), Err(ChoiceError::TooMany));
    }

    #[test]
    fn a_range_is_bounded_on_both_sides() {
        let from_to = |from, to| pair(&[("from", from), ("to", to)]);
        assert!(from_to("2026-11-20T00:00", "2026-11-21T00:00:00Z").is_ok());
        assert_eq!(
            from_to("2026-11-21T00:00", "2026-11-20T00:00"),
            Err(ChoiceError::Range)
        );
        assert_eq!(
            from_to("2024-11-21T00:00", "2026-11-20T00:00"),
            Err(ChoiceError::Range)
        );
        assert_eq!(pair(&[("last", "5m")]), Err(ChoiceError::Range));
        assert_eq!(pair(&[("last", "366d")]).unwrap().range, Range::Last(LONGEST));
        for last in [
            "99999999999999999999d",
            "18446744073709551615d",
            "h",
            "",
            "-1h",
            "1ü",
            "1.5h",
        ] {
            let _ = pair(&[("last", last)]);
        }
        for query in [
            vec![("from", "2026-11-20T00:00")],
            vec![("to", "x")],
            vec![("last", "1h"), ("from", "a"), ("to", "b")],
        ] {
            assert!(pair(&query).is_err(), "{query:?}");
        }
    }

    #[test]
    fn a_choice_comes_back_from_its_own_address() {
        for query in [
            vec![],
            vec![("last", "90m")],
            vec![("family", "6"), ("test", "large"), ("last", "365d")],
            vec![("from", "2026-11-20T00:00:00.5Z"), ("to", "2026-11-21T00:00:00Z")],
        ] {
            let choice = pair(&query).unwrap();
            let text = choice.query();
            let again: Vec<(String, String)> = text
                .trim_start_matches('?')
                .split('&')
                .filter_map(|part| part.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.replace("%3A", ":")))
                .collect();
            assert_eq!(PairChoice::parse(&again), Ok(choice), "{text}");
        }
        assert_eq!(pair(&[("last", "24h")]).unwrap().query(), "");
    }
}
