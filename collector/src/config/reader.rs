//! From checked values to the configuration: paths made whole, secrets read from their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ippm::limit::LossLimit;
use ippm::{Family, Params, plan};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::config::layer::{Fault, Sources, Values};
use crate::config::unit::{self, Rate};
use crate::config::{
    Access, Backend, Config, Display, Influx, Legacy, Limits, PlanDefaults, Retention, Server, SharedKey,
    Store, setting,
};
use crate::report::sla::profile::{AvailabilityForm, DelayTarget, Profile, Quantile, Targets};

/// Where the embedded store lies when nothing else is said.
const DEFAULT_DATA_DIR: &str = "ixpqos-data";
/// Most SLA profiles.
const MAX_PROFILES: usize = 64;
/// Largest file that holds one secret.
const MAX_SECRET_BYTES: u64 = 4096;

/// Reads typed values out of the checked ones.
pub(crate) struct Reader<'a> {
    values: &'a Values,
    data_dir: PathBuf,
    /// Whether `data_dir` is where somebody wants it, and not merely where this process was started.
    is_placed: bool,
    /// Where relative paths begin: at the configuration file, without one at the data directory.
    base: PathBuf,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(sources: &Sources<'_>, values: &'a Values) -> Self {
        let beside = sources.file.and_then(Path::parent);
        let configured = values
            .get("store.data_dir")
            .ok()
            .and_then(|value| setting::text(value).ok())
            .filter(|text| !text.is_empty());
        let is_flag = sources.flags.iter().any(|(path, _)| *path == "store.data_dir");
        let configured = configured.map(|text| match beside {
            Some(folder) if !is_flag => folder.join(text),
            _ => PathBuf::from(text),
        });
        let state = || {
            let (_, dirs) = sources
                .environment
                .iter()
                .find(|(name, _)| name == "STATE_DIRECTORY")?;
            dirs.split(':')
                .next()
                .filter(|dir| !dir.is_empty())
                .map(PathBuf::from)
        };
        let chosen = configured.or_else(state);
        let is_placed = chosen.is_some() || sources.file.is_none();
        let data_dir = chosen.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR));
        let base = beside.map_or_else(|| data_dir.clone(), Path::to_owned);
        Self {
            values,
            data_dir,
            is_placed,
            base,
        }
    }

    pub(crate) fn config(&self) -> Result<Config, Fault> {
        Ok(Config {
            server: self.server()?,
            store: self.store()?,
            access: Access {
                keys_file: self.required_path("access.keys_file")?,
                roster_file: self.required_path("access.roster_file")?,
                schedule_file: self.required_path("access.schedule_file")?,
                public_read: self.truth("access.public_read")?,
                public_metrics: self.truth("access.public_metrics")?,
            },
            legacy: self.legacy()?,
            plan: self.plan()?,
            retention: Retention {
                raw: self.duration("retention.raw")?,
                hour: self.duration("retention.hour")?,
                day: self.duration("retention.day")?,
            },
            display: self.display()?,
            sla: self.profiles()?,
            limits: self.limits()?,
            digest: hex(&Sha256::digest(self.values.shared())),
        })
    }

    fn display(&self) -> Result<Display, Fault> {
        let path = "display.degraded_loss";
        let fault = |problem: &dyn std::fmt::Display| Fault::new(path, problem);
        let share = setting::share(&self.text(path)?).map_err(|problem| fault(&problem))?;
        Ok(Display {
            degraded_loss: LossLimit::from_ppm(share).map_err(|problem| fault(&problem))?,
            pair_metrics: self.count("display.pair_metrics")?,
        })
    }

    fn server(&self) -> Result<Server, Fault> {
        let listen = self.text("server.listen")?;
        let proxies = self.values.get("server.trusted_proxies")?;
        Ok(Server {
            listen: setting::socket(&listen).map_err(|problem| Fault::new("server.listen", problem))?,
            instance: self.text("server.instance")?,
            workers: self.count("server.workers")?,
            trusted_proxies: setting::networks(proxies)
                .map_err(|problem| Fault::new("server.trusted_proxies", problem))?,
            shutdown_time: self.duration("server.shutdown_time")?,
        })
    }

    fn store(&self) -> Result<Store, Fault> {
        let backend = match self.text("store.backend")?.as_str() {
            "influx" => Backend::Influx,
            _ => Backend::Embedded,
        };
        let token = match self.path("store.influx.token_file")? {
            Some(file) if backend == Backend::Influx => Some(secret_file("store.influx.token_file", &file)?),
            _ => Some(self.text("store.influx.token")?)
                .filter(|t| !t.is_empty())
                .map(SecretString::from),
        };
        Ok(Store {
            backend,
            data_dir: self.data_dir.clone(),
            is_placed: self.is_placed,
            embedded_file: self.data_dir.join(self.text("store.embedded.file")?),
            influx: Influx {
                url: self.text("store.influx.url")?,
                org: self.text("store.influx.org")?,
                bucket: self.text("store.influx.bucket")?,
                token,
                ca_file: self.path("store.influx.ca_file")?,
                connect_time: self.duration("store.influx.connect_time")?,
                request_time: self.duration("store.influx.request_time")?,
                concurrency: self.count("store.influx.concurrency")?,
                gzip: self.truth("store.influx.gzip")?,
            },
        })
    }

    fn legacy(&self) -> Result<Legacy, Fault> {
        let given = self.text("legacy.shared_key")?;
        let shared_key = match self.path("legacy.shared_key_file")? {
            Some(file) => SharedKey::File(file),
            None if given.is_empty() => SharedKey::None,
            None => SharedKey::Given(SecretString::from(given)),
        };
        Ok(Legacy {
            shared_key,
            period: self.duration("legacy.period")?,
            family: Family::from_number(self.count("legacy.family")?)
                .ok_or_else(|| Fault::new("legacy.family", "expected 4 or 6"))?,
            strict_sources: self.truth("legacy.strict_sources")?,
        })
    }

    fn plan(&self) -> Result<PlanDefaults, Fault> {
        let period = self.duration("plan.period")?;
        let spread = match self.text("plan.spread")? {
            text if text.is_empty() => plan::default_spread(period),
            _ => self.duration("plan.spread")?,
        };
        let count = match self.count("plan.count")? {
            0 => plan::default_count(spread),
            count => count,
        };
        Ok(PlanDefaults {
            period,
            params: Params {
                count: Some(count),
                spread: Some(spread),
                timeout: Some(self.duration("plan.timeout")?),
                payload_bytes: Some(self.count("plan.payload_bytes")?),
                dscp: Some(self.count("plan.dscp")?),
                dont_fragment: Some(false),
            },
            pps: self.count("plan.pps")?,
            pps_per_target: self.count("plan.pps_per_target")?,
        })
    }

    fn profiles(&self) -> Result<Vec<Profile>, Fault> {
        let names = self.values.names("sla");
        if names.len() > MAX_PROFILES {
            let found = names.len();
            return Err(Fault::new(
                "sla",
                format_args!("has {found} profiles, more than {MAX_PROFILES}"),
            ));
        }
        names.into_iter().map(|name| self.profile(name)).collect()
    }

    fn profile(&self, name: String) -> Result<Profile, Fault> {
        let at = |key: &str| format!("sla.{name}.{key}");
        let form = match self.text(&at("availability_form"))?.as_str() {
            "downtime" => AvailabilityForm::Downtime,
            _ => AvailabilityForm::Announced,
        };
        Ok(Profile {
            title: self.text(&at("title"))?,
            window: self.count(&at("window"))?,
            threshold: self.share(&at("threshold"))?,
            form,
            least_coverage: self.share(&at("least_coverage"))?,
            targets: Targets {
                unavailability: self
                    .optional_share(&at("target_availability"))?
                    .and_then(|promised| LossLimit::from_ppm(LossLimit::MAX_PPM - promised.as_ppm()).ok()),
                loss: self.optional_share(&at("target_loss"))?,
                delay: self.delay_target(&at("target_delay"))?,
                pdv: self.delay_target(&at("target_pdv"))?,
                minute_loss: self.optional_share(&at("target_minute_loss"))?,
                minute_delay: self.optional_duration(&at("target_minute_delay"))?,
            },
            name,
        })
    }

    fn delay_target(&self, path: &str) -> Result<Option<DelayTarget>, Fault> {
        let at = format!("{path}_percentile");
        let word = self.text(&at)?;
        let quantile = Quantile::from_word(&word).ok_or_else(|| Fault::new(at, "is no percentile"))?;
        let limit = self.optional_duration(path)?;
        Ok(limit.map(|limit| DelayTarget { quantile, limit }))
    }

    fn share(&self, path: &str) -> Result<LossLimit, Fault> {
        let ppm = unit::share(&self.text(path)?).map_err(|error| Fault::new(path, error))?;
        LossLimit::from_ppm(ppm).map_err(|error| Fault::new(path, error))
    }

    fn optional_share(&self, path: &str) -> Result<Option<LossLimit>, Fault> {
        match self.text(path)? {
            text if text.is_empty() => Ok(None),
            _ => self.share(path).map(Some),
        }
    }

    fn optional_duration(&self, path: &str) -> Result<Option<Duration>, Fault> {
        match self.text(path)? {
            text if text.is_empty() => Ok(None),
            _ => self.duration(path).map(Some),
        }
    }

    fn limits(&self) -> Result<Limits, Fault> {
        Ok(Limits {
            body: self.size("limits.body")?,
            queue: self.count("limits.queue")?,
            queue_bytes: self.size("limits.queue_bytes")?,
            store_time: self.duration("limits.store_time")?,
            rate: self.rate("limits.rate")?,
            burst: self.count("limits.burst")?,
            failed_rate: self.rate("limits.failed_rate")?,
            failed_burst: self.count("limits.failed_burst")?,
            failed_addresses: self.count("limits.failed_addresses")?,
            header_time: self.duration("limits.header_time")?,
            body_time: self.duration("limits.body_time")?,
            keep_alive: self.duration("limits.keep_alive")?,
            connections: self.count("limits.connections")?,
        })
    }

    fn text(&self, path: &str) -> Result<String, Fault> {
        setting::text(self.values.get(path)?).map_err(|problem| Fault::new(path, problem))
    }

    fn truth(&self, path: &str) -> Result<bool, Fault> {
        setting::truth(self.values.get(path)?).map_err(|problem| Fault::new(path, problem))
    }

    fn count<T: TryFrom<u64>>(&self, path: &str) -> Result<T, Fault> {
        let number = setting::count(self.values.get(path)?, 0, u64::MAX).map_err(|p| Fault::new(path, p))?;
        T::try_from(number).map_err(|_| Fault::new(path, "is too large"))
    }

    fn duration(&self, path: &str) -> Result<Duration, Fault> {
        unit::duration(&self.text(path)?).map_err(|error| Fault::new(path, error))
    }

    fn size(&self, path: &str) -> Result<usize, Fault> {
        unit::size(&self.text(path)?).map_err(|error| Fault::new(path, error))
    }

    fn rate(&self, path: &str) -> Result<Rate, Fault> {
        self.text(path)?.parse().map_err(|error| Fault::new(path, error))
    }

    fn path(&self, path: &str) -> Result<Option<PathBuf>, Fault> {
        let text = self.text(path)?;
        Ok(if text.is_empty() {
            None
        } else {
            Some(self.base.join(text))
        })
    }

    fn required_path(&self, path: &str) -> Result<PathBuf, Fault> {
        self.path(path)?.ok_or_else(|| Fault::new(path, "must be set"))
    }
}

/// Reads a file that holds one secret and nothing else; one newline at its end is not part of it.
///
/// # Errors
///
/// The file cannot be read, is empty or too large, or holds more than one line.
pub(crate) fn secret_file(setting: &str, path: &Path) -> Result<SecretString, Fault> {
    let fault =
        |problem: &dyn std::fmt::Display| Fault::new(setting, format_args!("{}: {problem}", path.display()));
    let length = fs::metadata(path).map_err(|error| fault(&error))?.len();
    if length > MAX_SECRET_BYTES {
        return Err(fault(&format_args!(
            "has {length} bytes, more than {MAX_SECRET_BYTES}"
        )));
    }
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.chars().any(char::is_control) {
        return Err(fault(&"expected one line that holds the secret alone"));
    }
    Ok(SecretString::from(secret))
}

/// `bytes` in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
