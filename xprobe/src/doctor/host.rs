//! The files of `/proc` and `/sys` that tell how this host is set up.

use std::fs;
use std::path::{Path, PathBuf};

/// Reads the files below a root: `/`, or in a test a folder that looks like it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    root: PathBuf,
}

/// The capability to open raw sockets (capability.h).
const NET_RAW: u32 = 13;
/// The capability to pass over the limits of socket buffers.
const NET_ADMIN: u32 = 12;

impl Host {
    /// The host of this process.
    pub(crate) fn of_this_process() -> Self {
        Self::at(Path::new("/"))
    }

    /// The host whose files lie below `root`.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The text of a file, without the white space at its ends; none if there is none to read.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The kernel's setting `name`, which is written with dots as for sysctl(8).
    ///
    /// The name of an interface may itself hold a dot, so it is given apart, for each `*` in `name`.
    pub(crate) fn setting(&self, name: &str, interface: &str) -> Option<String> {
        let path = name.replace('.', "/").replace('*', interface);
        self.text(&format!("proc/sys/{path}"))
    }

    /// The same as a number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.setting(name, "")?.parse().ok()
    }

    /// Whether this process may open raw sockets.
    pub(crate) fn may_open_raw(&self) -> bool {
        self.has(NET_RAW)
    }

    /// Whether this process may take larger socket buffers than `net.core.rmem_max`.
    pub(crate) fn may_force_buffers(&self) -> bool {
        self.has(NET_ADMIN)
    }

    /// Names of the entries of a folder, sorted.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.join(path)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    /// Whether the effective capabilities of this process hold `capability`.
    fn has(&self, capability: u32) -> bool {
        let status = self.text("proc/self/status").unwrap_or_default();
        let effective = status
            .lines()
            .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
        effective.is_some_and(|set| set >> capability & 1 == 1)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A host with just these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let host = Host::at(directory.path());
        (directory, host)
    }

    #[test]
    fn capabilities_are_read_from_the_effective_set() {
        let (_kept, host) = with(&[(
            "proc/self/status",
            "Name:\txprobe\nCapPrm:\tffffffffffffffff\nCapEff:\t0000000000002000\n",
        )]);
        assert!(host.may_open_raw() && !host.may_force_buffers());
        let (_kept, host) = with(&[]);
        assert!(!host.may_open_raw());
    }

    #[test]
    fn a_setting_of_an_interface_with_a_dot_in_its_name_is_found() {
        let (_kept, host) = with(&[("proc/sys/net/ipv4/conf/eth0.100/arp_ignore", "1\n")]);
        let setting = host.setting("net.ipv4.conf.*.arp_ignore", "eth0.100");
        assert_eq!(setting.as_deref(), Some("1"));
    }
}
