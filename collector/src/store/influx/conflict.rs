//! Fields that somebody wrote with another type than ours: InfluxDB refuses every result that has them.

use std::fmt;

use ippm::UnixTime;

use super::answer;
use super::client::Client;
use super::flux::{Condition, Flux, clamp};
use crate::store::StoreError;
use crate::store::layout::{self, Kind};
use crate::store::point::{PING, PING_TEST};

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

/// The fields of results in `bucket` between `from` and `to` that have another type than ours.
///
/// One question for all fields; if one of them has two types, which no table can hold, one for each.
pub(super) async fn find(
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
