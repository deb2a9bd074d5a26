//! What an answer of InfluxDB, or of a proxy before it, means to the caller.

use std::error::Error;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value as Json;

use crate::store::StoreError;

/// Most characters of a foreign text that we repeat.
const QUOTED_CHARS: usize = 400;

/// Most bytes of an answer that is not what we asked for.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Why a write did not succeed.
#[derive(Debug)]
pub(super) enum WriteFault {
    /// Some of the lines are refused for good; the others may be stored.
    Lines {
        /// InfluxDB's words.
        text: String,
        /// How many it says were refused.
        dropped: Option<usize>,
    },
    /// More than this server takes at once.
    TooLarge {
        /// Its words.
        text: String,
    },
    /// Nothing that smaller requests could change.
    Store(StoreError),
}

/// The fault of a write that was answered with something else than 204.
pub(super) async fn of_write(response: Response) -> WriteFault {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = error_body(response).await;
    let message = message(&body);
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => WriteFault::TooLarge { text: message.text },
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if message.is_about_lines() => {
            WriteFault::Lines {
                dropped: dropped(&message.text),
                text: message.text,
            }
        }
        // Stored is only what was answered with 204; another success comes from something else than InfluxDB.
        _ => WriteFault::Store(of_answer(status, &headers, &message.text)),
    }
}

/// The fault of any other request that was not answered with success.
pub(super) async fn of_request(response: Response) -> StoreError {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = error_body(response).await;
    of_answer(status, &headers, &message(&body).text)
}

fn of_answer(status: StatusCode, headers: &HeaderMap, text: &str) -> StoreError {
    let reason = format!("InfluxDB answers {status}: {text}");
    let may_pass = status.is_success()
        || status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if may_pass {
        StoreError::Unavailable {
            reason,
            retry_after: retry_after(headers),
        }
    } else {
        StoreError::Refused { reason }
    }
}

/// The fault of a request that was not answered; the address is not repeated, because it is the operator's.
pub(super) fn of_transport(error: reqwest::Error) -> StoreError {
    let error = error.without_url();
    let mut reason = format!("InfluxDB: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        reason.push_str(": ");
        reason.push_str(&cause.to_string());
        source = cause.source();
    }
    StoreError::Unavailable {
        reason,
        retry_after: None,
    }
}

/// What a server says about an error.
struct Message {
    text: String,
    /// The word for the error that InfluxDB gives beside the text; a proxy gives none.
    code: Option<String>,
}

impl Message {
    /// Whether InfluxDB itself refuses what some lines hold; the page of a proxy must not cost a result.
    fn is_about_lines(&self) -> bool {
        let codes = ["invalid", "unprocessable entity"];
        let texts = [
            "unable to parse",
            "partial write",
            "field type conflict",
            "points beyond retention",
            "outside retention",
        ];
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
            && texts.iter().any(|text| self.text.contains(text))
    }
}

fn message(body: &[u8]) -> Message {
    let json: Option<Json> = serde_json::from_slice(body).ok();
    let word = |key: &str| json.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let text = word("message").unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let cleaned = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Message {
        text: cleaned.take(QUOTED_CHARS).collect(),
        code: word("code"),
    }
}

async fn error_body(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_ERROR_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_ERROR_BYTES);
    body
}

/// The number in `dropped=5`.
fn dropped(text: &str) -> Option<usize> {
    let (_, rest) = text.rsplit_once("dropped=")?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    rest[..digits].parse().ok()
}

/// The wait that a server asks for (RFC 9110 §10.2.3): seconds, or a date, which is read by the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let seconds = |text| Some(rfc2822::parse(text).ok()?.timestamp().as_second());
    let wait = seconds(value)? - seconds(text(DATE)?)?;
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date_by_the_servers_clock() {
        let headers = |retry: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            retry_after(&headers)
        };
        let date = "Sat, 21 Nov 2026 10:05:30 GMT";
        let now = Some("Sat, 21 Nov 2026 10:05:00 GMT");
        let earlier = Some("Sat, 21 Nov 2026 10:06:00 GMT");
        for (retry, date, expected) in [
            ("17", None, Some(17)),
            (date, now, Some(30)),
            (date, earlier, Some(0)),
            (date, None, None),
            ("soon", now, None),
            ("-5", now, None),
        ] {
            assert_eq!(
                headers(retry, date),
                expected.map(Duration::from_secs),
                "{retry} {date:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn the_number_of_refused_lines_is_read_from_influxdbs_text() {
        let text = "failure writing points to database: partial write: field type conflict: input field \"min\" on measurement \"Ping\" is type integer, already exists as type float dropped=12";
        assert_eq!(dropped(text), Some(12));
        assert_eq!(dropped("dropped="), None);
        assert_eq!(dropped("partial write"), None);
    }

    #[test]
    fn only_influxdbs_own_words_can_refuse_a_line() {
        let about_lines = |body: &str| message(body.as_bytes()).is_about_lines();
        assert!(about_lines(
            r#"{"code":"invalid","message":"unable to parse 'x': missing fields"}"#
        ));
        assert!(about_lines(
            r#"{"code":"unprocessable entity","message":"failure writing points to database: partial write: x"}"#
        ));
        assert!(!about_lines("<html>unable to parse</html>"));
        assert!(!about_lines(
            r#"{"code":"invalid","message":"invalid precision; valid precision units are ns"}"#
        ));
        assert!(!about_lines(r#"{"code":"not found","message":"partial write"}"#));
        assert_eq!(message(b"a\r\nb").text, "a  b");
        assert_eq!(message(&[b'x'; 9999]).text.len(), QUOTED_CHARS);
    }
}
