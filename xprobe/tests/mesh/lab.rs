//! The exchange: a bridge, hosts on it, and one host behind a gateway that translates addresses.

use std::net::{Ipv4Addr, TcpListener};

use crate::namespace::{Namespace, skip, succeeds};

/// Where the collector listens.
pub(crate) const COLLECTOR: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// The translated host, and the address that the gateway has on its side.
const INSIDE: [&str; 2] = ["192.168.77.2", "192.168.77.1"];

/// The namespaces; they are gone with this value.
pub(crate) struct Lab {
    exchange: Namespace,
    hosts: Vec<(&'static str, Namespace)>,
    /// Between the exchange and the translated host.
    _gateway: Namespace,
}

impl Lab {
    /// An exchange of `open` hosts, each with its addresses, and of the host `translated`. `None`, and a word about
    /// it, where that is not possible.
    pub(crate) fn new(open: &[(&'static str, &[&str])], translated: &'static str) -> Option<Self> {
        if !succeeds("nft", &["-v"]) {
            skip("nft (Debian: apt-get install nftables)");
            return None;
        }
        let exchange = Namespace::new()?;
        exchange.command("ip link add ix type bridge");
        exchange.command("ip link set ix up");
        exchange.command(&format!("ip address add {COLLECTOR}/24 dev ix"));
        let mut hosts = Vec::new();
        for (name, addresses) in open {
            let host = Namespace::new()?;
            plug(&exchange, &host, name);
            for address in *addresses {
                host.command(&format!("ip address add {} dev eth0", with_prefix(address)));
            }
            host.allow_datagram(true);
            hosts.push((*name, host));
        }
        let (gateway, host) = (Namespace::new()?, Namespace::new()?);
        plug(&exchange, &gateway, "gateway");
        gateway.command("ip address add 10.99.0.254/24 dev eth0");
        translate(&gateway, &host);
        host.allow_datagram(true);
        hosts.push((translated, host));
        Some(Self {
            exchange,
            hosts,
            _gateway: gateway,
        })
    }

    /// A listener at [`COLLECTOR`], on a port that the kernel chose.
    pub(crate) fn listen(&self) -> TcpListener {
        self.exchange.run(|| TcpListener::bind((COLLECTOR, 0))).unwrap()
    }

    /// The namespace of a host.
    pub(crate) fn host(&self, name: &str) -> &Namespace {
        &self.hosts.iter().find(|(host, _)| *host == name).unwrap().1
    }
}

/// Connects `host` with the bridge.
fn plug(exchange: &Namespace, host: &Namespace, name: &str) {
    exchange.command(&format!(
        "ip link add to-{name} type veth peer name eth0 netns {}",
        host.thread()
    ));
    exchange.command(&format!("ip link set to-{name} master ix up"));
    host.command("ip link set eth0 up");
}

/// Puts `host` behind `gateway`, which shows only its own address to the exchange.
fn translate(gateway: &Namespace, host: &Namespace) {
    gateway.command(&format!(
        "ip link add inside type veth peer name eth0 netns {}",
        host.thread()
    ));
    gateway.command("ip link set inside up");
    gateway.command(&format!("ip address add {}/24 dev inside", INSIDE[1]));
    gateway
        .run(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1"))
        .unwrap();
    gateway.command("nft add table ip translation");
    gateway.command("nft add chain ip translation out { type nat hook postrouting priority 100 ; }");
    gateway.command("nft add rule ip translation out oifname eth0 masquerade");
    host.command("ip link set eth0 up");
    host.command(&format!("ip address add {}/24 dev eth0", INSIDE[0]));
    host.command(&format!("ip route add default via {}", INSIDE[1]));
}

/// The address with the length of the exchange's prefix; IPv6 without the wait for a duplicate.
fn with_prefix(address: &str) -> String {
    if address.contains(':') {
        format!("{address}/64 nodad")
    } else {
        format!("{address}/24")
    }
}
