//! What is meant: defaults, then the configuration file, then the environment, then options.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ippm::ProbeName;
use secrecy::SecretString;
use serde::Deserialize;
use thiserror::Error;

use crate::cli::{self, RoundArgs};
use crate::key::{self, KeyError};
use crate::net::binding::{Binding, BindingError, Origin};
use crate::remote::{Remote, RemoteError};

/// Name of the environment variable that may hold the key.
pub(crate) const KEY_VARIABLE: &str = "XPROBE_KEY";

/// Packets to each target of a collector that sends no plan, as in the predecessor.
pub(crate) const DEFAULT_COUNT: u32 = 10;

/// Time between them, as in the predecessor.
pub(crate) const DEFAULT_DELAY: Duration = Duration::from_secs(1);

/// The settings of a round, complete and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Name of this probe.
    pub(crate) name: ProbeName,
    /// Where the collector is.
    pub(crate) remote: Remote,
    /// The key; none if none was given.
    pub(crate) key: Option<SecretString>,
    /// The file from which the key was read, if the configuration file named it.
    pub(crate) key_file: Option<PathBuf>,
    /// Packets to each target of a collector that sends no plan.
    pub(crate) count: u32,
    /// Time between them.
    pub(crate) delay: Duration,
    /// Where state is kept; none means that nothing is written to disk.
    pub(crate) state_dir: Option<PathBuf>,
    /// PEM file of certificate authorities to trust beside those of the operating system.
    pub(crate) ca_file: Option<PathBuf>,
    /// Interface, VRF and source addresses of the packets.
    pub(crate) binding: Binding,
    /// Whether to say on stderr what is being done.
    pub(crate) verbose: bool,
}

/// The configuration file as it is written; every key may be absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    name: Option<String>,
    remote: Option<String>,
    key: Option<SecretString>,
    key_file: Option<PathBuf>,
    state_dir: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    count: Option<u32>,
    delay: Option<String>,
    interface: Option<Vec<String>>,
}

/// Why the settings of a round are not usable; each text names the setting and the next step.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The configuration file could not be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file that was named.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The configuration file is not TOML, or holds an unknown key or a wrong type.
    #[error("{}:{line}: {reason}", path.display())]
    Syntax {
        /// The file that was named.
        path: PathBuf,
        /// The line that is wrong, counted from 1.
        line: usize,
        /// What is wrong, without the text of the line: it may hold the key.
        reason: String,
    },
    /// A key of the configuration file has a value that is not allowed.
    #[error("{}: {setting}: {reason}", path.display())]
    Value {
        /// The file that was named.
        path: PathBuf,
        /// The key whose value is wrong.
        setting: &'static str,
        /// What is wrong with it.
        reason: ValueError,
    },
    /// A setting that has no default was given nowhere.
    #[error("no {setting}: give {option} or `{setting}` in the configuration file")]
    Missing {
        /// The setting.
        setting: &'static str,
        /// The option that gives it.
        option: &'static str,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Packets cannot leave in two places at once.
    #[error("-I")]
    Interface(#[from] BindingError),
}

/// What is wrong with one value of the configuration file.
#[derive(Debug, Error)]
pub enum ValueError {
    /// Not a name of a probe.
    #[error(transparent)]
    Name(#[from] ippm::ProbeNameError),
    /// Not a collector's address.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// Both `key` and `key_file`.
    #[error("give either `key` or `key_file`")]
    TwoKeys,
    /// Neither interface nor address, or too many of them.
    #[error(transparent)]
    Interface(#[from] BindingError),
    /// Outside the allowed range.
    #[error("expected 1 to {}", cli::MAX_COUNT)]
    Count,
    /// Not a length of time.
    #[error("expected a number with a unit, such as \"1s\" or \"100ms\", up to {} s", cli::MAX_DELAY.as_secs())]
    Delay,
}

/// Settles what the options `args`, the environment's key and the configuration file mean.
///
/// # Errors
///
/// If a file cannot be read, or a setting is missing or not allowed.
pub(crate) fn settle(
    args: RoundArgs,
    environment_key: Option<SecretString>,
) -> Result<Settings, ConfigError> {
    let file = args
        .config
        .as_deref()
        .map(read)
        .transpose()?
        .unwrap_or(Given::EMPTY);
    let key = match (args.key, args.key_file, environment_key) {
        (Some(key), _, _) => key::check(&key, "-k")?,
        (None, Some(path), _) => Some(key::read_file(&path)?),
        (None, None, Some(key)) => key::check(&key, KEY_VARIABLE)?,
        (None, None, None) => match (file.key, &file.key_file) {
            (Some(key), _) => key::check(&key, "the configuration file")?,
            (None, path) => path.as_deref().map(key::read_file).transpose()?,
        },
    };
    Ok(Settings {
        name: args.name.or(file.name).ok_or(ConfigError::Missing {
            setting: "name",
            option: "-n NAME",
        })?,
        remote: args.remote.or(file.remote).ok_or(ConfigError::Missing {
            setting: "remote",
            option: "-r HOST",
        })?,
        key,
        key_file: file.key_file,
        count: args.count.or(file.count).unwrap_or(DEFAULT_COUNT),
        delay: args.delay.or(file.delay).unwrap_or(DEFAULT_DELAY),
        state_dir: args.state_dir.or(file.state_dir),
        ca_file: args.ca_file.or(file.ca_file),
        binding: match bind(args.interface)? {
            Some(binding) => binding,
            None => file.interface.unwrap_or_default(),
        },
        verbose: args.verbose,
    })
}

/// The configuration file with its values parsed.
pub(crate) struct Given {
    pub(crate) name: Option<ProbeName>,
    pub(crate) remote: Option<Remote>,
    pub(crate) key: Option<SecretString>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) count: Option<u32>,
    pub(crate) delay: Option<Duration>,
    pub(crate) interface: Option<Binding>,
}

impl Given {
    const EMPTY: Self = Self {
        name: None,
        remote: None,
        key: None,
        key_file: None,
        state_dir: None,
        ca_file: None,
        count: None,
        delay: None,
        interface: None,
    };
}

fn read(path: &Path) -> Result<Given, ConfigError> {
    let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    read_text(path, &text)
}

/// What `text` says, which is that of the configuration file `path`.
///
/// # Errors
///
/// [`ConfigError`] names the file and the place, and never holds the key.
pub(crate) fn read_text(path: &Path, text: &str) -> Result<Given, ConfigError> {
    let raw: ConfigFile = toml::from_str(text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        reason: reason_of(text, &error),
    })?;
    let wrong = |setting| {
        move |reason| ConfigError::Value {
            path: path.to_owned(),
            setting,
            reason,
        }
    };
    if raw.key.is_some() && raw.key_file.is_some() {
        return Err(wrong("key_file")(ValueError::TwoKeys));
    }
    Ok(Given {
        name: parse(raw.name.as_deref()).map_err(wrong("name"))?,
        remote: parse(raw.remote.as_deref()).map_err(wrong("remote"))?,
        key: raw.key,
        key_file: raw.key_file,
        state_dir: raw.state_dir,
        ca_file: raw.ca_file,
        count: raw.count.map(count).transpose().map_err(wrong("count"))?,
        delay: raw
            .delay
            .as_deref()
            .map(delay)
            .transpose()
            .map_err(wrong("delay"))?,
        interface: raw
            .interface
            .map(interface)
            .transpose()
            .map_err(wrong("interface"))?,
    })
}

fn parse<T>(text: Option<&str>) -> Result<Option<T>, ValueError>
where
    T: std::str::FromStr,
    ValueError: From<T::Err>,
{
    Ok(text.map(str::parse).transpose()?)
}

fn count(count: u32) -> Result<u32, ValueError> {
    if (1..=cli::MAX_COUNT).contains(&i64::from(count)) {
        Ok(count)
    } else {
        Err(ValueError::Count)
    }
}

/// Reads an integer and one of the units `s`, `ms`, `us`.
fn delay(text: &str) -> Result<Duration, ValueError> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_lowercase());
    let number: u32 = digits.parse().map_err(|_| ValueError::Delay)?;
    let unit = match &text[digits.len()..] {
        "s" => Duration::from_secs(1),
        "ms" => Duration::from_millis(1),
        "us" => Duration::from_micros(1),
        _ => return Err(ValueError::Delay),
    };
    let delay = unit.checked_mul(number).ok_or(ValueError::Delay)?;
    if delay.is_zero() || delay > cli::MAX_DELAY {
        Err(ValueError::Delay)
    } else {
        Ok(delay)
    }
}

/// What the parser says, unless that could repeat the value of `key`.
fn reason_of(text: &str, error: &toml::de::Error) -> String {
    let line = text
        .lines()
        .nth(error.span().map_or(0, |span| line_of(text, span.start) - 1));
    let is_key = line.is_some_and(|line| line.trim_start().starts_with("key") && !line.contains("key_file"));
    if is_key {
        "key: expected a string in quotes".to_owned()
    } else {
        crate::exit::one_line(error.message())
    }
}

fn interface(names: Vec<String>) -> Result<Binding, ValueError> {
    let mut binding = Binding::default();
    for name in names {
        binding.add(name.parse()?)?;
    }
    Ok(binding)
}

/// What the options `-I` say together; `None` without one.
///
/// # Errors
///
/// [`ConfigError::Interface`] if two name the same sort.
pub(crate) fn bind(origins: Vec<Origin>) -> Result<Option<Binding>, ConfigError> {
    let mut binding = Binding::default();
    let is_given = !origins.is_empty();
    for origin in origins {
        binding.add(origin)?;
    }
    Ok(is_given.then_some(binding))
}

/// The line, counted from 1, on which byte `offset` of `text` lies.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::cli::Parsed;

    fn settle_with(
        options: &str,
        file: Option<&str>,
        environment: Option<&str>,
    ) -> Result<Settings, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("xprobe.toml");
        let mut words: Vec<OsString> = vec!["xprobe".into()];
        words.extend(options.split_whitespace().map(OsString::from));
        if let Some(text) = file {
            fs::write(&path, text).unwrap();
            words.extend(["--config".into(), path.into_os_string()]);
        }
        let Ok(Parsed::Run(args)) = cli::parse(words) else {
            panic!("{options}")
        };
        settle(args.round, environment.map(SecretString::from))
    }

    fn key(options: &str, file: Option<&str>, environment: Option<&str>) -> Option<String> {
        let settings = settle_with(&format!("-n a -r h {options}"), file, environment).unwrap();
        settings.key.map(|key| key.expose_secret().to_owned())
    }

    #[test]
    fn an_option_wins_over_the_environment_and_that_over_the_file() {
        let file = Some("key = 'file'");
        assert_eq!(key("-k option", file, Some("env")).as_deref(), Some("option"));
        assert_eq!(key("", file, Some("env")).as_deref(), Some("env"));
        assert_eq!(key("", file, None).as_deref(), Some("file"));
        assert_eq!(key("", None, None), None);
        assert_eq!(key("-k=", None, None), None);
    }

    #[test]
    fn a_file_may_hold_every_setting() {
        let file =
            "name = 'ams1'\nremote = 'https://c.example/x'\ncount = 3\ndelay = '250ms'\nstate_dir = '/s'\n";
        let settings = settle_with("", Some(file), None).unwrap();
        assert_eq!(settings.name.as_str(), "ams1");
        assert_eq!((settings.count, settings.delay), (3, Duration::from_millis(250)));
        assert_eq!(settings.state_dir.as_deref(), Some(Path::new("/s")));
    }

    #[test]
    fn packets_leave_where_the_options_say_and_else_where_the_file_says() {
        let file = Some("interface = ['vlan100', '192.0.2.1', '2001:db8::1']");
        let from_file = settle_with("-n a -r h", file, None).unwrap().binding;
        assert_eq!(from_file.device.unwrap().as_str(), "vlan100");
        assert_eq!(from_file.v4, Some([192, 0, 2, 1].into()));
        let given = settle_with("-n a -r h -I 192.0.2.7", file, None).unwrap().binding;
        assert_eq!((given.device, given.v4), (None, Some([192, 0, 2, 7].into())));
        let error = settle_with("-n a -r h -I eth0 -I eth1", None, None).unwrap_err();
        assert!(crate::exit::chain(&error).starts_with("-I: at most one"));
        assert_eq!(
            settle_with("-n a -r h", None, None).unwrap().binding,
            Binding::default()
        );
    }

    #[track_caller]
    fn refused(file: &str, expected: &str) {
        let error = crate::exit::chain(&settle_with("", Some(file), None).unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("marked"), "{error}");
    }

    #[test]
    fn a_wrong_file_is_refused_with_the_place_and_without_its_text() {
        refused("name = 'a'\nnmae = 'b'\n", "xprobe.toml:2: unknown field `nmae`");
        refused("name = 'a'\nkey = marked\n", "xprobe.toml:2: ");
        refused("key = 5 # marked", "xprobe.toml:1: ");
        refused("name = 'a/b'", "name: ");
        refused("remote = 'http://c.example'", "remote: plain http");
        refused("delay = '5'", "delay: expected a number with a unit");
        refused("delay = '2h'", "delay: ");
        refused("interface = ['a b']", "interface: expected an IP address");
        refused("interface = ['eth0', 'eth1']", "interface: at most one");
        refused("count = 0", "count: expected 1 to 100000");
        refused("key = 'marked'\nkey_file = '/k'", "key_file: give either");
    }

    #[test]
    fn what_is_missing_is_named_with_the_option_that_gives_it() {
        refused("", "no name: give -n NAME or `name` in the configuration file");
        refused("name = 'a'", "no remote: give -r HOST");
    }

    #[test]
    fn the_shipped_file_is_valid_and_shows_every_setting() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/xprobe.toml"));
        let given = read(path).unwrap();
        assert_eq!(given.name.unwrap().as_str(), "ams1");
        let text = fs::read_to_string(path).unwrap();
        let shown = |line: &str| Some(line.trim_start_matches("# ").split_once(" = ")?.0.to_owned());
        let mut shown: Vec<String> = text.lines().filter_map(shown).collect();
        shown.sort();
        let settings = [
            "ca_file",
            "count",
            "delay",
            "interface",
            "key",
            "key_file",
            "name",
            "remote",
            "state_dir",
        ];
        assert_eq!(shown, settings);
    }
}
