//! `POST /api/v1/data/probe-result` as it arrives, mostly from the original `xprobe.py`.

use std::collections::HashSet;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::codec::legacy::ns_from_ms;
use crate::plan::Plan;
use crate::wire::json::{self, JsonError, Repeated};
use crate::wire::report::reject::{RejectCode, Rejection};
use crate::{Family, ProbeName};

/// Most items of one post, as many as a plan has results.
pub const MAX_ITEMS: usize = Plan::MAX_RESULTS;

/// A legacy post. Whether it is believed is for others to say.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceivedPost {
    /// The probe that says it has measured; `None` for null and for an empty text.
    pub source: Option<String>,
    /// The items in their order.
    pub items: Vec<Result<LegacyItem, Rejection>>,
}

/// One good item of a legacy post.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyItem {
    /// The probe that was measured.
    pub target: ProbeName,
    /// The family (`proto`).
    pub family: Family,
    /// The values; `None` for five nulls: not measured, which says nothing about loss.
    pub values: Option<LegacyItemValues>,
}

/// The values of a legacy item in whole nanoseconds; signed, because its clock may have gone back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegacyItemValues {
    /// Smallest delay.
    pub min_ns: Option<i64>,
    /// Largest delay.
    pub max_ns: Option<i64>,
    /// Mean delay, which need not lie between the two.
    pub avg_ns: Option<i64>,
    /// Population standard deviation of the delay.
    pub stddev_ns: Option<i64>,
    /// Lost ÷ sent, 0 to 1.
    pub loss: f64,
}

/// Why a legacy post cannot be read.
#[derive(Debug, Error)]
pub enum PostError {
    /// Not JSON; the message names line and column.
    #[error("not a probe result: {0}")]
    Json(#[from] JsonError),
    /// JSON, but not an object with a text or null as `source` and a list as `probes`.
    #[error("not a probe result: {expected} is missing")]
    Shape {
        /// What is missing.
        expected: &'static str,
    },
    /// More items than a post may have.
    #[error("the post has {found} items, at most {MAX_ITEMS} are accepted")]
    TooManyItems {
        /// Items of the post.
        found: usize,
    },
}

impl ReceivedPost {
    /// Reads a post; unknown keys are passed over, and of a repeated key the last one counts.
    ///
    /// # Errors
    ///
    /// [`PostError`] if the post as a whole cannot be read. A bad item is in `items`.
    pub fn parse(body: &[u8]) -> Result<Self, PostError> {
        let Value::Object(mut post) = json::parse(body, Repeated::LastCounts)? else {
            return Err(PostError::Shape {
                expected: "an object",
            });
        };
        let source = match post.remove("source") {
            Some(Value::String(source)) => Some(source).filter(|source| !source.is_empty()),
            Some(Value::Null) => None,
            _ => {
                return Err(PostError::Shape {
                    expected: "the text source",
                });
            }
        };
        let Some(Value::Array(items)) = post.remove("probes") else {
            return Err(PostError::Shape {
                expected: "the list probes",
            });
        };
        if items.len() > MAX_ITEMS {
            return Err(PostError::TooManyItems { found: items.len() });
        }
        let mut keys = HashSet::new();
        let items = items.iter().map(|item| read(item, &mut keys)).collect();
        Ok(Self { source, items })
    }
}

/// The five values, in the order in which they are checked.
const VALUES: [&str; 5] = ["ping_min", "ping_max", "ping_avg", "ping_jitter", "ping_loss"];

/// The first item with a name and a family takes them, also if its values are bad.
fn read(item: &Value, keys: &mut HashSet<(ProbeName, Family)>) -> Result<LegacyItem, Rejection> {
    let Value::Object(item) = item else {
        return Err(Rejection::new(RejectCode::BadShape, &"not an object"));
    };
    let field = |key| get(item, key);
    let (name, proto, _) = (field("name")?, field("proto")?, field("address")?);
    let mut values = [&Value::Null; 5];
    for (value, key) in values.iter_mut().zip(VALUES) {
        *value = field(key)?;
    }
    let target: ProbeName = match name.as_str().map(str::parse) {
        Some(Ok(target)) => target,
        Some(Err(error)) => return Err(Rejection::new(RejectCode::BadName, &error)),
        None => return Err(Rejection::new(RejectCode::BadName, &"name is not a text")),
    };
    let Some(family) = proto.as_u64().and_then(Family::from_number) else {
        return Err(Rejection::new(RejectCode::BadFamily, &"proto is neither 4 nor 6"));
    };
    if !keys.insert((target.clone(), family)) {
        return Err(Rejection::new(
            RejectCode::RepeatedResult,
            &"an earlier item has the same name and proto",
        ));
    }
    Ok(LegacyItem {
        target,
        family,
        values: read_values(values)?,
    })
}

fn get<'a>(item: &'a Map<String, Value>, key: &str) -> Result<&'a Value, Rejection> {
    item.get(key)
        .ok_or_else(|| Rejection::new(RejectCode::BadShape, &format_args!("{key} is missing")))
}

fn read_values(values: [&Value; 5]) -> Result<Option<LegacyItemValues>, Rejection> {
    let mut ms = [None; 5];
    for ((number, value), key) in ms.iter_mut().zip(values).zip(VALUES) {
        *number = match value {
            Value::Null => None,
            Value::Number(number) => number.as_f64(),
            _ => return Err(bad_value(&format_args!("{key} is not a number"))),
        };
    }
    let [min, max, avg, stddev, loss] = ms;
    let Some(loss) = loss else {
        return if ms == [None; 5] {
            Ok(None)
        } else {
            Err(bad_value(&"delays without ping_loss"))
        };
    };
    if !(0.0..=1.0).contains(&loss) {
        return Err(bad_value(&"ping_loss is outside 0 to 1"));
    }
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(bad_value(&"ping_min is above ping_max"));
    }
    Ok(Some(LegacyItemValues {
        min_ns: ns(min)?,
        max_ns: ns(max)?,
        avg_ns: ns(avg)?,
        stddev_ns: ns(stddev)?,
        // Negative zero is no other loss than zero.
        loss: loss + 0.0,
    }))
}

fn ns(ms: Option<f64>) -> Result<Option<i64>, Rejection> {
    let too_large = || bad_value(&"a delay is 2^53 ns or more");
    ms.map(|ms| ns_from_ms(ms).ok_or_else(too_large)).transpose()
}

fn bad_value(error: &impl ToString) -> Rejection {
    Rejection::new(RejectCode::BadValue, error)
}
