//! A report as it arrives: the envelope as a whole, each result on its own.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;

use super::reject::Rejection;
use super::{PlanRefV1, ProbeV1, result};
use crate::codec::foreign;
use crate::plan::Plan;
use crate::wire::json::{JsonError, MAX_DEPTH, strict};
use crate::wire::time;
use crate::{Measurement, UnixTime, Word};

/// Largest report, in bytes before compression: room for 2048 results with an hour of slices.
pub const MAX_BODY_BYTES: usize = 16 << 20;
/// Most results of one report, as of one plan.
pub const MAX_RESULTS: usize = Plan::MAX_RESULTS;
/// Most fields that the answer names as ignored.
pub const MAX_IGNORED: usize = 32;
/// Longest of their paths, in bytes; a longer one is cut.
pub const MAX_PATH_BYTES: usize = 128;
/// Longest version of a plan or a program, in bytes: a plan's is stored beside every result.
pub const MAX_VERSION_BYTES: usize = 64;
/// Most reasons why a probe is not fit.
pub const MAX_SUSPECT: usize = 32;
/// Most kinds of error with which a probe's own host refused packets: more than a kernel has for it.
pub const MAX_UNSENT_ERRORS: usize = 32;

/// The schema of reports that this version reads.
pub const SCHEMA: u64 = 1;

/// A report whose envelope is good. Whether it is believed is for others to say.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedReport {
    /// The probe that says it has measured.
    pub source: String,
    /// Start of the round.
    pub round_start: UnixTime,
    /// From the round's start until the report was made.
    pub duration: Duration,
    /// Version of the plan that was followed.
    pub plan_version: String,
    /// Where the plan came from.
    pub plan_origin: Word,
    /// Why the round was shorter than planned.
    pub cut_short: Option<Word>,
    /// Whether the probe was fit to measure; its words are beside it.
    pub probe: ProbeV1,
    /// The probe's engine.
    pub engine: Word,
    /// Why the round says nothing about the network: distinct words, sorted as bytes.
    pub suspect: Vec<Word>,
    /// Packets that the probe's own host refused, by the name of its error: ascending as bytes.
    pub unsent_errors: Vec<(Word, u64)>,
    /// The results in their order.
    pub results: Vec<Result<Measurement, Rejection>>,
    /// Paths of fields that this version does not know: distinct, sorted, at most [`MAX_IGNORED`].
    pub ignored: Vec<String>,
}

/// Why a whole report cannot be read.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Not a text.
    #[error("the report is not UTF-8")]
    NotText,
    /// Not JSON, or not the types of the envelope; the message names line and column.
    #[error("not a report: {0}")]
    Json(#[from] JsonError),
    /// Arrays and objects inside each other.
    #[error("the report nests deeper than {MAX_DEPTH}")]
    TooDeep,
    /// A field of the envelope has the right type and an impossible value.
    #[error("not a report: {field} is not {expected}")]
    Field {
        /// Its path.
        field: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// A version that is stored beside every result.
    #[error("not a report: {field} is longer than {MAX_VERSION_BYTES} bytes")]
    LongVersion {
        /// Its path.
        field: &'static str,
    },
    /// More reasons than a probe can have.
    #[error("not a report: probe.suspect has {found} words, at most {MAX_SUSPECT} are accepted")]
    TooManySuspicions {
        /// Distinct words.
        found: usize,
    },
    /// A later schema, which the probe keeps for a later collector.
    #[error("schema {found} is not supported, only {SCHEMA}")]
    Schema {
        /// The report's schema.
        found: u64,
    },
    /// More bytes than a report may have.
    #[error("the report has {found} bytes, at most {MAX_BODY_BYTES} are accepted")]
    TooManyBytes {
        /// Bytes of the report.
        found: usize,
    },
    /// More results than a report may have.
    #[error("the report has {found} results, at most {MAX_RESULTS} are accepted")]
    TooManyResults {
        /// Results of the report.
        found: usize,
    },
}

impl ReceivedReport {
    /// Reads a report.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if the report as a whole cannot be read. A bad result is in `results`.
    pub fn parse(body: &[u8]) -> Result<Self, ReportError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(ReportError::TooManyBytes { found: body.len() });
        }
        let text = std::str::from_utf8(body).map_err(|_| ReportError::NotText)?;
        if strict::is_too_deep(text) {
            return Err(ReportError::TooDeep);
        }
        let mut ignored = Ignored::default();
        let envelope = match ignored.read::<Envelope<'_>>(text, "", Some("results")) {
            Ok(envelope) if envelope.schema == SCHEMA => envelope,
            Ok(envelope) => {
                return Err(ReportError::Schema {
                    found: envelope.schema,
                });
            }
            // A later schema may have another envelope.
            Err(error) => match serde_json::from_str::<Schema>(text) {
                Ok(Schema { schema }) if schema != SCHEMA => {
                    return Err(ReportError::Schema { found: schema });
                }
                _ => return Err(error.into()),
            },
        };
        if envelope.results.found > MAX_RESULTS {
            return Err(ReportError::TooManyResults {
                found: envelope.results.found,
            });
        }
        Self::from_envelope(envelope, ignored)
    }

    fn from_envelope(envelope: Envelope<'_>, mut ignored: Ignored) -> Result<Self, ReportError> {
        let round_start = time::parse(&envelope.round_start).map_err(|_| ReportError::Field {
            field: "round_start",
            expected: "a time of RFC 3339",
        })?;
        check_version(&envelope.plan.version, "plan.version")?;
        check_version(&envelope.probe.version, "probe.version")?;
        if envelope.duration_ns > strict::MAX_INTEGER || strict::holds_too_large(&envelope.probe) {
            return Err(ReportError::Field {
                field: "a number",
                expected: "below 2^63",
            });
        }
        let duration = Duration::from_nanos(envelope.duration_ns);
        let mut keys = HashSet::new();
        let results = envelope
            .results
            .items
            .into_iter()
            .map(|raw| result::read(raw.get(), round_start, duration, &mut keys, &mut ignored))
            .collect();
        Ok(Self {
            round_start,
            duration,
            plan_origin: word(&envelope.plan.origin, "plan.origin")?,
            plan_version: envelope.plan.version,
            cut_short: envelope
                .cut_short
                .map(|text| word(&text, "cut_short"))
                .transpose()?,
            engine: word(&envelope.probe.engine, "probe.engine")?,
            suspect: suspect(&envelope.probe.suspect)?,
            unsent_errors: unsent_errors(&envelope.probe.unsent_errors)?,
            source: envelope.source,
            probe: envelope.probe,
            results,
            ignored: ignored.0.into_iter().collect(),
        })
    }
}

fn check_version(version: &str, field: &'static str) -> Result<(), ReportError> {
    if version.len() <= MAX_VERSION_BYTES {
        return Ok(());
    }
    Err(ReportError::LongVersion { field })
}

fn word(text: &str, field: &'static str) -> Result<Word, ReportError> {
    text.parse().map_err(|_| ReportError::Field {
        field,
        expected: "a word",
    })
}

fn suspect(texts: &[String]) -> Result<Vec<Word>, ReportError> {
    let words: Result<BTreeSet<Word>, _> = texts.iter().map(|text| word(text, "probe.suspect")).collect();
    let words = words?;
    if words.len() > MAX_SUSPECT {
        return Err(ReportError::TooManySuspicions { found: words.len() });
    }
    Ok(words.into_iter().collect())
}

fn unsent_errors(entries: &[(String, u64)]) -> Result<Vec<(Word, u64)>, ReportError> {
    const FIELD: &str = "probe.unsent_errors";
    let mut errors = Vec::with_capacity(entries.len());
    for (name, count) in entries {
        errors.push((word(name, FIELD)?, *count));
    }
    let ascends = errors.is_sorted_by(|earlier: &(Word, u64), later| earlier.0 < later.0);
    if errors.len() > MAX_UNSENT_ERRORS || !ascends || errors.iter().any(|(_, count)| *count == 0) {
        return Err(ReportError::Field {
            field: FIELD,
            expected: "at most 32 ascending names with a count",
        });
    }
    Ok(errors)
}

/// Only what decides how the rest is read.
#[derive(serde::Deserialize)]
struct Schema {
    schema: u64,
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    schema: u64,
    source: String,
    round_start: String,
    duration_ns: u64,
    plan: PlanRefV1,
    cut_short: Option<String>,
    probe: ProbeV1,
    #[serde(borrow)]
    results: RawResults<'a>,
}

/// The texts of the results; beyond [`MAX_RESULTS`] they are only counted.
struct RawResults<'a> {
    items: Vec<&'a RawValue>,
    found: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawResults<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RawResultsVisitor)
    }
}

struct RawResultsVisitor;

impl<'de> Visitor<'de> for RawResultsVisitor {
    type Value = RawResults<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawResults<'de>, A::Error> {
        let mut results = RawResults {
            items: Vec::new(),
            found: 0,
        };
        while results.items.len() < MAX_RESULTS {
            let Some(item) = items.next_element()? else {
                break;
            };
            results.items.push(item);
        }
        results.found = results.items.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            results.found += 1;
        }
        Ok(results)
    }
}

/// Paths of fields that nobody read.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<String>);

impl Ignored {
    /// Reads `text` and remembers what of it is not in `T`, each path behind `prefix`; a key that an
    /// object holds twice is refused, except inside the value of `unchecked`.
    pub(super) fn read<'a, T: Deserialize<'a>>(
        &mut self,
        text: &'a str,
        prefix: &str,
        unchecked: Option<&'static str>,
    ) -> Result<T, JsonError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let mut has_unknown = false;
        let value = serde_ignored::deserialize(&mut deserializer, |path| {
            has_unknown = true;
            self.insert(&format!("{prefix}{}", PathText(&path)));
        })?;
        deserializer.end()?;
        if has_unknown {
            // The types refuse a repeated key that they know; the others are looked at only if there are any.
            strict::check_keys(text, unchecked)?;
        }
        Ok(value)
    }

    fn insert(&mut self, path: &str) {
        let mut path = foreign::clean(path);
        path.truncate(path.floor_char_boundary(MAX_PATH_BYTES));
        self.0.insert(path);
        if self.0.len() > MAX_IGNORED {
            self.0.pop_last();
        }
    }
}

/// A path without the numbers of list entries: `icmp_errors[].foo`.
struct PathText<'a>(&'a serde_ignored::Path<'a>);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use serde_ignored::Path;
        match self.0 {
            Path::Root => Ok(()),
            Path::Seq { parent, .. } => write!(f, "{}[]", PathText(parent)),
            Path::Map { parent, key } => match parent {
                Path::Root => f.write_str(key),
                _ => write!(f, "{}.{key}", PathText(parent)),
            },
            Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                PathText(parent).fmt(f)
            }
        }
    }
}
