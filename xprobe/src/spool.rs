//! Reports that the collector has not acknowledged yet.
//!
//! One gzip file per report, named by its round's start; the bytes are those of the first
//! delivery attempt and never change, so a resend is the identical body. They hold no key, so
//! keys may rotate meanwhile.
//!
//! Files of other probes and of other programs in the directory are left alone, and a file that
//! cannot be read stands in nobody's way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ippm::{ProbeName, UnixTime};
use thiserror::Error;

use crate::durable;
use crate::lock::name_digest;

/// Most reports kept: one week of five-minute rounds.
pub(crate) const MAX_REPORTS: usize = 2016;
/// Most bytes kept.
pub(crate) const MAX_BYTES: u64 = 256 << 20;
/// Most refused reports set aside.
pub(crate) const MAX_REFUSED: usize = 100;

/// How much a spool holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) reports: usize,
    pub(crate) bytes: u64,
    pub(crate) refused: usize,
}

impl Limits {
    /// The limits of the product.
    pub(crate) const STANDARD: Self = Self {
        reports: MAX_REPORTS,
        bytes: MAX_BYTES,
        refused: MAX_REFUSED,
    };
}

/// The kept reports of one probe.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    refused: PathBuf,
    /// End of the names of this probe's files: two probes may share a directory.
    suffix: String,
    limits: Limits,
}

/// One kept report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    name: String,
    bytes: u64,
}

/// What was dropped to make room for a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Reports dropped now.
    pub(crate) now: u64,
    /// Reports dropped since the spool was made.
    pub(crate) in_all: u64,
}

/// Why the spool could not do what it was asked.
#[derive(Debug, Error)]
#[error("cannot {operation} {}", path.display())]
pub(crate) struct SpoolError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Spool {
    /// Opens, and if need be makes, the spool of the probe `name` below `state_dir`.
    ///
    /// # Errors
    ///
    /// If the directories cannot be made.
    pub(crate) fn open(state_dir: &Path, name: &ProbeName, limits: Limits) -> Result<Self, SpoolError> {
        let directory = state_dir.join("spool");
        let refused = directory.join("refused");
        durable::make_directory(&refused).map_err(failed("make the directory", &refused))?;
        let suffix = format!("-{}.json.gz", name_digest(name, 16));
        let spool = Self {
            directory,
            refused,
            suffix,
            limits,
        };
        spool.sweep();
        Ok(spool)
    }

    /// Keeps the report of the round that began at `round_start`; when it returns the report
    /// survives a power cut. The oldest ones make room if a limit is reached.
    ///
    /// # Errors
    ///
    /// If the report cannot be written; then it is not kept.
    pub(crate) fn keep(&self, round_start: UnixTime, body: &[u8]) -> Result<(Entry, Dropped), SpoolError> {
        let bytes = body.len() as u64;
        let dropped = self.make_room(bytes)?;
        let name = format!("{:020}{}", round_start.as_ns(), self.suffix);
        durable::write(&self.directory, &name, body)
            .map_err(failed("keep the report in", &self.directory))?;
        Ok((Entry { name, bytes }, dropped))
    }

    /// The kept reports, oldest first.
    ///
    /// # Errors
    ///
    /// If the directory cannot be listed.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, SpoolError> {
        let list = |directory: &Path| -> io::Result<Vec<Entry>> {
            let mut entries = Vec::new();
            for item in fs::read_dir(directory)? {
                let item = item?;
                let Ok(name) = item.file_name().into_string() else {
                    continue;
                };
                if !self.is_ours(&name) {
                    continue;
                }
                // Gone again, or not a file: no report.
                let Ok(metadata) = fs::symlink_metadata(item.path()) else {
                    continue;
                };
                if metadata.is_file() {
                    entries.push(Entry {
                        name,
                        bytes: metadata.len(),
                    });
                }
            }
            // Names begin with twenty digits, so their order is that of the rounds.
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(entries)
        };
        list(&self.directory).map_err(failed("list", &self.directory))
    }

    /// The body of a kept report, as it was kept.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(crate) fn load(&self, entry: &Entry) -> Result<Vec<u8>, SpoolError> {
        let path = self.directory.join(&entry.name);
        durable::read(&path, self.limits.bytes)
            .and_then(|content| content.ok_or_else(|| io::ErrorKind::NotFound.into()))
            .map_err(failed("read the kept report", &path))
    }

    /// Deletes a report that the collector has acknowledged.
    ///
    /// # Errors
    ///
    /// If it cannot be deleted; it is then delivered again, which stores nothing twice.
    pub(crate) fn delete(&self, entry: &Entry) -> Result<(), SpoolError> {
        let path = self.directory.join(&entry.name);
        fs::remove_file(&path).map_err(failed("delete the delivered report", &path))
    }

    /// Sets a report aside that the collector refused for good, with its `answer` beside it.
    ///
    /// # Errors
    ///
    /// If it cannot be moved; it is then tried again in the next round.
    pub(crate) fn set_aside(&self, entry: &Entry, answer: &[u8]) -> Result<(), SpoolError> {
        let to = self.refused.join(&entry.name);
        fs::rename(self.directory.join(&entry.name), &to)
            .map_err(failed("set the refused report aside as", &to))?;
        let answer_name = answer_name(&entry.name);
        durable::write(&self.refused, &answer_name, answer)
            .map_err(failed("write the answer beside", &to))?;
        self.limit_refused();
        Ok(())
    }

    /// Where refused reports are.
    pub(crate) fn refused_directory(&self) -> &Path {
        &self.refused
    }

    /// Drops the oldest reports until one more of `bytes` bytes fits, and counts them.
    fn make_room(&self, bytes: u64) -> Result<Dropped, SpoolError> {
        let entries = self.entries()?;
        let mut count = entries.len();
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let mut now = 0;
        for entry in &entries {
            if count < self.limits.reports && total.saturating_add(bytes) <= self.limits.bytes {
                break;
            }
            let path = self.directory.join(&entry.name);
            fs::remove_file(&path).map_err(failed("drop the oldest report", &path))?;
            count -= 1;
            total -= entry.bytes;
            now += 1;
        }
        let before = self.dropped_in_all();
        let dropped = Dropped {
            now,
            in_all: before.saturating_add(now),
        };
        if now > 0 {
            durable::write(
                &self.directory,
                &self.counter_name(),
                dropped.in_all.to_string().as_bytes(),
            )
            .map_err(failed("count the dropped reports in", &self.directory))?;
        }
        Ok(dropped)
    }

    /// Reports dropped since the spool was made; an unreadable count begins anew.
    fn dropped_in_all(&self) -> u64 {
        let content = durable::read(&self.directory.join(self.counter_name()), 32)
            .ok()
            .flatten();
        content
            .and_then(|content| String::from_utf8(content).ok()?.trim().parse().ok())
            .unwrap_or(0)
    }

    fn counter_name(&self) -> String {
        format!("dropped{}", self.suffix.trim_end_matches(".json.gz"))
    }

    fn is_ours(&self, name: &str) -> bool {
        let digits = name.strip_suffix(&self.suffix);
        digits.is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// Removes what this probe left unfinished when it was killed while writing.
    fn sweep(&self) {
        for directory in [&self.directory, &self.refused] {
            for item in fs::read_dir(directory).into_iter().flatten().flatten() {
                let name = item.file_name();
                let unfinished = name
                    .to_str()
                    .and_then(|name| name.strip_prefix(durable::UNFINISHED));
                let owner = self.suffix.trim_end_matches(".json.gz");
                if unfinished.is_some_and(|name| name.contains(owner)) {
                    // It holds nothing that was ever promised; left behind it only takes room.
                    let _ = fs::remove_file(item.path());
                }
            }
        }
    }

    /// Removes the oldest refused reports beyond the limit.
    fn limit_refused(&self) {
        let mut names: Vec<String> = fs::read_dir(&self.refused)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|item| item.file_name().into_string().ok())
            .filter(|name| self.is_ours(name))
            .collect();
        names.sort_unstable();
        let surplus = names.len().saturating_sub(self.limits.refused);
        for name in &names[..surplus] {
            // A report that cannot be removed is tried again with the next one.
            let _ = fs::remove_file(self.refused.join(name));
            let _ = fs::remove_file(self.refused.join(answer_name(name)));
        }
    }
}

/// Name of the file that holds the collector's answer to the refused report `name`.
fn answer_name(name: &str) -> String {
    format!("{}.answer", name.trim_end_matches(".json.gz"))
}

fn failed(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
