//! One post of the original `xprobe.py`: statistics without packet counts and without a time.

use std::fmt;

use ippm::wire::legacy::post::{LegacyItem, PostError, ReceivedPost};
use ippm::wire::report::reject::{RejectCode, Rejection};
use ippm::{ProbeName, UnixTime, Word};
use thiserror::Error;

use crate::ingest::answer::Answer;
use crate::ingest::names::Names;
use crate::ingest::{Accepted, Settings};
use crate::store::ledger::ProbeRun;
use crate::store::{Entry, LegacyResult, LegacyValues, Report};

/// Whose key a legacy post came with.
#[derive(Clone, Copy)]
pub enum Poster<'a> {
    /// A probe's own.
    Probe(&'a ProbeName),
    /// The key that all original probes share.
    Shared {
        /// Whether a source has a key of its own, which the shared one does not replace.
        has_own_key: &'a dyn Fn(&ProbeName) -> bool,
        /// Whether the roster lists a source.
        is_listed: &'a dyn Fn(&ProbeName) -> bool,
    },
}

impl fmt::Debug for Poster<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probe(probe) => write!(f, "Probe({probe:?})"),
            Self::Shared { .. } => f.write_str("Shared"),
        }
    }
}

/// Why a whole legacy post is not stored.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It cannot be read, or has more items than a post may have.
    #[error(transparent)]
    Unreadable(#[from] PostError),
    /// The shared key, and nobody who says that it has measured.
    #[error("the post names no source")]
    SourceMissing,
    /// The source is no name of a probe.
    #[error("the source of the post is not a name: {0}")]
    BadName(#[source] ippm::ProbeNameError),
    /// A good key that may not post for this source.
    #[error("the key may not post for this source")]
    OtherSource,
    /// Not one item that could be stored.
    #[error("the post has no good item")]
    NoGoodItem,
}

impl Refusal {
    /// The text that the original answers in the same case, which its probes print.
    #[must_use]
    pub const fn public_text(&self) -> &'static str {
        match self {
            Self::OtherSource => "The provided API key is not valid",
            _ => "unable to store probe result",
        }
    }

    /// The stable code beside it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(PostError::TooManyItems { .. }) => "too_large",
            Self::Unreadable(_) => "bad_json",
            Self::SourceMissing => "source_missing",
            Self::BadName(_) => "bad_name",
            Self::OtherSource => "key_invalid",
            Self::NoGoodItem => "no_good_item",
        }
    }
}

/// Judges the legacy post in `body`, not compressed, that arrived at `arrival`.
///
/// # Errors
///
/// [`Refusal`] if nothing of the post is to be stored.
pub fn accept(
    body: &[u8],
    arrival: UnixTime,
    poster: Poster<'_>,
    settings: &Settings,
    names: &Names,
) -> Result<Accepted, Refusal> {
    let received = ReceivedPost::parse(body)?;
    let source = source(received.source.as_deref(), poster, settings)?;
    if names.admit(&source, &source, arrival).is_err() {
        return Err(Refusal::NoGoodItem);
    }

    let results = received.items.len();
    let mut entries = Vec::with_capacity(results);
    let mut rejected = Vec::new();
    for (index, item) in received.items.into_iter().enumerate() {
        match item.and_then(|item| bounded(item, &source, arrival, names)) {
            Ok(item) => entries.push((index, Entry::Legacy(legacy_result(item, settings)))),
            Err(rejection) => rejected.push((index, rejection)),
        }
    }
    if entries.is_empty() && !rejected.is_empty() {
        return Err(Refusal::NoGoodItem);
    }
    Ok(Accepted {
        answer: Answer {
            accepted: entries.len(),
            rejected,
            ignored: Vec::new(),
        },
        report: Report {
            run: ProbeRun {
                source,
                time: arrival,
                origin: Word::legacy(),
                results: u64::try_from(results).unwrap_or(u64::MAX),
                received_at: arrival,
                skew_ns: None,
                native: None,
            },
            entries,
        },
    })
}

/// The probe that has measured; a post without a source means the probe whose key it is.
fn source(source: Option<&str>, poster: Poster<'_>, settings: &Settings) -> Result<ProbeName, Refusal> {
    let source: Option<ProbeName> = source.map(str::parse).transpose().map_err(Refusal::BadName)?;
    match (poster, source) {
        (Poster::Probe(probe), None) => Ok(probe.clone()),
        (Poster::Probe(probe), Some(source)) if source == *probe => Ok(source),
        (Poster::Shared { .. }, None) => Err(Refusal::SourceMissing),
        (
            Poster::Shared {
                has_own_key,
                is_listed,
            },
            Some(source),
        ) if !has_own_key(&source) && (!settings.strict_sources || is_listed(&source)) => Ok(source),
        (_, Some(_)) => Err(Refusal::OtherSource),
    }
}

fn bounded(
    item: LegacyItem,
    source: &ProbeName,
    now: UnixTime,
    names: &Names,
) -> Result<LegacyItem, Rejection> {
    match names.admit(source, &item.target, now) {
        Ok(()) => Ok(item),
        Err(error) => Err(Rejection::new(RejectCode::TooManyUnknownNames, &error)),
    }
}

fn legacy_result(item: LegacyItem, settings: &Settings) -> LegacyResult {
    LegacyResult {
        target: item.target,
        family: item.family,
        period: settings.legacy_period,
        values: item.values.map(|values| LegacyValues {
            min_ns: values.min_ns,
            max_ns: values.max_ns,
            avg_ns: values.avg_ns,
            stddev_ns: values.stddev_ns,
            loss: values.loss,
        }),
    }
}
