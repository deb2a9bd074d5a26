//! The pages of the collector in a real browser: everything is in `tests/`, see `tests/pages.rs`.
