//! What goes wrong in a synthetic history.

use std::time::Duration;

use ippm::UnixTime;

use super::mesh::site;
use super::{Pair, Scenario};

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// What it is.
    pub kind: IncidentKind,
    /// First instant.
    pub from: UnixTime,
    /// First instant after it.
    pub to: UnixTime,
}

/// What goes wrong; probes and sites by their place, beginning with 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// One member of a LAG of three between a site and the others loses 3 % of the packets: of the pairs from and to
    /// the site those whose flow it carries.
    LossyMember {
        /// The site.
        site: usize,
    },
    /// What runs between two sites takes a longer way: the RTT floor is 4.2 ms higher, the hop limit lower by two.
    Reroute {
        /// The two sites.
        sites: [usize; 2],
    },
    /// Announced work on a probe, off the edges of slots; in its first half nothing comes through.
    Maintenance {
        /// The probe.
        probe: usize,
    },
    /// A probe is gone: it reports nothing and answers nothing.
    DeadProbe {
        /// The probe.
        probe: usize,
    },
    /// The collector is gone: no beat, and the reports of these slots are lost.
    DeadCollector,
    /// The host of a probe is too busy to measure: its rounds are suspect.
    BusyHost {
        /// The probe.
        probe: usize,
    },
}

impl IncidentKind {
    /// In a few words, for a list; probes and sites by their names.
    #[must_use]
    pub fn describe(&self, probes: usize) -> String {
        let probe = |place: usize| super::mesh::name(place, probes);
        match *self {
            Self::LossyMember { site } => {
                format!(
                    "a LAG member at {} loses 3 % of its packets",
                    super::mesh::site_name(site)
                )
            }
            Self::Reroute { sites } => {
                let [one, other] = sites.map(super::mesh::site_name);
                format!("{one} to {other} takes another way: 4.2 ms more, hop limit 2 lower")
            }
            Self::Maintenance { probe: place } => {
                format!("announced work on {}, down in its first half", probe(place))
            }
            Self::DeadProbe { probe: place } => format!("{} is dead", probe(place)),
            Self::DeadCollector => "the collector is dead".to_owned(),
            Self::BusyHost { probe: place } => {
                format!("the host of {} is too busy to measure", probe(place))
            }
        }
    }
}

impl Incident {
    /// Whether `time` lies in it.
    #[must_use]
    pub fn contains(&self, time: UnixTime) -> bool {
        self.from <= time && time < self.to
    }

    /// Middle of the incident.
    pub(super) fn middle(&self) -> UnixTime {
        let length = self.to.since(self.from).unwrap_or_default();
        self.from.saturating_add(length / 2)
    }

    /// Whether the lossy member carries `pair`.
    pub(super) fn carries(lossy_site: usize, pair: Pair) -> bool {
        let (one, other) = (site(pair.source), site(pair.target));
        one != other
            && (one == lossy_site || other == lossy_site)
            && (pair.source + pair.target).is_multiple_of(3)
    }
}

/// Every incident of a scenario, in the order of time; each begins and ends with a slot, but the announced work.
pub(super) fn incidents(scenario: &Scenario, period: Duration) -> Vec<Incident> {
    let length = scenario.end.since(scenario.start).unwrap_or_default();
    let at = |permille: u32| {
        scenario
            .start
            .saturating_add(length / 1_000 * permille)
            .floor(period)
    };
    let during = |kind, from, to| Incident {
        kind,
        from: at(from),
        to: at(to).max(at(from).saturating_add(period)),
    };
    let last = scenario.probes - 1;
    let sites = [1, if site(last) > 1 { 2 } else { 0 }];
    let mut work = during(IncidentKind::Maintenance { probe: 2 }, 450, 470);
    work.from = work.from.saturating_add(period / 3);
    work.to = work.to.saturating_add(period / 3);
    vec![
        during(IncidentKind::LossyMember { site: 0 }, 200, 300),
        during(IncidentKind::Reroute { sites }, 350, 600),
        work,
        during(IncidentKind::DeadProbe { probe: last }, 650, 750),
        during(IncidentKind::DeadCollector, 800, 820),
        during(IncidentKind::BusyHost { probe: 1 }, 900, 915),
    ]
}
