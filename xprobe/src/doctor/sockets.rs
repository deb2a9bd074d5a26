//! Whether a round gets the sockets that it needs, and stamps of the kernel through them.

use ippm::{Family, Params, TestName, plan};

use crate::agenda::Item;
use crate::clock::Clock;
use crate::driver::KIND;
use crate::measure::{self, Terms};
use crate::net::binding::Binding;
use crate::net::{Mode, OpenError, Setup, Socket};
use crate::round::pace::Limits;

use super::finding::Finding;
use super::host::Host;

const SOCKETS: &str = Finding::SOCKETS;
const STAMPS: &str = "stamps";

/// Opens a socket of each family, as a round does.
pub(super) fn opened(host: &Host) -> Finding {
    let open = |family| Socket::open(&Setup::new(family, 0)).map(|socket| socket.mode());
    judge(host, open(Family::V4), open(Family::V6))
}

fn judge(host: &Host, ipv4: Result<Mode, OpenError>, ipv6: Result<Mode, OpenError>) -> Finding {
    let range = host
        .setting("net.ipv4.ping_group_range", "")
        .map_or_else(|| "unknown".to_owned(), |range| range.replace('\t', " "));
    match (ipv4, ipv6) {
        (Ok(Mode::Datagram), Ok(Mode::Datagram)) => {
            Finding::ok(SOCKETS, "datagram ICMP for IPv4 and IPv6, without privilege")
        }
        (Ok(_), Ok(_)) => Finding::note(
            SOCKETS,
            format!("raw ICMP, by CAP_NET_RAW (net.ipv4.ping_group_range is {range})"),
            "a raw socket sees the replies to every program of this host; datagram sockets do not, and need no capability",
        ),
        (Err(OpenError::Permission(_)), _) | (_, Err(OpenError::Permission(_))) => Finding::failure(
            SOCKETS,
            format!(
                "not allowed to open ICMP sockets: net.ipv4.ping_group_range is {range}, CAP_NET_RAW is {}",
                if host.may_open_raw() { "held" } else { "not held" }
            ),
            "nothing can be measured: a round reports every result as error, permission",
            "sysctl -w net.ipv4.ping_group_range='0 2147483647'   # to keep it: install deploy/sysctl.d/50-xprobe.conf",
        )
        .for_permission(),
        (Ok(_), Err(error)) => one_family("IPv6", &error),
        (Err(error), _) => one_family("IPv4", &error),
    }
}

fn one_family(family: &str, error: &OpenError) -> Finding {
    Finding::warning(
        SOCKETS,
        format!("no {family}: {}", crate::exit::chain(error)),
        format!("every {family} result of the plan is reported as error"),
        format!("give this host {family}, or take its {family} address out of the roster"),
    )
}

/// Measures this host itself, so that no packet leaves it.
pub(super) fn stamped(clock: Clock) -> Finding {
    let period = plan::MIN_PERIOD;
    let params = Params {
        count: Some(1),
        spread: Some(std::time::Duration::from_millis(1)),
        ..plan::default_params(period)
    };
    let (Ok(kind), Ok(target)) = (KIND.parse(), "localhost".parse()) else {
        return unknown("no test could be set up");
    };
    let item = Item {
        test: TestName::icmp(),
        kind,
        target,
        family: Family::V4,
        address: "127.0.0.1".to_owned(),
        period,
        params,
    };
    let terms = Terms {
        source: None,
        round_start: clock.start(),
        deadline: None,
        linger: Some(std::time::Duration::ZERO),
        until_answered: true,
        limits: Limits::HARD,
        binding: &Binding::default(),
    };
    let taken = measure::measure(&[item], terms, clock, &mut |_| {});
    let sample = match taken.results.first() {
        Some(Ok((_, sample))) => sample,
        Some(Err(untaken)) => return unknown(&crate::exit::chain(untaken)),
        None => return unknown("this host could not be measured"),
    };
    if sample.summary().is_none_or(|summary| summary.received == 0) {
        return unknown("127.0.0.1 did not answer");
    }
    if taken.fitness.stamps_missing + taken.fitness.stamps_discarded > 0 {
        return Finding::warning(
            STAMPS,
            "the kernel gave no usable transmit and receive stamps",
            "replies are counted, and no delay is reported at all",
            "use Linux 4.20 or later, and no user-space network stack or emulation below it",
        );
    }
    Finding::ok(STAMPS, "the kernel stamps packets both ways")
}

fn unknown(why: &str) -> Finding {
    Finding::note(STAMPS, format!("not found out: {why}"), "")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::finding::Severity;
    use super::super::host::tests::with;
    use super::*;

    fn permission() -> OpenError {
        OpenError::Permission(io::ErrorKind::PermissionDenied.into())
    }

    #[test]
    fn a_missing_permission_names_the_setting_and_the_command() {
        let (_kept, host) = with(&[("proc/sys/net/ipv4/ping_group_range", "1\t0\n")]);
        let finding = judge(&host, Err(permission()), Err(permission()));
        assert!(finding.is_permission() && finding.severity == Severity::Failure);
        assert!(
            finding.found.contains("ping_group_range is 1 0"),
            "{}",
            finding.found
        );
        assert!(
            finding
                .remedy
                .unwrap()
                .starts_with("sysctl -w net.ipv4.ping_group_range")
        );
    }

    #[test]
    fn a_host_without_ipv6_is_warned_and_a_raw_socket_is_only_noted() {
        let (_kept, host) = with(&[]);
        let setup = OpenError::Setup(io::ErrorKind::Unsupported.into());
        assert_eq!(
            judge(&host, Ok(Mode::Datagram), Err(setup)).severity,
            Severity::Warning
        );
        assert_eq!(
            judge(&host, Ok(Mode::Raw), Ok(Mode::Datagram)).severity,
            Severity::Note
        );
        assert_eq!(
            judge(&host, Ok(Mode::Datagram), Ok(Mode::Datagram)).severity,
            Severity::Ok
        );
    }
}
