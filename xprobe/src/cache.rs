//! What a probe remembers from one round to the next: the last good plan and a clock correction.

use std::io;
use std::path::{Path, PathBuf};

use ippm::ProbeName;
use serde::{Deserialize, Serialize};

use crate::client::MAX_ANSWER_BYTES;
use crate::durable;
use crate::lock::name_digest;

/// The remembered things of one probe in its state directory.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    digest: String,
}

/// The last plan that was good enough to measure by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CachedPlan {
    /// Its entity tag, for a conditional request.
    pub(crate) etag: Option<String>,
    /// The plan as the collector wrote it.
    pub(crate) body: String,
}

/// How far the host's clock was from the collector's when a label was last corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Correction {
    /// Probe minus collector.
    collector_offset_ns: i64,
}

impl Cache {
    /// The cache of the probe `name` in `state_dir`.
    ///
    /// # Errors
    ///
    /// If the directory cannot be made.
    pub(crate) fn open(state_dir: &Path, name: &ProbeName) -> io::Result<Self> {
        durable::make_directory(state_dir)?;
        Ok(Self {
            directory: state_dir.to_owned(),
            digest: name_digest(name, 16),
        })
    }

    /// The last good plan; none if there is none, or its file is broken.
    pub(crate) fn plan(&self) -> Option<CachedPlan> {
        self.load(&self.plan_name())
    }

    /// Remembers `plan` in place of the one before.
    ///
    /// # Errors
    ///
    /// If it cannot be written; the one before then stays.
    pub(crate) fn keep_plan(&self, plan: &CachedPlan) -> io::Result<()> {
        self.save(&self.plan_name(), plan)
    }

    /// The clock correction in force, probe minus collector in nanoseconds.
    pub(crate) fn correction(&self) -> Option<i64> {
        self.load::<Correction>(&self.correction_name())
            .map(|correction| correction.collector_offset_ns)
    }

    /// Remembers `correction`, or that none is needed.
    ///
    /// # Errors
    ///
    /// If that cannot be written.
    pub(crate) fn keep_correction(&self, correction: Option<i64>) -> io::Result<()> {
        match correction {
            _ if correction == self.correction() => Ok(()),
            Some(collector_offset_ns) => {
                self.save(&self.correction_name(), &Correction { collector_offset_ns })
            }
            None => std::fs::remove_file(self.directory.join(self.correction_name())),
        }
    }

    fn plan_name(&self) -> String {
        format!("plan-{}.json", self.digest)
    }

    fn correction_name(&self) -> String {
        format!("clock-{}.json", self.digest)
    }

    fn load<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        // A plan inside a JSON string may be twice as long as the plan.
        let content =
            durable::read(&self.directory.join(name), 2 * MAX_ANSWER_BYTES as u64 + 4096).ok()??;
        serde_json::from_slice(&content).ok()
    }

    fn save<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        durable::write(&self.directory, name, &serde_json::to_vec(value)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again_and_a_broken_file_is_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &"ams1".parse().unwrap()).unwrap();
        assert_eq!(cache.plan(), None);
        let plan = CachedPlan {
            etag: Some("\"x\"".to_owned()),
            body: "{\"a\":1}".to_owned(),
        };
        cache.keep_plan(&plan).unwrap();
        assert_eq!(cache.plan(), Some(plan));
        std::fs::write(directory.path().join(cache.plan_name()), "{").unwrap();
        assert_eq!(cache.plan(), None);
    }

    #[test]
    fn a_correction_is_kept_and_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path(), &"ams1".parse().unwrap()).unwrap();
        for correction in [None, Some(-600_000_000_000), Some(5), None] {
            cache.keep_correction(correction).unwrap();
            assert_eq!(cache.correction(), correction);
        }
    }
}
