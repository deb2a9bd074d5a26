//! HTTP to InfluxDB: bytes in, CSV or JSON out.

use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::ExposeSecret;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use super::Options;
use super::fault::{self, WriteFault};
use crate::gzip;
use crate::store::StoreError;

/// Most bytes of one answer; a question for rows is cut so that its answer stays far below.
const MAX_ANSWER_BYTES: usize = 128 << 20;

/// A connection pool to one InfluxDB, or to the proxy before it.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    org: String,
    gzip: bool,
    concurrency: usize,
    turn: Arc<Semaphore>,
}

impl Client {
    pub(super) fn new(options: &Options) -> Result<Self, StoreError> {
        let refused = |reason: String| StoreError::Refused { reason };
        let base = Url::parse(&options.url).map_err(|e| refused(format!("the URL of InfluxDB: {e}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(refused(
                "the URL of InfluxDB is not http:// or https:// with a host".to_owned(),
            ));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(refused(
                "the URL of InfluxDB holds a user or a password: use a token instead".to_owned(),
            ));
        }
        let mut token = HeaderValue::from_str(&format!("Token {}", options.token.expose_secret()))
            .map_err(|_| refused("the token holds a character that no token has".to_owned()))?;
        token.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, token);
        // The first one in the process stays; it is the same one everywhere.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("ixpqos-collector/", env!("CARGO_PKG_VERSION")))
            // A token follows no redirection, and no proxy of the environment gets to see it.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.connect_limit)
            .timeout(options.request_limit);
        if let Some(pem) = &options.ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|e| refused(format!("the CA certificates for InfluxDB: {e}")))?;
            if certificates.is_empty() {
                return Err(refused(
                    "the file of CA certificates for InfluxDB holds none".to_owned(),
                ));
            }
            http = http.tls_certs_only(certificates);
        }
        Ok(Self {
            http: http
                .build()
                .map_err(|e| refused(format!("the HTTP client: {}", e.without_url())))?,
            base,
            org: options.org.clone(),
            gzip: options.gzip,
            concurrency: options.concurrency.max(1),
            turn: Arc::new(Semaphore::new(options.concurrency.max(1))),
        })
    }

    /// Writes the lines of `body` into `bucket`; only InfluxDB's 204 means that they are stored.
    pub(super) async fn write(&self, bucket: &str, body: String) -> Result<(), WriteFault> {
        let url = self.url(
            &["api", "v2", "write"],
            &[("org", &self.org), ("bucket", bucket), ("precision", "ns")],
        );
        let mut request = self
            .http
            .request(Method::POST, url)
            .header(CONTENT_TYPE, "text/plain; charset=utf-8");
        request = if self.gzip && body.len() >= gzip::MIN_BYTES {
            request
                .header(CONTENT_ENCODING, "gzip")
                .body(gzip::pack(body.as_bytes()))
        } else {
            request.body(body)
        };
        let response = self.send(request).await.map_err(WriteFault::Store)?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(fault::of_write(response).await)
    }

    /// Asks `flux`; the answer is annotated CSV.
    pub(super) async fn query(&self, flux: &str) -> Result<Vec<u8>, StoreError> {
        let url = self.url(&["api", "v2", "query"], &[("org", &self.org)]);
        let question = json!({
            "query": flux,
            "type": "flux",
            "dialect": {"header": true, "delimiter": ",", "annotations": ["datatype", "group", "default"]},
        });
        let request = self
            .http
            .request(Method::POST, url)
            .header(ACCEPT, "application/csv")
            .json(&question);
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(fault::of_request(response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/csv")) {
            return Err(StoreError::Unavailable {
                reason: format!("what answers in place of InfluxDB sends {kind:?} and not text/csv"),
                retry_after: None,
            });
        }
        read(response).await
    }

    /// A request of the management API; `None` for 404.
    pub(super) async fn manage(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Json>,
    ) -> Result<Option<Json>, StoreError> {
        let mut request = self.http.request(method, self.url(path, query));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !response.status().is_success() {
            return Err(fault::of_request(response).await);
        }
        let answer = read(response).await?;
        serde_json::from_slice(&answer)
            .map(Some)
            .map_err(|error| StoreError::Unreadable {
                reason: format!("InfluxDB answers something else than JSON: {error}"),
            })
    }

    /// Requests at a time.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The name of the organization.
    pub(super) fn org(&self) -> &str {
        &self.org
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, StoreError> {
        // Never closed, so that an error is no more than a missing turn.
        let _turn = self.turn.acquire().await;
        request.send().await.map_err(fault::of_transport)
    }

    /// The configured URL with `path` after its own.
    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, StoreError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fault::of_transport)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(StoreError::Unreadable {
                reason: format!("InfluxDB answers more than {MAX_ANSWER_BYTES} bytes at once"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
