//! The page of an error: what happened, under which code, and what to do next.

use askama::Template;

use crate::pages::layout::{Section, Shell};

/// An error as a person meets it.
#[derive(Debug, Template)]
#[template(path = "fault.html")]
pub struct FaultPage {
    shell: Shell,
    status: u16,
    code: String,
    text: String,
    advice: Option<&'static str>,
}

impl FaultPage {
    /// The page of an error with this HTTP status, machine-readable code and public text.
    #[must_use]
    pub fn new(root: &'static str, status: u16, code: &str, text: &str) -> Self {
        let mut shell = Shell::plain("Error", Section::Nowhere);
        shell.root = root;
        Self {
            shell,
            status,
            code: code.to_owned(),
            text: text.to_owned(),
            advice: advice(code),
        }
    }
}

/// What a person can do about an error, where there is something.
fn advice(code: &str) -> Option<&'static str> {
    match code {
        "key_missing" | "key_invalid" => Some(
            "Load the page again and give a read key as the password; the user name does not matter. The operator makes one with “collector key new --role read --subject NAME”.",
        ),
        "forbidden" => Some("A probe's own key opens no page: use a key with the role read or admin."),
        "bad_query" => Some("Correct the address, or begin again from the matrix."),
        "unknown_probe" | "not_found" => Some("Look for it in the matrix or in the list of probes."),
        "too_many_requests" => Some("Wait a moment, then load the page again."),
        "store_unavailable" | "unavailable" => Some(
            "Measuring goes on meanwhile: probes keep what is not acknowledged. The collector's log and /readyz say what is wrong.",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::link;

    #[test]
    fn an_error_says_its_code_and_quotes_nothing_unescaped() {
        let page = FaultPage::new(
            link::ROOT_OF_PAIR,
            400,
            "bad_query",
            "no metric <script>\"x\"</script>",
        );
        let html = page.render().unwrap();
        assert!(html.contains("bad_query") && html.contains("400"), "{html}");
        assert!(!html.contains("<script>\""), "{html}");
        assert!(html.contains("href=\"../../probes\""), "{html}");
    }
}
