//! Everything that can happen to a packet, at once, to many targets: every count is exact.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ippm::{Fate, Params, Sample};
use xprobe::driver::{Due, Outcome};

use crate::namespace::succeeds;
use crate::network::{Network, measure_in, ten};

/// Packets to each target, and what happens to each; `GAP` lies between two of them.
///
/// 0 answered, 1 dropped, 2 answered three times, 3 late, 4 overtaken by 5, 6 answered by an ICMP error
/// only, 7 answered with a wrong key, 8 answered or (IPv4, where the kernel tells) refused by our own firewall.
const PACKETS: u64 = 9;

/// In gaps: the waiting time, less than the late reply takes and more than the overtaken one.
const TIMEOUT: (u32, u32) = (7, 4);

fn scenario(prefix: &str, gap: Duration, error: &str) -> String {
    let after = |quarters: u32| format!("{}us", (gap * quarters / 4).as_micros());
    format!(
        r#"
[[target]]
prefix = "{prefix}"
[[target.packet]]
sequences = [1]
answer = {{ drop = true }}
[[target.packet]]
sequences = [2]
answer = {{ copies = 2 }}
[[target.packet]]
sequences = [3]
answer = {{ delay = "{late}" }}
[[target.packet]]
sequences = [4]
answer = {{ delay = "{overtaken}" }}
[[target.packet]]
sequences = [6]
answer = {{ drop = true, error = {error} }}
[[target.packet]]
sequences = [7]
answer = {{ wrong_key = true }}
"#,
        late = after(11),
        overtaken = after(5),
    )
}

fn due(address: IpAddr, gap: Duration) -> Due {
    let due = ten("198.51.100.10");
    let (numerator, denominator) = TIMEOUT;
    Due {
        target: address.to_string().parse().unwrap(),
        family: ippm::Family::of(address),
        address,
        params: Params {
            count: Some(PACKETS),
            spread: Some(gap * u32::try_from(PACKETS).unwrap()),
            timeout: Some(gap * numerator / denominator),
            ..Params::NONE
        },
        ..due
    }
}

/// The word for each packet in sending order, with its duplicates and its error.
fn story(sample: &Sample) -> String {
    let word = |packet: &ippm::Packet| {
        let fate = match packet.fate {
            Fate::Returned { rtt: Some(_), .. } => "returned",
            Fate::Returned { rtt: None, .. } => "undated",
            Fate::Late => "late",
            Fate::Lost => "lost",
            Fate::Unsent => "unsent",
        };
        let copies = match packet.duplicates {
            0 => String::new(),
            copies => format!("+{copies}"),
        };
        let error = packet
            .icmp_error
            .map_or_else(String::new, |error| format!("!{}/{}", error.kind, error.code));
        format!("{fate}{copies}{error}")
    };
    sample.packets.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(outcome: &Outcome, targets: usize, error: &str, last: &str) {
    let expected = format!("returned lost returned+2 late returned returned lost!{error} lost {last}");
    let unsent = u64::from(last == "unsent");
    for result in &outcome.results {
        let sample = result.sample.as_ref().unwrap();
        assert_eq!(story(sample), expected, "{}", result.due);
        let summary = sample.summary().unwrap();
        let counts = [
            summary.sent,
            summary.received,
            summary.late,
            summary.duplicates,
            summary.reordered,
            summary.unsent,
        ];
        // Received are 0, 2, 4, 5 and 8; the reply to 4 comes after that to 5.
        assert_eq!(
            counts,
            [9 - unsent, 5 - unsent, 1, 2, 1, unsent],
            "{}",
            result.due
        );
    }
    assert_eq!(outcome.results.len(), targets);
    assert_eq!(outcome.cut_short, None);
    // One wrong key for each target, and nothing else that nobody asked for.
    assert_eq!(outcome.fitness.strays, u64::try_from(targets).unwrap());
    assert_eq!(outcome.fitness.receive_drops, 0);
}

/// A network whose reflector answers for many addresses of RFC 2544 and RFC 3849.
fn network(prefix: &str, gap: Duration, error: &str) -> Option<Network> {
    let network = Network::new(&scenario(prefix, gap, error))?;
    // The queue of the device must lose nothing while the reflector is off the processor.
    network
        .namespace
        .command("ip link set reflector txqueuelen 20000");
    network
        .namespace
        .command("ip route add 198.18.0.0/15 dev reflector src 198.51.100.1");
    Some(network)
}

fn ipv4(targets: u32, gap: Duration) {
    let Some(network) = network("198.18.0.0/15", gap, "{ type = 3, code = 1 }") else {
        return;
    };
    let last = if succeeds("nft", &["--version"]) {
        for rule in [
            "add table inet lab",
            "add chain inet lab output { type filter hook output priority 0 ; }",
            "add rule inet lab output icmp type echo-request icmp sequence 8 drop",
        ] {
            network.namespace.command(&format!("nft {rule}"));
        }
        "unsent"
    } else {
        "returned"
    };
    let address = |index: u32| {
        IpAddr::from(Ipv4Addr::from_bits(
            Ipv4Addr::new(198, 18, 0, 1).to_bits() + index,
        ))
    };
    let dues = (0..targets).map(|index| due(address(index), gap)).collect();
    let outcome = measure_in(&network.namespace, dues, None);
    check(&outcome, targets as usize, "3/1", last);
}

fn ipv6(targets: u32, gap: Duration) {
    let Some(network) = network("2001:db8::/64", gap, "{ type = 1, code = 3 }") else {
        return;
    };
    let first = "2001:db8::1:0".parse::<Ipv6Addr>().unwrap().to_bits();
    let address = |index: u32| IpAddr::from(Ipv6Addr::from_bits(first + u128::from(index)));
    let dues = (0..targets).map(|index| due(address(index), gap)).collect();
    let outcome = measure_in(&network.namespace, dues, None);
    check(&outcome, targets as usize, "1/3", "returned");
}

/// A quarter of it is what a busy machine may add to a reply before it would count otherwise.
const FEW: Duration = Duration::from_millis(600);
/// 1,000 packets a second, so that the reflector keeps up.
const MANY: Duration = Duration::from_secs(2);

#[test]
fn every_count_is_exact_at_thirty_targets_of_ipv4() {
    ipv4(30, FEW);
}

#[test]
fn every_count_is_exact_at_thirty_targets_of_ipv6() {
    ipv6(30, FEW);
}

#[test]
fn every_count_is_exact_at_two_thousand_targets_of_ipv4() {
    ipv4(2000, MANY);
}

#[test]
fn every_count_is_exact_at_two_thousand_targets_of_ipv6() {
    ipv6(2000, MANY);
}
