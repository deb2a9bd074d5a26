use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const SMALL: Limits = Limits {
    reports: 3,
    bytes: 100,
    refused: 2,
};

fn name(text: &str) -> ProbeName {
    text.parse().unwrap()
}

fn spool(limits: Limits) -> (TempDir, Spool) {
    let directory = tempfile::tempdir().unwrap();
    let spool = Spool::open(directory.path(), &name("ams1"), limits).unwrap();
    (directory, spool)
}

fn keep(spool: &Spool, at: i64, body: &[u8]) -> Dropped {
    spool.keep(UnixTime::from_ns(at), body).unwrap().1
}

fn bodies(spool: &Spool) -> Vec<Vec<u8>> {
    let entries = spool.entries().unwrap();
    entries.iter().map(|entry| spool.load(entry).unwrap()).collect()
}

#[test]
fn reports_come_back_byte_for_byte_and_oldest_first() {
    let (_directory, spool) = spool(SMALL);
    keep(&spool, 1_700_000_000_000_000_002, b"two");
    keep(&spool, 999, b"one");
    assert_eq!(bodies(&spool), [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn the_oldest_makes_room_and_is_counted() {
    let (directory, spool) = spool(SMALL);
    for at in 1..=3 {
        assert_eq!(keep(&spool, at, b"a"), Dropped { now: 0, in_all: 0 });
    }
    assert_eq!(keep(&spool, 4, b"d"), Dropped { now: 1, in_all: 1 });
    assert_eq!(spool.entries().unwrap().len(), 3);
    // Bytes count as well: only one of the three may stay beside 99 bytes.
    assert_eq!(keep(&spool, 5, &[b'e'; 99]), Dropped { now: 2, in_all: 3 });
    let again = Spool::open(directory.path(), &name("ams1"), SMALL).unwrap();
    assert_eq!(keep(&again, 6, &[b'f'; 2]), Dropped { now: 2, in_all: 5 });
}

#[test]
fn the_standard_limits_are_the_documented_ones() {
    assert_eq!((MAX_REPORTS, MAX_BYTES, MAX_REFUSED), (2016, 268_435_456, 100));
}

#[test]
fn a_refused_report_is_set_aside_with_its_answer_and_the_oldest_of_them_goes() {
    let (_directory, spool) = spool(SMALL);
    for at in 1..=3 {
        keep(&spool, at, b"body");
    }
    for entry in spool.entries().unwrap() {
        spool.set_aside(&entry, b"422 time_expired").unwrap();
    }
    assert!(spool.entries().unwrap().is_empty());
    let mut left: Vec<String> = fs::read_dir(spool.refused_directory())
        .unwrap()
        .map(|item| item.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(
        left[0].starts_with("00000000000000000002-") && left[0].ends_with(".answer"),
        "{left:?}"
    );
}

#[test]
fn foreign_and_broken_things_in_the_spool_are_passed_over() {
    let (directory, spool) = spool(SMALL);
    let inside = directory.path().join("spool");
    fs::write(inside.join("notes.txt"), "x").unwrap();
    fs::write(inside.join(format!("123{}", spool.suffix)), "x").unwrap();
    fs::create_dir(inside.join(format!("{:020}{}", 1, spool.suffix))).unwrap();
    symlink("/etc/hostname", inside.join(format!("{:020}{}", 2, spool.suffix))).unwrap();
    keep(&spool, 3, b"mine");
    assert_eq!(bodies(&spool), [b"mine".to_vec()]);
}

#[test]
fn two_probes_share_a_directory_without_touching_each_other() {
    let (directory, first) = spool(SMALL);
    let second = Spool::open(directory.path(), &name("lon1"), SMALL).unwrap();
    keep(&first, 1, b"first");
    for at in 1..=4 {
        keep(&second, at, b"second");
    }
    assert_eq!(bodies(&first), [b"first".to_vec()]);
}

#[test]
fn what_was_being_written_when_the_probe_was_killed_is_swept_away() {
    let (directory, spool) = spool(SMALL);
    let unfinished = format!("{}{:020}{}", durable::UNFINISHED, 7, spool.suffix);
    let path = directory.path().join("spool").join(unfinished);
    fs::write(&path, "half").unwrap();
    let again = Spool::open(directory.path(), &name("ams1"), SMALL).unwrap();
    assert!(!path.exists());
    assert!(again.entries().unwrap().is_empty());
}
