//! What this host's kernel counts, read before and after a round: whether the host was fit to measure.
//!
//! Every number is absent where the kernel does not tell it: in a container, in a network namespace, on an
//! older release.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::net::IpAddr;
use std::str::FromStr;

use nix::time::ClockId;

use crate::net::neighbor;

/// What the host went through during a round, and the limits that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Share of the processors' time that the hypervisor gave to others, parts per million.
    pub cpu_steal_ppm: Option<u64>,
    /// Processor time of this process since its start.
    pub cpu_own_ns: Option<u64>,
    /// Packets that the interfaces counted as errors; the loopback is none of them.
    pub interface_errors: Option<u64>,
    /// Packets that they dropped.
    pub interface_drops: Option<u64>,
    /// Targets whose neighbor entry was unresolved in the end.
    pub neighbors_unresolved: Option<u64>,
    /// How often a neighbor was refused because the table was full.
    pub neighbor_overflows: Option<u64>,
    /// Most entries of the smaller neighbor table.
    pub neighbor_limit: Option<u64>,
    /// Shortest time between two limited ICMP messages to one address, ms.
    pub icmp_ratelimit_ms: Option<u64>,
    /// Most limited ICMP messages a second.
    pub icmp_msgs_per_s: Option<u64>,
    /// ICMP messages that this host withheld because of these limits.
    pub icmp_rate_limited: Option<u64>,
}

impl Host {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        cpu_steal_ppm: None,
        cpu_own_ns: None,
        interface_errors: None,
        interface_drops: None,
        neighbors_unresolved: None,
        neighbor_overflows: None,
        neighbor_limit: None,
        icmp_ratelimit_ms: None,
        icmp_msgs_per_s: None,
        icmp_rate_limited: None,
    };
}

/// The kernel's counters at one moment.
#[derive(Debug)]
pub(super) struct Counters {
    cpu: Option<Cpu>,
    interfaces: Option<Interfaces>,
    neighbor_overflows: Option<u64>,
    icmp_rate_limited: Option<u64>,
}

impl Counters {
    /// The counters of now, in the network namespace of this thread.
    pub(super) fn read() -> Self {
        Self {
            cpu: file("/proc/stat").and_then(|text| Cpu::parse(&text)),
            interfaces: net("dev").and_then(|text| interfaces(&text)),
            neighbor_overflows: sum(["stat/arp_cache", "stat/ndisc_cache"]
                .map(|name| net(name).and_then(|text| table_column(&text, "table_fulls")))),
            icmp_rate_limited: sum([
                net("snmp").and_then(|text| withheld(&text)),
                net("snmp6").and_then(|text| withheld_v6(&text)),
            ]),
        }
    }

    /// What happened since then, and how the host stands now towards `targets`.
    pub(super) fn until_now(&self, targets: &HashSet<IpAddr>) -> Host {
        let now = Self::read();
        let (errors, drops) = match (&self.interfaces, &now.interfaces) {
            (Some(before), Some(now)) => {
                let (errors, drops) = grown(before, now);
                (Some(errors), Some(drops))
            }
            _ => (None, None),
        };
        let since = |before: Option<u64>, now: Option<u64>| Some(now?.saturating_sub(before?));
        Host {
            cpu_steal_ppm: self
                .cpu
                .zip(now.cpu)
                .and_then(|(before, now)| before.steal_ppm(now)),
            cpu_own_ns: ClockId::CLOCK_PROCESS_CPUTIME_ID
                .now()
                .ok()
                .and_then(|time| u64::try_from(std::time::Duration::from(time).as_nanos()).ok()),
            interface_errors: errors,
            interface_drops: drops,
            neighbors_unresolved: neighbor::unresolved().ok().map(|unresolved| {
                let own = unresolved.iter().filter(|address| targets.contains(address));
                own.count() as u64
            }),
            neighbor_overflows: since(self.neighbor_overflows, now.neighbor_overflows),
            neighbor_limit: ["ipv4", "ipv6"]
                .iter()
                .filter_map(|family| setting(&format!("{family}/neigh/default/gc_thresh3")))
                .min(),
            icmp_ratelimit_ms: setting("ipv4/icmp_ratelimit"),
            icmp_msgs_per_s: setting("ipv4/icmp_msgs_per_sec"),
            icmp_rate_limited: since(self.icmp_rate_limited, now.icmp_rate_limited),
        }
    }
}

fn file(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// A table of the network namespace of this thread, which need not be that of the process.
fn net(name: &str) -> Option<String> {
    file(&format!("/proc/thread-self/net/{name}"))
}

fn setting(name: &str) -> Option<u64> {
    file(&format!("/proc/sys/net/{name}"))?.trim().parse().ok()
}

/// The sum of what is known; unknown if nothing is.
fn sum(parts: [Option<u64>; 2]) -> Option<u64> {
    parts.into_iter().flatten().reduce(u64::saturating_add)
}

/// The sum of numbers of the kernel; unknown if it does not fit, which no kernel reaches but a table that
/// something else put in its place may.
fn total(numbers: &[u64]) -> Option<u64> {
    numbers
        .iter()
        .try_fold(0_u64, |sum, number| sum.checked_add(*number))
}

/// Time of all processors, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cpu {
    total: u64,
    steal: u64,
}

impl Cpu {
    /// Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; what follows
    /// is counted in the first two already.
    fn parse(text: &str) -> Option<Self> {
        let ticks: Vec<u64> = numbers(text.lines().next()?.strip_prefix("cpu ")?);
        let ticks: [u64; 8] = ticks.get(..8)?.try_into().ok()?;
        Some(Self {
            total: total(&ticks)?,
            steal: ticks[7],
        })
    }

    fn steal_ppm(self, later: Self) -> Option<u64> {
        let total = later.total.checked_sub(self.total)?;
        let steal = later.steal.saturating_sub(self.steal);
        u64::try_from((u128::from(steal) * 1_000_000).checked_div(u128::from(total))?).ok()
    }
}

/// Errors and drops of each interface.
type Interfaces = BTreeMap<String, (u64, u64)>;

/// Reads `/proc/net/dev`, without the loopback. Columns after the name: 8 received (bytes, packets, errors,
/// drops …), then 8 sent in the same order.
fn interfaces(text: &str) -> Option<Interfaces> {
    let lines = text.lines().skip(2).filter(|line| !line.trim().is_empty());
    lines
        .filter_map(|line| {
            let Some((name, rest)) = line.split_once(':') else {
                return Some(None);
            };
            let columns: Vec<u64> = numbers(rest);
            let both = |at: usize| columns.get(at)?.checked_add(*columns.get(at + 8)?);
            let entry = both(2).zip(both(3));
            (name.trim() != "lo").then(|| Some((name.trim().to_owned(), entry?)))
        })
        .collect()
}

/// By how much the errors and the drops grew, over the interfaces that were there both times.
fn grown(before: &Interfaces, now: &Interfaces) -> (u64, u64) {
    let pairs = now
        .iter()
        .filter_map(|(name, now)| Some((before.get(name)?, now)));
    pairs.fold((0, 0), |(errors, drops), (before, now)| {
        (
            errors.saturating_add(now.0.saturating_sub(before.0)),
            drops.saturating_add(now.1.saturating_sub(before.1)),
        )
    })
}

/// The sum over all processors of one column of a table in `/proc/net/stat`, which is hexadecimal.
fn table_column(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    let column = lines
        .next()?
        .split_ascii_whitespace()
        .position(|found| found == name)?;
    let values: Option<Vec<u64>> = lines
        .map(|line| u64::from_str_radix(line.split_ascii_whitespace().nth(column)?, 16).ok())
        .collect();
    total(&values?)
}

/// ICMP messages that were withheld, from `/proc/net/snmp`: a line of names above a line of numbers.
fn withheld(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Icmp: "));
    let (names, values) = (lines.next()?.split(' '), numbers::<u64>(lines.next()?));
    let limited: Vec<u64> = names
        .zip(values)
        .filter_map(|(name, value)| name.starts_with("OutRateLimit").then_some(value))
        .collect();
    if limited.is_empty() { None } else { total(&limited) }
}

/// The same from `/proc/net/snmp6`: a name and a number on each line.
fn withheld_v6(text: &str) -> Option<u64> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("Icmp6OutRateLimitHost"))?;
    value.trim().parse().ok()
}

/// The numbers up to the first word that is none.
fn numbers<T: FromStr>(text: &str) -> Vec<T> {
    text.split_ascii_whitespace()
        .map_while(|word| word.parse().ok())
        .collect()
}

/// Reads two texts as each of the kernel's tables, before and after a round: the share of stolen time, and how much
/// the errors and the drops of the interfaces grew. For the targets in `fuzz/`.
#[cfg(fuzzing)]
pub(crate) fn between(before: &str, now: &str) -> (Option<u64>, Option<(u64, u64)>) {
    let read = |text: &str| Counters {
        cpu: Cpu::parse(text),
        interfaces: interfaces(text),
        neighbor_overflows: table_column(text, "table_fulls"),
        icmp_rate_limited: sum([withheld(text), withheld_v6(text)]),
    };
    let (before, now) = (read(before), read(now));
    let steal = before.cpu.zip(now.cpu);
    let interfaces = before.interfaces.zip(now.interfaces);
    (
        steal.and_then(|(before, now)| before.steal_ppm(now)),
        interfaces.map(|(before, now)| grown(&before, &now)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_add_up_to_more_than_fits_are_unknown() {
        let most = u64::MAX;
        assert_eq!(Cpu::parse(&format!("cpu  {most} 1 0 0 0 0 0 0\n")), None);
        let whole = format!("cpu  0 0 0 0 0 0 0 {most}\n");
        let (nothing, whole) = (Cpu::parse("cpu  0 0 0 0 0 0 0 0\n"), Cpu::parse(&whole));
        assert_eq!(nothing.unwrap().steal_ppm(whole.unwrap()), Some(1_000_000));
        let device = |errors: u64| format!("a\nb\n eth0: 0 0 {errors} 0 0 0 0 0 0 0 1 0\n");
        assert_eq!(interfaces(&device(most)), None);
        assert!(interfaces(&device(most - 1)).is_some());
        let table = format!("table_fulls\n{most:x}\n1\n");
        assert_eq!(table_column(&table, "table_fulls"), None);
        let names = "Icmp: OutRateLimitGlobal OutRateLimitHost";
        assert_eq!(withheld(&format!("{names}\nIcmp: {most} 1\n")), None);
    }

    #[test]
    fn stolen_time_is_a_share_of_all_time_and_guests_are_not_counted_twice() {
        let before = Cpu::parse("cpu  100 0 50 800 10 0 5 35 70 0\ncpu0 1 2\n").unwrap();
        assert_eq!(
            before,
            Cpu {
                total: 1000,
                steal: 35
            }
        );
        let later = Cpu {
            total: 3000,
            steal: 40,
        };
        // 5 of 2000 ticks.
        assert_eq!(before.steal_ppm(later), Some(2500));
        assert_eq!(before.steal_ppm(before), None, "no time, no share");
        assert_eq!(Cpu::parse("cpu  1 2 3\n"), None);
        assert_eq!(Cpu::parse(""), None);
    }

    const DEV: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 4368     752    9    9    0     0          0         0 4368     752    9    9    0     0       0          0
  eth0: 1058     550    1    2    0     0          0         0 3968     422    4    8    0     0       0          0
";

    #[test]
    fn errors_and_drops_are_those_of_both_directions_without_the_loopback() {
        let before = interfaces(DEV).unwrap();
        assert_eq!(before, BTreeMap::from([("eth0".to_owned(), (5, 10))]));
        let mut now = before.clone();
        now.insert("eth0".to_owned(), (6, 13));
        now.insert("eth1".to_owned(), (100, 100));
        assert_eq!(grown(&before, &now), (1, 3), "a new interface has no past");
        assert_eq!(
            grown(&now, &before),
            (0, 0),
            "an interface that was made anew began at zero"
        );
        assert_eq!(interfaces("a\nb\n  eth0: 1 2\n"), None);
        assert_eq!(interfaces("a\nb\n  eth0\n"), None);
    }

    #[test]
    fn a_table_of_the_kernel_is_summed_over_its_processors() {
        let table = "entries  table_fulls\n00000002 0000000a\n00000002 00000001\n";
        assert_eq!(table_column(table, "table_fulls"), Some(11));
        assert_eq!(table_column(table, "other"), None);
        assert_eq!(table_column("table_fulls\nx\n", "table_fulls"), None);
    }

    #[test]
    fn withheld_messages_are_found_by_name() {
        let text = "Ip: Forwarding\nIp: 2\nIcmp: InMsgs OutRateLimitGlobal OutRateLimitHost OutEchos\nIcmp: 7 3 4 9\n";
        assert_eq!(withheld(text), Some(7));
        // Kernels before 6.2 do not count them: that is unknown, and not zero.
        assert_eq!(withheld("Icmp: InMsgs\nIcmp: 7\n"), None);
        assert_eq!(
            withheld_v6("Icmp6InMsgs \t7\nIcmp6OutRateLimitHost           \t2\n"),
            Some(2)
        );
        assert_eq!(withheld_v6("Icmp6InMsgs 7\n"), None);
    }

    #[test]
    fn what_nobody_tells_is_unknown_and_not_zero() {
        assert_eq!(sum([None, None]), None);
        assert_eq!(sum([None, Some(3)]), Some(3));
        let nothing = Counters {
            cpu: None,
            interfaces: None,
            neighbor_overflows: None,
            icmp_rate_limited: None,
        };
        let host = nothing.until_now(&HashSet::new());
        assert_eq!((host.cpu_steal_ppm, host.interface_errors), (None, None));
        assert_eq!((host.neighbor_overflows, host.icmp_rate_limited), (None, None));
    }

    #[test]
    fn this_host_tells_what_every_linux_does() {
        let host = Counters::read().until_now(&HashSet::new());
        assert!(host.cpu_own_ns.is_some_and(|ns| ns > 0));
        assert_eq!(host.neighbors_unresolved, Some(0));
        assert!(host.interface_errors.is_some() && host.interface_drops.is_some());
    }
}
