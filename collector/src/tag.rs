//! Entity tags: whether a client has an answer already.
//!
//! Those of plans are remembered: a probe asks every period for a plan that seldom changes, and whether it has the
//! current one is known without writing it down again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::IF_NONE_MATCH;
use sha2::{Digest as _, Sha256};

use crate::config::reader::hex;

/// The tag of an answer: half of the SHA-256 of its body (RFC 9110 §8.8.3).
#[must_use]
pub fn of(body: &[u8]) -> String {
    format!("\"{}\"", hex(&Sha256::digest(body)[..16]))
}

/// Whether the client has the answer `tag` already (RFC 9110 §13.1.2, by weak comparison: a proxy that compresses
/// makes a tag weak).
#[must_use]
pub fn is_known(request: &HttpRequest, tag: &str) -> bool {
    request
        .headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || opaque(known) == opaque(tag))
}

/// A tag without its mark of weakness.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Most tags that are remembered, 100 bytes each; beyond it all are forgotten and made anew.
const MAX_TAGS: usize = 16_384;

/// What an answer depends on beside roster, schedule and configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// The name by which the probe asked, which the answer repeats.
    pub probe: String,
    /// Of each test of the schedule whether it is open.
    pub open: Vec<bool>,
}

/// Digests of the roster and of the schedule that were in force.
pub type Basis = (Option<String>, Option<String>);

/// The tags of one roster and one schedule.
#[derive(Debug, Default)]
pub struct PlanTags(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    basis: Basis,
    tags: HashMap<Asked, String>,
}

impl PlanTags {
    /// The tag of the answer to `asked`, if it was answered since roster or schedule changed.
    #[must_use]
    pub fn get(&self, basis: &Basis, asked: &Asked) -> Option<String> {
        let kept = self.lock();
        (kept.basis == *basis).then(|| kept.tags.get(asked).cloned())?
    }

    /// Remembers that `asked` was answered with `tag`.
    pub fn put(&self, basis: Basis, asked: Asked, tag: String) {
        let mut kept = self.lock();
        if kept.basis != basis || kept.tags.len() >= MAX_TAGS {
            kept.tags.clear();
            kept.basis = basis;
        }
        kept.tags.insert(asked, tag);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(probe: &str, open: &[bool]) -> Asked {
        Asked {
            probe: probe.to_owned(),
            open: open.to_vec(),
        }
    }

    fn basis(roster: &str) -> Basis {
        (Some(roster.to_owned()), None)
    }

    #[test]
    fn a_tag_that_the_client_names_is_known_weak_or_strong() {
        let request = |known: &'static str| {
            actix_web::test::TestRequest::get()
                .insert_header((IF_NONE_MATCH, known))
                .to_http_request()
        };
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(
                is_known(&request(known), "\"a\"") && is_known(&request(known), "W/\"a\""),
                "{known}"
            );
        }
        for known in ["\"b\"", "a", "", "\"ab\"", "W/\"b\""] {
            assert!(!is_known(&request(known), "\"a\""), "{known}");
        }
    }

    #[test]
    fn a_tag_is_forgotten_when_the_roster_changes_and_another_window_has_another() {
        let tags = PlanTags::default();
        tags.put(basis("r1"), asked("ams1", &[true]), "\"1\"".to_owned());
        assert_eq!(
            tags.get(&basis("r1"), &asked("ams1", &[true])).as_deref(),
            Some("\"1\"")
        );
        assert_eq!(tags.get(&basis("r1"), &asked("ams1", &[false])), None);
        assert_eq!(tags.get(&basis("r1"), &asked("lon1", &[true])), None);
        assert_eq!(tags.get(&basis("r2"), &asked("ams1", &[true])), None);
        tags.put(basis("r2"), asked("lon1", &[true]), "\"2\"".to_owned());
        assert_eq!(tags.get(&basis("r1"), &asked("ams1", &[true])), None);
    }

    #[test]
    fn the_memory_of_tags_is_bounded() {
        let tags = PlanTags::default();
        for n in 0..=MAX_TAGS {
            tags.put(basis("r"), asked(&n.to_string(), &[]), String::new());
        }
        assert_eq!(tags.lock().tags.len(), 1);
    }
}
