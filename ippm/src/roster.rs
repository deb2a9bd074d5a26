//! The roster: every probe of the exchange, and where it answers.
//!
//! # Layout
//!
//! * [`Roster`]: the probes, and the entries of the file from which they were made
//! * [`probe`]: what belongs to a host
//! * [`address`]: where it answers

pub mod address;
pub mod probe;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::class::slot::Aliases;
use crate::{Family, ProbeName};
use address::Address;
use probe::{Details, Probe};

/// The list of `probes.json`, in its order.
///
/// Invariant: no two entries have the same name and family, no former name belongs to two probes or is the
/// name of a probe, and every override names another probe that has an address of that family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    entries: Vec<Entry>,
    probes: Vec<Probe>,
    places: BTreeMap<ProbeName, usize>,
}

/// One address of one probe, as the file lists it and as probes of the original read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The probe.
    pub name: ProbeName,
    /// The family of the address (`proto` in the file).
    pub family: Family,
    /// Where it answers.
    pub address: Address,
    /// The site at which it stands.
    pub site: Option<String>,
    /// Words for people.
    pub description: Option<String>,
    /// Whether the host still runs the original probe, which asks for no plan.
    pub legacy: bool,
}

/// What contradicts another part of a roster.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RosterFault {
    /// An entry repeats the name and family of an earlier one.
    #[error("an earlier entry has the same name and proto")]
    Repeated {
        /// Index of the entry.
        entry: usize,
    },
    /// A former name is the name of a probe: two histories would mix.
    #[error("{alias} is the name of a probe and cannot be a former name")]
    AliasIsProbe {
        /// The probe that claims it.
        probe: ProbeName,
        /// The former name.
        alias: ProbeName,
    },
    /// A former name belongs to two probes.
    #[error("{alias} is a former name of {other} already")]
    AliasTwice {
        /// The probe that claims it.
        probe: ProbeName,
        /// The former name.
        alias: ProbeName,
        /// The probe that had it first.
        other: ProbeName,
    },
    /// An override leads to the probe itself or to nobody.
    #[error("{target} is no other probe of the roster")]
    OverrideTarget {
        /// The observer.
        probe: ProbeName,
        /// Who was to be reached.
        target: ProbeName,
    },
    /// An override gives an address of a family that the target does not have.
    #[error("{target} has no address of the family of {address}")]
    OverrideFamily {
        /// The observer.
        probe: ProbeName,
        /// Who was to be reached.
        target: ProbeName,
        /// The address.
        address: Address,
    },
}

impl Roster {
    /// Most entries of one roster.
    pub const MAX_ENTRIES: usize = 2048;

    /// A roster of `entries` and of nothing else than they say.
    ///
    /// # Errors
    ///
    /// Each entry whose name and family an earlier entry already has.
    pub fn new(entries: Vec<Entry>) -> Result<Self, Vec<RosterFault>> {
        Self::with(entries, BTreeMap::new())
    }

    /// A roster of `entries`, with what `details` say of each probe; the site, the description and the mark
    /// `legacy` of the entries count where `details` hold none.
    ///
    /// # Errors
    ///
    /// Everything that contradicts the invariant of the roster.
    pub fn with(
        entries: Vec<Entry>,
        mut details: BTreeMap<ProbeName, Details>,
    ) -> Result<Self, Vec<RosterFault>> {
        let mut faults = Vec::new();
        let mut probes: Vec<Probe> = Vec::new();
        let mut places: BTreeMap<ProbeName, usize> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let place = *places.entry(entry.name.clone()).or_insert_with(|| {
                probes.push(Probe {
                    name: entry.name.clone(),
                    v4: None,
                    v6: None,
                    details: details.remove(&entry.name).unwrap_or(Details::NONE),
                });
                probes.len() - 1
            });
            if !probes[place].take(entry) {
                faults.push(RosterFault::Repeated { entry: index });
            }
        }
        let roster = Self {
            entries,
            probes,
            places,
        };
        faults.extend(roster.contradictions());
        if faults.is_empty() {
            Ok(roster)
        } else {
            Err(faults)
        }
    }

    /// The addresses in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The probes, each once, in the order of their first entry.
    #[must_use]
    pub fn probes(&self) -> &[Probe] {
        &self.probes
    }

    /// The probe with this name.
    #[must_use]
    pub fn probe(&self, name: &ProbeName) -> Option<&Probe> {
        self.places.get(name).map(|place| &self.probes[*place])
    }

    /// The names, each once, in the order of their first entry.
    pub fn names(&self) -> impl Iterator<Item = &ProbeName> {
        self.probes.iter().map(|probe| &probe.name)
    }

    /// Whether any entry has this name.
    #[must_use]
    pub fn contains(&self, name: &ProbeName) -> bool {
        self.places.contains_key(name)
    }

    /// The former names of all probes.
    #[must_use]
    pub fn aliases(&self) -> Aliases {
        let former = |probe: &Probe| {
            let present = probe.name.clone();
            let pairs = probe.details.aliases.clone().into_iter();
            pairs.map(move |alias| (alias, present.clone()))
        };
        self.probes.iter().flat_map(former).collect()
    }

    fn contradictions(&self) -> Vec<RosterFault> {
        let mut faults = Vec::new();
        let mut former: BTreeMap<&ProbeName, &ProbeName> = BTreeMap::new();
        for probe in &self.probes {
            let name = || probe.name.clone();
            for alias in &probe.details.aliases {
                if self.contains(alias) {
                    faults.push(RosterFault::AliasIsProbe {
                        probe: name(),
                        alias: alias.clone(),
                    });
                } else if let Some(other) = former.insert(alias, &probe.name) {
                    faults.push(RosterFault::AliasTwice {
                        probe: name(),
                        alias: alias.clone(),
                        other: other.clone(),
                    });
                }
            }
            for way in &probe.details.overrides {
                let target = self.probe(&way.target).filter(|target| target.name != probe.name);
                let fits = |family| way.address.fits(family);
                match target {
                    None => faults.push(RosterFault::OverrideTarget {
                        probe: name(),
                        target: way.target.clone(),
                    }),
                    Some(target)
                        if !(target.v4.is_some() && fits(Family::V4)
                            || target.v6.is_some() && fits(Family::V6)) =>
                    {
                        faults.push(RosterFault::OverrideFamily {
                            probe: name(),
                            target: way.target.clone(),
                            address: way.address.clone(),
                        });
                    }
                    Some(_) => {}
                }
            }
        }
        faults
    }
}

impl Probe {
    /// Takes the address of `entry`; false if there is one of its family already.
    fn take(&mut self, entry: &Entry) -> bool {
        self.details.legacy |= entry.legacy;
        for (kept, given) in [
            (&mut self.details.site, &entry.site),
            (&mut self.details.description, &entry.description),
        ] {
            if kept.is_none() {
                kept.clone_from(given);
            }
        }
        let address = match entry.family {
            Family::V4 => &mut self.v4,
            Family::V6 => &mut self.v6,
        };
        if address.is_some() {
            return false;
        }
        *address = Some(entry.address.clone());
        true
    }
}
