//! Where the collector is: the base of every URL that the probe asks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// The base of the collector's URLs, ending in `/`.
///
/// Invariant: `https`, or `http` to an address that is not on the public Internet; no user,
/// password, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote(Url);

/// Why a text is not a collector's address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RemoteError {
    /// Neither a URL nor a host with an optional port.
    #[error("expected HOST, HOST:PORT or a URL")]
    Shape,
    /// A scheme that the probe does not speak.
    #[error("scheme {found:?} is not supported, expected https")]
    Scheme {
        /// The scheme that was given.
        found: String,
    },
    /// Plain HTTP to a host that may be on the Internet.
    #[error(
        "plain http would show the key on the way: use https (http only to a loopback or private address literal)"
    )]
    PlainHttp,
    /// The URL holds a user, password, query or fragment.
    #[error("a user, password, query or fragment has no place in the collector's URL")]
    Extra,
}

impl Remote {
    /// The URL of the endpoint whose path segments below the base are `segments`, each of which
    /// is percent-encoded.
    #[must_use]
    pub(crate) fn endpoint(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl FromStr for Remote {
    type Err = RemoteError;

    /// Reads `HOST[:PORT]`, which means `https://HOST[:PORT]/backend/` as in the predecessor, or
    /// a URL, whose scheme and path are kept.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = text.contains("://");
        let url = if is_url {
            Url::parse(text)
        } else if text.parse::<std::net::Ipv6Addr>().is_ok() {
            Url::parse(&format!("https://[{text}]/backend/"))
        } else if text.is_empty() || text.contains(['/', '?', '#', '@', '\\']) {
            return Err(RemoteError::Shape);
        } else {
            Url::parse(&format!("https://{text}/backend/"))
        };
        let mut url = url.map_err(|_| RemoteError::Shape)?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || url.query().is_some() || url.fragment().is_some() {
            return Err(RemoteError::Extra);
        }
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_near(host) => {}
            ("http", Some(_)) => return Err(RemoteError::PlainHttp),
            ("https" | "http", None) => return Err(RemoteError::Shape),
            (scheme, _) => {
                return Err(RemoteError::Scheme {
                    found: scheme.to_owned(),
                });
            }
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_str().fmt(f)
    }
}

/// Whether plain HTTP to `host` stays on this host, on a private network or in a lab.
fn is_near(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(address) = literal.parse::<IpAddr>() else {
        return host == "localhost";
    };
    match address {
        IpAddr::V4(v4) => {
            // 198.18.0.0/15 is the benchmarking range of RFC 2544.
            let benchmark = v4.octets()[0] == 198 && v4.octets()[1] & 0xfe == 18;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_documentation() || benchmark
        }
        IpAddr::V6(v6) => {
            let documentation = v6.segments()[..2] == [0x2001, 0x0db8];
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || documentation
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let remote: Remote = text.parse().unwrap();
        assert_eq!(remote.endpoint(&["api", "v2", "reports"]).as_str(), expected);
    }

    #[test]
    fn a_host_means_https_below_backend_as_in_the_predecessor() {
        check(
            "collector.example",
            "https://collector.example/backend/api/v2/reports",
        );
        check(
            "collector.example:8443",
            "https://collector.example:8443/backend/api/v2/reports",
        );
        check("192.0.2.1", "https://192.0.2.1/backend/api/v2/reports");
        check(
            "[2001:db8::1]:8443",
            "https://[2001:db8::1]:8443/backend/api/v2/reports",
        );
        check("2001:db8::1", "https://[2001:db8::1]/backend/api/v2/reports");
    }

    #[test]
    fn a_url_keeps_its_scheme_and_path() {
        check(
            "https://collector.example",
            "https://collector.example/api/v2/reports",
        );
        check(
            "https://collector.example/a/b/",
            "https://collector.example/a/b/api/v2/reports",
        );
        check(
            "https://collector.example/a",
            "https://collector.example/a/api/v2/reports",
        );
        check("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/v2/reports");
        check("http://localhost:8080", "http://localhost:8080/api/v2/reports");
        check("http://10.1.2.3", "http://10.1.2.3/api/v2/reports");
    }

    #[test]
    fn what_would_leak_the_key_or_is_no_address_is_refused() {
        for (text, expected) in [
            ("", RemoteError::Shape),
            ("host/path", RemoteError::Shape),
            ("user@host", RemoteError::Shape),
            ("host:notaport", RemoteError::Shape),
            ("http://collector.example/", RemoteError::PlainHttp),
            ("http://8.8.8.8/", RemoteError::PlainHttp),
            ("https://user:secret@collector.example/", RemoteError::Extra),
            ("https://collector.example/?key=secret", RemoteError::Extra),
            (
                "ftp://collector.example/",
                RemoteError::Scheme {
                    found: "ftp".to_owned(),
                },
            ),
        ] {
            assert_eq!(text.parse::<Remote>().unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn every_segment_is_percent_encoded() {
        let remote: Remote = "https://c.example/".parse().unwrap();
        let url = remote.endpoint(&["plan", "a b?c#d%é"]);
        assert_eq!(url.as_str(), "https://c.example/plan/a%20b%3Fc%23d%25%C3%A9");
    }
}
