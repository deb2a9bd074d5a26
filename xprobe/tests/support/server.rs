//! A scripted HTTP server on a port of its own: one closure decides every answer, also how it
//! breaks; every request is recorded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    breaking: Breaking,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaking {
    Not,
    /// Says nothing until the server is dropped.
    Stall,
    /// Closes in the middle of the body.
    Truncate,
    /// Closes without a word.
    Close,
    /// Sends the body without end.
    Endless,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self {
            status,
            headers,
            body: body.into(),
            breaking: Breaking::Not,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn stall() -> Self {
        Self {
            breaking: Breaking::Stall,
            ..Self::new(200, "")
        }
    }

    pub(crate) fn truncated(mut self) -> Self {
        self.breaking = Breaking::Truncate;
        self
    }

    pub(crate) fn close() -> Self {
        Self {
            breaking: Breaking::Close,
            ..Self::new(200, "")
        }
    }

    pub(crate) fn endless() -> Self {
        Self {
            breaking: Breaking::Endless,
            ..Self::new(200, vec![b' '; 1 << 16])
        }
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// Ends with the value.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            requests: Mutex::new(Vec::new()),
            ended: Mutex::new(false),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if *serving.ended.lock().unwrap() {
                    return;
                }
                let connection = Arc::clone(&serving);
                thread::spawn(move || connection.serve(stream.unwrap()));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.shared.ended.lock().unwrap() = true;
        self.shared.changed.notify_all();
        // Wakes the accepting thread, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut writer = stream;
        while let Some(request) = read_request(&mut reader) {
            self.requests.lock().unwrap().push(request.clone());
            let reply = (self.handler)(&request);
            if self.answer(&mut writer, &reply).is_none() {
                return;
            }
        }
    }

    /// None: the connection is over.
    fn answer(&self, writer: &mut TcpStream, reply: &Reply) -> Option<()> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status);
        for (name, value) in &reply.headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        let length = match reply.breaking {
            Breaking::Endless => "transfer-encoding: chunked".to_owned(),
            _ => format!("content-length: {}", reply.body.len()),
        };
        let head = format!("{head}{length}\r\n\r\n");
        match reply.breaking {
            Breaking::Not => {
                writer.write_all(head.as_bytes()).ok()?;
                writer.write_all(&reply.body).ok()
            }
            Breaking::Stall => {
                let ended = self.ended.lock().unwrap();
                drop(self.changed.wait_while(ended, |ended| !*ended).unwrap());
                None
            }
            Breaking::Truncate => {
                writer.write_all(head.as_bytes()).ok()?;
                writer.write_all(&reply.body[..reply.body.len() / 2]).ok()?;
                None
            }
            Breaking::Close => None,
            Breaking::Endless => {
                writer.write_all(head.as_bytes()).ok()?;
                let chunk = [
                    format!("{:x}\r\n", reply.body.len()).as_bytes(),
                    &reply.body,
                    b"\r\n",
                ]
                .concat();
                while writer.write_all(&chunk).is_ok() {}
                None
            }
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path,
        headers,
        body,
    })
}
