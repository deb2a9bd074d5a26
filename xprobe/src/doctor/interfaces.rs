//! The interfaces through which packets leave: who answers for which address, and what fits.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use ippm::Family;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;

use crate::agenda::Agenda;

use super::finding::Finding;
use super::host::Host;

/// One address of one interface that is up and is not the loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attached {
    pub(super) interface: String,
    pub(super) address: IpAddr,
    /// Of an IPv4 address.
    pub(super) mask: Option<Ipv4Addr>,
}

/// What this host has; nothing if the kernel does not say.
pub(super) fn of_this_host() -> Vec<Attached> {
    let Ok(found) = getifaddrs() else {
        return Vec::new();
    };
    let attached = |entry: nix::ifaddrs::InterfaceAddress| {
        if !entry.flags.contains(InterfaceFlags::IFF_UP) || entry.flags.contains(InterfaceFlags::IFF_LOOPBACK)
        {
            return None;
        }
        let (address, netmask) = (entry.address?, entry.netmask);
        let address = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => IpAddr::V4(v4.ip()),
            (_, Some(v6)) => IpAddr::V6(v6.ip()),
            _ => return None,
        };
        Some(Attached {
            interface: entry.interface_name,
            address,
            mask: netmask.and_then(|mask| Some(mask.as_sockaddr_in()?.ip())),
        })
    };
    found.filter_map(attached).collect()
}

/// Whether two interfaces in one IPv4 subnet answer for each other's addresses (ARP flux, ip-sysctl of
/// the kernel: `arp_ignore`, `arp_announce`).
pub(super) fn address_resolution(host: &Host, attached: &[Attached]) -> Finding {
    const CHECK: &str = "arp_flux";
    let mut subnets: BTreeMap<(Ipv4Addr, Ipv4Addr), Vec<&str>> = BTreeMap::new();
    for Attached {
        interface,
        address,
        mask,
    } in attached
    {
        if let (IpAddr::V4(address), Some(mask)) = (address, mask) {
            let interfaces = subnets.entry((*address & *mask, *mask)).or_default();
            if !interfaces.contains(&interface.as_str()) {
                interfaces.push(interface);
            }
        }
    }
    let mut shared: Vec<&str> = subnets
        .into_values()
        .filter(|interfaces| interfaces.len() > 1)
        .flatten()
        .collect();
    shared.sort_unstable();
    shared.dedup();
    // The larger of "all" and the interface's own value is in force.
    let value = |name: &str, interface: &str| -> u64 {
        let of = |interface| {
            host.setting(name, interface)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        std::cmp::max(of("all"), of(interface))
    };
    let loose: Vec<&str> = shared
        .iter()
        .copied()
        .filter(|interface| {
            value("net.ipv4.conf.*.arp_ignore", interface) < 1
                || value("net.ipv4.conf.*.arp_announce", interface) < 2
        })
        .collect();
    if loose.is_empty() {
        return Finding::ok(
            CHECK,
            if shared.is_empty() {
                "no two interfaces share an IPv4 subnet"
            } else {
                "interfaces in one subnet answer only for their own addresses"
            },
        );
    }
    Finding::warning(
        CHECK,
        format!(
            "{} share an IPv4 subnet and answer ARP for each other",
            loose.join(", ")
        ),
        "packets for one interface may arrive at the other: another cable, another switch port, is measured than is meant",
        "sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
    )
}

/// Whether the largest packet of the plan fits into the interface through which it leaves.
pub(super) fn largest_packet(host: &Host, attached: &[Attached], plan: Option<&Agenda>) -> Finding {
    const CHECK: &str = "mtu";
    let mut fits = Vec::new();
    let mut large = Vec::new();
    for (address, payload) in plan.map(largest).unwrap_or_default() {
        let Some((interface, mtu)) = leaves_by(host, attached, address) else {
            continue;
        };
        let headers = match Family::of(address) {
            Family::V4 => 28,
            Family::V6 => 48,
        };
        let packet = payload + headers;
        let line = format!("{packet} bytes to {address} through {interface}, MTU {mtu}");
        if packet > mtu {
            large.push(line);
        } else {
            fits.push(line);
        }
    }
    if !large.is_empty() {
        return Finding::warning(
            CHECK,
            large.join("; "),
            "such a packet leaves in fragments, of which one lost loses it; with don't-fragment it does not leave at all",
            "raise the MTU of the interface (ip link set dev NAME mtu BYTES), or lower payload_bytes of the test",
        );
    }
    if fits.is_empty() {
        let mut mtus: Vec<String> = attached
            .iter()
            .filter_map(|entry| Some(format!("{} {}", entry.interface, mtu(host, &entry.interface)?)))
            .collect();
        mtus.sort();
        mtus.dedup();
        let why = "there is no plan with literal addresses to compare with";
        let known = if mtus.is_empty() {
            "no interface is up".to_owned()
        } else {
            mtus.join(", ")
        };
        return Finding::note(CHECK, format!("{known} ({why})"), "");
    }
    Finding::ok(CHECK, fits.join("; "))
}

/// For each family the largest payload, and one target that is to get it.
fn largest(plan: &Agenda) -> Vec<(IpAddr, u64)> {
    let mut found: BTreeMap<Family, (IpAddr, u64)> = BTreeMap::new();
    for item in &plan.items {
        let (Ok(address), Some(payload)) = (item.address.parse(), item.params.payload_bytes) else {
            continue;
        };
        let largest = found.entry(item.family).or_insert((address, payload));
        if payload > largest.1 {
            *largest = (address, payload);
        }
    }
    found.into_values().collect()
}

/// The interface and its MTU. Connecting a datagram socket sends nothing; it asks the routing table.
fn leaves_by<'a>(host: &Host, attached: &'a [Attached], to: IpAddr) -> Option<(&'a str, u64)> {
    let any: SocketAddr = match Family::of(to) {
        Family::V4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
        Family::V6 => (std::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect((to, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    let interface = &attached.iter().find(|entry| entry.address == own)?.interface;
    Some((interface, mtu(host, interface)?))
}

fn mtu(host: &Host, interface: &str) -> Option<u64> {
    host.text(&format!("sys/class/net/{interface}/mtu"))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::super::host::tests::with;
    use super::*;

    fn attached(interface: &str, address: &str) -> Attached {
        Attached {
            interface: interface.to_owned(),
            address: address.parse().unwrap(),
            mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        }
    }

    #[test]
    fn two_interfaces_in_one_subnet_are_a_warning_until_each_answers_for_itself() {
        let both = [attached("eth0", "192.0.2.1"), attached("eth1", "192.0.2.2")];
        let (_kept, host) = with(&[]);
        let finding = address_resolution(&host, &both);
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.found.starts_with("eth0, eth1 share"), "{}", finding.found);
        let (_kept, host) = with(&[
            ("proc/sys/net/ipv4/conf/all/arp_ignore", "1\n"),
            ("proc/sys/net/ipv4/conf/eth0/arp_announce", "2\n"),
            ("proc/sys/net/ipv4/conf/eth1/arp_announce", "2\n"),
        ]);
        assert_eq!(address_resolution(&host, &both).severity, Severity::Ok);
    }

    #[test]
    fn two_addresses_of_one_interface_and_two_subnets_are_no_flux() {
        let (_kept, host) = with(&[]);
        for second in [attached("eth0", "192.0.2.2"), attached("eth1", "198.51.100.1")] {
            let both = [attached("eth0", "192.0.2.1"), second];
            assert_eq!(address_resolution(&host, &both).severity, Severity::Ok);
        }
    }

    #[test]
    fn without_a_plan_the_mtu_of_each_interface_is_told() {
        let (_kept, host) = with(&[("sys/class/net/eth0/mtu", "9000\n")]);
        let finding = largest_packet(&host, &[attached("eth0", "192.0.2.1")], None);
        assert_eq!(finding.severity, Severity::Note);
        assert!(finding.found.starts_with("eth0 9000"), "{}", finding.found);
    }
}
