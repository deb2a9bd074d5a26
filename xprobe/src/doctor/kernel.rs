//! Settings of the kernel that lose packets without telling anybody.

use super::finding::Finding;
use super::host::Host;

/// Receive buffer that a round asks for, in bytes, as `net.core.rmem_max` counts them.
const WANTED_BUFFER: u64 = 2 << 20;

/// The types of ICMP messages that answer an echo request.
const ECHO_REPLY: u32 = 0;

/// All checks of this kind.
pub(super) fn all(host: &Host) -> [Finding; 3] {
    [receive_buffer(host), answers(host), reply_limit(host)]
}

fn receive_buffer(host: &Host) -> Finding {
    const CHECK: &str = "receive_buffer";
    if host.may_force_buffers() {
        return Finding::ok(CHECK, "may pass over net.core.rmem_max, by CAP_NET_ADMIN");
    }
    match host.number("net.core.rmem_max") {
        None => Finding::note(CHECK, "net.core.rmem_max cannot be read", ""),
        Some(most) if most >= WANTED_BUFFER => Finding::ok(CHECK, format!("net.core.rmem_max is {most}")),
        Some(most) => Finding::warning(
            CHECK,
            format!("net.core.rmem_max is {most}, a round asks for {WANTED_BUFFER}"),
            "when this host is busy, replies and stamps are thrown away in its own socket: packets count as lost, \
             and the round as suspect: receive_drops",
            format!("sysctl -w net.core.rmem_max={}", 2 * WANTED_BUFFER),
        ),
    }
}

/// Whether this host answers the other probes.
fn answers(host: &Host) -> Finding {
    const CHECK: &str = "echo_answers";
    let silent: Vec<&str> = ["net.ipv4.icmp_echo_ignore_all", "net.ipv6.icmp.echo_ignore_all"]
        .into_iter()
        .filter(|name| host.number(name).is_some_and(|value| value != 0))
        .collect();
    if silent.is_empty() {
        return Finding::ok(
            CHECK,
            "this host answers echo requests (its firewall was not asked)",
        );
    }
    Finding::warning(
        CHECK,
        format!("{} is set: this host does not answer", silent.join(", ")),
        "every other probe sees this one as down",
        silent
            .iter()
            .map(|name| format!("sysctl -w {name}=0"))
            .collect::<Vec<_>>()
            .join("; "),
    )
}

/// Whether the kernel limits the rate of its echo replies, which by default it does not.
fn reply_limit(host: &Host) -> Finding {
    const CHECK: &str = "echo_rate_limit";
    let Some(mask) = host.number("net.ipv4.icmp_ratemask") else {
        return Finding::note(CHECK, "net.ipv4.icmp_ratemask cannot be read", "");
    };
    if mask >> ECHO_REPLY & 1 == 0 {
        return Finding::ok(CHECK, "echo replies are not limited (net.ipv4.icmp_ratemask)");
    }
    let interval = host.number("net.ipv4.icmp_ratelimit").unwrap_or_default();
    Finding::warning(
        CHECK,
        format!("net.ipv4.icmp_ratemask {mask} limits echo replies to one in {interval} ms for each sender"),
        "other probes lose packets to this one that the network has delivered",
        format!("sysctl -w net.ipv4.icmp_ratemask={}", mask & !(1 << ECHO_REPLY)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::super::host::tests::with;
    use super::*;

    #[test]
    fn a_small_receive_buffer_is_a_warning_unless_it_may_be_passed_over() {
        let small = ("proc/sys/net/core/rmem_max", "212992\n");
        let (_kept, host) = with(&[small]);
        let finding = receive_buffer(&host);
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("sysctl -w net.core.rmem_max=4194304")
        );
        let (_kept, host) = with(&[small, ("proc/self/status", "CapEff:\t0000000000001000\n")]);
        assert_eq!(receive_buffer(&host).severity, Severity::Ok);
        let (_kept, host) = with(&[]);
        assert_eq!(receive_buffer(&host).severity, Severity::Note);
    }

    #[test]
    fn a_host_that_does_not_answer_is_found_in_both_families() {
        let (_kept, host) = with(&[
            ("proc/sys/net/ipv4/icmp_echo_ignore_all", "0\n"),
            ("proc/sys/net/ipv6/icmp/echo_ignore_all", "1\n"),
        ]);
        let finding = answers(&host);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("sysctl -w net.ipv6.icmp.echo_ignore_all=0")
        );
        let (_kept, host) = with(&[("proc/sys/net/ipv4/icmp_echo_ignore_all", "0\n")]);
        assert_eq!(answers(&host).severity, Severity::Ok);
    }

    #[test]
    fn only_a_mask_with_echo_replies_limits_them() {
        // The default mask: destination unreachable, source quench, time exceeded, parameter problem.
        let (_kept, host) = with(&[("proc/sys/net/ipv4/icmp_ratemask", "6168\n")]);
        assert_eq!(reply_limit(&host).severity, Severity::Ok);
        let (_kept, host) = with(&[
            ("proc/sys/net/ipv4/icmp_ratemask", "6169\n"),
            ("proc/sys/net/ipv4/icmp_ratelimit", "1000\n"),
        ]);
        let finding = reply_limit(&host);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("sysctl -w net.ipv4.icmp_ratemask=6168")
        );
        assert!(finding.found.contains("one in 1000 ms"), "{}", finding.found);
    }
}
