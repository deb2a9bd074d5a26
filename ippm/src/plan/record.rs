//! The record of a plan: the text that the ledger keeps of it, and back.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use thiserror::Error;

use super::{MAX_PERIOD, Plan, Target, Test, version_of};
use crate::codec::{self, CodecError};
use crate::roster::address::{Address, AddressError};
use crate::{Family, ProbeNameError, TestNameError, WordError};

impl Plan {
    /// Largest record that is read: [`Plan::MAX_RESULTS`] lines with names, addresses and windows of their
    /// greatest length stay below it.
    pub const MAX_RECORD_BYTES: usize = 16 << 20;

    /// Shortest period that a record may name; the report of a shorter one would be refused.
    pub const MIN_RECORD_PERIOD: Duration = Duration::from_secs(1);

    /// The plan as the text that the ledger keeps: the same for every release and for every order
    /// of the roster, so that collectors of two releases agree on the version.
    #[must_use]
    pub fn record(&self) -> String {
        let mut lines: Vec<String> = self.tests.iter().flat_map(record_lines).collect();
        lines.sort_unstable();
        let first = if self.legacy { "legacy" } else { "period" };
        let mut record = format!("{first}|{}\n", codec::duration::encode(self.period));
        for line in lines {
            record.push_str(&line);
            record.push('\n');
        }
        record
    }

    /// The version of the plan: that of its record, see [`version_of`].
    #[must_use]
    pub fn version(&self) -> String {
        version_of(&self.record())
    }

    /// Reads the text of [`Plan::record`]. The record of what it answers is `text` again; tests stand in the order
    /// of their first lines, and those that differ only in their targets are one.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for any other text: an order that `record` does not write, a (test, target, family) that
    /// comes twice, a period outside [`Plan::MIN_RECORD_PERIOD`] to [`MAX_PERIOD`] or no multiple of the plan's,
    /// more than [`Plan::MAX_RESULTS`] results or [`Plan::MAX_RECORD_BYTES`] bytes.
    pub fn parse_record(text: &str) -> Result<Self, RecordError> {
        if text.len() > Self::MAX_RECORD_BYTES {
            return Err(RecordError::TooLong { found: text.len() });
        }
        let (first, rest) = text.split_once('\n').ok_or(RecordError::FirstLine)?;
        let (word, period) = first.split_once('|').ok_or(RecordError::FirstLine)?;
        let legacy = match word {
            "period" => false,
            "legacy" => true,
            _ => return Err(RecordError::FirstLine),
        };
        let period = codec::duration::decode(period).map_err(|_| RecordError::FirstLine)?;
        check_range(period).ok_or(RecordError::FirstLine)?;
        let mut reader = Reader::new(period);
        let lines = match rest.strip_suffix('\n') {
            Some(lines) => Some(lines.split('\n')),
            None if rest.is_empty() => None,
            None => return Err(RecordError::Unended),
        };
        for (index, line) in lines.into_iter().flatten().enumerate() {
            let number = index + 2;
            reader
                .line(line)
                .map_err(|fault| RecordError::Line { number, fault })?;
        }
        Ok(Self {
            period,
            legacy,
            tests: reader.tests,
        })
    }
}

/// Why a text is not the record of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecordError {
    /// Longer than any plan that a collector accepts.
    #[error("the record has {found} bytes, more than {}", Plan::MAX_RECORD_BYTES)]
    TooLong {
        /// Bytes of the text.
        found: usize,
    },
    /// The first line is not `period|` or `legacy|` and a period.
    #[error("the record does not begin with the period of the plan, 1s to 3600s")]
    FirstLine,
    /// The text was cut: its last line has no end.
    #[error("the last line of the record has no end")]
    Unended,
    /// Another line.
    #[error("line {number} of the record: {fault}")]
    Line {
        /// Counted from 1.
        number: usize,
        /// What is wrong with it.
        fault: LineError,
    },
}

/// Why a line does not belong into the record of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    /// Not eight parts.
    #[error("expected test|kind|target|family|address|period|params|windows")]
    Parts,
    /// A plan has no more results.
    #[error("a plan has at most {} results", Plan::MAX_RESULTS)]
    TooMany,
    /// Lines ascend as bytes.
    #[error("it does not come after the line before it")]
    Order,
    /// A result of a plan is there once.
    #[error("an earlier line has the same test, target and family")]
    Repeated,
    /// `%` stands for something only as `%25` and `%7C`.
    #[error("a percent sign that is neither %25 nor %7C")]
    Escape,
    /// The name of the test.
    #[error(transparent)]
    Test(#[from] TestNameError),
    /// The kind of the test.
    #[error(transparent)]
    Kind(#[from] WordError),
    /// The name of the target.
    #[error(transparent)]
    Target(#[from] ProbeNameError),
    /// Neither 4 nor 6.
    #[error("the family is neither 4 nor 6")]
    Family,
    /// The address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The period of the test.
    #[error("the period is not a multiple of the plan's, or outside 1s to 3600s")]
    Period,
    /// Period or parameters are not written as the codec writes them.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A window is empty or holds a control character.
    #[error("a window is empty or holds a control character")]
    Window,
}

/// The lines of one test. What they have in common is coded once: a mesh of 1000 probes has a million of them.
fn record_lines(test: &Test) -> Vec<String> {
    let windows: Vec<Cow<'_, str>> = test.windows.iter().map(|window| escape(window)).collect();
    let (name, kind) = (&test.name, &test.kind);
    let period = codec::duration::encode(test.period);
    let common = [period, codec::params::encode(&test.params), windows.join(";")].join("|");
    let line = |target: &Target| {
        let (to, address) = (escape(target.name.as_str()), escape(&target.address));
        format!("{name}|{kind}|{to}|{}|{address}|{common}", target.family)
    };
    test.targets.iter().map(line).collect()
}

/// What was read of a record so far.
struct Reader<'a> {
    plan_period: Duration,
    tests: Vec<Test>,
    /// The test of each name, kind and common end of a line.
    known: HashMap<(&'a str, &'a str, &'a str), usize>,
    seen: HashSet<(&'a str, &'a str, &'a str)>,
    last: &'a str,
}

impl<'a> Reader<'a> {
    fn new(plan_period: Duration) -> Self {
        Self {
            plan_period,
            tests: Vec::new(),
            known: HashMap::new(),
            seen: HashSet::new(),
            last: "",
        }
    }

    fn line(&mut self, line: &'a str) -> Result<(), LineError> {
        let mut parts = line.splitn(6, '|');
        let mut part = || parts.next().ok_or(LineError::Parts);
        let (name, kind, target, family, address) = (part()?, part()?, part()?, part()?, part()?);
        let common = part()?;
        if line <= self.last {
            return Err(LineError::Order);
        }
        self.last = line;
        if self.seen.len() == Plan::MAX_RESULTS {
            return Err(LineError::TooMany);
        }
        if !self.seen.insert((name, target, family)) {
            return Err(LineError::Repeated);
        }
        let target = Target {
            name: unescape(target)?.parse()?,
            family: match family {
                "4" => Family::V4,
                "6" => Family::V6,
                _ => return Err(LineError::Family),
            },
            address: unescape(address)?.parse::<Address>()?.to_string(),
        };
        if escape(&target.address) != address {
            return Err(LineError::Codec(CodecError::NotCanonical));
        }
        let index = if let Some(index) = self.known.get(&(name, kind, common)) {
            *index
        } else {
            self.tests.push(self.test(name, kind, common)?);
            let index = self.tests.len() - 1;
            self.known.insert((name, kind, common), index);
            index
        };
        self.tests[index].targets.push(target);
        Ok(())
    }

    /// A test without targets.
    fn test(&self, name: &str, kind: &str, common: &str) -> Result<Test, LineError> {
        let parts: Vec<&str> = common.split('|').collect();
        let [period, params, windows] = parts[..] else {
            return Err(LineError::Parts);
        };
        let period = codec::duration::decode(period)?;
        let is_multiple = period.as_nanos().is_multiple_of(self.plan_period.as_nanos());
        check_range(period)
            .filter(|()| is_multiple)
            .ok_or(LineError::Period)?;
        Ok(Test {
            name: name.parse()?,
            kind: kind.parse()?,
            period,
            params: codec::params::decode(params)?,
            windows: windows
                .split(';')
                .filter(|_| !windows.is_empty())
                .map(window)
                .collect::<Result<_, _>>()?,
            targets: Vec::new(),
        })
    }
}

fn check_range(period: Duration) -> Option<()> {
    (Plan::MIN_RECORD_PERIOD..=MAX_PERIOD)
        .contains(&period)
        .then_some(())
}

fn window(text: &str) -> Result<String, LineError> {
    let window = unescape(text)?;
    if window.is_empty() || window.contains(char::is_control) {
        return Err(LineError::Window);
    }
    Ok(window.into_owned())
}

fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '|']) {
        Cow::Owned(text.replace('%', "%25").replace('|', "%7C"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`escape`] writes as `text`.
fn unescape(text: &str) -> Result<Cow<'_, str>, LineError> {
    if !text.contains('%') {
        return Ok(Cow::Borrowed(text));
    }
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (character, rest) = if let Some(rest) = part.strip_prefix("25") {
            ('%', rest)
        } else if let Some(rest) = part.strip_prefix("7C") {
            ('|', rest)
        } else {
            return Err(LineError::Escape);
        };
        plain.push(character);
        plain.push_str(rest);
    }
    Ok(Cow::Owned(plain))
}

#[cfg(test)]
mod tests;
