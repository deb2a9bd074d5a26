//! nginx on the shipped site, in a throw-away folder with a certificate of its own.

use std::{
    fmt::Write as _,
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

const ATTEMPTS: usize = 5;
const POLLS: usize = 500;

/// A running nginx; it ends with this value.
pub(crate) struct Nginx {
    process: Child,
    address: IpAddr,
    /// Port of the TLS server; the certificate is for `localhost` and for the address.
    pub(crate) https: u16,
    /// Port of the server that only redirects.
    pub(crate) http: u16,
    folder: TempDir,
}

impl Nginx {
    /// Starts the shipped site on 127.0.0.1 in front of `upstreams`; see [`Nginx::start_on`].
    pub(crate) fn start(upstreams: &[SocketAddr]) -> Option<Self> {
        Self::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST), upstreams)
    }

    /// Starts the shipped site on `address` in front of `upstreams`; `None` after a line that says what is missing.
    ///
    /// # Panics
    ///
    /// If nginx is missing although `IXPQOS_REQUIRE` names it, or does not start.
    pub(crate) fn start_on(address: IpAddr, upstreams: &[SocketAddr]) -> Option<Self> {
        if !is_installed("nginx", "-v") || !is_installed("openssl", "version") {
            let required = std::env::var("IXPQOS_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|part| part == "nginx"),
                "nginx and openssl are required"
            );
            println!("skipped: needs nginx and openssl (Debian: apt-get install nginx openssl)");
            return None;
        }
        // A free port may be taken between the choice and nginx's bind: then it is chosen again.
        (0..ATTEMPTS)
            .find_map(|_| Self::try_start(address, upstreams))
            .or_else(|| panic!("nginx does not start"))
    }

    fn try_start(address: IpAddr, upstreams: &[SocketAddr]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        make_certificate(folder.path(), address);
        let (https, http) = (free_port(address), free_port(address));
        fs::write(
            folder.path().join("site.conf"),
            site(folder.path(), upstreams, (address, https), (address, http)),
        )
        .unwrap();
        fs::write(
            folder.path().join("nginx.conf"),
            main_configuration(folder.path()),
        )
        .unwrap();
        let process = command(folder.path()).spawn().unwrap();
        let mut nginx = Self {
            process,
            address,
            https,
            http,
            folder,
        };
        nginx.is_up().then_some(nginx)
    }

    fn is_up(&mut self) -> bool {
        for _ in 0..POLLS {
            if self.process.try_wait().unwrap().is_some() {
                eprintln!("nginx: {}", self.log());
                return false;
            }
            if TcpStream::connect((self.address, self.https)).is_ok() {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// The certificate in PEM that a client has to trust.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("cert.pem")).unwrap()
    }

    /// Has nginx read its configuration again, as after a new certificate.
    pub(crate) fn reload(&self) {
        self.signal("HUP");
    }

    fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args(["-s", name, &self.process.id().to_string()])
            .status();
    }

    /// What nginx logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers on SIGTERM; SIGKILL would leave them behind.
        self.signal("TERM");
        let _ = self.process.wait();
    }
}

fn is_installed(program: &str, argument: &str) -> bool {
    Command::new(program)
        .arg(argument)
        .output()
        .is_ok_and(|output| output.status.success())
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-e")
        .arg(folder.join("error.log"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn make_certificate(folder: &Path, address: IpAddr) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-addext")
        .arg(format!("subjectAltName=DNS:localhost,IP:127.0.0.1,IP:{address}"))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "openssl: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

fn free_port(address: IpAddr) -> u16 {
    TcpListener::bind((address, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The shipped file with this machine's ports, certificate and collectors put in.
fn site(folder: &Path, upstreams: &[SocketAddr], https: (IpAddr, u16), http: (IpAddr, u16)) -> String {
    let (https, http) = (SocketAddr::from(https), SocketAddr::from(http));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx/ixpqos.conf");
    let mut site = String::new();
    let mut servers_written = false;
    for line in fs::read_to_string(shipped).unwrap().lines() {
        let word = line.trim_start();
        if word.starts_with("listen 80;") {
            writeln!(site, "listen {http};").unwrap();
        } else if word.starts_with("listen 443 ") {
            writeln!(site, "{}", line.replace("443", &https.to_string())).unwrap();
        } else if word.starts_with("ssl_certificate ") {
            writeln!(site, "ssl_certificate {};", folder.join("cert.pem").display()).unwrap();
        } else if word.starts_with("ssl_certificate_key ") {
            writeln!(site, "ssl_certificate_key {};", folder.join("key.pem").display()).unwrap();
        } else if word.starts_with("server 127.") {
            // All collectors take the place of the first one shown.
            for upstream in upstreams.iter().filter(|_| !servers_written) {
                writeln!(site, "server {upstream} max_fails=3 fail_timeout=10s;").unwrap();
            }
            servers_written = true;
        } else if !word.starts_with("listen [::]") {
            writeln!(site, "{line}").unwrap();
        }
    }
    site
}

fn main_configuration(folder: &Path) -> String {
    let folder = folder.display();
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n");
    let user = if is_root { "user root;" } else { "" };
    format!(
        "{user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n\
         access_log off;\n\
         client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
         include {folder}/site.conf;\n\
         }}\n"
    )
}
