//! The key that opens the collector, and the places it may come from.
//!
//! It is kept in [`SecretString`]: no `Debug`, message or log of ours shows it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

/// Longest accepted key: ours have 43 characters, and a key travels in one HTTP header.
pub(crate) const MAX_KEY_BYTES: usize = 1024;

/// Why a key cannot be used; never shows the key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The key file could not be read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// The file that was named.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The key file holds nothing but white space.
    #[error("the key file {} is empty", path.display())]
    Empty {
        /// The file that was named.
        path: PathBuf,
    },
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("the key from {origin} is longer than {MAX_KEY_BYTES} bytes")]
    TooLong {
        /// Where the key came from.
        origin: String,
    },
    /// The key holds a character that cannot travel in a header.
    #[error("the key from {origin} holds a character other than visible ASCII")]
    Character {
        /// Where the key came from.
        origin: String,
    },
}

/// Reads the key in the file `path`: its whole text without white space at either end.
///
/// # Errors
///
/// If the file cannot be read, is empty, or holds something that cannot be a key.
pub(crate) fn read_file(path: &Path) -> Result<SecretString, KeyError> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MAX_KEY_BYTES as u64 + 2).read_to_string(&mut text))
        .map_err(|source| KeyError::Read {
            path: path.to_owned(),
            source,
        })?;
    let found = check(&SecretString::from(text), &path.display().to_string())?;
    found.ok_or_else(|| KeyError::Empty {
        path: path.to_owned(),
    })
}

/// The usable key in `key`, or none if it is empty, as the predecessor's `-k ""` meant.
///
/// # Errors
///
/// If it is too long or cannot travel in a header; `origin` says in the message whence it came.
pub(crate) fn check(key: &SecretString, origin: &str) -> Result<Option<SecretString>, KeyError> {
    let text = key.expose_secret().trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > MAX_KEY_BYTES {
        return Err(KeyError::TooLong {
            origin: origin.to_owned(),
        });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyError::Character {
            origin: origin.to_owned(),
        });
    }
    Ok(Some(SecretString::from(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn file(content: &[u8]) -> Result<SecretString, KeyError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, content).unwrap();
        read_file(&path)
    }

    #[test]
    fn the_line_end_of_a_key_file_is_no_part_of_the_key() {
        assert_eq!(file(b"abc\n").unwrap().expose_secret(), "abc");
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        assert!(matches!(file(b" \n"), Err(KeyError::Empty { .. })));
        assert!(matches!(file(b"a b"), Err(KeyError::Character { .. })));
        assert!(matches!(
            file(&[b'a'; MAX_KEY_BYTES + 1]),
            Err(KeyError::TooLong { .. })
        ));
        assert!(matches!(file(&[0xff]), Err(KeyError::Read { .. })));
    }

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(check(&SecretString::from(""), "-k").unwrap().is_none());
    }

    #[test]
    fn no_message_and_no_debug_shows_the_key() {
        let error = check(&SecretString::from("marked secret"), "-k").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("marked"));
    }
}
