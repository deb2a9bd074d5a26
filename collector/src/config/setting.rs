//! The table of settings: every name there is, and what its value may be.

use std::net::SocketAddr;

use config::{Value, ValueKind};
use ippm::plan::Plan;

use crate::config::unit::{self, Network, Rate};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `section.key`; the part `NAME` stands for every name that the operator chose.
    pub path: &'static str,
    /// What its value may be.
    pub kind: Kind,
}

/// What the value of a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text; empty means not set.
    Text,
    /// A text that must not be shown; empty means not set.
    Secret,
    /// A path; empty means not set.
    Path,
    /// Address and port.
    Socket,
    /// A list of addresses and networks.
    Networks,
    /// A duration of at least this many nanoseconds.
    Duration(u64),
    /// A duration, or empty for "not set".
    OptionalDuration,
    /// A share in percent.
    Share,
    /// A share, or empty for "not set".
    OptionalShare,
    /// A size in bytes, at least this.
    Size(usize),
    /// A rate.
    Rate,
    /// A whole number in these limits.
    Count(u64, u64),
    /// true or false.
    Truth,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// What stands in [`Setting::path`] for a name of the operator's choice.
pub const NAME: &str = "NAME";

/// The limits of loss by which cells count their rounds (`ippm::cell::LOSS_BOUNDS_PPM`), so that a day can be classed
/// without its rounds.
const DEGRADED: &[&str] = &[
    "0%", "0.1%", "0.2%", "0.5%", "1%", "2%", "5%", "10%", "20%", "50%", "100%",
];

/// The quantiles of a statement, as `report::sla::profile` knows them.
const QUANTILES: &[&str] = &["p50", "p95", "p99", "p99.9"];

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// Every setting, in the order of the shipped file.
pub const SETTINGS: &[Setting] = &[
    of("server.listen", Kind::Socket),
    of("server.instance", Kind::Text),
    of("server.workers", Kind::Count(1, 256)),
    of("server.trusted_proxies", Kind::Networks),
    of("server.shutdown_time", Kind::Duration(S)),
    of("store.backend", Kind::OneOf(&["embedded", "influx"])),
    of("store.data_dir", Kind::Path),
    of("store.embedded.file", Kind::Path),
    of("store.influx.url", Kind::Text),
    of("store.influx.org", Kind::Text),
    of("store.influx.bucket", Kind::Text),
    of("store.influx.token_file", Kind::Path),
    of("store.influx.token", Kind::Secret),
    of("store.influx.ca_file", Kind::Path),
    of("store.influx.connect_time", Kind::Duration(10 * MS)),
    of("store.influx.request_time", Kind::Duration(10 * MS)),
    of("store.influx.concurrency", Kind::Count(1, 256)),
    of("store.influx.gzip", Kind::Truth),
    of("access.keys_file", Kind::Path),
    of("access.roster_file", Kind::Path),
    of("access.schedule_file", Kind::Path),
    of("access.public_read", Kind::Truth),
    of("access.public_metrics", Kind::Truth),
    of("legacy.shared_key_file", Kind::Path),
    of("legacy.shared_key", Kind::Secret),
    of("legacy.period", Kind::Duration(S)),
    of("legacy.family", Kind::Count(4, 6)),
    of("legacy.strict_sources", Kind::Truth),
    of("plan.period", Kind::Duration(S)),
    of("plan.spread", Kind::OptionalDuration),
    of("plan.count", Kind::Count(0, 20_000)),
    of("plan.timeout", Kind::Duration(10 * MS)),
    of("plan.payload_bytes", Kind::Count(16, 65_000)),
    of("plan.dscp", Kind::Count(0, 63)),
    of("plan.pps", Kind::Count(1, Plan::MAX_PPS)),
    of("plan.pps_per_target", Kind::Count(1, Plan::MAX_PPS_PER_TARGET)),
    of("retention.raw", Kind::Duration(S)),
    of("retention.hour", Kind::Duration(S)),
    of("retention.day", Kind::Duration(S)),
    of("display.degraded_loss", Kind::OneOf(DEGRADED)),
    of("display.pair_metrics", Kind::Count(0, 100_000)),
    of("sla.NAME.title", Kind::Text),
    of("sla.NAME.window", Kind::Count(1, 360)),
    of("sla.NAME.threshold", Kind::Share),
    of(
        "sla.NAME.availability_form",
        Kind::OneOf(&["announced", "downtime"]),
    ),
    of("sla.NAME.least_coverage", Kind::Share),
    of("sla.NAME.target_availability", Kind::OptionalShare),
    of("sla.NAME.target_loss", Kind::OptionalShare),
    of("sla.NAME.target_delay", Kind::OptionalDuration),
    of("sla.NAME.target_delay_percentile", Kind::OneOf(QUANTILES)),
    of("sla.NAME.target_pdv", Kind::OptionalDuration),
    of("sla.NAME.target_pdv_percentile", Kind::OneOf(QUANTILES)),
    of("sla.NAME.target_minute_loss", Kind::OptionalShare),
    of("sla.NAME.target_minute_delay", Kind::OptionalDuration),
    of("limits.body", Kind::Size(1 << 10)),
    of("limits.queue", Kind::Count(1, 1_000_000)),
    of("limits.queue_bytes", Kind::Size(1 << 20)),
    of("limits.store_time", Kind::Duration(10 * MS)),
    of("limits.rate", Kind::Rate),
    of("limits.burst", Kind::Count(1, 1_000_000)),
    of("limits.failed_rate", Kind::Rate),
    of("limits.failed_burst", Kind::Count(1, 1_000_000)),
    of("limits.failed_addresses", Kind::Count(1, 10_000_000)),
    of("limits.header_time", Kind::Duration(10 * MS)),
    of("limits.body_time", Kind::Duration(10 * MS)),
    of("limits.keep_alive", Kind::Duration(S)),
    of("limits.connections", Kind::Count(1, 1_000_000)),
];

const fn of(path: &'static str, kind: Kind) -> Setting {
    Setting { path, kind }
}

impl Setting {
    /// Whether `path` is one of this setting.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        is_like(self.path.split('.'), path.split('.'))
    }

    /// Whether `path` is a section that holds this setting, or one that holds such a section.
    #[must_use]
    pub fn is_below(&self, path: &str) -> bool {
        let depth = path.split('.').count();
        depth < self.path.split('.').count() && is_like(self.path.split('.').take(depth), path.split('.'))
    }

    /// Whether `section` is the one that holds this setting.
    #[must_use]
    pub fn is_in(&self, section: &str) -> bool {
        is_like(self.section_and_key().0.split('.'), section.split('.'))
    }

    /// Section and key, as the table has them.
    #[must_use]
    pub fn section_and_key(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }

    /// What is wrong with `value` as a value of this setting.
    ///
    /// # Errors
    ///
    /// The problem, in words that show what is accepted.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match self.kind {
            Kind::Networks => networks(value).map(|_| ()),
            Kind::Count(least, most) => count(value, least, most).map(|_| ()),
            Kind::Truth => truth(value).map(|_| ()),
            Kind::Text | Kind::Secret | Kind::Path => {
                let text = text(value)?;
                if text.chars().any(char::is_control) {
                    return Err("holds a control character".to_owned());
                }
                Ok(())
            }
            Kind::Socket => socket(&text(value)?).map(|_| ()),
            Kind::Duration(least) => duration(&text(value)?, least).map(|_| ()),
            Kind::OptionalDuration => {
                let text = text(value)?;
                if text.is_empty() {
                    Ok(())
                } else {
                    duration(&text, 1).map(|_| ())
                }
            }
            Kind::Share => share(&text(value)?).map(|_| ()),
            Kind::OptionalShare => match text(value)? {
                text if text.is_empty() => Ok(()),
                text => share(&text).map(|_| ()),
            },
            Kind::Size(least) => match unit::size(&text(value)?).map_err(|error| error.to_string())? {
                size if size < least => Err(format!("is below {least}B")),
                _ => Ok(()),
            },
            Kind::Rate => text(value)?
                .parse::<Rate>()
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Kind::OneOf(words) => {
                let text = text(value)?;
                if words.contains(&text.as_str()) {
                    Ok(())
                } else {
                    Err(format!("{text:?} is none of {}", words.join(", ")))
                }
            }
        }
    }
}

/// Whether a path is one of a setting's, part by part.
fn is_like<'a>(mut pattern: impl Iterator<Item = &'a str>, mut path: impl Iterator<Item = &'a str>) -> bool {
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(NAME), Some(name)) if is_name(name) => {}
            (Some(pattern), Some(part)) if pattern == part && pattern != NAME => {}
            _ => return false,
        }
    }
}

/// Longest name that an operator gives to a section.
const MAX_NAME_BYTES: usize = 64;

/// Whether `name` may be the name of a section.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}

/// The share in `text`, parts per million.
///
/// # Errors
///
/// Not a share.
pub fn share(text: &str) -> Result<u32, String> {
    unit::share(text).map_err(|error| error.to_string())
}

/// The text of `value`.
///
/// # Errors
///
/// A number, list or truth value is not a text.
pub fn text(value: &Value) -> Result<String, String> {
    match &value.kind {
        ValueKind::String(text) => Ok(text.clone()),
        _ => Err("expected a text in quotes".to_owned()),
    }
}

/// The whole number in `value`, in the limits.
///
/// # Errors
///
/// Not a number, or outside the limits, which the text names.
pub fn count(value: &Value, least: u64, most: u64) -> Result<u64, String> {
    value
        .clone()
        .into_uint()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("expected a whole number from {least} to {most}"))
}

/// The truth value in `value`.
///
/// # Errors
///
/// Anything else; `yes` and `1` are nothing else.
pub fn truth(value: &Value) -> Result<bool, String> {
    match &value.kind {
        ValueKind::Boolean(truth) => Ok(*truth),
        ValueKind::String(text) if text == "true" => Ok(true),
        ValueKind::String(text) if text == "false" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// The networks in `value`: a list, or (environment) one text with commas.
///
/// # Errors
///
/// The first that is none.
pub fn networks(value: &Value) -> Result<Vec<Network>, String> {
    let texts = match &value.kind {
        ValueKind::Array(items) => items.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        _ => text(value)?
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
    };
    texts
        .iter()
        .map(|text| text.parse().map_err(|error: unit::UnitError| error.to_string()))
        .collect()
}

/// The address and port in `text`.
///
/// # Errors
///
/// Host names are not accepted: what is bound must not depend on DNS.
pub fn socket(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an address with a port (\"127.0.0.1:8080\", \"[::1]:8080\")"))
}

/// The duration in `text`, at least `least` nanoseconds.
///
/// # Errors
///
/// Not a duration, or shorter.
pub fn duration(text: &str, least: u64) -> Result<std::time::Duration, String> {
    let least = std::time::Duration::from_nanos(least);
    match unit::duration(text) {
        Ok(duration) if duration < least => Err(format!("is below {}", unit::duration_text(least))),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod bounds {
    use super::*;

    #[test]
    fn a_display_limit_is_one_of_those_by_which_cells_count() {
        let known: Vec<u32> = DEGRADED.iter().map(|text| share(text).unwrap()).collect();
        let counted = ippm::cell::LOSS_BOUNDS_PPM.into_iter().chain([1_000_000]);
        assert_eq!(known, counted.collect::<Vec<u32>>());
    }
}
