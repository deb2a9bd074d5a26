//! What InfluxDB has to hold before the first report comes: buckets, how long they keep, and the types of fields.

use std::fmt;
use std::time::Duration;

use ippm::UnixTime;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::answer;
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use crate::store::StoreError;
use crate::store::layout::{self, Kind};
use crate::store::point::{PING, PING_TEST};

/// How long each bucket keeps what is written into it; `None` is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Results as they came, in `<bucket>`.
    pub raw: Option<Duration>,
    /// Hours, in `<bucket>_1h`.
    pub hours: Option<Duration>,
    /// Days in `<bucket>_1d`, and the ledger in `<bucket>_ledger`.
    pub days: Option<Duration>,
}

impl Retention {
    /// 90 days, 2 years, 10 years.
    pub const DEFAULT: Self = Self {
        raw: Some(Duration::from_hours(90 * 24)),
        hours: Some(Duration::from_hours(2 * 365 * 24)),
        days: Some(Duration::from_hours(10 * 365 * 24)),
    };
}

/// What was done about one bucket, or was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupStep {
    /// The bucket was not there.
    Created {
        /// Its name.
        bucket: String,
        /// How long it keeps; `None` is for ever.
        retention: Option<Duration>,
    },
    /// The bucket is there and as it has to be.
    Kept {
        /// Its name.
        bucket: String,
    },
    /// The bucket keeps longer now.
    Lengthened {
        /// Its name.
        bucket: String,
        /// How long it kept.
        from: Option<Duration>,
        /// How long it keeps now.
        to: Option<Duration>,
    },
    /// The bucket keeps longer than configured. It is left so, because to shorten it deletes what lies in it.
    Longer {
        /// Its name.
        bucket: String,
        /// How long it keeps.
        found: Option<Duration>,
        /// How long it is configured to keep.
        configured: Option<Duration>,
    },
    /// A field holds another type than we write: InfluxDB will refuse every result with it.
    Conflict(Conflict),
}

impl fmt::Display for SetupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { bucket, retention } => write!(f, "{bucket}: created, keeps {}", Kept(*retention)),
            Self::Kept { bucket } => write!(f, "{bucket}: there already"),
            Self::Lengthened { bucket, from, to } => {
                write!(f, "{bucket}: keeps {} now, before {}", Kept(*to), Kept(*from))
            }
            Self::Longer {
                bucket,
                found,
                configured,
            } => write!(
                f,
                "{bucket}: keeps {}, configured are {}; left as it is, because to shorten it deletes data",
                Kept(*found),
                Kept(*configured)
            ),
            Self::Conflict(conflict) => conflict.fmt(f),
        }
    }
}

/// A retention for people.
struct Kept(Option<Duration>);

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("for ever"),
            Some(duration) if duration.as_secs().is_multiple_of(86_400) => {
                write!(f, "{} d", duration.as_secs() / 86_400)
            }
            Some(duration) => write!(f, "{} s", duration.as_secs()),
        }
    }
}

/// A field with another type than we write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The bucket.
    pub bucket: String,
    /// The measurement.
    pub measurement: &'static str,
    /// The field.
    pub field: &'static str,
    /// What we write.
    pub expected: Kind,
    /// What lies there, in InfluxDB's word.
    pub found: String,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bucket,
            measurement,
            field,
            expected,
            found,
        } = self;
        write!(
            f,
            "{bucket}: field {field} of {measurement} holds {found}, and we write {}; write to another bucket, or delete the points with that type",
            expected.name()
        )
    }
}

/// The names of the buckets that belong to `bucket`, with their retention.
pub(super) fn buckets(bucket: &str, retention: &Retention) -> [(String, Option<Duration>); 4] {
    [
        (bucket.to_owned(), retention.raw),
        (format!("{bucket}_ledger"), retention.days),
        (format!("{bucket}_1h"), retention.hours),
        (format!("{bucket}_1d"), retention.days),
    ]
}

/// Creates the bucket called `name`, or makes it keep long enough.
pub(super) async fn bucket(
    client: &Client,
    name: &str,
    retention: Option<Duration>,
) -> Result<SetupStep, StoreError> {
    let name_of_bucket = || name.to_owned();
    let Some(found) = find_bucket(client, name).await? else {
        let body = json!({
            "orgID": org_id(client).await?,
            "name": name,
            "retentionRules": rules(retention),
        });
        let created = client
            .manage(Method::POST, &["api", "v2", "buckets"], &[], Some(body))
            .await?;
        created.ok_or_else(|| refused(format!("the bucket {name} cannot be created: no such address")))?;
        return Ok(SetupStep::Created {
            bucket: name_of_bucket(),
            retention,
        });
    };
    let id = text(&found, "id")?;
    let kept = kept(&found);
    if kept == retention {
        return Ok(SetupStep::Kept {
            bucket: name_of_bucket(),
        });
    }
    let is_longer = kept.is_none_or(|kept| retention.is_some_and(|retention| kept > retention));
    if is_longer {
        return Ok(SetupStep::Longer {
            bucket: name_of_bucket(),
            found: kept,
            configured: retention,
        });
    }
    let body = json!({ "retentionRules": rules(retention) });
    client
        .manage(Method::PATCH, &["api", "v2", "buckets", &id], &[], Some(body))
        .await?;
    Ok(SetupStep::Lengthened {
        bucket: name_of_bucket(),
        from: kept,
        to: retention,
    })
}

async fn find_bucket(client: &Client, name: &str) -> Result<Option<Json>, StoreError> {
    let query = [("org", client.org()), ("name", name)];
    let found = client
        .manage(Method::GET, &["api", "v2", "buckets"], &query, None)
        .await?;
    let first = found
        .as_ref()
        .and_then(|found| found.get("buckets")?.get(0))
        .cloned();
    Ok(first)
}

async fn org_id(client: &Client) -> Result<String, StoreError> {
    let query = [("org", client.org())];
    let found = client
        .manage(Method::GET, &["api", "v2", "orgs"], &query, None)
        .await?;
    let org = found.as_ref().and_then(|found| found.get("orgs")?.get(0));
    let org = org.ok_or_else(|| {
        refused(format!(
            "InfluxDB shows this token no organization {:?}",
            client.org()
        ))
    })?;
    text(org, "id")
}

fn rules(retention: Option<Duration>) -> Json {
    match retention {
        Some(retention) => json!([{ "type": "expire", "everySeconds": retention.as_secs() }]),
        None => json!([]),
    }
}

/// How long a bucket keeps; no rule, or zero seconds, is for ever.
fn kept(bucket: &Json) -> Option<Duration> {
    let seconds = bucket
        .get("retentionRules")?
        .get(0)?
        .get("everySeconds")?
        .as_u64()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn text(json: &Json, key: &str) -> Result<String, StoreError> {
    let text = json.get(key).and_then(Json::as_str).map(str::to_owned);
    text.ok_or_else(|| StoreError::Unreadable {
        reason: format!("InfluxDB: an answer without {key:?}"),
    })
}

fn refused(reason: String) -> StoreError {
    StoreError::Refused { reason }
}

/// The fields of results in `bucket` between `from` and `to` that have another type than ours.
///
/// One question for all fields; if one of them has two types, which no table can hold, one for each.
pub(super) async fn conflicts(
    client: &Client,
    bucket: &str,
    from: UnixTime,
    to: UnixTime,
) -> Result<Vec<Conflict>, StoreError> {
    let Some((from, to)) = clamp(from, to) else {
        return Ok(Vec::new());
    };
    let mut conflicts = Vec::new();
    for measurement in [PING, PING_TEST] {
        let names: Vec<&'static str> = layout::fields(measurement).map(|(name, _)| name).collect();
        let check = Check {
            client,
            bucket,
            measurement,
            from,
            to,
        };
        match check.types(&names).await {
            Ok(types) => conflicts.extend(check.compare(types)),
            Err(error) if is_collision(&error) => {
                for name in names {
                    match check.types(&[name]).await {
                        Ok(types) => conflicts.extend(check.compare(types)),
                        Err(error) if is_collision(&error) => {
                            conflicts.extend(
                                check.compare(vec![(name.to_owned(), "more than one type".to_owned())]),
                            );
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(conflicts)
}

/// The fields of one measurement in one bucket.
struct Check<'a> {
    client: &'a Client,
    bucket: &'a str,
    measurement: &'static str,
    from: UnixTime,
    to: UnixTime,
}

impl Check<'_> {
    /// The fields among `names` that are there, each with InfluxDB's word for its type.
    async fn types(&self, names: &[&'static str]) -> Result<Vec<(String, String)>, StoreError> {
        let measurement: &'static [&'static str] = if self.measurement == PING {
            &[PING]
        } else {
            &[PING_TEST]
        };
        let flux = Flux::from(self.bucket, self.from, self.to)
            .filter(&Condition::Measurement(measurement))
            .filter(&Condition::Field(names.to_vec()))
            .group(&["_field"])
            .first()
            .keep(&["_field", "_value"]);
        let answer = self.client.query(flux.as_str()).await?;
        let mut types = Vec::new();
        for table in answer::tables(&answer)? {
            let (Some(field), Some(value)) = (table.column("_field"), table.column("_value")) else {
                continue;
            };
            for row in &table.rows {
                types.push((
                    table.text(row, field).to_owned(),
                    table.columns[value].datatype.clone(),
                ));
            }
        }
        Ok(types)
    }

    fn compare(&self, types: Vec<(String, String)>) -> Vec<Conflict> {
        let conflict = |(name, found): (String, String)| {
            let (field, expected) = layout::field(self.measurement, &name)?;
            let ours = match expected {
                Kind::Integer => "long",
                Kind::Float => "double",
                Kind::Boolean => "boolean",
                Kind::Text => "string",
            };
            (found != ours).then(|| Conflict {
                bucket: self.bucket.to_owned(),
                measurement: self.measurement,
                field,
                expected,
                found,
            })
        };
        types.into_iter().filter_map(conflict).collect()
    }
}

/// Flux's words for two types in one column.
fn is_collision(error: &StoreError) -> bool {
    let text = error.to_string();
    text.contains("schema collision") || text.contains("unsupported input type")
}
