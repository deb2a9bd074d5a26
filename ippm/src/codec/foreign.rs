//! Text that we did not make ourselves: it came from a probe, a resolver, or an operator.

/// Most bytes of a stored `detail`.
pub const MAX_DETAIL_BYTES: usize = 256;

/// `text` with each control character (Unicode category Cc) replaced by one space.
///
/// Carriage return and line feed do not survive `InfluxDB`'s CSV, and no other control character means anything
/// to whoever reads it.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect()
}

/// [`clean`], then cut to at most [`MAX_DETAIL_BYTES`] at a character boundary.
#[must_use]
pub fn clean_detail(text: &str) -> String {
    let mut detail = clean(text);
    detail.truncate(detail.floor_char_boundary(MAX_DETAIL_BYTES));
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_control_character_becomes_one_space() {
        assert_eq!(clean("a\r\nb\u{85}c\u{7f}\u{ad}"), "a  b c \u{ad}");
    }

    #[test]
    fn a_detail_is_cut_before_the_character_that_does_not_fit() {
        let detail = "x".repeat(MAX_DETAIL_BYTES - 1) + "é";
        assert_eq!(clean_detail(&detail), "x".repeat(MAX_DETAIL_BYTES - 1));
        // The control character takes two bytes before it is cleaned, and one when the text is cut.
        assert_eq!(
            clean_detail(&format!("\u{85}{}", "x".repeat(255))).len(),
            MAX_DETAIL_BYTES
        );
    }
}
