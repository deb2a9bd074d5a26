//! Questions in Flux, built from parts that cannot be taken for anything else.

use ippm::UnixTime;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

/// A question: what to read, from which bucket, of which time.
#[derive(Debug, Clone)]
pub(super) struct Flux(String);

/// A condition on a point.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    /// The measurement is one of these.
    Measurement(&'static [&'static str]),
    /// The field is one of these.
    Field(Vec<&'static str>),
    /// The tag has one of these values.
    Tag(&'static str, Vec<String>),
    /// The tag has this value, or the point has no such tag.
    TagOrNone(&'static str, String),
    /// The point has this tag.
    HasTag(&'static str),
    /// The point has no such tag.
    NoTag(&'static str),
}

impl Flux {
    /// Everything in `bucket` of `[from, to)`.
    ///
    /// Flux refuses an empty range: ask only for one that holds something.
    pub(super) fn from(bucket: &str, from: UnixTime, to: UnixTime) -> Self {
        Self(format!(
            "from(bucket: {})\n  |> range(start: {}, stop: {})",
            string(bucket),
            time(from),
            time(to)
        ))
    }

    /// Only points that meet `condition`.
    pub(super) fn filter(self, condition: &Condition) -> Self {
        let any = |key: &str, values: &mut dyn Iterator<Item = &str>| {
            let equal: Vec<String> = values
                .map(|value| format!("r.{key} == {}", string(value)))
                .collect();
            equal.join(" or ")
        };
        let condition = match condition {
            Condition::Measurement(names) => any("_measurement", &mut names.iter().copied()),
            Condition::Field(names) => any("_field", &mut names.iter().copied()),
            Condition::Tag(key, values) => any(key, &mut values.iter().map(String::as_str)),
            Condition::TagOrNone(key, value) => {
                format!(
                    "{} or not exists r.{key}",
                    any(key, &mut std::iter::once(value.as_str()))
                )
            }
            Condition::HasTag(key) => format!("exists r.{key}"),
            Condition::NoTag(key) => format!("not exists r.{key}"),
        };
        self.then(&format!("filter(fn: (r) => {condition})"))
    }

    /// The first point of each series.
    pub(super) fn first(self) -> Self {
        self.then("first()")
    }

    /// The last point of each series.
    pub(super) fn last(self) -> Self {
        self.then("last()")
    }

    /// The smallest value of each series.
    pub(super) fn min(self) -> Self {
        self.then("min()")
    }

    /// The largest value of each series.
    pub(super) fn max(self) -> Self {
        self.then("max()")
    }

    /// How many points each series has in each hour, labeled with the hour's start; none is not told.
    pub(super) fn count_hours(self) -> Self {
        self.then("aggregateWindow(every: 1h, fn: count, createEmpty: false, timeSrc: \"_start\")")
    }

    /// Only these columns.
    pub(super) fn keep(self, columns: &[&str]) -> Self {
        let names: Vec<String> = columns.iter().map(|name| string(name)).collect();
        self.then(&format!("keep(columns: [{}])", names.join(", ")))
    }

    /// One table for all series, or one for each value of `columns`.
    pub(super) fn group(self, columns: &[&str]) -> Self {
        let names: Vec<String> = columns.iter().map(|name| string(name)).collect();
        self.then(&format!("group(columns: [{}])", names.join(", ")))
    }

    /// One row for each time of each series, with the fields as columns.
    ///
    /// Inside each table, because fields of different types do not fit into one.
    pub(super) fn pivot(self) -> Self {
        self.then("drop(columns: [\"_start\", \"_stop\"])")
            .then("pivot(rowKey: [\"_time\"], columnKey: [\"_field\"], valueColumn: \"_value\")")
    }

    /// The text of the question.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn then(mut self, step: &str) -> Self {
        self.0 += "\n  |> ";
        self.0 += step;
        self
    }
}

/// The first time that a question can name, and the one after the last.
pub(super) fn clamp(from: UnixTime, to: UnixTime) -> Option<(UnixTime, UnixTime)> {
    let first = UnixTime::from_ns(0);
    // 2262-01-01T00:00:00Z; the last months before the end of the range are not needed, and make servers overflow.
    let last = UnixTime::from_ns(9_214_646_400_000_000_000);
    let (from, to) = (from.max(first), to.min(last));
    (from < to).then_some((from, to))
}

fn time(time: UnixTime) -> String {
    // Every i64 of nanoseconds lies inside what a Timestamp holds.
    let time = Timestamp::from_nanosecond(i128::from(time.as_ns())).unwrap_or(Timestamp::UNIX_EPOCH);
    DateTimePrinter::new()
        .precision(Some(9))
        .timestamp_to_string(&time)
}

/// A string literal: quotes and backslashes are escaped, and so is the `${` that would begin an expression.
fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for character in text.chars() {
        match character {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '$' => literal.push_str("\\x24"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_stays_a_string() {
        for (text, literal) in [
            ("ams1", r#""ams1""#),
            (r#"") |> drop() //"#, r#""\") |> drop() //""#),
            (r"a\", r#""a\\""#),
            ("${secret}", r#""\x24{secret}""#),
            ("a\r\n\tb", r#""a\r\n\tb""#),
            ("é😀\u{202e}", "\"é😀\u{202e}\""),
        ] {
            assert_eq!(string(text), literal);
        }
    }

    #[test]
    fn a_question_names_what_it_filters() {
        let (from, to) = (UnixTime::from_ns(0), UnixTime::from_ns(1));
        let flux = Flux::from("b", from, to)
            .filter(&Condition::Measurement(&["Ping", "PingTest"]))
            .filter(&Condition::TagOrNone("family", "4".to_owned()))
            .keep(&["_time"]);
        assert_eq!(
            flux.as_str(),
            "from(bucket: \"b\")\n  |> range(start: 1970-01-01T00:00:00.000000000Z, stop: 1970-01-01T00:00:00.000000001Z)\n  \
             |> filter(fn: (r) => r._measurement == \"Ping\" or r._measurement == \"PingTest\")\n  \
             |> filter(fn: (r) => r.family == \"4\" or not exists r.family)\n  \
             |> keep(columns: [\"_time\"])"
        );
    }

    #[test]
    fn an_empty_range_is_never_asked() {
        let time = UnixTime::from_ns;
        assert_eq!(clamp(time(5), time(5)), None);
        assert_eq!(clamp(time(-9), time(0)), None);
        assert_eq!(clamp(time(-9), time(1)), Some((time(0), time(1))));
        assert!(clamp(time(i64::MIN), time(i64::MAX)).is_some());
        assert_eq!(clamp(time(i64::MAX - 1), time(i64::MAX)), None);
    }
}
