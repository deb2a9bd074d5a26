//! A collector that runs as a service in a folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use collector::clock::Clock;
use collector::key::{KeyDigest, KeyEntry, file};
use serde_json::Value;
use tempfile::TempDir;

/// Beyond this a test waits for something that will not come.
const PATIENCE: Duration = Duration::from_secs(30);
const SOCKET: &str = "notify";
const ROSTER: &str = r#"{"probes":[{"name":"ams1","proto":4,"address":"192.0.2.1"},{"name":"lon1","proto":4,"address":"192.0.2.2"}]}"#;

/// What is written before a collector starts.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) configuration: String,
    keys: Vec<KeyEntry>,
}

/// What was answered: the status, and everything as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// How a collector ended.
pub(crate) struct End {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// One collector; it ends with this value.
pub(crate) struct Service {
    folder: TempDir,
    address: String,
    process: Child,
    notices: UnixDatagram,
    log: Option<JoinHandle<String>>,
}

/// A report of `ams1` whose round begins now.
pub(crate) fn report() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ippm/tests/fixtures/vectors/reports.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut report = document["report"].clone();
    report["source"] = "ams1".into();
    report["round_start"] = ippm::wire::time::format(Clock::system().now()).into();
    report["results"] = serde_json::json!([document["named"]["error"].clone()]);
    report.to_string()
}

/// The program, with no environment but what a test gives it.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_collector"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// The arguments of a process as every user of the host sees them.
pub(crate) fn arguments(process: &Child) -> String {
    let bytes = fs::read(format!("/proc/{}/cmdline", process.id())).unwrap();
    String::from_utf8(bytes).unwrap()
}

impl Setting {
    /// With a store of its own.
    pub(crate) fn embedded() -> Self {
        Self::of("[store]\ndata_dir = \"data\"\n")
    }

    /// With InfluxDB at `url`; the token lies in a file.
    pub(crate) fn influx(url: &str, token_file: &str) -> Self {
        Self::of(&format!(
            "[store]\nbackend = \"influx\"\n[store.influx]\nurl = \"{url}\"\norg = \"x\"\ngzip = false\ntoken_file = \"{token_file}\"\n"
        ))
    }

    fn of(store: &str) -> Self {
        Self {
            configuration: format!("[server]\nlisten = \"127.0.0.1:0\"\ninstance = \"test\"\n{store}"),
            keys: Vec::new(),
        }
    }

    /// And this key.
    pub(crate) fn key(mut self, secret: &str, role: &str, subject: &str) -> Self {
        self.keys.push(KeyEntry {
            id: format!("key-{}", self.keys.len()),
            role: role.parse().unwrap(),
            subject: subject.to_owned(),
            digest: KeyDigest::of(secret.as_bytes()),
            not_after: None,
        });
        self
    }

    /// Writes configuration, roster, keys and a token.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("collector.toml"), &self.configuration).unwrap();
        fs::write(folder.join("probes.json"), ROSTER).unwrap();
        if !folder.join("token").exists() {
            fs::write(folder.join("token"), "token-of-a-test\n").unwrap();
        }
        self.write_keys(folder);
    }

    /// Writes the key file.
    pub(crate) fn write_keys(&self, folder: &Path) {
        let text: String = self.keys.iter().map(file::entry_text).collect();
        fs::write(folder.join("keys.toml"), text).unwrap();
    }
}

impl Service {
    /// Starts one, and returns when it listens.
    pub(crate) fn start(setting: &Setting, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        setting.write(folder.path());
        Self::start_in(folder, environment)
    }

    /// Starts one on files that are there.
    pub(crate) fn start_in(folder: TempDir, environment: &[(&str, &str)]) -> Self {
        let socket: PathBuf = folder.path().join(SOCKET);
        let notices = UnixDatagram::bind(&socket).unwrap();
        notices.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut process = program(folder.path())
            .args(["serve", "--config", "collector.toml"])
            .env("NOTIFY_SOCKET", &socket)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "{seen}");
            seen.push_str(&line);
            if let Some((_, address)) = line.trim_end().split_once("listening on ") {
                break address.to_owned();
            }
        };
        // Read to its end, or a full pipe would hold the collector.
        let log = std::thread::spawn(move || {
            log.read_to_string(&mut seen).unwrap();
            seen
        });
        Self {
            folder,
            address,
            process,
            notices,
            log: Some(log),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its arguments as every user of the host sees them.
    pub(crate) fn arguments(&self) -> String {
        arguments(&self.process)
    }

    /// What systemd is told next.
    #[track_caller]
    pub(crate) fn told(&self) -> String {
        let mut bytes = [0; 512];
        let length = self.notices.recv(&mut bytes).expect("a notice");
        std::str::from_utf8(&bytes[..length])
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// What systemd is told next that is not `usual`.
    #[track_caller]
    pub(crate) fn told_beside(&self, usual: &str) -> String {
        loop {
            let told = self.told();
            if told != usual {
                return told;
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.process.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// One request on a connection of its own.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        )
        .unwrap();
        for (name, value) in headers {
            write!(stream, "{name}: {value}\r\n").unwrap();
        }
        let body = body.as_ref();
        write!(stream, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(body).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or_else(|| panic!("no answer: {text:?}")),
            text,
        }
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> End {
        let mut stdout = String::new();
        let mut pipe = self.process.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        End {
            stderr: self.log.take().unwrap().join().unwrap(),
            status: self.process.wait().unwrap().code(),
            stdout,
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already if the test ended it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
