//! What the operator has written: the key and where it lies, the state directory, options without effect.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cli::RoundArgs;
use crate::config::{ConfigError, Settings};

use super::finding::Finding;

/// What was typed, as far as it matters beside its meaning.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    key: bool,
    key_file: Option<PathBuf>,
    /// `-c` or `-d`, which a plan overrides.
    pub(super) pace: bool,
}

impl Typed {
    pub(super) fn of(args: &RoundArgs) -> Self {
        Self {
            key: args.key.is_some(),
            key_file: args.key_file.clone(),
            pace: args.count.is_some() || args.delay.is_some(),
        }
    }
}

/// All checks of this kind.
pub(super) fn all(settings: &Settings, typed: &Typed) -> Vec<Finding> {
    let mut findings = vec![
        Finding::ok(
            "configuration",
            format!("probe {}, collector {}", settings.name, settings.remote),
        ),
        key(settings, typed),
    ];
    findings.push(state_directory(settings.state_dir.as_deref()));
    findings
}

/// The settings are not usable, so that nothing about the collector can be checked.
pub(super) fn unusable(error: &ConfigError) -> Finding {
    Finding::failure(
        "configuration",
        crate::exit::chain(error),
        "no round can start, and nothing about the collector was checked",
        "give doctor the options of the round: --config FILE, or -n NAME -r HOST --key-file FILE",
    )
}

fn key(settings: &Settings, typed: &Typed) -> Finding {
    const CHECK: &str = "key";
    if settings.key.is_none() {
        return Finding::failure(
            CHECK,
            "no key",
            "the collector answers no plan and takes no report",
            "ask the collector's operator: collector key new --role probe --subject NAME; give it by --key-file FILE",
        );
    }
    if typed.key {
        return Finding::warning(
            CHECK,
            "given on the command line",
            "every user of this host can read it in the process list",
            "put it into a file with mode 0640 and say --key-file FILE",
        );
    }
    let file = typed.key_file.as_deref().or(settings.key_file.as_deref());
    match file.map(|path| (path, mode(path))) {
        Some((path, Some(mode))) if mode & 0o004 != 0 => Finding::warning(
            CHECK,
            format!("{} has mode {mode:04o}", path.display()),
            "every user of this host can read it",
            format!("chmod o= {}", path.display()),
        ),
        Some((path, _)) => Finding::ok(CHECK, format!("from {}", path.display())),
        None => Finding::ok(CHECK, "from the environment or the configuration file"),
    }
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

fn state_directory(path: Option<&Path>) -> Finding {
    const CHECK: &str = "state_directory";
    let Some(path) = path else {
        return Finding::warning(
            CHECK,
            "none",
            "a report that cannot be delivered is lost, and a site that is cut off from the collector does not measure",
            "say --state-dir DIR, or `state_dir` in the configuration file",
        );
    };
    // A directory that is not there yet is made by the first round, if its parent lets it.
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    // Only writing shows whether writing is allowed: a file system may be mounted read-only.
    let name = existing.join(format!(".xprobe-doctor-{}", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&name);
    let _ = fs::remove_file(&name);
    if written.is_err() {
        return Finding::failure(
            CHECK,
            format!("{} cannot be written by this user", path.display()),
            "a report that cannot be delivered is lost, and the last plan is not remembered",
            format!(
                "chown the directory to the user of the probe: chown USER {}",
                path.display()
            ),
        );
    }
    Finding::ok(CHECK, path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;
    use crate::cli::{self, Parsed};
    use crate::config;

    fn settled(options: &str) -> (Settings, Typed) {
        let words = std::iter::once("xprobe").chain(options.split_whitespace());
        let Ok(Parsed::Run(args)) = cli::parse(words.map(Into::into)) else {
            panic!("{options}")
        };
        let typed = Typed::of(&args.round);
        (config::settle(args.round, None).unwrap(), typed)
    }

    #[track_caller]
    fn check_key(options: &str, severity: Severity) -> Finding {
        let (settings, typed) = settled(options);
        let finding = key(&settings, &typed);
        assert_eq!(finding.severity, severity, "{finding:?}");
        assert!(!format!("{finding:?}").contains("marked"));
        finding
    }

    #[test]
    fn a_key_on_the_command_line_and_one_that_everybody_reads_are_warnings() {
        check_key("-n a -r h", Severity::Failure);
        check_key("-n a -r h -k marked", Severity::Warning);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        fs::write(&path, "marked").unwrap();
        let options = format!("-n a -r h --key-file {}", path.display());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let finding = check_key(&options, Severity::Warning);
        assert!(finding.found.ends_with("has mode 0644"), "{}", finding.found);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        check_key(&options, Severity::Ok);
        let config = directory.path().join("xprobe.toml");
        fs::write(&config, format!("key_file = '{}'", path.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        check_key(
            &format!("-n a -r h --config {}", config.display()),
            Severity::Warning,
        );
    }

    #[test]
    fn without_a_state_directory_reports_may_be_lost() {
        assert_eq!(state_directory(None).severity, Severity::Warning);
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("not/yet");
        assert_eq!(state_directory(Some(&missing)).severity, Severity::Ok);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert_eq!(
            state_directory(Some(Path::new("/proc/no"))).severity,
            Severity::Failure
        );
    }
}
