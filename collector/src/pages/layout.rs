//! The frame of every page: where one is, how old the data are, whether they are real.

use ippm::UnixTime;

use crate::pages::{asset, format};

/// What the frame of a page shows.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Title of the page, without the name of the program.
    pub title: String,
    /// From this page to the root: [`crate::pages::link::ROOT`] or [`crate::pages::link::ROOT_OF_PAIR`].
    pub root: &'static str,
    /// The entry of the navigation that is marked.
    pub here: Section,
    /// Whether the page is read again once a minute.
    pub is_live: bool,
    /// Whether any of the data shown were made by the generator of synthetic history.
    pub is_synthetic: bool,
    /// How old the data are; `None` for a page that shows none.
    pub age: Option<Age>,
}

/// An entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The matrix and the pages of pairs.
    Matrix,
    /// The probes.
    Probes,
    /// The statement.
    Sla,
    /// What the figures mean.
    Explained,
    /// None of them.
    Nowhere,
}

/// How old the data of a page are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// When the page was made.
    pub now: UnixTime,
    /// The start of the newest round that it shows; `None` if it shows none.
    pub newest: Option<UnixTime>,
    /// What that is, as the beginning of a sentence.
    pub words: &'static str,
}

/// One entry of the navigation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) section: Section,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

const ENTRIES: [Entry; 4] = [
    entry(Section::Matrix, "", "Matrix"),
    entry(Section::Probes, "probes", "Probes"),
    entry(Section::Sla, "sla", "SLA statement"),
    entry(Section::Explained, "metrics-explained", "Metrics explained"),
];

const fn entry(section: Section, path: &'static str, text: &'static str) -> Entry {
    Entry { section, path, text }
}

impl Shell {
    /// The frame of a page without data below the root.
    #[must_use]
    pub fn plain(title: &str, here: Section) -> Self {
        Self {
            title: title.to_owned(),
            root: crate::pages::link::ROOT,
            here,
            is_live: false,
            is_synthetic: false,
            age: None,
        }
    }

    /// The navigation, and which entry of it is marked.
    pub(crate) fn entries(&self) -> [(Entry, bool); ENTRIES.len()] {
        ENTRIES.map(|entry| (entry, entry.section == self.here))
    }

    pub(crate) fn asset(&self, name: &str) -> String {
        format!("{}{}", self.root, asset::path(name))
    }
}

impl Age {
    /// The age of a page that shows rounds.
    #[must_use]
    pub const fn of_rounds(now: UnixTime, newest: Option<UnixTime>) -> Self {
        Self {
            now,
            newest,
            words: "Newest round began",
        }
    }

    pub(crate) fn newest_text(&self) -> Option<String> {
        self.newest.map(|newest| format::age(self.now, newest))
    }

    pub(crate) fn newest_iso(&self) -> String {
        self.newest.map(format::iso).unwrap_or_default()
    }

    pub(crate) fn now_iso(&self) -> String {
        format::iso(self.now)
    }

    pub(crate) fn now_text(&self) -> String {
        format::time(self.now)
    }
}
