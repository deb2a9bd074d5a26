//! One configuration value: complete, checked before the first byte is served.
//!
//! Defaults → file → environment → flags. Reading it has no side effects beyond reading files.

pub mod layer;
pub(crate) mod reader;
pub mod setting;
pub mod unit;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ippm::limit::LossLimit;
use ippm::{Family, plan};
use secrecy::SecretString;

use crate::config::layer::{Fault, Sources, Values};
use crate::config::reader::Reader;
use crate::config::unit::{Network, Rate};
use crate::report::sla::profile::Profile;

/// Shortest retention of raw results: the cells of a day are made anew from raw for eight days.
pub const MIN_RAW_RETENTION: Duration = Duration::from_hours(240);

/// The effective configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// How HTTP is spoken.
    pub server: Server,
    /// Where results are kept.
    pub store: Store,
    /// Who may do what.
    pub access: Access,
    /// The probes of the original IXPQoS.
    pub legacy: Legacy,
    /// What the default test looks like.
    pub plan: PlanDefaults,
    /// How long what is kept.
    pub retention: Retention,
    /// How results are shown.
    pub display: Display,
    /// The SLA profiles, ordered by name; one of them is called `default`.
    pub sla: Vec<Profile>,
    /// Every limit.
    pub limits: Limits,
    /// SHA-256 of the settings that have to be equal on all collectors of an exchange, hexadecimal.
    pub digest: String,
}

/// `[server]`.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// Name in the ledger; empty for the host's name.
    pub instance: String,
    /// Threads that accept results, and as many again that make answers for readers and give way to the first.
    pub workers: usize,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<Network>,
    /// How long a stop waits.
    pub shutdown_time: Duration,
}

/// `[store]`.
#[derive(Debug, Clone)]
pub struct Store {
    /// Which backend.
    pub backend: Backend,
    /// Directory of the embedded store, and of key file and roster without a configuration file.
    pub data_dir: PathBuf,
    /// Whether `data_dir` was chosen: by a setting, by a unit, or by leaving out the configuration file.
    /// If not, it depends on where a command is started, and two commands would use two stores.
    pub is_placed: bool,
    /// File of the embedded store.
    pub embedded_file: PathBuf,
    /// How InfluxDB is reached.
    pub influx: Influx,
}

/// Which store is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One `SQLite` file.
    Embedded,
    /// InfluxDB 2.
    Influx,
}

/// `[store.influx]`.
#[derive(Debug, Clone)]
pub struct Influx {
    /// Base URL.
    pub url: String,
    /// Organization.
    pub org: String,
    /// Bucket of the raw results.
    pub bucket: String,
    /// The token; `None` only with the embedded store.
    pub token: Option<SecretString>,
    /// Certificates of a private authority.
    pub ca_file: Option<PathBuf>,
    /// Until a connection stands.
    pub connect_time: Duration,
    /// Until a request is answered.
    pub request_time: Duration,
    /// Requests at a time.
    pub concurrency: usize,
    /// Whether lines are compressed.
    pub gzip: bool,
}

/// `[access]`.
#[derive(Debug, Clone)]
pub struct Access {
    /// Digests of the keys.
    pub keys_file: PathBuf,
    /// The roster.
    pub roster_file: PathBuf,
    /// The schedule; a file that need not exist.
    pub schedule_file: PathBuf,
    /// Whether reading needs no key.
    pub public_read: bool,
    /// Whether `/metrics` needs no key.
    pub public_metrics: bool,
}

/// `[legacy]`.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// Where the shared key is read.
    pub shared_key: SharedKey,
    /// How often the original probes are started.
    pub period: Duration,
    /// The family whose native results carry the legacy-named fields too.
    pub family: Family,
    /// Whether sources outside the roster are refused.
    pub strict_sources: bool,
}

/// Where the one key of all original probes comes from.
#[derive(Debug, Clone)]
pub enum SharedKey {
    /// There is none.
    None,
    /// A file that holds it alone.
    File(PathBuf),
    /// The environment.
    Given(SecretString),
}

/// `[plan]`.
#[derive(Debug, Clone, Copy)]
pub struct PlanDefaults {
    /// How often cron starts `xprobe`.
    pub period: Duration,
    /// Parameters of the test `icmp`.
    pub params: ippm::Params,
    /// Packets per second in all.
    pub pps: u64,
    /// Packets per second to one target.
    pub pps_per_target: u64,
}

/// `[retention]`.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Raw results.
    pub raw: Duration,
    /// Cells of an hour.
    pub hour: Duration,
    /// Cells of a day, and the ledger.
    pub day: Duration,
}

/// `[display]`.
#[derive(Debug, Clone, Copy)]
pub struct Display {
    /// Loss above it makes a round degraded.
    pub degraded_loss: LossLimit,
    /// Most subjects whose latest figures `/metrics` carries; 0: none.
    pub pair_metrics: usize,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Largest body, inflated too, bytes.
    pub body: usize,
    /// Reports that wait for the store.
    pub queue: usize,
    /// Bytes of their bodies together.
    pub queue_bytes: usize,
    /// How long a request waits for the store.
    pub store_time: Duration,
    /// Requests of one key.
    pub rate: Rate,
    /// Requests of one key at once.
    pub burst: u32,
    /// Failed authentications of one address.
    pub failed_rate: Rate,
    /// Failed authentications of one address at once.
    pub failed_burst: u32,
    /// Addresses whose failures are remembered.
    pub failed_addresses: usize,
    /// Until the headers are there.
    pub header_time: Duration,
    /// Until the body is there.
    pub body_time: Duration,
    /// Idle connections.
    pub keep_alive: Duration,
    /// Connections of one worker.
    pub connections: usize,
}

impl Config {
    /// Loads the configuration from `sources`.
    ///
    /// # Errors
    ///
    /// Every fault of it, in no particular order.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Vec<Fault>> {
        let values = Values::load(sources)?;
        let config = Reader::new(sources, &values)
            .config()
            .map_err(|fault| vec![fault])?;
        let faults = config.faults(&values);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(faults)
        }
    }

    /// The effective settings as a configuration file, secrets left out.
    ///
    /// # Errors
    ///
    /// Every fault of a single setting; what contradicts another setting is shown as it is.
    pub fn print(sources: &Sources<'_>) -> Result<String, Vec<Fault>> {
        Ok(Values::load(sources)?.print())
    }

    /// What deserves the operator's attention and is allowed.
    #[must_use]
    pub fn warnings(&self) -> Vec<Fault> {
        let mut warnings: Vec<Fault> = self.unplaced().into_iter().collect();
        if self.plan.period < plan::USUAL_MIN_PERIOD {
            warnings.push(Fault::new(
                "plan.period",
                format_args!(
                    "{} is below {}: meant for labs and tests",
                    unit::duration_text(self.plan.period),
                    unit::duration_text(plan::USUAL_MIN_PERIOD)
                ),
            ));
        }
        if !self.server.listen.ip().is_loopback() {
            warnings.push(Fault::new(
                "server.listen",
                format_args!(
                    "{} is reachable without TLS; put nginx in front",
                    self.server.listen
                ),
            ));
        }
        warnings
    }

    /// What is wrong with the place of the embedded store, for a command that opens it.
    #[must_use]
    pub fn unplaced(&self) -> Option<Fault> {
        let is_unplaced = self.store.backend == Backend::Embedded && !self.store.is_placed;
        is_unplaced.then(|| {
            Fault::new(
                "store.data_dir",
                "is empty, so only the unit knows where the store is: set it (\"/var/lib/ixpqos\") or name it with --data-dir",
            )
        })
    }

    fn faults(&self, values: &Values) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, problem: String| faults.push(Fault::new(path, problem));
        if let Err(error) = plan::check_period(self.plan.period) {
            fault("plan.period", error.to_string());
        }
        let (spread, timeout) = (self.plan.params.spread, self.plan.params.timeout);
        if let (Some(spread), Some(timeout)) = (spread, timeout)
            && plan::time_needed(spread, timeout) > plan::end_before(self.plan.period)
        {
            let end = unit::duration_text(plan::end_before(self.plan.period));
            fault(
                "plan.spread",
                format!(
                    "with the wait for replies and the delivery it is longer than {end}, when a round must end"
                ),
            );
        }
        if self.plan.pps_per_target > self.plan.pps {
            fault(
                "plan.pps_per_target",
                format!("is above plan.pps, {}", self.plan.pps),
            );
        }
        if self.retention.raw < MIN_RAW_RETENTION {
            fault(
                "retention.raw",
                format!("is below {}", unit::duration_text(MIN_RAW_RETENTION)),
            );
        }
        if self.limits.queue_bytes < self.limits.body {
            fault(
                "limits.queue_bytes",
                "is below limits.body, so the largest report could never be stored".to_owned(),
            );
        }
        if self.store.backend == Backend::Influx {
            for path in ["store.influx.url", "store.influx.org", "store.influx.bucket"] {
                if values
                    .get(path)
                    .ok()
                    .and_then(|value| setting::text(value).ok())
                    .is_none_or(|t| t.is_empty())
                {
                    fault(path, "must be set when store.backend is \"influx\"".to_owned());
                }
            }
            let url = &self.store.influx.url;
            let rest = url
                .strip_prefix("http://")
                .or_else(|| url.strip_prefix("https://"));
            if !url.is_empty() && rest.is_none() {
                fault(
                    "store.influx.url",
                    "begins with neither http:// nor https://".to_owned(),
                );
            }
            if url.contains('@') {
                let problem = "holds a user or a password, which print-config would show: use a token";
                fault("store.influx.url", problem.to_owned());
            }
            if self.store.influx.token.is_none() {
                fault(
                    "store.influx.token_file",
                    "must be set when store.backend is \"influx\"".to_owned(),
                );
            }
        }
        faults
    }
}
