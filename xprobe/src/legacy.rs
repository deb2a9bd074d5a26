//! A round with a collector that speaks only the contract of the original IXPQoS.
//!
//! It sends no plan, reads no packet counts and stores a post at the time it arrives: the command
//! line says how to measure, and a post that fails is not kept, because it would get a wrong time.

use std::net::IpAddr;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use ippm::wire::legacy::{ListedProbeV1, ProbeListV1, ProbeResultV1, ProbeResultsV1};
use ippm::{Delay, Family, Params, Sample, Summary, TestName};
use thiserror::Error;

use crate::agenda::{Item, MAX_RESULTS};
use crate::client::{Client, Content, ExchangeError, Question};
use crate::clock::Clock;
use crate::config::Settings;
use crate::console::{self, Console};
use crate::driver::KIND;
use crate::fetch::NoPlan;
use crate::measure::{self, Terms, Untaken};
use crate::refusal::{Complaint, Refusal};
use crate::round::pace::Limits;
use crate::stop::Stop;

/// Time limit for the list of probes.
const LIST_LIMIT: Duration = Duration::from_secs(10);
/// Time limit for one post: the original makes one round trip to its store for every target.
const POST_LIMIT: Duration = Duration::from_mins(1);
/// Most attempts to connect for the post.
const MAX_ATTEMPTS: usize = 5;
/// Beyond the packets and the waiting time, the measurement must not take longer.
const SLACK: Duration = Duration::from_secs(30);

/// Why a legacy round did not do what it was started for.
#[derive(Debug, Error)]
pub enum LegacyFailure {
    /// There is no list of probes to measure by.
    #[error(transparent)]
    NoList(NoPlan),
    /// The list holds more than this probe measures.
    #[error("nothing measured: the list of the collector has {found} probes, more than {MAX_RESULTS}")]
    LongList {
        /// Entries of the list.
        found: usize,
    },
    /// Every target of the list failed to be measured.
    #[error("nothing measured and nothing posted: none of the {targets} targets could be measured")]
    NothingMeasured {
        /// Targets in the list.
        targets: usize,
        /// Whether it was for want of permission.
        permission: bool,
    },
    /// The collector has not stored the post.
    #[error("the results are not delivered to {url} (lost: a collector of this kind takes none later)")]
    Undelivered {
        /// Where they were posted.
        url: String,
        /// What came of it.
        #[source]
        refusal: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Measures the collector's list by the settings' count and delay, and posts the results.
///
/// # Errors
///
/// [`LegacyFailure`]; a target that could not be measured is only named, unless all could not.
pub(crate) fn round(
    settings: &Settings,
    client: &Client,
    clock: Clock,
    stop: &Stop,
    console: Console,
) -> Result<(), LegacyFailure> {
    console.step(format_args!(
        "the collector sends no plans: using its list of probes"
    ));
    let listed = list(settings, client)?;
    let entries: Vec<(ListedProbeV1, Item)> = listed
        .into_iter()
        .filter(|entry| entry.name != settings.name.as_str())
        .filter_map(|entry| {
            let item = item(&entry, settings);
            if item.is_none() {
                console::warn(format_args!(
                    "{:?} in the collector's list cannot be measured",
                    entry.name
                ));
            }
            Some((entry, item?))
        })
        .collect();
    let items: Vec<Item> = entries.iter().map(|(_, item)| item.clone()).collect();
    let spread = items
        .first()
        .and_then(|item| item.params.spread)
        .unwrap_or_default();
    let terms = Terms {
        source: None,
        round_start: clock.start(),
        deadline: clock
            .monotonic_start()
            .checked_add(clock.elapsed() + spread + SLACK),
        // ICMP errors, for which a longer wait would be, have no place in this report.
        linger: Some(Duration::ZERO),
        until_answered: false,
        limits: Limits::HARD,
        binding: &settings.binding,
    };
    let taken = measure::measure(&items, terms, clock, &mut |_| ());
    stop.take_over(taken.is_interrupted);
    let mut results = Vec::new();
    let mut permission = false;
    for ((entry, item), taken) in entries.iter().zip(taken.results) {
        match taken.map(|(address, sample)| result(entry, address, sample)) {
            Ok(Some(result)) => results.push(result),
            Ok(None) => console::warn(format_args!(
                "{} (IPv{}) was not measured",
                item.target, item.family
            )),
            Err(untaken) => {
                permission |= untaken.is_permission();
                warn_untaken(item, &untaken);
            }
        }
    }
    if results.is_empty() && !entries.is_empty() {
        return Err(LegacyFailure::NothingMeasured {
            targets: entries.len(),
            permission,
        });
    }
    post(settings, client, stop, results)
}

fn warn_untaken(item: &Item, untaken: &Untaken) {
    let cause = crate::exit::chain(untaken);
    console::warn(format_args!(
        "{} (IPv{}) was not measured: {cause}",
        item.target, item.family
    ));
}

/// The collector's list of probes.
fn list(settings: &Settings, client: &Client) -> Result<Vec<ListedProbeV1>, LegacyFailure> {
    let url = settings.remote.endpoint(&["api", "v1", "conf", "probes"]);
    let no_list = |refusal| {
        LegacyFailure::NoList(NoPlan {
            url: url.to_string(),
            refusal,
        })
    };
    let question = Question {
        url: url.clone(),
        limit: LIST_LIMIT,
        content: Content::Get { etag: None },
    };
    let answer = client.ask(question).map_err(|error| no_list(error.into()))?;
    if answer.status != 200 {
        return Err(no_list(Refusal::Answered(Complaint::of(&answer))));
    }
    let Ok(list) = serde_json::from_slice::<ProbeListV1>(&answer.body) else {
        return Err(no_list(Refusal::NotACollector { status: 200 }));
    };
    if list.probes.len() > MAX_RESULTS {
        return Err(LegacyFailure::LongList {
            found: list.probes.len(),
        });
    }
    Ok(list.probes)
}

/// What to measure for one entry of the list; none if it cannot be named or has no family.
fn item(entry: &ListedProbeV1, settings: &Settings) -> Option<Item> {
    // One packet more than asked for: the first one, which often waits for ARP, is discarded.
    let count = settings.count.saturating_add(1);
    let spread = settings.delay.checked_mul(count)?;
    Some(Item {
        test: TestName::icmp(),
        kind: KIND.parse().ok()?,
        target: entry.name.parse().ok()?,
        family: Family::from_number(entry.proto)?,
        address: entry.address.clone(),
        period: spread,
        params: Params {
            count: Some(u64::from(count)),
            spread: Some(spread),
            timeout: Some(Params::DEFAULT_TIMEOUT),
            payload_bytes: Some(Params::DEFAULT_PAYLOAD_BYTES),
            dscp: None,
            dont_fragment: None,
        },
    })
}

/// The nine keys of one target; none if nothing but the discarded packet was sent.
fn result(entry: &ListedProbeV1, _address: IpAddr, mut sample: Sample) -> Option<ProbeResultV1> {
    if !sample.packets.is_empty() {
        sample.packets.remove(0);
    }
    Some(nine_keys(entry, &sample.summary()?))
}

fn nine_keys(entry: &ListedProbeV1, summary: &Summary) -> ProbeResultV1 {
    let delay = summary.delay.as_ref();
    ProbeResultV1 {
        name: entry.name.clone(),
        proto: u8::try_from(entry.proto).unwrap_or(0),
        address: entry.address.clone(),
        pinged: true,
        ping_min: delay.map(|delay| milliseconds(delay.min.as_ns())),
        ping_max: delay.map(|delay| milliseconds(delay.max.as_ns())),
        ping_avg: delay.map(|delay| milliseconds(delay.mean_ns())),
        ping_jitter: delay.map(stddev_milliseconds),
        ping_loss: summary.loss_ratio().map(ippm::LossRatio::get),
    }
}

/// The population standard deviation in milliseconds; divided before the root, which gives the
/// recorded digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "a round has far less than 2^53 packets"
)]
fn stddev_milliseconds(delay: &Delay) -> f64 {
    (delay.m2_ns2 / 1e12 / delay.count.max(1) as f64).sqrt()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a delay of a round stays far below 2^53 ns"
)]
fn milliseconds(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// Posts once, unless no connection could be made: a post that may have arrived is not repeated,
/// since the original would store it twice.
fn post(
    settings: &Settings,
    client: &Client,
    stop: &Stop,
    probes: Vec<ProbeResultV1>,
) -> Result<(), LegacyFailure> {
    let url = settings.remote.endpoint(&["api", "v1", "data", "probe-result"]);
    let failed = |refusal| LegacyFailure::Undelivered {
        url: url.to_string(),
        refusal,
    };
    let body = serde_json::to_vec(&ProbeResultsV1 {
        source: settings.name.to_string(),
        probes,
    })
    .map_err(|error| failed(Box::new(error)))?;
    let attempt = || {
        client.ask(Question {
            url: url.clone(),
            limit: POST_LIMIT,
            content: Content::Json(body.clone()),
        })
    };
    let pauses = ExponentialBuilder::new()
        .with_jitter()
        .with_max_times(MAX_ATTEMPTS - 1)
        .build();
    let mut outcome = attempt();
    for pause in pauses {
        let is_unconnected = matches!(&outcome, Err(ExchangeError::Connection(error)) if error.is_connect());
        if !is_unconnected || stop.wait(pause) {
            break;
        }
        outcome = attempt();
    }
    match outcome {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(failed(Box::new(Refusal::Answered(Complaint::of(&answer))))),
        Err(error) => Err(failed(Box::new(Refusal::NoAnswer(error)))),
    }
}

#[cfg(test)]
mod tests {
    use ippm::{Fate, Packet, Rtt, UnixTime};

    use super::*;
    use crate::net::binding::Binding;

    fn entry() -> ListedProbeV1 {
        ListedProbeV1 {
            name: "p2".to_owned(),
            proto: 4,
            address: "127.0.0.2".to_owned(),
        }
    }

    fn sample(rtts_ns: &[Option<u64>]) -> Sample {
        let packet = |rtt: &Option<u64>| Packet {
            departure: Duration::ZERO,
            fate: rtt.map_or(Fate::Lost, |ns| Fate::Returned {
                rtt: Some(Rtt::from_ns(ns)),
                arrival: Duration::from_nanos(ns),
                hop_limit: None,
                dscp: None,
            }),
            duplicates: 0,
            icmp_error: None,
        };
        Sample {
            round_start: UnixTime::from_ns(0),
            packets: rtts_ns.iter().map(packet).collect(),
        }
    }

    fn json(rtts_ns: &[Option<u64>]) -> Option<String> {
        let result = result(&entry(), IpAddr::from([127, 0, 0, 2]), sample(rtts_ns))?;
        Some(serde_json::to_string(&result).unwrap())
    }

    #[test]
    fn the_recorded_vector_gives_the_recorded_numbers() {
        // 9.9 ms is discarded; 1, 2, 3, 4 ms: mean 2.5, population standard deviation sqrt(1.25).
        let rtts = [9_900_000, 1_000_000, 2_000_000, 3_000_000, 4_000_000].map(Some);
        assert_eq!(
            json(&rtts).unwrap(),
            r#"{"name":"p2","proto":4,"address":"127.0.0.2","pinged":true,"ping_min":1.0,"ping_max":4.0,"ping_avg":2.5,"ping_jitter":1.118033988749895,"ping_loss":0.0}"#
        );
    }

    #[test]
    fn one_packet_more_than_asked_for_is_sent_at_the_delay_asked_for() {
        let settings = Settings {
            name: "ams1".parse().unwrap(),
            remote: "https://c.example".parse().unwrap(),
            key: None,
            key_file: None,
            count: 10,
            delay: Duration::from_secs(1),
            state_dir: None,
            ca_file: None,
            binding: Binding::default(),
            verbose: false,
        };
        let params = item(&entry(), &settings).unwrap().params;
        assert_eq!(
            (params.count, params.spread),
            (Some(11), Some(Duration::from_secs(11)))
        );
        let unknown = ListedProbeV1 { proto: 5, ..entry() };
        assert!(item(&unknown, &settings).is_none());
    }

    #[test]
    fn total_loss_is_a_loss_of_one_and_four_nulls() {
        assert_eq!(
            json(&[Some(1), None, None]).unwrap(),
            r#"{"name":"p2","proto":4,"address":"127.0.0.2","pinged":true,"ping_min":null,"ping_max":null,"ping_avg":null,"ping_jitter":null,"ping_loss":1.0}"#
        );
    }

    #[test]
    fn a_target_with_only_the_discarded_packet_is_no_result() {
        assert_eq!(json(&[Some(1)]), None);
        assert_eq!(json(&[]), None);
    }
}
