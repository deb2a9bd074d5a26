//! A private network for one test: an exchange of namespaces that nothing outside can see.

use std::fs;
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, unshare};

/// One exchange. The thread that made it, and every process that it starts, lives in a network
/// namespace of its own with `lo` and the bridge `ix`; each probe host is a named namespace on it.
pub(crate) struct Lab {
    prefix: String,
    hosts: Vec<String>,
}

impl Lab {
    /// Address of the exchange's own end, where the collector and nginx listen.
    pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

    /// An exchange without hosts; `None` (and a line that says why) where this machine cannot have one.
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !nix::unistd::geteuid().is_root() {
            return skipped("root, to make network namespaces");
        }
        if Command::new("ip").arg("-V").output().is_err() || Command::new("nft").arg("-v").output().is_err() {
            return skipped("ip and nft (Debian: apt-get install iproute2 nftables)");
        }
        if unshare(CloneFlags::CLONE_NEWNET).is_err() {
            return skipped("a kernel that lets root unshare the network");
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let lab = Self {
            prefix: format!("xe{}n{number}", std::process::id()),
            hosts: Vec::new(),
        };
        ip("link set lo up");
        ip("link add ix type bridge");
        ip("link set ix up");
        ip(&format!("addr add {}/24 dev ix", Self::SERVER));
        Some(lab)
    }

    /// Adds a host with this last byte of its address (and of its IPv6 address) to the exchange.
    pub(crate) fn add_host(&mut self, name: &str, last: u8) -> Ipv4Addr {
        let host = self.namespace(name);
        ip(&format!("netns add {host}"));
        self.hosts.push(host.clone());
        ip(&format!("link add v{last} type veth peer name eth0 netns {host}"));
        ip(&format!("link set v{last} master ix up"));
        let address = Ipv4Addr::new(10, 99, 0, last);
        for command in [
            "link set lo up".to_owned(),
            "link set eth0 up".to_owned(),
            format!("addr add {address}/24 dev eth0"),
            format!("addr add fd99::{last}/64 dev eth0 nodad"),
        ] {
            ip(&format!("-n {host} {command}"));
        }
        address
    }

    /// Runs nftables commands on a host.
    pub(crate) fn nft(&self, host: &str, rules: &str) {
        let mut nft = self.command(host, "nft");
        nft.arg(rules);
        run(&mut nft);
    }

    /// A command on a host.
    pub(crate) fn command(&self, host: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace(host), program])
            .stdin(Stdio::null());
        command
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}{host}", self.prefix)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in &self.hosts {
            // Nothing useful can be done in a destructor if the namespace is already gone.
            let _ = Command::new("ip").args(["netns", "del", host]).status();
        }
    }
}

/// Says that the test is skipped, and fails where the part is required.
pub(crate) fn skipped<T>(needs: &str) -> Option<T> {
    let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
    assert!(
        !required.split(',').any(|part| part == "netns"),
        "required by IXPQOS_REQUIRE: needs {needs}"
    );
    let line = format!("skipped: needs {needs}");
    println!("{line}");
    if let Ok(list) = std::env::var("IXPQOS_SKIPPED") {
        use std::io::Write as _;
        let file = fs::OpenOptions::new().create(true).append(true).open(list);
        file.and_then(|mut file| writeln!(file, "{line}"))
            .expect("the list of skipped tests is writable");
    }
    None
}

fn ip(arguments: &str) {
    run(Command::new("ip").args(arguments.split(' ')));
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
