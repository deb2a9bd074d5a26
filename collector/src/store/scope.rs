//! What announced work touches, as a store keeps it: an object of the conditions that are present, in one spelling.

use std::collections::BTreeMap;

use ippm::class::maintenance::Scope;
use ippm::{ProbeName, TestName};
use thiserror::Error;

/// Why a text is not a scope.
#[derive(Debug, Error)]
pub enum ScopeError {
    /// Not an object of texts.
    #[error("a scope is no object of texts")]
    Form(#[from] serde_json::Error),
    /// A condition that this version does not know: to pass over it would widen the scope.
    #[error("a scope has the unknown condition {name:?}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A condition holds a name that nothing can have.
    #[error("a scope holds {text:?}, which is no name")]
    Name {
        /// The text.
        text: String,
    },
}

/// The text of `scope`: `{}` for everything, conditions sorted by name.
#[must_use]
pub fn encode(scope: &Scope) -> String {
    let conditions: BTreeMap<&str, &str> = [
        ("probe", scope.probe.as_ref().map(ProbeName::as_str)),
        ("source", scope.source.as_ref().map(ProbeName::as_str)),
        ("target", scope.target.as_ref().map(ProbeName::as_str)),
        ("site", scope.site.as_deref()),
        ("test", scope.test.as_ref().map(TestName::as_str)),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text?)))
    .collect();
    serde_json::json!(conditions).to_string()
}

/// Reads the text of [`encode`].
///
/// # Errors
///
/// [`ScopeError`] for what is no scope.
pub fn decode(text: &str) -> Result<Scope, ScopeError> {
    let conditions: BTreeMap<String, String> = serde_json::from_str(text)?;
    let mut scope = Scope::ALL;
    for (name, text) in conditions {
        match name.as_str() {
            "probe" => scope.probe = Some(parsed(&text)?),
            "source" => scope.source = Some(parsed(&text)?),
            "target" => scope.target = Some(parsed(&text)?),
            "site" => scope.site = Some(text),
            "test" => scope.test = Some(parsed(&text)?),
            _ => return Err(ScopeError::Unknown { name }),
        }
    }
    Ok(scope)
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, ScopeError> {
    text.parse().map_err(|_| ScopeError::Name {
        text: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_spelling() {
        assert_eq!(encode(&Scope::ALL), "{}");
        let scope = Scope {
            probe: Some("a \"b\"".parse().unwrap()),
            test: Some("large".parse().unwrap()),
            site: Some("north".to_owned()),
            ..Scope::ALL
        };
        let text = encode(&scope);
        assert_eq!(text, r#"{"probe":"a \"b\"","site":"north","test":"large"}"#);
        assert_eq!(decode(&text).unwrap(), scope);
    }

    #[test]
    fn what_would_widen_a_scope_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"rack":"1"}"#,
            r#"{"probe":""}"#,
            r#"{"probe":1}"#,
            "{}x",
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
