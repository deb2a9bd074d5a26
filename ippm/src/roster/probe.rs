//! One probe: what belongs to the host, whichever of its addresses is meant.

use super::address::Address;
use crate::{Bandwidth, Family, Label, ProbeName};

/// What the roster says of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Its name.
    pub name: ProbeName,
    /// Where it answers over IPv4.
    pub v4: Option<Address>,
    /// Where it answers over IPv6.
    pub v6: Option<Address>,
    /// What else is known of it.
    pub details: Details,
}

/// The optional keys of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// The site at which it stands.
    pub site: Option<String>,
    /// Words for people.
    pub description: Option<String>,
    /// The groups of the mesh to which it belongs, each once, in the order of the file.
    pub groups: Vec<Label>,
    /// Whether it measures, is measured, or both.
    pub role: Role,
    /// Whether it takes part at all.
    pub enabled: bool,
    /// Its former names, under which older results lie.
    pub aliases: Vec<ProbeName>,
    /// Where this probe reaches others, if not where they answer to everyone else.
    pub overrides: Vec<Override>,
    /// What its link to the exchange carries.
    pub capacity: Option<Bandwidth>,
    /// Whether it counts for SLA statements and fault verdicts; `None`: as its role says.
    pub sla: Option<bool>,
    /// Whether the host runs the original probe, which asks for no plan.
    pub legacy: bool,
}

/// Which part a probe takes in the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It measures and is measured.
    Both,
    /// It measures and nobody targets it: it is behind address translation.
    Source,
    /// It is measured and runs no probe: a router, a route server.
    Target,
}

/// Another way to one target, for one observer: across address translation or another VRF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Who is reached.
    pub target: ProbeName,
    /// Where this observer reaches it; a literal holds for its own family, a host name for both.
    pub address: Address,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Both, Self::Source, Self::Target];

    /// The word in the roster.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

impl Details {
    /// A probe of which the roster says nothing more: it measures and is measured.
    pub const NONE: Self = Self {
        site: None,
        description: None,
        groups: Vec::new(),
        role: Role::Both,
        enabled: true,
        aliases: Vec::new(),
        overrides: Vec::new(),
        capacity: None,
        sla: None,
        legacy: false,
    };
    /// Most groups of one probe.
    pub const MAX_GROUPS: usize = 64;
    /// Most former names of one probe.
    pub const MAX_ALIASES: usize = 16;
    /// Most ways of its own of one probe.
    pub const MAX_OVERRIDES: usize = 2048;
    /// Longest site and longest description, in bytes of UTF-8.
    pub const MAX_TEXT_BYTES: usize = 256;
}

impl Probe {
    /// Where it answers over `family`.
    #[must_use]
    pub const fn address(&self, family: Family) -> Option<&Address> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }

    /// Whether it measures: it is enabled and runs a probe.
    #[must_use]
    pub fn is_source(&self) -> bool {
        self.details.enabled && self.details.role != Role::Target
    }

    /// Whether it is measured: it is enabled and can be reached.
    #[must_use]
    pub fn is_target(&self) -> bool {
        self.details.enabled && self.details.role != Role::Source
    }

    /// Whether results towards it count for SLA statements and fault verdicts. A host without a probe answers
    /// from a policed control plane, which says little about the path: it counts only if the roster says so.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.details.sla.unwrap_or(self.details.role != Role::Target)
    }

    /// Whether it belongs to `group`.
    #[must_use]
    pub fn is_in(&self, group: &Label) -> bool {
        self.details.groups.contains(group)
    }

    /// Where this probe reaches `target` over `family`: its own way there, else where the target answers.
    ///
    /// `None` if the target does not answer over `family`.
    #[must_use]
    pub fn reaches<'a>(&'a self, target: &'a Self, family: Family) -> Option<&'a Address> {
        let address = target.address(family)?;
        let own = self
            .details
            .overrides
            .iter()
            .find(|way| way.target == target.name && way.address.fits(family));
        Some(own.map_or(address, |way| &way.address))
    }
}
