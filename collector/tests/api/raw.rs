//! Requests as bytes, so that no client library mends what is hostile in them.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::app::TestApp;

/// Longest wait for an answer; nothing here depends on how long one takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug)]
pub(crate) struct RawReply {
    pub(crate) status: u16,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl RawReply {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }
}

impl TestApp {
    /// A GET of exactly these bytes as target, on a connection of its own.
    pub(crate) async fn get_raw(&self, target: &[u8], key: &str) -> RawReply {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut request = b"GET ".to_vec();
        request.extend_from_slice(target);
        request.extend_from_slice(b" HTTP/1.1\r\nHost: collector.example\r\nConnection: close\r\n");
        request.extend_from_slice(format!("X-API-Key: {key}\r\n\r\n").as_bytes());
        let exchange = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Whoever refuses a request early may not read all of it.
            let _ = stream.write_all(&request).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer");
        parse(&answer)
    }
}

/// Splits an answer; its body has a length, because it is not compressed.
fn parse(answer: &[u8]) -> RawReply {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(answer)));
    let head = std::str::from_utf8(&answer[..end]).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let reply = RawReply {
        status,
        headers,
        body: answer[end + 4..].to_vec(),
    };
    let length: usize = reply.header("content-length").expect("a length").parse().unwrap();
    assert_eq!(reply.body.len(), length, "{reply:?}");
    reply
}

/// `bytes` as one value of a query or one segment of a path: everything that is not a letter or a digit is encoded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text
}
