//! A statement with its inputs in a directory, because statements outlive data.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ippm::class::Class;
use ippm::class::slot::Expected;
use ippm::codec;
use sha2::{Digest as _, Sha256};

use crate::cli::Failure;
use crate::config::reader::hex;
use crate::report::sla::gather::Record;
use crate::report::sla::statement::{End, Statement};
use crate::statement::csv::{guarded, of_rows};
use crate::store::cell::StoredCell;
use crate::store::ledger::{MaintenanceVersion, PlanVersion};
use crate::store::row::Row;

/// What the hashes are in; `sha256sum -c` checks it.
const SUMS: &str = "SHA256SUMS";

/// An archive that is being written.
pub(super) struct Archive {
    folder: PathBuf,
    cells: Sheet,
    results: Sheet,
    silence: Sheet,
    plans: Sheet,
    maintenance: Sheet,
    sums: Vec<(String, String)>,
}

impl Archive {
    /// Begins an archive in the new directory `folder`.
    pub(super) fn create(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir(folder).map_err(Failure::io(folder.display().to_string()))?;
        let sheet = |name: &str, header: &[&str]| Sheet::create(folder, name, header);
        Ok(Self {
            cells: sheet(
                "inputs-cells.csv",
                &[
                    "source",
                    "target",
                    "family",
                    "test",
                    "hour",
                    "maintenance",
                    "rows",
                    "rounds",
                    "rounds_lossy",
                    "rounds_down",
                    "rounds_suspect",
                    "rounds_error",
                    "rounds_legacy",
                    "sent",
                    "received",
                    "lost_sq_sum",
                    "ipdv_pairs",
                    "ipdv_abs_sum_ns",
                    "rtt_count",
                    "rtt_sum_ns",
                    "rtt_min_ns",
                    "rtt_max_ns",
                    "rtt_hist",
                    "slices",
                ],
            )?,
            results: sheet(
                "inputs-results.csv",
                &[
                    "source",
                    "target",
                    "family",
                    "test",
                    "time",
                    "period_ns",
                    "measured",
                    "suspect",
                    "sent",
                    "received",
                    "rtt_count",
                    "rtt_sum_ns",
                    "rtt_min_ns",
                    "rtt_max_ns",
                    "rtt_hist",
                    "ipdv_pairs",
                    "ipdv_abs_sum_ns",
                    "slices",
                ],
            )?,
            silence: sheet(
                "inputs-silence.csv",
                &[
                    "source",
                    "slot",
                    "period_ns",
                    "watched_from",
                    "watched_to",
                    "class",
                ],
            )?,
            plans: sheet("inputs-plans.csv", &["probe", "time", "version", "record"])?,
            maintenance: sheet(
                "inputs-maintenance.csv",
                &[
                    "id", "loaded", "from", "to", "probe", "site", "source", "target", "test", "reason",
                ],
            )?,
            folder: folder.to_owned(),
            sums: Vec::new(),
        })
    }

    /// Adds a file.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.folder.join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(Failure::io(path.display().to_string()))?;
        self.sums.push((name.to_owned(), hex(&Sha256::digest(text))));
        Ok(())
    }

    /// Ends it: the ends of the pairs, and the hashes of every file.
    pub(super) fn finish(mut self, statement: &Statement) -> Result<(), Failure> {
        let mut probes: Vec<&End> = statement
            .pairs
            .iter()
            .flat_map(|pair| [&pair.source, &pair.target])
            .collect();
        probes.sort_unstable();
        probes.dedup();
        let mut rows = vec![vec!["probe".to_owned(), "site".to_owned()]];
        rows.extend(probes.into_iter().map(|end| {
            vec![
                guarded(end.probe.as_str()),
                guarded(end.site.as_deref().unwrap_or_default()),
            ]
        }));
        self.add("inputs-probes.csv", &of_rows(&rows))?;
        for sheet in [
            self.cells,
            self.results,
            self.silence,
            self.plans,
            self.maintenance,
        ] {
            self.sums.push(sheet.finish()?);
        }
        self.sums.sort();
        let lines = self.sums.iter().map(|(name, sum)| format!("{sum}  {name}\n"));
        let path = self.folder.join(SUMS);
        fs::write(&path, lines.collect::<String>()).map_err(Failure::io(path.display().to_string()))
    }
}

impl Record for Archive {
    fn plan(&mut self, version: &PlanVersion) {
        self.plans.row(vec![
            guarded(version.probe.as_str()),
            ippm::wire::time::format(version.time),
            version.version.clone(),
            guarded(&version.record),
        ]);
    }

    fn maintenance(&mut self, version: &MaintenanceVersion) {
        let entry = &version.entry;
        let scope = &entry.scope;
        let text = |text: Option<&str>| guarded(text.unwrap_or_default());
        self.maintenance.row(vec![
            guarded(&entry.id),
            ippm::wire::time::format(entry.loaded),
            ippm::wire::time::format(entry.from),
            ippm::wire::time::format(entry.to),
            text(scope.probe.as_ref().map(ippm::ProbeName::as_str)),
            text(scope.site.as_deref()),
            text(scope.source.as_ref().map(ippm::ProbeName::as_str)),
            text(scope.target.as_ref().map(ippm::ProbeName::as_str)),
            text(scope.test.as_ref().map(ippm::TestName::as_str)),
            guarded(&version.reason),
        ]);
    }

    fn cell(&mut self, stored: &StoredCell, in_maintenance: bool) {
        let cell = &stored.cell;
        let mut row = vec![
            guarded(stored.source.as_str()),
            guarded(stored.target.as_str()),
            stored.family.to_string(),
            stored.test.to_string(),
            ippm::wire::time::format(stored.time),
            in_maintenance.to_string(),
        ];
        row.extend(
            [
                cell.rows,
                cell.rounds,
                cell.rounds_lossy,
                cell.rounds_down,
                cell.rounds_suspect,
                cell.rounds_error,
                cell.rounds_legacy,
                cell.sent,
                cell.received,
                cell.lost_sq_sum,
                cell.ipdv_pairs,
                cell.ipdv_abs_sum_ns,
            ]
            .map(|number| number.to_string()),
        );
        let delay = cell.delay.as_ref();
        row.extend([
            number(delay.map(|delay| delay.moments.count)),
            number(delay.map(|delay| delay.moments.sum_ns)),
            number(delay.map(|delay| delay.min_ns)),
            number(delay.map(|delay| delay.max_ns)),
            cell.hist
                .as_ref()
                .map_or_else(String::new, ippm::histogram::Histogram::encode),
            cell.slices
                .as_ref()
                .map_or_else(String::new, codec::cell_slices::encode),
        ]);
        self.cells.row(row);
    }

    fn silence(&mut self, expected: &Expected<'_>, class: Class) {
        let (watched_from, watched_to) = expected.watched();
        self.silence.row(vec![
            guarded(expected.source.as_str()),
            ippm::wire::time::format(expected.slot_start),
            expected.period.as_nanos().to_string(),
            ippm::wire::time::format(watched_from),
            ippm::wire::time::format(watched_to),
            class.to_string(),
        ]);
    }

    fn row(&mut self, row: &Row, is_suspect: bool) {
        let delay = row.delay.as_ref();
        self.results.row(vec![
            guarded(row.source.as_str()),
            guarded(row.target.as_str()),
            row.family.to_string(),
            row.test.to_string(),
            ippm::wire::time::format(row.time),
            row.period
                .map_or_else(String::new, |period| period.as_nanos().to_string()),
            row.measured.to_string(),
            is_suspect.to_string(),
            number(row.counts.map(|counts| counts.sent)),
            number(row.counts.map(|counts| counts.received)),
            number(delay.map(|delay| delay.count)),
            number(delay.map(|delay| delay.sum_ns)),
            number(delay.map(|delay| delay.min_ns)),
            number(delay.map(|delay| delay.max_ns)),
            row.hist
                .as_ref()
                .map_or_else(String::new, ippm::histogram::Histogram::encode),
            number(row.ipdv.as_ref().map(|ipdv| ipdv.pairs)),
            number(row.ipdv.as_ref().map(|ipdv| ipdv.abs_sum_ns)),
            row.slices
                .as_ref()
                .map_or_else(String::new, codec::slices::encode),
        ]);
    }
}

fn number(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

/// A file of rows that grows while the store is read; its first failure is told at its end.
struct Sheet {
    name: String,
    path: PathBuf,
    file: io::BufWriter<File>,
    hash: Sha256,
    failed: Option<io::Error>,
}

impl Sheet {
    fn create(folder: &Path, name: &str, header: &[&str]) -> Result<Self, Failure> {
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(Failure::io(path.display().to_string()))?;
        let mut sheet = Self {
            name: name.to_owned(),
            path,
            file: io::BufWriter::new(file),
            hash: Sha256::new(),
            failed: None,
        };
        sheet.row(header.iter().map(|column| (*column).to_owned()).collect());
        Ok(sheet)
    }

    fn row(&mut self, row: Vec<String>) {
        let text = of_rows(&[row]);
        self.hash.update(&text);
        if let Err(error) = self.file.write_all(text.as_bytes()) {
            self.failed.get_or_insert(error);
        }
    }

    /// The file's name and hash, once it is on the disk.
    fn finish(mut self) -> Result<(String, String), Failure> {
        let synced = match self.failed.take() {
            Some(error) => Err(error),
            None => self.file.flush().and_then(|()| self.file.get_ref().sync_all()),
        };
        synced.map_err(Failure::io(self.path.display().to_string()))?;
        Ok((self.name, hex(&self.hash.finalize())))
    }
}
