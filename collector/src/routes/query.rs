//! The parameters of a question, read strictly: an unknown or repeated one is an error that names it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use ippm::{Family, ProbeName, TestName, UnixTime, wire};

use crate::config::unit;
use crate::error::{ApiError, Code};
use crate::report::selection::{Filter, SelectionError, Step, Subject, Window};

/// Longest query that is read: every parameter with the longest names, percent-encoded.
pub(crate) const MAX_QUERY_BYTES: usize = 4096;

/// The span of time when none is asked for.
const DEFAULT_SPAN: Duration = Duration::from_hours(24);

/// To this the end of `last=` is rounded down, so that an answer asked for again within it is the same.
const GRAIN: Duration = Duration::from_mins(1);

/// The parameters of one question.
#[derive(Debug)]
pub(crate) struct Query {
    given: BTreeMap<String, Vec<String>>,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// `from`, `to` and `last`.
pub(crate) const RANGE: &[&str] = &["from", "to", "last"];
/// The form of the answer.
pub(crate) const FORMAT: &[&str] = &["format"];
/// What names one subject.
pub(crate) const SUBJECT: &[&str] = &["source", "target", "family", "test"];
/// What may be demanded of subjects.
pub(crate) const FILTER: &[&str] = &["source", "target", "source_site", "target_site", "family", "test"];

impl Query {
    /// Reads the query string `text`, of which only the parameters in `known` may be given, each once; those in
    /// `repeatable` any number of times.
    pub(crate) fn read(text: &str, known: &[&[&str]], repeatable: &[&str]) -> Result<Self, ApiError> {
        if text.len() > MAX_QUERY_BYTES {
            return Err(bad(format!(
                "the query has {} bytes, more than {MAX_QUERY_BYTES}",
                text.len()
            )));
        }
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|_| bad("the query is not of the form name=value&name=value".to_owned()))?
            .into_inner();
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in pairs {
            let is_repeatable = repeatable.contains(&name.as_str());
            if !is_repeatable && !known.iter().any(|group| group.contains(&name.as_str())) {
                let mut names: Vec<&str> = known.iter().flat_map(|group| group.iter().copied()).collect();
                names.extend(repeatable);
                return Err(bad(format!(
                    "unknown parameter {:?}; known are {}",
                    short(&name),
                    names.join(", ")
                )));
            }
            let values = given.entry(name).or_default();
            values.push(value);
            if values.len() > 1 && !is_repeatable {
                return Err(bad(format!("{} is given twice", names_of(&given))));
            }
        }
        Ok(Self { given })
    }

    /// The value of `name`, if it is given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given.get(name)?.first().map(String::as_str)
    }

    /// All values of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.given.get(name).map_or(&[], Vec::as_slice)
    }

    /// The value of `name`, parsed.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|error: T::Err| bad(format!("{name}: {error}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// One of `words`.
    pub(crate) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == text);
        let Some((_, value)) = found else {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            return Err(bad(format!(
                "{name}: {:?} is none of {}",
                short(text),
                known.join(", ")
            )));
        };
        Ok(Some(*value))
    }

    /// The span of time: `from` and `to`, or `last`, or the last day.
    pub(crate) fn window(&self, now: UnixTime) -> Result<Window, ApiError> {
        self.window_by(Window::last, now)
    }

    /// As [`Query::window`]; a last day, or more than that, begins with a full hour.
    pub(crate) fn window_in_hours(&self, now: UnixTime) -> Result<Window, ApiError> {
        self.window_by(Window::last_in_hours, now)
    }

    fn window_by(
        &self,
        last: fn(Duration, UnixTime) -> Result<Window, SelectionError>,
        now: UnixTime,
    ) -> Result<Window, ApiError> {
        let window = match (self.time("from")?, self.time("to")?, self.duration("last")?) {
            (Some(from), to, None) => Window::asked(from, to.unwrap_or(now.floor(GRAIN))),
            (None, None, span) => last(span.unwrap_or(DEFAULT_SPAN), now.floor(GRAIN)),
            (None, Some(_), None) => return Err(bad("to: give from as well".to_owned())),
            (_, _, Some(_)) => return Err(bad("last: give either last, or from and to".to_owned())),
        };
        window.map_err(|error| unanswerable(&error))
    }

    /// A time of RFC 3339.
    pub(crate) fn time(&self, name: &str) -> Result<Option<UnixTime>, ApiError> {
        let parse = |text: &str| {
            wire::time::parse(text).map_err(|_| {
                bad(format!(
                    "{name}: expected a time of RFC 3339 with at most nine decimals, such as 2026-10-01T00:00:00Z"
                ))
            })
        };
        self.text(name).map(parse).transpose()
    }

    /// A length of time with its unit.
    pub(crate) fn duration(&self, name: &str) -> Result<Option<Duration>, ApiError> {
        let parse = |text: &str| unit::duration(text).map_err(|error| bad(format!("{name}: {error}")));
        self.text(name).map(parse).transpose()
    }

    /// The step of a series.
    pub(crate) fn step(&self) -> Result<Option<Step>, ApiError> {
        let step = |length| Step::new(length).map_err(|error| unanswerable(&error));
        self.duration("step")?.map(step).transpose()
    }

    /// One subject: `source` and `target` have to be given, family 4 and the test `icmp` are meant if nothing else
    /// is.
    pub(crate) fn subject(&self) -> Result<Subject, ApiError> {
        let named = |name: &str| -> Result<ProbeName, ApiError> {
            self.parsed(name)?
                .ok_or_else(|| bad(format!("{name}: is missing; give source and target")))
        };
        Ok(Subject {
            source: named("source")?,
            target: named("target")?,
            family: self.family()?.unwrap_or(Family::V4),
            test: self.parsed("test")?.unwrap_or_else(TestName::icmp),
        })
    }

    /// Conditions on subjects.
    pub(crate) fn filter(&self) -> Result<Filter, ApiError> {
        Ok(Filter {
            source: self.parsed("source")?,
            target: self.parsed("target")?,
            source_site: self.text("source_site").map(str::to_owned),
            target_site: self.text("target_site").map(str::to_owned),
            family: self.family()?,
            test: self.parsed("test")?,
        })
    }

    /// The form of the answer: `format`, else what `Accept` prefers, else JSON.
    pub(crate) fn format(&self, accept: Option<&str>) -> Result<Format, ApiError> {
        let given = self.word("format", &[("json", Format::Json), ("csv", Format::Csv)])?;
        Ok(given.unwrap_or_else(|| match accept {
            Some(accept) if accept.trim_start().starts_with("text/csv") => Format::Csv,
            _ => Format::Json,
        }))
    }

    fn family(&self) -> Result<Option<Family>, ApiError> {
        self.word("family", &[("4", Family::V4), ("6", Family::V6)])
    }
}

/// 400: the question has no answer as it was asked.
pub(crate) fn unanswerable(error: &SelectionError) -> ApiError {
    bad(error.to_string())
}

pub(crate) fn bad(text: String) -> ApiError {
    ApiError::new(Code::BadQuery, text)
}

/// The parameter that is there more than once.
fn names_of(given: &BTreeMap<String, Vec<String>>) -> &str {
    given
        .iter()
        .find(|(_, values)| values.len() > 1)
        .map_or("", |(name, _)| name)
}

/// What is repeated of a text that somebody else wrote.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_ns(1_795_255_530_000_000_000);

    fn read(text: &str) -> Result<Query, ApiError> {
        Query::read(text, &[RANGE, SUBJECT, &["step", "format"]], &["site"])
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(answer: Result<T, ApiError>, expected: &str) {
        let error = answer.unwrap_err();
        assert_eq!(error.code(), Code::BadQuery);
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn an_unknown_or_repeated_parameter_is_named() {
        refused(
            read("sorce=a"),
            "unknown parameter \"sorce\"; known are from, to, last, source",
        );
        refused(read("last=1h&last=2h"), "last is given twice");
        assert_eq!(read("site=a&site=b").unwrap().all("site"), ["a", "b"]);
        refused(read(&"x".repeat(MAX_QUERY_BYTES + 1)), "more than 4096");
    }

    #[test]
    fn a_range_is_two_times_or_a_length_and_the_last_day_otherwise() {
        let window = |text: &str| read(text).unwrap().window(NOW);
        let day = window("").unwrap();
        assert_eq!(day.length(), Duration::from_hours(24));
        // 10:05:30 rounded down.
        assert_eq!(wire::time::format(day.to()), "2026-11-21T10:05:00.000000000Z");
        assert_eq!(window("last=90m").unwrap().length(), Duration::from_mins(90));
        let month = window("from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00%2B01:00").unwrap();
        assert_eq!(month.length(), Duration::from_hours(31 * 24 - 1));
        refused(window("last=1h&to=2026-11-01T00:00:00Z"), "either last");
        refused(window("to=2026-11-01T00:00:00Z"), "give from");
        refused(window("from=yesterday"), "from: expected a time of RFC 3339");
        refused(
            window("from=2026-11-01T00:00:00Z&to=2026-10-01T00:00:00Z"),
            "empty",
        );
        refused(window("last=90000d"), "longer than 3660 d");
        let in_hours = |text: &str| read(text).unwrap().window_in_hours(NOW).unwrap();
        for text in ["", "last=24h"] {
            assert_eq!(
                in_hours(text),
                Window::new(day.from().floor(ippm::cell::HOUR), day.to()).unwrap()
            );
        }
        // Two times stay as they are.
        let exact = "from=2026-10-01T00:10:00Z&to=2026-11-01T00:20:00Z";
        assert_eq!(in_hours(exact), window(exact).unwrap());
    }

    #[test]
    fn a_subject_needs_both_ends_and_has_defaults_for_the_rest() {
        let subject = |text: &str| read(text).unwrap().subject();
        let named = subject("source=ams1&target=lon%201&family=6").unwrap();
        assert_eq!((named.target.as_str(), named.family), ("lon 1", Family::V6));
        assert_eq!(named.test, TestName::icmp());
        refused(subject("source=ams1"), "target: is missing");
        refused(subject("source=a/b&target=c"), "source: ");
        refused(
            subject("source=a&target=b&family=5"),
            "family: \"5\" is none of 4, 6",
        );
    }

    #[test]
    fn the_parameter_wins_over_the_header() {
        let format = |text: &str, accept| read(text).unwrap().format(accept);
        assert_eq!(format("", None).unwrap(), Format::Json);
        assert_eq!(format("", Some("text/csv")).unwrap(), Format::Csv);
        assert_eq!(format("format=json", Some("text/csv")).unwrap(), Format::Json);
        refused(format("format=xml", None), "none of json, csv");
    }
}
