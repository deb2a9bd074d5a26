use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rusqlite::Connection;

use super::*;
use crate::store::Entry;
use crate::store::LegacyResult;
use crate::store::ledger::ProbeRun;

fn open(path: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(&Options {
        path: path.to_owned(),
        legacy_family: Family::V4,
    })
}

fn report(number: i64, results: usize) -> Report {
    let time = UnixTime::from_ns(1_763_719_500_000_000_000 + number * 10_000_000_000);
    let entry = |index: usize| {
        Entry::Legacy(LegacyResult {
            target: format!("t{index}").parse().unwrap(),
            family: Family::V4,
            period: Duration::from_mins(5),
            values: None,
        })
    };
    Report {
        run: ProbeRun {
            source: "ams1".parse().unwrap(),
            time,
            origin: "legacy".parse().unwrap(),
            results: results as u64,
            received_at: time,
            skew_ns: None,
            native: None,
        },
        entries: (0..results).map(|index| (index, entry(index))).collect(),
    }
}

fn everything() -> RowQuery {
    RowQuery {
        source: None,
        target: None,
        family: None,
        test: None,
        from: UnixTime::from_ns(0),
        to: UnixTime::from_ns(i64::MAX),
        parts: Parts::ALL,
    }
}

#[track_caller]
fn reason(result: Result<impl Sized, StoreError>) -> String {
    result.map(|_| ()).unwrap_err().to_string()
}

#[tokio::test]
async fn the_file_and_its_log_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = open(&path).unwrap();
    store.append(&[report(0, 1)]).await.unwrap();
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file:?}");
        files += 1;
    }
    // The file, its log, the log's index and the lock.
    assert_eq!(files, 4);
}

#[tokio::test]
async fn one_collector_uses_the_file_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let first = open(&path).unwrap();
    assert!(reason(open(&path)).contains("in use by another collector"));
    drop(first);
    open(&path).unwrap();
}

#[tokio::test]
async fn what_is_no_store_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let garbage = "not a database, but long enough to be taken for one".repeat(100);
    fs::write(&path, &garbage).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("the file is damaged, restore a backup"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
    let missing = open(&folder.path().join("nowhere/store.sqlite"));
    assert!(reason(missing).contains("nowhere/store.sqlite"));
}

#[tokio::test]
async fn a_damaged_page_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let store = open(&path).unwrap();
    for number in 0..20 {
        store.append(&[report(number, 100)]).await.unwrap();
    }
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 40, "{pages} pages");
    // All but the pages of the schema.
    for byte in &mut bytes[24 * 4096..] {
        *byte = 0xA5;
    }
    fs::write(&path, bytes).unwrap();
    let store = open(&path).unwrap();
    let error = store.rows(everything()).collect().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("store.sqlite"), "{error}");
    assert!(
        reason(
            backup(&path, &folder.path().join("copy"))
                .and_then(|()| { restore(&folder.path().join("copy"), &folder.path().join("other")) })
        )
        .contains("damaged")
    );
    assert!(!folder.path().join("other").exists());
}

#[tokio::test]
async fn a_file_of_the_first_layout_is_read_after_its_migration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let fixture = include_str!("../../../tests/fixtures/store_layout_0.sql");
    Connection::open(&path).unwrap().execute_batch(fixture).unwrap();
    let store = open(&path).unwrap();
    let rows = store.rows(everything()).collect().await.unwrap();
    let shown: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {} {}", row.source, row.target, row.family, row.measured))
        .collect();
    assert_eq!(
        shown,
        ["ams1 fra1 6 false", "ams1 lon1 4 true", "old1 ams1 4 true"]
    );
    let measured = &rows[1];
    assert_eq!(measured.counts.unwrap().sent, 5);
    assert_eq!(measured.delay.unwrap().sum_ns, 10_000_000);
    assert_eq!(measured.hist.as_ref().unwrap().total(), 4);
    assert_eq!(measured.slices.as_ref().unwrap().rtt_sum_ns, [10_000_000]);
    assert_eq!(measured.loss_runs, [(1, 1)]);
    assert_eq!(rows[0].meta.as_ref().unwrap().error.as_deref(), Some("resolve"));
    assert_eq!(rows[2].legacy.unwrap().stddev_ns, Some(1_118_034));
    let (from, to) = (UnixTime::from_ns(0), UnixTime::from_ns(i64::MAX));
    assert_eq!(store.probe_runs(None, from, to).await.unwrap().len(), 1);
    assert_eq!(store.collector_runs(from, to).await.unwrap().len(), 1);
    assert_eq!(
        store.plan_versions(None, to).await.unwrap()[0].record,
        "period|300s\n"
    );
}

#[tokio::test]
async fn a_copy_is_taken_while_the_collector_works_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let copy = folder.path().join("copy.sqlite");
    let store = open(&path).unwrap();
    store.append(&[report(0, 10)]).await.unwrap();
    backup(&path, &copy).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(reason(backup(&path, &copy)).contains("is there already"));
    store.append(&[report(1, 10)]).await.unwrap();
    assert!(reason(restore(&copy, &path)).contains("in use by another collector"));
    drop(store);
    restore(&copy, &path).unwrap();
    let store = open(&path).unwrap();
    assert_eq!(store.rows(everything()).collect().await.unwrap().len(), 10);
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("unfinished"))
        .collect();
    assert_eq!(left, [""; 0]);
}

/// A process that was killed leaves its log behind; the copy must not be changed by it.
#[tokio::test]
async fn the_log_of_a_killed_collector_is_not_applied_to_a_restored_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let killed = folder.path().join("killed");
    let store = open(&path).unwrap();
    store.append(&[report(0, 10)]).await.unwrap();
    backup(&path, &copy).unwrap();
    store.append(&[report(1, 10)]).await.unwrap();
    for suffix in ["", "-wal", "-shm"] {
        fs::copy(file::suffixed(&path, suffix), file::suffixed(&killed, suffix)).unwrap();
    }
    restore(&copy, &killed).unwrap();
    let restored = open(&killed).unwrap();
    assert_eq!(restored.rows(everything()).collect().await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_copy_that_is_no_store_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    drop(open(&path).unwrap());
    let before = fs::read(&path).unwrap();
    let wrong = folder.path().join("wrong");
    for content in ["", "garbage"] {
        fs::write(&wrong, content).unwrap();
        restore(&wrong, &path).unwrap_err();
    }
    fs::remove_file(&wrong).unwrap();
    let newer = Connection::open(&wrong).unwrap();
    newer
        .execute_batch("CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (7)")
        .unwrap();
    assert!(reason(restore(&wrong, &path)).contains("layout 7"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn expiry_goes_in_steps_and_lets_writers_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.sqlite")).unwrap();
    let reports: Vec<Report> = (0..2500).map(|number| report(number, 2)).collect();
    store.append(&reports).await.unwrap();
    let limit = report(2400, 0).run.time;
    let late = [report(9000, 1)];
    let (expired, appended) = tokio::join!(
        store.expire(crate::store::cell::Kept::Rows, limit),
        store.append(&late)
    );
    assert_eq!(expired.unwrap(), 4800);
    appended.unwrap();
    let rows = store.rows(everything()).collect().await.unwrap();
    assert_eq!(rows.len(), 201);
    let runs = store.probe_runs(None, UnixTime::from_ns(0), UnixTime::from_ns(i64::MAX));
    assert_eq!(runs.await.unwrap().len(), 2501);
}

#[tokio::test]
async fn many_callers_at_once_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(&folder.path().join("store.sqlite")).unwrap());
    let callers: Vec<_> = (0..600)
        .map(|number| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move { store.append(&[report(number, 3)]).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(store.rows(everything()).collect().await.unwrap().len(), 1800);
}

/// A disk of two megabytes, where one may be made.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "ixpqos-test"])
            .arg(folder.path())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_is_an_answer_and_not_an_end() {
    let Some(disk) = SmallDisk::mount() else {
        let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|part| part == "netns"),
            "cannot mount a tmpfs"
        );
        println!("skipped: needs root to mount a small disk");
        return;
    };
    let path = disk.0.path().join("store.sqlite");
    let store = open(&path).unwrap();
    let filler = disk.0.path().join("filler");
    let mut stored = 0;
    let mut write_until_full = async |first: i64| {
        for number in first.. {
            match store.append(&[report(number, 50)]).await {
                Ok(_) => stored += 50,
                Err(error) => {
                    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
                    assert!(error.to_string().contains("full"), "{error}");
                    return number;
                }
            }
        }
        unreachable!()
    };
    fs::write(&filler, vec![1; 700 * 1024]).unwrap();
    let full_at = write_until_full(0).await;
    fs::remove_file(&filler).unwrap();
    write_until_full(full_at).await;
    assert_eq!(store.rows(everything()).collect().await.unwrap().len(), stored);
    // What was acknowledged is there after a restart too.
    drop(store);
    let store = open(&path).unwrap();
    assert_eq!(store.rows(everything()).collect().await.unwrap().len(), stored);
}
