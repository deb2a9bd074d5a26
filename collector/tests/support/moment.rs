//! When a collector is killed: not after some time, but when something has happened.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::collector_process::Collector;
use crate::poster::{PATIENCE, Poster, client};

/// Looks into the file between two looks at the metrics.
const LOOKS: usize = 64;

/// What has happened.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// So many reports were acknowledged in all.
    Acknowledged(usize),
    /// The pass of this start has written so many cells, or is over.
    Written(u64),
    /// The log of the file was written so many times.
    Touched(usize),
    /// Hours have just been written, and the days that they belong to have not; or the pass is over.
    BetweenHoursAndDays,
    /// The pass of this start is over.
    Passed,
}

/// Where one collector is watched.
pub(crate) struct Watch {
    metrics: String,
    read: String,
    file: PathBuf,
}

impl Watch {
    /// Watches `collector`, whose metrics open to the key `read`, and its file in `folder` if it has one.
    pub(crate) fn of(collector: &Collector, read: &str, folder: &Path) -> Self {
        Self {
            metrics: format!("http://{}/metrics", collector.address()),
            read: read.to_owned(),
            file: folder.join("ixpqos.sqlite"),
        }
    }

    /// Returns when the moment has come.
    pub(crate) fn until(&self, moment: Moment, poster: &Poster) {
        let client = client();
        match moment {
            Moment::Acknowledged(number) => poster.until_acknowledged(number),
            Moment::Passed => eventually(async || 0 < self.counters(&client).await.1),
            Moment::Written(cells) => eventually(async || {
                let (written, passes) = self.counters(&client).await;
                cells <= written || 0 < passes
            }),
            Moment::Touched(times) => {
                let log = self.file.with_extension("sqlite-wal");
                let (mut last, mut changes) = (None, 0);
                eventually(async || {
                    let now = fs::metadata(&log).and_then(|file| file.modified()).ok();
                    changes += usize::from(last.is_some() && now != last);
                    last = now;
                    times <= changes
                });
            }
            Moment::BetweenHoursAndDays => {
                let file = Connection::open_with_flags(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
                let (mut last, mut looks) = (rows_in_cells(&file), 0);
                eventually(async || {
                    let now = rows_in_cells(&file);
                    let is_between = now.0 != last.0 && now.1 == last.1;
                    (last, looks) = (now, looks + 1);
                    is_between || (looks % LOOKS == 0 && 0 < self.counters(&client).await.1)
                });
            }
        }
    }

    /// Cells written, and passes that are over, since the start.
    async fn counters(&self, client: &reqwest::Client) -> (u64, u64) {
        let request = client.get(&self.metrics).header("X-API-Key", &self.read);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
        };
        (
            value("ixpqos_cells_written_total "),
            value("ixpqos_cells_passes_total "),
        )
    }
}

/// Of how many results all hours were made, and all days.
fn rows_in_cells(file: &Connection) -> (i64, i64) {
    let sums = "SELECT (SELECT coalesce(sum([rows]), 0) FROM cell_1h), (SELECT coalesce(sum([rows]), 0) FROM cell_1d)";
    file.query_row(sums, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
}

/// Asks without a pause until `is_reached`.
fn eventually(mut is_reached: impl AsyncFnMut() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let asking = async {
            while !is_reached().await {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, asking).await.expect("in time");
    });
}
