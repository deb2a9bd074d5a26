//! The configuration of the collector that is asked.

use std::path::Path;

use collector::config::Config;
use collector::config::layer::Sources;
use collector::plan::{Defaults, Plans};

use crate::influxd::{BUCKET, ORG, TOKEN};
use crate::size::Size;

const ROSTER: &str = "probes.json";
const SCHEDULE: &str = "schedule.json";
/// The keys of the probes.
pub(crate) const KEYS: &str = "keys.toml";

/// For what `folder` holds, of this size; `influx` is the URL of the InfluxDB that is the store.
///
/// Everybody may read, and no answer is cut off by a time limit: the figure says how long it takes. The rate limit is
/// there against a probe that runs wild, and these do.
pub(crate) fn config(folder: &Path, size: &Size, influx: Option<&str>) -> Config {
    let folder = std::path::absolute(folder).expect("a path");
    let path = |name: &str| folder.join(name).display().to_string();
    let hours = |time: std::time::Duration| format!("{}h", time.as_secs() / 3600);
    let settings = [
        ("STORE__DATA_DIR", folder.display().to_string()),
        ("SERVER__INSTANCE", "bench".to_owned()),
        ("ACCESS__ROSTER_FILE", path(ROSTER)),
        ("ACCESS__SCHEDULE_FILE", path(SCHEDULE)),
        ("ACCESS__KEYS_FILE", path(KEYS)),
        ("ACCESS__PUBLIC_READ", "true".to_owned()),
        ("RETENTION__RAW", hours(size.raw_retention())),
        ("RETENTION__HOUR", hours(size.hour_retention())),
        ("LIMITS__RATE", "1000000/s".to_owned()),
        ("LIMITS__BURST", "1000000".to_owned()),
        ("LIMITS__STORE_TIME", "30m".to_owned()),
    ];
    let influx = influx.map(|url| {
        [
            ("STORE__BACKEND", "influx".to_owned()),
            ("STORE__INFLUX__URL", url.to_owned()),
            ("STORE__INFLUX__ORG", ORG.to_owned()),
            ("STORE__INFLUX__BUCKET", BUCKET.to_owned()),
            ("STORE__INFLUX__TOKEN", TOKEN.to_owned()),
        ]
    });
    let sources = Sources {
        file: None,
        environment: settings
            .into_iter()
            .chain(influx.into_iter().flatten())
            .map(|(name, value)| (format!("IXPQOS_{name}"), value))
            .collect(),
        flags: Vec::new(),
    };
    Config::load(&sources).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Writes roster and schedule into `folder`.
pub(crate) fn write(folder: &Path, roster: &str, schedule: &str) {
    for (name, text) in [(ROSTER, roster), (SCHEDULE, schedule)] {
        std::fs::write(folder.join(name), text).expect("the folder can be written");
    }
}

/// The plans of every probe, as the collector makes them.
pub(crate) fn plans(config: &Config) -> Plans {
    let read = |path: &Path| std::fs::read(path).expect("written before");
    let roster = ippm::wire::roster::parse(&read(&config.access.roster_file)).expect("a roster");
    let schedule = ippm::wire::schedule::parse(&read(&config.access.schedule_file)).expect("a schedule");
    Plans::new(roster.into(), schedule.into(), Defaults::of(config)).expect("plans that are allowed")
}
