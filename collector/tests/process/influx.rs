//! Something that answers like InfluxDB 2, or refuses every token, or holds an answer back.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// A stub that answers until the test ends.
pub(crate) struct Stub {
    address: SocketAddr,
    refuses: Arc<AtomicBool>,
    writes: mpsc::Receiver<String>,
    free: mpsc::Sender<()>,
}

struct Hold {
    held: mpsc::Sender<String>,
    free: Mutex<mpsc::Receiver<()>>,
    wanted: bool,
}

impl Stub {
    /// Everything is taken.
    pub(crate) fn start() -> Self {
        Self::with(false)
    }

    /// A write of results is answered when the test lets go.
    pub(crate) fn holding_results() -> Self {
        Self::with(true)
    }

    fn with(wanted: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, writes) = mpsc::channel();
        let (free, freed) = mpsc::channel();
        let refuses = Arc::new(AtomicBool::new(false));
        let hold = Arc::new(Hold {
            held: tell,
            free: Mutex::new(freed),
            wanted,
        });
        let refusing = Arc::clone(&refuses);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (hold, refusing) = (Arc::clone(&hold), Arc::clone(&refusing));
                // A client that went away ends its own thread only.
                thread::spawn(move || answer(stream, &hold, &refusing));
            }
        });
        Self {
            address,
            refuses,
            writes,
            free,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on no token is good.
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Waits for the lines of a write that is held.
    pub(crate) fn held(&self) -> String {
        self.writes.recv_timeout(PATIENCE).expect("a write")
    }

    /// Answers the write that is held.
    pub(crate) fn let_go(&self) {
        self.free.send(()).unwrap();
    }
}

fn answer(stream: TcpStream, hold: &Hold, refuses: &AtomicBool) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.trim().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if hold.wanted && body.starts_with("Ping") {
        hold.held.send(body).ok()?;
        hold.free.lock().unwrap().recv().ok()?;
    }
    let (status, kind, text) = if refuses.load(Ordering::SeqCst) {
        let text = r#"{"code":"unauthorized","message":"unauthorized access"}"#;
        ("401 Unauthorized", "application/json", text)
    } else if head.starts_with("post /api/v2/write") {
        ("204 No Content", "text/plain", "")
    } else if head.starts_with("post /api/v2/query") {
        ("200 OK", "text/csv; charset=utf-8", "\r\n")
    } else {
        let text = r#"{"buckets":[{"id":"1","name":"x","retentionRules":[]}],"orgs":[{"id":"1"}]}"#;
        ("200 OK", "application/json", text)
    };
    let length = text.len();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    )
    .ok()
}
