//! How much a store is filled with, and of which time.

use std::path::Path;
use std::time::Duration;

use ippm::UnixTime;
use ippm::cell::{DAY, HOUR};
use serde_json::{Value, json};

use crate::mesh::PERIOD;

/// The present of every question: 2026-11-01T10:37:12Z. As for a reader, it is in the middle of an hour and some
/// minutes after the last report; the whole month before it lies in the hours.
pub(crate) const NOW: UnixTime = UnixTime::from_ns(1_793_529_432_000_000_000);

/// The month of the statement.
pub(crate) const MONTH: &str = "2026-10";

/// From the start of a slot until its report is there.
const DELIVERED: Duration = Duration::from_secs(285);

/// What says that a folder holds a filled store, and of which size.
const FILE: &str = "mesh.json";

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Args)]
pub(crate) struct Size {
    /// Probes; every one measures every other over both families; with --influx 10 by default, to be filled in minutes
    #[arg(long, default_value = "30", default_value_if("influx", "true", "10"),
        value_parser = clap::value_parser!(u16).range(2..=200))]
    pub(crate) probes: u16,
    /// Days of results, one in five minutes
    #[arg(long, default_value_t = 7)]
    pub(crate) raw_days: u32,
    /// Days of hours before today; fewer than 31 are no month
    #[arg(long, default_value_t = 31)]
    pub(crate) hour_days: u32,
    /// Days of days, and of the ledger, before today
    #[arg(long, default_value_t = 365)]
    pub(crate) day_days: u32,
    /// Reports in a row that each probe misses once a week, at most 12; 0: every report is there
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(..=12))]
    pub(crate) silent: u32,
}

impl Size {
    /// Of the store in `folder`; `None` if none was filled there.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        let text = std::fs::read(folder.join(FILE)).ok()?;
        let stored: Value = serde_json::from_slice(&text).ok()?;
        let number = |name: &str| stored[name].as_u64()?.try_into().ok();
        Some(Self {
            probes: u16::try_from(stored["probes"].as_u64()?).ok()?,
            raw_days: number("raw_days")?,
            hour_days: number("hour_days")?,
            day_days: number("day_days")?,
            silent: number("silent")?,
        })
    }

    /// Says that the store in `folder` is filled.
    pub(crate) fn write(&self, folder: &Path) {
        let text = json!({
            "probes": self.probes, "raw_days": self.raw_days, "hour_days": self.hour_days,
            "day_days": self.day_days, "silent": self.silent,
        });
        std::fs::write(folder.join(FILE), text.to_string()).expect("the folder can be written");
    }

    /// Start of the first result.
    pub(crate) fn raw_from(&self) -> UnixTime {
        NOW.floor(HOUR).saturating_sub(DAY * self.raw_days)
    }

    /// Start of the first hour.
    pub(crate) fn hour_from(&self) -> UnixTime {
        NOW.floor(DAY).saturating_sub(DAY * self.hour_days)
    }

    /// Start of the first day; before it nothing was planned.
    pub(crate) fn day_from(&self) -> UnixTime {
        NOW.floor(DAY).saturating_sub(DAY * self.day_days)
    }

    /// For how long results are kept: the product keeps them at least ten days.
    pub(crate) fn raw_retention(&self) -> Duration {
        collector::config::MIN_RAW_RETENTION.max(DAY * (self.raw_days + 1))
    }

    /// For how long hours are kept.
    pub(crate) fn hour_retention(&self) -> Duration {
        DAY * (self.hour_days + 1)
    }
}

/// Start of the first slot whose report is not there yet.
pub(crate) fn end() -> UnixTime {
    NOW.saturating_sub(DELIVERED).floor(PERIOD).saturating_add(PERIOD)
}
