//! Links between pages: relative, so that a prefix of a proxy changes nothing, and percent-encoded.

use std::fmt::Write as _;

/// From a page one level down (`/`, `/probes`) to the root.
pub const ROOT: &str = "./";
/// From the page of a pair to the root.
pub const ROOT_OF_PAIR: &str = "../../";

/// `text` as one segment of a path or one value of a query: everything but the unreserved characters of
/// RFC 3986 §2.3 is percent-encoded.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The path of a pair's page below `root`.
#[must_use]
pub fn pair(root: &str, source: &str, target: &str) -> String {
    format!("{root}pair/{}/{}", encode(source), encode(target))
}

/// The query of these parameters with its `?`, or nothing if there are none.
#[must_use]
pub fn query(parameters: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (at, (name, value)) in parameters.iter().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        text.push_str(&encode(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_characters_is_one_segment() {
        assert_eq!(pair(ROOT, "ams1", "lon-1.x_y~z"), "./pair/ams1/lon-1.x_y~z");
        assert_eq!(
            pair(ROOT_OF_PAIR, "50% ü", "a?b#c\"<&'+"),
            "../../pair/50%25%20%C3%BC/a%3Fb%23c%22%3C%26%27%2B"
        );
    }

    #[test]
    fn a_query_is_written_only_if_there_is_one() {
        assert_eq!(query(&[]), "");
        assert_eq!(query(&[("last", "24h"), ("test", "a&b")]), "?last=24h&test=a%26b");
    }
}
