//! Defaults, file, environment and flags, laid over one another; every fault with its path and origin.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;

use config::{Config as Layers, ConfigError, Environment, File, FileFormat, Value, ValueKind};

use crate::config::setting::{Kind, NAME, SETTINGS, Setting, is_name, text};

/// The shipped file: it holds every setting with its default.
pub const DEFAULTS: &str = include_str!("../../../deploy/collector.toml");

/// What begins the name of a setting in the environment.
const PREFIX: &str = "IXPQOS_";
/// What stands between section and key there. A name without it is no setting (`IXPQOS_LOG`).
const SEPARATOR: &str = "__";
/// The origin of a flag, in faults.
const FLAG: &str = "the command line";

/// Something that the operator has to mend, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `section.key`, or the file.
    pub path: String,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

impl Fault {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            problem: problem.to_string(),
        }
    }
}

/// Where settings come from, beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// The configuration file.
    pub file: Option<&'a Path>,
    /// The environment: all of it, what is not ours is passed over.
    pub environment: Vec<(String, String)>,
    /// `section.key` and value of each flag.
    pub flags: Vec<(&'static str, String)>,
}

/// The effective value of every setting.
#[derive(Debug, Clone)]
pub struct Values {
    values: BTreeMap<String, Value>,
}

impl Values {
    /// Lays the sources over the defaults and checks each value by itself.
    ///
    /// # Errors
    ///
    /// Every unknown setting and every value that its setting does not accept.
    pub fn load(sources: &Sources<'_>) -> Result<Self, Vec<Fault>> {
        let mut builder = Layers::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(path) = sources.file {
            check_toml(path).map_err(|fault| vec![fault])?;
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        builder = builder.add_source(environment(&sources.environment));
        for (path, value) in &sources.flags {
            builder = builder
                .set_override(path, value.clone())
                .map_err(|error| vec![Fault::new(*path, error)])?;
        }
        let layers = builder
            .build()
            .map_err(|error| vec![unreadable(sources.file, &error)])?;
        let mut values = BTreeMap::new();
        let mut faults = Vec::new();
        flatten("", layers.cache, &mut values, &mut faults);
        faults.extend(
            values
                .keys()
                .filter(|path| find(path).is_none())
                .map(|path| unknown(path)),
        );
        fill_named(&mut values);
        for (path, setting) in all(&values) {
            let Some(value) = values.get(&path) else {
                faults.push(Fault::new(path, "expected a value, not a section"));
                continue;
            };
            if let Err(problem) = setting.check(value) {
                faults.push(Fault::new(path, format_args!("{problem}{}", origin(value))));
            }
        }
        if faults.is_empty() {
            Ok(Self { values })
        } else {
            Err(faults)
        }
    }

    /// The value of the setting `path`.
    ///
    /// # Errors
    ///
    /// There is no such setting.
    pub fn get(&self, path: &str) -> Result<&Value, Fault> {
        self.values
            .get(path)
            .ok_or_else(|| Fault::new(path, "is not a setting"))
    }

    /// The names that the operator gave to sections below `section`, in their order.
    #[must_use]
    pub fn names(&self, section: &str) -> Vec<String> {
        names(&self.values, section)
    }

    /// The settings that have to be equal on all collectors of an exchange, as text.
    ///
    /// Left out: how one host listens, where it keeps its files, and secrets.
    #[must_use]
    pub fn shared(&self) -> String {
        let is_shared = |setting: &Setting| {
            !(setting.path.starts_with("server.") || matches!(setting.kind, Kind::Path | Kind::Secret))
        };
        let mut text = String::new();
        for (path, setting) in all(&self.values) {
            if let Some(value) = self.values.get(&path).filter(|_| is_shared(setting)) {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{path}={}", printed(setting, value));
            }
        }
        text
    }

    /// All settings as a configuration file, secrets left out.
    #[must_use]
    pub fn print(&self) -> String {
        let mut out = String::new();
        let mut section = String::new();
        for (path, setting) in all(&self.values) {
            let Some((here, key)) = path.rsplit_once('.') else {
                continue;
            };
            if here != section {
                if !section.is_empty() {
                    out.push('\n');
                }
                out.push('[');
                out.push_str(here);
                out.push_str("]\n");
                here.clone_into(&mut section);
            }
            if let Some(value) = self.values.get(&path) {
                out.push_str(key);
                out.push_str(" = ");
                out.push_str(&printed(setting, value));
                out.push('\n');
            }
        }
        out
    }
}

/// How a secret is shown.
pub const REDACTED: &str = "[redacted]";

fn printed(setting: &Setting, value: &Value) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match (&setting.kind, &value.kind) {
        (Kind::Secret, ValueKind::String(text)) if !text.is_empty() => quoted(REDACTED),
        (Kind::Networks, ValueKind::Array(items)) => {
            let items: Vec<String> = items
                .iter()
                .filter_map(|item| text(item).ok())
                .map(|t| quoted(&t))
                .collect();
            format!("[{}]", items.join(", "))
        }
        (Kind::Networks, ValueKind::String(text)) => {
            let items: Vec<String> = text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(quoted)
                .collect();
            format!("[{}]", items.join(", "))
        }
        (Kind::Count(..) | Kind::Truth, _) => value.to_string(),
        (_, ValueKind::String(text)) => quoted(text),
        _ => value.to_string(),
    }
}

/// Names the line of what is no TOML and never shows it, because it may hold a secret.
fn check_toml(path: &Path) -> Result<(), Fault> {
    let fault = |problem: &dyn fmt::Display| Fault::new(path.display().to_string(), problem);
    let text = std::fs::read_to_string(path).map_err(|error| fault(&error))?;
    text.parse::<toml::Table>().map(|_| ()).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| 1 + before.matches('\n').count());
        fault(&format_args!("line {line} is not TOML: {}", error.message()))
    })
}

fn environment(variables: &[(String, String)]) -> Environment {
    let ours = variables
        .iter()
        .filter(|(name, _)| {
            name.strip_prefix(PREFIX)
                .is_some_and(|rest| rest.contains(SEPARATOR))
        })
        .cloned()
        .collect();
    Environment::with_prefix(PREFIX.trim_end_matches('_'))
        .prefix_separator("_")
        .separator(SEPARATOR)
        .source(Some(ours))
}

fn unreadable(file: Option<&Path>, error: &ConfigError) -> Fault {
    let path = file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string());
    let problem = error.to_string();
    let problem = problem
        .split(" in ")
        .next()
        .unwrap_or(&problem)
        .trim()
        .replace('\n', " ");
    Fault::new(path, problem)
}

fn flatten(at: &str, value: Value, into: &mut BTreeMap<String, Value>, faults: &mut Vec<Fault>) {
    match value.kind {
        ValueKind::Table(table) => {
            let is_section = at.is_empty() || SETTINGS.iter().any(|setting| setting.is_below(at));
            if !is_section {
                faults.push(unknown(at));
                return;
            }
            for (key, value) in table {
                let path = if at.is_empty() { key } else { format!("{at}.{key}") };
                flatten(&path, value, into, faults);
            }
        }
        _ => {
            into.insert(at.to_owned(), value);
        }
    }
}

fn find(path: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.is_at(path))
}

/// Every setting with its path, in the order of the table; one of a named section once for each name.
fn all(values: &BTreeMap<String, Value>) -> Vec<(String, &'static Setting)> {
    let is_one = |a: &&Setting, b: &&Setting| a.section_and_key().0 == b.section_and_key().0;
    let settings: Vec<&'static Setting> = SETTINGS.iter().collect();
    let mut all = Vec::with_capacity(settings.len());
    for section in settings.chunk_by(is_one) {
        let Some((above, _)) = section[0].path.split_once(&format!(".{NAME}.")) else {
            all.extend(section.iter().map(|setting| (setting.path.to_owned(), *setting)));
            continue;
        };
        for name in names(values, above) {
            let path = |setting: &Setting| setting.path.replacen(NAME, &name, 1);
            all.extend(section.iter().map(|setting| (path(setting), *setting)));
        }
    }
    all
}

fn names(values: &BTreeMap<String, Value>, section: &str) -> Vec<String> {
    let mut names: Vec<String> = values
        .keys()
        .filter_map(|path| path.strip_prefix(section)?.strip_prefix('.')?.split_once('.'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_name(name))
        .collect();
    names.dedup();
    names
}

/// Gives each named section what it leaves out, from the section of that kind that is called `default`.
fn fill_named(values: &mut BTreeMap<String, Value>) {
    for (path, setting) in all(values) {
        let default = setting.path.replacen(NAME, "default", 1);
        if let Some(value) = values
            .get(&default)
            .filter(|_| setting.path.contains(NAME))
            .cloned()
        {
            values.entry(path).or_insert(value);
        }
    }
}

fn unknown(path: &str) -> Fault {
    let (section, _) = path.rsplit_once('.').unwrap_or((path, ""));
    let known: Vec<&str> = SETTINGS
        .iter()
        .filter(|setting| setting.is_in(section))
        .map(|setting| setting.section_and_key().1)
        .collect();
    if known.is_empty() {
        let mut sections: Vec<&str> = SETTINGS
            .iter()
            .map(|setting| setting.section_and_key().0)
            .collect();
        sections.dedup();
        Fault::new(
            path,
            format_args!("unknown; the sections are {}", sections.join(", ")),
        )
    } else {
        Fault::new(
            path,
            format_args!("unknown; [{section}] knows {}", known.join(", ")),
        )
    }
}

fn origin(value: &Value) -> String {
    match value.origin() {
        Some(origin) => format!(" (from {origin})"),
        None if matches!(value.kind, ValueKind::Nil) => String::new(),
        None => format!(" (from {FLAG})"),
    }
}
