//! What InfluxDB has to hold before the first report comes: buckets, and how long they keep.

use std::fmt;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::conflict::Conflict;
use crate::store::StoreError;

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
