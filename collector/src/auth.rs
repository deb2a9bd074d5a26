//! Who asks, and what they may do.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ippm::ProbeName;

use crate::config::unit::Network;
use crate::context::Context;
use crate::error::{ApiError, Code};
use crate::key::{KeyDigest, Role};
use crate::limit;

/// The header in which probes and programs send their key.
pub const KEY_HEADER: &str = "X-API-Key";
/// The original's text for a missing key.
const MISSING: &str = "Please provide an API key";
/// The original's text for a wrong key.
const INVALID: &str = "The provided API key is not valid";
/// Longest key that is looked at; ours have 43 characters.
const MAX_KEY_BYTES: usize = 512;

/// Whoever sent a valid key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's id, for logs and limits.
    pub id: String,
    /// What the key may do.
    pub role: Role,
    /// The probe whose key it is.
    pub probe: Option<ProbeName>,
}

/// Whoever may use the legacy endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyCaller {
    /// The key that all original probes share.
    Shared,
    /// A key of the key file.
    Own(Caller),
}

impl Caller {
    /// Fails unless the caller is `probe` itself or may read everything.
    ///
    /// # Errors
    ///
    /// 403 `forbidden`.
    pub fn may_read(&self, probe: &ProbeName) -> Result<(), ApiError> {
        if self.role != Role::Probe || self.probe.as_ref() == Some(probe) {
            Ok(())
        } else {
            Err(forbidden("this key belongs to another probe"))
        }
    }

    /// The probe whose key it is.
    ///
    /// # Errors
    ///
    /// 403 `forbidden` for a key that is no probe's.
    pub fn as_probe(&self) -> Result<&ProbeName, ApiError> {
        self.probe
            .as_ref()
            .ok_or_else(|| forbidden("a key with the role probe is needed"))
    }
}

/// 403: the key is good for something else.
#[must_use]
pub fn forbidden(text: &str) -> ApiError {
    ApiError::new(Code::Forbidden, text)
}

/// The caller of a native endpoint.
///
/// # Errors
///
/// 401 without a valid key, 429 for a key that is too fast or an address that failed too often.
pub fn native(request: &HttpRequest, context: &Context) -> Result<Caller, ApiError> {
    let Some(secret) = secret(request) else {
        return Err(failed(request, context, ApiError::new(Code::KeyMissing, MISSING)));
    };
    let Some(caller) = find(context, &secret) else {
        return Err(failed(request, context, ApiError::new(Code::KeyInvalid, INVALID)));
    };
    paced(context, &caller.id)?;
    Ok(caller)
}

/// The caller of the read side: anybody if reading is public, else a key with the role read or
/// admin, or a probe's, which [`Caller::may_read`] holds to its own results.
///
/// # Errors
///
/// As [`native`].
pub fn reader(request: &HttpRequest, context: &Context) -> Result<Option<Caller>, ApiError> {
    if context.config.access.public_read && secret(request).is_none() {
        return Ok(None);
    }
    native(request, context).map(Some)
}

/// Lets everybody read everything if reading is public, else whoever has a key with the role read or admin.
///
/// # Errors
///
/// As [`native`]; 403 `forbidden` for a probe's key.
pub fn reading(request: &HttpRequest, context: &Context) -> Result<(), ApiError> {
    match reader(request, context)? {
        Some(caller) if caller.role == Role::Probe => {
            Err(forbidden("a key with the role read or admin is needed"))
        }
        _ => Ok(()),
    }
}

/// The caller of a legacy endpoint, with the statuses and texts of the original.
///
/// # Errors
///
/// 400 without a key, 403 with a wrong one, 429 as [`native`].
pub fn legacy(request: &HttpRequest, context: &Context) -> Result<LegacyCaller, ApiError> {
    let Some(secret) = secret(request) else {
        let error = ApiError::new(Code::KeyMissing, MISSING).with_status(StatusCode::BAD_REQUEST);
        return Err(failed(request, context, error));
    };
    if let Some(caller) = find(context, &secret) {
        paced(context, &caller.id)?;
        return Ok(LegacyCaller::Own(caller));
    }
    let client = client_address(request, &context.config.server.trusted_proxies);
    // People choose this key and may choose a short one: an address that guessed too often guesses
    // no further. Keys of our own are beyond guessing, so one bad neighbor locks no probe out.
    let may_try = !context.failures.is_spent(client, context.clock.now());
    let digest = KeyDigest::of(&secret);
    let shared = context.watch.loaded().shared;
    if may_try && shared.is_some_and(|shared| shared.matches(&digest)) {
        // Many probes share it, so the address is what is paced; no id of a key begins like this.
        paced(context, &format!("\0{}", limit::aggregate(client)))?;
        return Ok(LegacyCaller::Shared);
    }
    Err(failed(request, context, legacy_invalid()))
}

/// 403 with the original's text: the key is unknown, or may not post for that source.
#[must_use]
pub fn legacy_invalid() -> ApiError {
    ApiError::new(Code::KeyInvalid, INVALID).with_status(StatusCode::FORBIDDEN)
}

/// The address of the client: the peer, or what a trusted proxy says about it.
#[must_use]
pub fn client_address(request: &HttpRequest, trusted: &[Network]) -> IpAddr {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip()) else {
        return IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    };
    if !is_trusted(peer, trusted) {
        return peer.to_canonical();
    }
    // From the right: each proxy appends whom it saw, and only trusted ones are believed.
    let forwarded = request.headers().get_all("X-Forwarded-For");
    let mut hops: Vec<&str> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut client = peer;
    while let Some(hop) = hops.pop() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address;
        if !is_trusted(address, trusted) {
            break;
        }
    }
    client.to_canonical()
}

/// Whether a program of this host asks: nothing and nobody outside stands in the chain of proxies,
/// trusted ones or not.
#[must_use]
pub fn is_local(request: &HttpRequest) -> bool {
    let is_loopback = |hop: &str| {
        hop.trim()
            .parse()
            .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback())
    };
    request
        .peer_addr()
        .is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && request.headers().get_all("X-Forwarded-For").all(|value| {
            value
                .to_str()
                .is_ok_and(|value| value.split(',').all(is_loopback))
        })
}

/// Whether `address` is one of our own proxies.
#[must_use]
pub fn is_trusted(address: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// The key as it was sent: in its own header, or as the password of HTTP Basic (browsers).
fn secret(request: &HttpRequest) -> Option<Vec<u8>> {
    let headers = request.headers();
    let secret = match headers.get(KEY_HEADER) {
        Some(value) if !value.is_empty() => value.as_bytes().to_vec(),
        _ => basic_password(headers.get(AUTHORIZATION)?.to_str().ok()?)?,
    };
    (!secret.is_empty() && secret.len() <= MAX_KEY_BYTES).then_some(secret)
}

fn basic_password(header: &str) -> Option<Vec<u8>> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok()?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    Some(decoded[colon + 1..].to_vec())
}

fn find(context: &Context, secret: &[u8]) -> Option<Caller> {
    let loaded = context.watch.loaded();
    let entry = loaded.keys.find(secret, context.clock.now())?;
    Some(Caller {
        id: entry.id.clone(),
        role: entry.role,
        probe: entry.probe(),
    })
}

fn paced(context: &Context, id: &str) -> Result<(), ApiError> {
    context.requests.take(id).map_err(|wait| {
        context.metrics.too_fast.add(1);
        let rate = context.config.limits.rate;
        ApiError::new(Code::TooManyRequests, format!("more than {rate} with this key")).with_retry_after(wait)
    })
}

fn failed(request: &HttpRequest, context: &Context, error: ApiError) -> ApiError {
    context.metrics.auth_failures.add(1);
    let client = client_address(request, &context.config.server.trusted_proxies);
    match context.failures.fail(client, context.clock.now()) {
        Ok(()) => {
            log::warn!(
                "{} from {client}: {} {}",
                error.code().as_str(),
                request.method(),
                request.path()
            );
            error
        }
        Err(wait) => {
            context.metrics.too_fast.add(1);
            let rate = context.config.limits.failed_rate;
            let text = format!("more than {rate} failed authentications from this address");
            ApiError::new(Code::TooManyRequests, text).with_retry_after(wait)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_a_trusted_proxy_says_who_the_client_is() {
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        for (peer, forwarded, client) in [
            ("127.0.0.1:1", "192.0.2.1", "192.0.2.1"),
            ("127.0.0.1:1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
            ("127.0.0.1:1", "192.0.2.1, 10.1.2.3", "192.0.2.1"),
            ("127.0.0.1:1", "unknown", "127.0.0.1"),
            ("127.0.0.1:1", "", "127.0.0.1"),
            ("203.0.113.5:1", "192.0.2.1", "203.0.113.5"),
        ] {
            let request = TestRequest::default()
                .peer_addr(peer.parse().unwrap())
                .insert_header(("X-Forwarded-For", forwarded))
                .to_http_request();
            assert_eq!(
                client_address(&request, &trusted).to_string(),
                client,
                "{peer} {forwarded}"
            );
        }
    }

    #[test]
    fn this_host_is_local_only_without_a_stranger_in_the_chain() {
        for (peer, forwarded, expected) in [
            ("127.0.0.1:1", None, true),
            ("[::1]:1", Some("127.0.0.1"), true),
            ("127.0.0.1:1", Some("192.0.2.1"), false),
            ("127.0.0.1:1", Some("127.0.0.1, 10.1.2.3"), false),
            ("127.0.0.1:1", Some("unknown"), false),
            ("192.0.2.1:1", None, false),
            ("192.0.2.1:1", Some("127.0.0.1"), false),
        ] {
            let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
            if let Some(forwarded) = forwarded {
                request = request.insert_header(("X-Forwarded-For", forwarded));
            }
            let local = is_local(&request.to_http_request());
            assert_eq!(local, expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn a_key_comes_in_its_header_or_as_the_password_of_basic() {
        let secret_of = |name: &'static str, value: &str| {
            secret(
                &TestRequest::default()
                    .insert_header((name, value))
                    .to_http_request(),
            )
        };
        assert_eq!(secret_of("X-API-Key", "abc").as_deref(), Some(&b"abc"[..]));
        assert_eq!(secret_of("X-API-Key", ""), None);
        let basic = format!("Basic {}", STANDARD.encode("anybody:a:b"));
        assert_eq!(secret_of("Authorization", &basic).as_deref(), Some(&b"a:b"[..]));
        assert_eq!(secret_of("Authorization", "Bearer abc"), None);
        assert_eq!(secret_of("X-API-Key", &"k".repeat(513)), None);
    }
}
