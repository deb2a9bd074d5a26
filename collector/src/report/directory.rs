//! Who is who: present names behind former ones, and where a probe is.

use std::collections::BTreeMap;

use ippm::ProbeName;
use ippm::class::slot::Aliases;
use ippm::roster::Roster;
use ippm::roster::probe::Probe;

/// Names and sites of probes, as the roster has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    aliases: Aliases,
    sites: BTreeMap<ProbeName, String>,
}

impl Directory {
    /// Nobody was renamed, and nobody's site is known.
    pub const EMPTY: Self = Self {
        aliases: Aliases::NONE,
        sites: BTreeMap::new(),
    };

    /// Former names, and sites by present name.
    #[must_use]
    pub const fn new(aliases: Aliases, sites: BTreeMap<ProbeName, String>) -> Self {
        Self { aliases, sites }
    }

    /// What `roster` says.
    #[must_use]
    pub fn of(roster: &Roster) -> Self {
        let named = |probe: &Probe| Some((probe.name.clone(), probe.details.site.clone()?));
        Self {
            aliases: roster.aliases(),
            sites: roster.probes().iter().filter_map(named).collect(),
        }
    }

    /// The present name behind `name`.
    #[must_use]
    pub fn resolve<'a>(&'a self, name: &'a ProbeName) -> &'a ProbeName {
        self.aliases.resolve(name)
    }

    /// Where the probe with this present name is.
    #[must_use]
    pub fn site(&self, name: &ProbeName) -> Option<&str> {
        self.sites.get(name).map(String::as_str)
    }

    /// The former names.
    #[must_use]
    pub const fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// Every name under which results of `name` may be stored: the present one first.
    pub fn names_of<'a>(&'a self, name: &'a ProbeName) -> impl Iterator<Item = &'a ProbeName> {
        let present = self.resolve(name);
        let former = self.aliases.iter().filter(move |(_, of)| *of == present);
        std::iter::once(present).chain(former.map(|(former, _)| former))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_probe_is_found_under_all_its_names() {
        let name = |text: &str| text.parse::<ProbeName>().unwrap();
        let aliases = [("old", "ams1"), ("older", "ams1"), ("lon-old", "lon1")];
        let aliases = aliases.map(|(former, present)| (name(former), name(present)));
        let directory = Directory::new(aliases.into_iter().collect(), BTreeMap::new());
        for asked in ["ams1", "old"] {
            let asked = name(asked);
            let names: Vec<&str> = directory.names_of(&asked).map(ProbeName::as_str).collect();
            assert_eq!(names, ["ams1", "old", "older"]);
        }
    }
}
