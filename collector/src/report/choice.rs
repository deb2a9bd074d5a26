//! Under which names what somebody asks for may lie in a store.

use std::collections::BTreeSet;

use ippm::{Family, ProbeName, TestName};

use crate::report::selection::Filter;
use crate::report::view::View;

/// One question to a store.
pub(super) struct Choice {
    /// The present name behind `source`.
    pub(super) present: Option<ProbeName>,
    pub(super) source: Option<ProbeName>,
    pub(super) target: Option<ProbeName>,
    pub(super) family: Option<Family>,
    pub(super) test: Option<TestName>,
}

/// The questions that bring everything that `filter` wants of `sources`: one for each name under which it may lie.
pub(super) fn choices(
    filter: &Filter,
    sources: Option<BTreeSet<&ProbeName>>,
    view: &View<'_>,
) -> Vec<Choice> {
    let directory = view.directory;
    let names = |name: Option<&ProbeName>| match name {
        None => vec![None],
        Some(name) => directory.names_of(name).map(|name| Some(name.clone())).collect(),
    };
    let sources: Vec<Option<&ProbeName>> = match sources {
        Some(sources) => sources.into_iter().map(Some).collect(),
        None => vec![filter.source.as_ref()],
    };
    let mut choices = Vec::new();
    for wanted in sources {
        for source in names(wanted) {
            for target in names(filter.target.as_ref()) {
                choices.push(Choice {
                    present: wanted.map(|name| directory.resolve(name).clone()),
                    source: source.clone(),
                    target,
                    family: filter.family,
                    test: filter.test.clone(),
                });
            }
        }
    }
    choices
}
