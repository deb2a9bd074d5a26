//! How cron starts the probe: a key in its line is in the process list of everybody, every five minutes.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::finding::Finding;

const CHECK: &str = "key_in_cron";

/// Largest crontab that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Looks through the crontabs below `root` that this process may read.
pub(super) fn all(root: &Path) -> Vec<Finding> {
    let mut files = vec![root.join("etc/crontab")];
    for folder in ["etc/cron.d", "var/spool/cron/crontabs", "var/spool/cron"] {
        files.extend(entries(&root.join(folder)));
    }
    let mut found: Vec<String> = files.iter().flat_map(|path| lines_with_key(path)).collect();
    found.sort();
    if found.is_empty() {
        return vec![Finding::ok(CHECK, "no readable crontab starts xprobe with a key")];
    }
    vec![Finding::warning(
        CHECK,
        format!("a key on the command line in {}", found.join(", ")),
        "every user of this host can read the key in the process list while a round runs",
        "put the key into a file with mode 0640, say --key-file FILE instead of -k, and replace the key at the collector",
    )]
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect()
}

/// `FILE:LINE` of each line that starts the probe, or the original, with a key. Never the line: it holds the key.
fn lines_with_key(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let named = |(index, line)| is_with_key(line).then(|| format!("{}:{}", path.display(), index + 1));
    text.lines().enumerate().filter_map(named).collect()
}

fn is_with_key(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with('#') {
        return false;
    }
    let mut words = line
        .split_whitespace()
        .skip_while(|word| !word.contains("xprobe"));
    words.any(|word| {
        word == "--key" || word.starts_with("--key=") || (word.starts_with("-k") && !word.starts_with("--"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn a_crontab_with_a_key_is_named_without_the_key() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("etc/cron.d");
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("probe"),
            "# xprobe -k old\n*/5 * * * * root xprobe -n a -r h -k marked\n",
        )
        .unwrap();
        let [finding] = <[Finding; 1]>::try_from(all(directory.path())).unwrap();
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.found.ends_with("etc/cron.d/probe:2"), "{}", finding.found);
        assert!(!format!("{finding:?}").contains("marked"));
    }

    #[test]
    fn only_the_probes_own_key_option_counts() {
        for line in [
            "xprobe -n a -kmarked",
            "/opt/xprobe.py --key x",
            "cd /; xprobe --key=x",
        ] {
            assert!(is_with_key(line), "{line}");
        }
        for line in [
            "xprobe -n a --key-file /etc/key",
            "tar -k x; xprobe -n a",
            "xprobe --config /etc/ixpqos/xprobe.toml",
            "# xprobe -k x",
        ] {
            assert!(!is_with_key(line), "{line}");
        }
    }
}
