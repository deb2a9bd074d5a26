//! API keys: 256 random bits each, of which only the SHA-256 is kept.
//!
//! A random key of this length needs no slow hash: nothing shorter than trying all of them helps.

pub mod file;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ippm::{ProbeName, UnixTime};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Fetch its own plan, post its own results, read its own latest ones.
    Probe,
    /// Read everything.
    Read,
    /// Read everything, and what operators need.
    Admin,
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "probe" => Ok(Self::Probe),
            "read" => Ok(Self::Read),
            "admin" => Ok(Self::Admin),
            _ => Err(RoleError),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probe => "probe",
            Self::Read => "read",
            Self::Admin => "admin",
        })
    }
}

/// A text is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected probe, read or admin")]
pub struct RoleError;

/// SHA-256 of a key as it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of `secret`.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether both are the same; takes as long in either case.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl FromStr for KeyDigest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(DigestError);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| DigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(..)")
    }
}

/// A text is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 64 hexadecimal digits")]
pub struct DigestError;

/// One entry of the key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// What the operator calls it; unique.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is: the probe's name, or words for a read or admin key.
    pub subject: String,
    /// Digest of the secret.
    pub digest: KeyDigest,
    /// After this time it opens nothing.
    pub not_after: Option<UnixTime>,
}

impl KeyEntry {
    /// The probe whose key this is.
    #[must_use]
    pub fn probe(&self) -> Option<ProbeName> {
        match self.role {
            Role::Probe => self.subject.parse().ok(),
            Role::Read | Role::Admin => None,
        }
    }

    /// Whether it still opens something at `now`.
    #[must_use]
    pub fn is_valid(&self, now: UnixTime) -> bool {
        self.not_after.is_none_or(|end| now <= end)
    }
}

/// All keys of one key file.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    entries: Vec<KeyEntry>,
}

impl KeyRing {
    /// A ring of `entries`; several may belong to one subject, so that keys can be rotated without a gap.
    #[must_use]
    pub fn new(entries: Vec<KeyEntry>) -> Self {
        Self { entries }
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// The entry that `secret` opens at `now`.
    ///
    /// Every entry is compared, each in constant time, so that the time of an answer tells nothing.
    #[must_use]
    pub fn find(&self, secret: &[u8], now: UnixTime) -> Option<&KeyEntry> {
        let digest = KeyDigest::of(secret);
        let mut found = u64::MAX;
        for (index, entry) in (0_u64..).zip(&self.entries) {
            let hit = entry.digest.0.ct_eq(&digest.0);
            found.conditional_assign(&index, hit);
        }
        let entry = self.entries.get(usize::try_from(found).ok()?)?;
        entry.is_valid(now).then_some(entry)
    }

    /// Whether `probe` has a key of its own, be it expired: the shared key is no way around that.
    #[must_use]
    pub fn has_probe(&self, probe: &ProbeName) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.role == Role::Probe && entry.subject == probe.as_str())
    }
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system gave no random bytes")]
pub struct RandomError;

/// A new key: 256 random bits, 43 characters that need no quoting.
///
/// # Errors
///
/// [`RandomError`].
pub fn generate() -> Result<SecretString, RandomError> {
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

/// `N` random bytes.
///
/// # Errors
///
/// [`RandomError`].
pub fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| RandomError)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, secret: &str, not_after: Option<i64>) -> KeyEntry {
        KeyEntry {
            id: id.to_owned(),
            role: Role::Probe,
            subject: "ams1".to_owned(),
            digest: KeyDigest::of(secret.as_bytes()),
            not_after: not_after.map(UnixTime::from_ns),
        }
    }

    #[test]
    fn two_keys_of_one_subject_are_valid_at_once_and_an_expired_one_opens_nothing() {
        let ring = KeyRing::new(vec![entry("old", "a", Some(10)), entry("new", "b", None)]);
        let id = |secret: &str, now| {
            ring.find(secret.as_bytes(), UnixTime::from_ns(now))
                .map(|e| e.id.clone())
        };
        assert_eq!(id("a", 10).as_deref(), Some("old"));
        assert_eq!(id("a", 11), None);
        assert_eq!(id("b", 11).as_deref(), Some("new"));
        assert_eq!(id("", 0), None);
    }

    #[test]
    fn no_two_keys_are_alike_and_debug_shows_no_digest() {
        use secrecy::ExposeSecret as _;
        let (a, b) = (generate().unwrap(), generate().unwrap());
        assert_eq!(a.expose_secret().len(), 43);
        assert_ne!(a.expose_secret(), b.expose_secret());
        let digest = KeyDigest::of(b"x");
        assert!(!format!("{digest:?}").contains(&digest.to_string()[..8]));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("+f".repeat(32).parse::<KeyDigest>(), Err(DigestError));
    }
}
