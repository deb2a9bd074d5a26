//! What the figures mean, in the words of the page `/metrics-explained`.

use askama::Template;

use crate::pages::layout::{Section, Shell};

/// The page.
#[derive(Debug, Template)]
#[template(path = "explained.html")]
pub struct ExplainedPage {
    shell: Shell,
}

impl ExplainedPage {
    /// The page; it shows no data.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shell: Shell::plain("Metrics explained", Section::Explained),
        }
    }
}

impl Default for ExplainedPage {
    fn default() -> Self {
        Self::new()
    }
}
