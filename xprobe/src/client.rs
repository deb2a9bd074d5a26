//! HTTP towards the collector: one exchange at a time, each with a time limit and a size limit.
//!
//! An asynchronous client on a runtime of its own; nobody outside this module sees either.

mod tls;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use ippm::UnixTime;
use reqwest::header::{
    ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    RETRY_AFTER,
};
use reqwest::{Method, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;

/// Largest answer that is read: a plan of 2048 results has some 400 kB.
pub(crate) const MAX_ANSWER_BYTES: usize = 4 << 20;

/// How long an idle connection is used again: shorter than what servers usually keep.
const IDLE: Duration = Duration::from_secs(5);

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const SENT_AT: HeaderName = HeaderName::from_static("ixpqos-sent-at");

/// The client of one run.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    /// Only none while being dropped.
    runtime: Option<Runtime>,
    clock: Clock,
}

/// Why the client could not be set up.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The file of certificate authorities could not be read.
    #[error("cannot read the certificate authorities in {}", path.display())]
    Authorities {
        /// The file that was named.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The file of certificate authorities holds no certificate, or a broken one.
    #[error("{} holds no usable PEM certificate", path.display())]
    NoAuthority {
        /// The file that was named.
        path: PathBuf,
        /// What is wrong with it, if it is broken.
        source: Option<reqwest::Error>,
    },
    /// The client itself could not be made.
    #[error("cannot set up HTTP")]
    Setup(#[source] reqwest::Error),
    /// The runtime could not be made.
    #[error("cannot set up the runtime for HTTP")]
    Runtime(#[source] io::Error),
}

/// One question to the collector.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) url: Url,
    /// Time limit from name resolution to the last byte of the answer.
    pub(crate) limit: Duration,
    pub(crate) content: Content<'a>,
}

/// What is asked or sent.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// A GET, conditional if an entity tag is known.
    Get { etag: Option<&'a str> },
    /// A POST of JSON.
    Json(Vec<u8>),
    /// A POST of JSON that is compressed already.
    Gzip(Vec<u8>),
}

/// A complete answer of the collector, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
    /// The collector's clock, in whole seconds.
    pub(crate) date: Option<UnixTime>,
    /// How long the collector asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// The probe's clock half-way between question and answer.
    pub(crate) midpoint: UnixTime,
}

/// Why there is no complete answer.
#[derive(Debug, Error)]
pub(crate) enum ExchangeError {
    /// No connection, or it broke before the answer was complete.
    #[error("no answer")]
    Connection(#[source] RootCause),
    /// The time limit passed.
    #[error("no complete answer within {} ms", limit.as_millis())]
    TimeLimit { limit: Duration },
    /// The answer is larger than [`MAX_ANSWER_BYTES`].
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

/// An error of the HTTP library that says only what went wrong first: its own words name layers.
#[derive(Debug)]
pub(crate) struct RootCause(reqwest::Error);

impl RootCause {
    /// Whether no connection was made at all, so that nothing can have arrived.
    pub(crate) fn is_connect(&self) -> bool {
        self.0.is_connect()
    }
}

impl fmt::Display for RootCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause: &dyn Error = &self.0;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        write!(f, "{cause}")
    }
}

impl Error for RootCause {}

impl Client {
    /// A client that sends `key`, if any, with every question, and trusts the authorities in
    /// `ca_file` beside those of the operating system.
    ///
    /// # Errors
    ///
    /// If the file is not usable or the system lacks what a client needs.
    pub(crate) fn new(
        key: Option<&SecretString>,
        ca_file: Option<&PathBuf>,
        clock: Clock,
    ) -> Result<Self, ClientError> {
        tls::install_provider();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("xprobe/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE);
        if let Some(path) = ca_file {
            builder = builder.tls_certs_merge(tls::authorities(path)?);
        }
        // A key is visible ASCII by construction, so it always fits into a header.
        if let Some(mut value) = key.and_then(|key| HeaderValue::from_str(key.expose_secret()).ok()) {
            value.set_sensitive(true);
            builder = builder.default_headers(HeaderMap::from_iter([(API_KEY, value)]));
        }
        Ok(Self {
            http: builder.build().map_err(ClientError::Setup)?,
            runtime: Some(
                Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(ClientError::Runtime)?,
            ),
            clock,
        })
    }

    /// Asks `question` and waits for the complete answer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`]; no status of the collector is an error here.
    pub(crate) fn ask(&self, question: Question<'_>) -> Result<Answer, ExchangeError> {
        let limit = question.limit;
        let Some(runtime) = &self.runtime else {
            return Err(ExchangeError::TimeLimit { limit });
        };
        runtime.block_on(async {
            tokio::time::timeout(limit, self.exchange(question))
                .await
                .unwrap_or_else(|_| Err(ExchangeError::TimeLimit { limit }))
        })
    }

    async fn exchange(&self, question: Question<'_>) -> Result<Answer, ExchangeError> {
        let sent = self.clock.now();
        let request = match question.content {
            Content::Get { etag } => {
                let request = self
                    .http
                    .request(Method::GET, question.url)
                    .header(ACCEPT, "application/json");
                if let Some(etag) = etag {
                    request.header(IF_NONE_MATCH, etag)
                } else {
                    request
                }
            }
            Content::Json(body) => self.post(question.url, sent).body(body),
            Content::Gzip(body) => self
                .post(question.url, sent)
                .header(CONTENT_ENCODING, "gzip")
                .body(body),
        };
        let response = request.send().await.map_err(broken)?;
        // The head of the answer tells the time; a long body would move the middle away from it.
        let received = self.clock.now();
        let status = response.status().as_u16();
        let text = |name: HeaderName| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (etag, date, retry_after) = (text(ETAG), text(DATE), text(RETRY_AFTER));
        Ok(Answer {
            status,
            body: read_body(response).await?,
            etag,
            date: date.as_deref().and_then(http_date),
            retry_after: retry_after.and_then(|seconds| seconds.trim().parse().ok().map(Duration::from_secs)),
            midpoint: sent.saturating_add(received.since(sent).unwrap_or_default() / 2),
        })
    }

    fn post(&self, url: Url, sent: UnixTime) -> reqwest::RequestBuilder {
        let request = self.http.request(Method::POST, url);
        request
            .header(CONTENT_TYPE, "application/json")
            .header(SENT_AT, sent.as_ns())
    }
}

impl Drop for Client {
    /// Does not wait for a name resolution that is still under way.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, ExchangeError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(ExchangeError::TooLarge);
        }
        body.extend_from_slice(&chunk);
        // Lets the time limit act on a server that never lets the socket run dry.
        tokio::task::yield_now().await;
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> ExchangeError {
    // The URL is named once, by whoever prints the error.
    ExchangeError::Connection(RootCause(error.without_url()))
}

/// The time in a `Date` header (RFC 9110 §5.6.7).
pub(crate) fn http_date(text: &str) -> Option<UnixTime> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    i64::try_from(zoned.timestamp().as_nanosecond())
        .ok()
        .map(UnixTime::from_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_header_is_read() {
        let date = http_date("Sat, 21 Nov 2026 10:05:00 GMT").unwrap();
        assert_eq!(date.as_ns(), 1_795_255_500_000_000_000);
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn neither_the_client_nor_its_errors_show_the_key() {
        let key = SecretString::from("marked");
        let clock = crate::clock::for_tests();
        let client = Client::new(Some(&key), None, clock).unwrap();
        let url = "http://127.0.0.1:1/".parse().unwrap();
        let limit = Duration::from_secs(5);
        let error = client
            .ask(Question {
                url,
                limit,
                content: Content::Get { etag: None },
            })
            .unwrap_err();
        assert!(!format!("{client:?} {error:?} {error}").contains("marked"));
    }
}
