//! A disk that can be filled: a small tmpfs in a mount namespace of the test's own thread.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;

/// A mounted tmpfs. The thread that made it and the processes that it starts see it, nobody else;
/// it is gone when they are.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` after a line that says why there can be none.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNS).is_err() {
            let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|part| part == "netns"),
                "root is required, for namespaces"
            );
            println!("skipped: needs root, to mount a small disk");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        run(Command::new("mount").args(["--make-rprivate", "/"]));
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path()));
        Some(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left.
    pub(crate) fn fill(&self) -> Filler {
        let path = self.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        let block = [0_u8; 4096];
        while file.write_all(&block).is_ok() {}
        Filler { path }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Holds the space until it is dropped.
pub(crate) struct Filler {
    path: PathBuf,
}

impl Drop for Filler {
    fn drop(&mut self) {
        fs::remove_file(&self.path).expect("the filler is there");
    }
}

#[track_caller]
fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
