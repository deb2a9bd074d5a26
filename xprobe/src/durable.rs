//! Files that are either complete on the disk or not there.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Begin of the name of a file that is still being written.
pub(crate) const UNFINISHED: &str = ".writing-";

/// Makes the directory `path` and its parents, readable for this user only.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes `content` to the file `name` in `directory`, replacing it as a whole.
///
/// When it returns, content and name survive a power cut: the file is written under another name,
/// synced and renamed, then the directory is synced.
pub(crate) fn write(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!("{UNFINISHED}{name}"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written.and_then(|()| fs::rename(&unfinished, directory.join(name))) {
        // What could not be finished would only fill the disk further.
        let _ = fs::remove_file(&unfinished);
        return Err(error);
    }
    File::open(directory)?.sync_all()
}

/// Reads the regular file `path`; none if there is no such file.
///
/// # Errors
///
/// Also if it is something else than a file, or larger than `limit` bytes.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {limit} bytes"),
        ));
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "plan", b"a long first content").unwrap();
        write(directory.path(), "plan", b"second").unwrap();
        assert_eq!(
            read(&directory.path().join("plan"), 6).unwrap().unwrap(),
            b"second"
        );
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_usable_file_is_an_error_and_what_is_not_there_is_none() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "plan", b"1234").unwrap();
        assert!(read(&directory.path().join("plan"), 3).is_err());
        assert!(read(directory.path(), 3).is_err());
        assert!(read(&directory.path().join("absent"), 3).unwrap().is_none());
    }
}
