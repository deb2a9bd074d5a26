//! Whether the kernel's neighbor table holds every target of the plan at once.

use ippm::Family;

use crate::agenda::Agenda;

use super::finding::Finding;
use super::host::Host;

const CHECK: &str = "neighbor_table";

/// Compares the thresholds with the targets of the plan, of which all may be on one LAN: on the peering
/// LAN of an exchange they are.
pub(super) fn table(host: &Host, plan: Option<&Agenda>) -> Finding {
    let Some(plan) = plan else {
        return Finding::note(CHECK, "not found out: there is no plan to compare with", "");
    };
    let mut small = Vec::new();
    for (family, key) in [(Family::V4, "ipv4"), (Family::V6, "ipv6")] {
        let targets = targets(plan, family);
        // Above the second threshold the kernel begins to throw entries away; routers, the collector and
        // other neighbors of this host need room as well.
        let wanted = 2 * targets;
        let name = format!("net.{key}.neigh.default.gc_thresh2");
        if let Some(most) = host.number(&name).filter(|most| *most < wanted) {
            small.push((key, most, targets, wanted));
        }
    }
    if small.is_empty() {
        return Finding::ok(CHECK, "has room for every target of the plan, twice");
    }
    let found: Vec<String> = small
        .iter()
        .map(|(key, most, targets, _)| {
            format!("net.{key}.neigh.default.gc_thresh2 is {most} for {targets} targets")
        })
        .collect();
    let remedy: Vec<String> = small
        .iter()
        .map(|(key, _, _, wanted)| {
            let wanted = wanted.next_power_of_two();
            format!(
                "sysctl -w net.{key}.neigh.default.gc_thresh2={wanted} net.{key}.neigh.default.gc_thresh3={}",
                2 * wanted
            )
        })
        .collect();
    Finding::warning(
        CHECK,
        found.join("; "),
        "neighbors are forgotten while they are being measured: packets wait for resolution or are thrown away in this host",
        remedy.join("; "),
    )
}

/// Distinct addresses of a family.
fn targets(plan: &Agenda, family: Family) -> u64 {
    let addresses: std::collections::BTreeSet<&str> = plan
        .items
        .iter()
        .filter(|item| item.family == family)
        .map(|item| item.address.as_str())
        .collect();
    addresses.len() as u64
}

#[cfg(test)]
mod tests {
    use super::super::exchange::tests::plan_of;
    use super::super::finding::Severity;
    use super::super::host::tests::with;
    use super::*;

    #[test]
    fn a_table_with_less_room_than_twice_the_targets_is_a_warning() {
        let threshold = ("proc/sys/net/ipv4/neigh/default/gc_thresh2", "512\n");
        let (_kept, host) = with(&[threshold]);
        assert_eq!(table(&host, Some(&plan_of(256))).severity, Severity::Ok);
        let finding = table(&host, Some(&plan_of(257)));
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("sysctl -w net.ipv4.neigh.default.gc_thresh2=1024 net.ipv4.neigh.default.gc_thresh3=2048")
        );
        assert_eq!(table(&host, None).severity, Severity::Note);
    }
}
