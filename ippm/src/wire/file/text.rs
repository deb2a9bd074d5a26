//! Kinds of texts that both files hold.

use std::time::Duration;

use super::shape::{Text, parses};
use crate::roster::address::Address;
use crate::roster::probe::Details;
use crate::{Bandwidth, Label, ProbeName};

pub(crate) const PROBE: Text = Text {
    about: "the name of a probe",
    check: parses::<ProbeName>,
    most: ProbeName::MAX_BYTES,
    pattern: Some(r"^[^/\\\u0000-\u001f\u007f-\u009f]+$"),
};
pub(crate) const LABEL: Text = Text {
    about: "letters, digits, '.', '_' and '-'",
    check: parses::<Label>,
    most: Label::MAX_BYTES,
    pattern: Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"),
};
pub(crate) const ADDRESS: Text = Text {
    about: "a literal address or a host name",
    check: parses::<Address>,
    most: Address::MAX_HOST_BYTES + 1,
    pattern: Some("^[0-9A-Za-z._:-]+$"),
};
pub(crate) const BANDWIDTH: Text = Text {
    about: "a number and bit/s, kbit/s, Mbit/s, Gbit/s or Tbit/s, with k = 1000",
    check: parses::<Bandwidth>,
    most: 64,
    pattern: Some(r"^[0-9]+(\.[0-9]+)?[kMGT]?bit/s$"),
};
/// Words for people.
pub(crate) const WORDS: Text = Text {
    about: "words on one line",
    check: words,
    most: Details::MAX_TEXT_BYTES,
    pattern: Some(r"^[^\u0000-\u001f\u007f-\u009f]*$"),
};
pub(crate) const DURATION: Text = Text {
    about: "a whole number and ns, us, ms, s, m, h or d",
    check: |text| duration(text).map(|_| ()),
    most: 32,
    pattern: Some("^[0-9]+(ns|us|ms|s|m|h|d)$"),
};
/// The address of the schema, for editors.
pub(crate) const SCHEMA: Text = Text {
    about: "where editors find the schema of this file",
    check: words,
    most: 2048,
    pattern: None,
};

fn words(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_control()) {
        None => Ok(()),
        Some(control) => Err(format!(
            "holds {control:?}: expected a text without control characters"
        )),
    }
}

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The duration in `text`, written as in the configuration of the collector.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let read = || {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        number
            .parse::<u64>()
            .ok()?
            .checked_mul(factor)
            .map(Duration::from_nanos)
    };
    read().ok_or_else(|| {
        format!("{text:?} is not a duration: a whole number and ns, us, ms, s, m, h or d (\"90s\")")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_its_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h", 3_600), ("2d", 172_800)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "90",
            "s",
            "-1s",
            "1.5s",
            "90 s",
            "1S",
            "99999999999999999999s",
            "213504d",
        ] {
            assert!(duration(text).is_err(), "{text:?}");
        }
    }
}
