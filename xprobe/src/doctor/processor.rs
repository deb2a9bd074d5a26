//! Whether the processor is there when a packet is due.

use super::finding::Finding;
use super::host::Host;

/// Stolen time above this part of all time is a warning, in parts per million: a round spends a few
/// hundred milliseconds of 300 s on the processor, so that a hundredth shows in its send lag.
const MOST_STOLEN_PPM: u64 = 10_000;

/// All checks of this kind.
pub(super) fn all(host: &Host) -> [Finding; 2] {
    [stolen(host), frequency(host)]
}

/// The time since the start of the host in which a hypervisor ran somebody else (proc(5), `steal`).
fn stolen(host: &Host) -> Finding {
    const CHECK: &str = "cpu_steal";
    let Some(ppm) = host.text("proc/stat").as_deref().and_then(stolen_ppm) else {
        return Finding::note(CHECK, "/proc/stat cannot be read", "");
    };
    let found = format!(
        "{}.{:02} % of the time since boot",
        ppm / 10_000,
        ppm % 10_000 / 100
    );
    if ppm <= MOST_STOLEN_PPM {
        return Finding::ok(CHECK, found);
    }
    Finding::warning(
        CHECK,
        found,
        "the hypervisor runs other guests while packets are due: departures are late, and in a virtual network delays \
         are those of this host",
        "reserve a processor for this guest, or move the probe to hardware of its own",
    )
}

fn stolen_ppm(stat: &str) -> Option<u64> {
    let all = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> = all
        .split_whitespace()
        .map(|time| time.parse().ok())
        .collect::<Option<_>>()?;
    let steal = *times.get(7)?;
    // Guest time, behind it, is in user time already.
    let total: u64 = times.get(..8)?.iter().sum();
    (steal * 1_000_000).checked_div(total)
}

/// Whether the clock frequency of the processors follows their load.
fn frequency(host: &Host) -> Finding {
    const CHECK: &str = "cpu_frequency";
    const FOLDER: &str = "sys/devices/system/cpu";
    let mut governors: Vec<String> = host
        .names(FOLDER)
        .iter()
        .filter_map(|cpu| host.text(&format!("{FOLDER}/{cpu}/cpufreq/scaling_governor")))
        .collect();
    governors.sort();
    governors.dedup();
    match governors.as_slice() {
        [] => Finding::ok(CHECK, "this host does not scale the frequency of its processors"),
        [one] if one == "performance" => Finding::ok(CHECK, "governor performance"),
        found => Finding::note(
            CHECK,
            format!("governor {}", found.join(", ")),
            "an idle processor takes some microseconds longer to receive: compare delays of this probe only with its own; \
             cpupower frequency-set -g performance makes it even",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity;
    use super::super::host::tests::with;
    use super::*;

    #[test]
    fn stolen_time_is_a_part_of_all_time_without_counting_guests_twice() {
        let stat = "cpu  500 0 300 9000 0 0 0 200 400 0\ncpu0 1 2 3\n";
        assert_eq!(stolen_ppm(stat), Some(20_000));
        assert_eq!(stolen_ppm("cpu  1 2 3\n"), None);
        assert_eq!(stolen_ppm("cpu  0 0 0 0 0 0 0 0\n"), None);
        let (_kept, host) = with(&[("proc/stat", stat)]);
        let finding = stolen(&host);
        assert_eq!(
            (finding.severity, finding.found.as_str()),
            (Severity::Warning, "2.00 % of the time since boot")
        );
    }

    #[test]
    fn a_governor_that_saves_power_is_noted() {
        let (_kept, host) = with(&[(
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
            "powersave\n",
        )]);
        assert_eq!(frequency(&host).severity, Severity::Note);
        let (_kept, host) = with(&[]);
        assert_eq!(frequency(&host).severity, Severity::Ok);
    }
}
