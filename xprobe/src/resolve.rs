//! Host names to addresses, all at once and within a time limit.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ippm::Family;
use thiserror::Error;

use crate::clock::Clock;

/// Time limit for all names of a round together.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// Most names that are asked for at the same time.
const WORKERS: usize = 32;

/// Why a host name has no address to measure; the detail of outcome `resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ResolveError {
    #[error("{host}: {reason}")]
    Failed { host: String, reason: String },
    #[error("{host}: no IPv{family} address")]
    NoAddress { host: String, family: Family },
    #[error("{host}: no host name has a zone, port or space in it")]
    NotAHost { host: String },
    #[error("{host}: no answer within {} ms", LIMIT.as_millis())]
    TimeLimit { host: String },
}

/// One name to resolve; any family if none is given.
pub(crate) type Wanted<'a> = (&'a str, Option<Family>);

/// The address of each of `wanted`, in its order.
///
/// Names that take too long are left to threads of their own, which end with the process.
pub(crate) fn resolve(wanted: &[Wanted<'_>], clock: Clock) -> Vec<Result<IpAddr, ResolveError>> {
    let names: Vec<String> = wanted
        .iter()
        .filter(|(host, _)| host.parse::<IpAddr>().is_err())
        .map(|(host, _)| (*host).to_owned())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let answers = gather(&ask(names.clone(), look_up), names.len(), clock);
    wanted
        .iter()
        .map(|(host, family)| choose(host, *family, &answers))
        .collect()
}

type Answer = io::Result<Vec<IpAddr>>;

/// Asks for every name in the background.
fn ask(names: Vec<String>, look_up: fn(&str) -> Answer) -> Receiver<(String, Answer)> {
    let (sender, receiver) = mpsc::channel();
    let workers = names.len().min(WORKERS);
    let queue = Arc::new(Mutex::new(names));
    for _ in 0..workers {
        let (queue, sender) = (Arc::clone(&queue), Sender::clone(&sender));
        let work = move || {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(name) = next() {
                let answer = look_up(&name);
                if sender.send((name, answer)).is_err() {
                    return;
                }
            }
        };
        // Where no thread can be had the others do its work; without any the names stay unanswered.
        drop(thread::Builder::new().spawn(work));
    }
    receiver
}

fn look_up(host: &str) -> Answer {
    Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
}

/// What was answered within the time limit.
fn gather(receiver: &Receiver<(String, Answer)>, names: usize, clock: Clock) -> BTreeMap<String, Answer> {
    let deadline = clock.elapsed() + LIMIT;
    let mut answers = BTreeMap::new();
    while answers.len() < names {
        match receiver.recv_timeout(deadline.saturating_sub(clock.elapsed())) {
            Ok((name, answer)) => answers.insert(name, answer),
            Err(_) => break,
        };
    }
    answers
}

fn choose(
    host: &str,
    family: Option<Family>,
    answers: &BTreeMap<String, Answer>,
) -> Result<IpAddr, ResolveError> {
    let fits = |address: &IpAddr| family.is_none_or(|family| Family::of(*address) == family);
    let none = || {
        let host = host.to_owned();
        match family {
            Some(family) => ResolveError::NoAddress { host, family },
            None => ResolveError::Failed {
                host,
                reason: "no address".to_owned(),
            },
        }
    };
    if let Ok(literal) = host.parse::<IpAddr>() {
        return Some(literal).filter(fits).ok_or_else(none);
    }
    if host.is_empty() || host.contains([' ', ':', '%', '/']) {
        return Err(ResolveError::NotAHost {
            host: host.to_owned(),
        });
    }
    match answers.get(host) {
        None => Err(ResolveError::TimeLimit {
            host: host.to_owned(),
        }),
        Some(Err(error)) => Err(ResolveError::Failed {
            host: host.to_owned(),
            reason: crate::exit::one_line(&error.to_string()),
        }),
        Some(Ok(addresses)) => addresses.iter().copied().find(fits).ok_or_else(none),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_need_no_answer_and_must_be_of_the_family() {
        let wanted = [
            ("192.0.2.1", Some(Family::V4)),
            ("::1", None),
            ("::1", Some(Family::V4)),
            ("a b", None),
        ];
        let found = resolve(&wanted, crate::clock::for_tests());
        assert_eq!(found[0], Ok(IpAddr::from([192, 0, 2, 1])));
        assert_eq!(found[1], Ok("::1".parse().unwrap()));
        assert_eq!(found[2].as_ref().unwrap_err().to_string(), "::1: no IPv4 address");
        assert!(matches!(found[3], Err(ResolveError::NotAHost { .. })));
    }

    #[test]
    fn the_first_address_of_the_family_is_taken() {
        let addresses = vec!["2001:db8::1".parse().unwrap(), "192.0.2.1".parse().unwrap()];
        let answers = BTreeMap::from([("h".to_owned(), Ok(addresses))]);
        assert_eq!(
            choose("h", Some(Family::V4), &answers),
            Ok("192.0.2.1".parse().unwrap())
        );
        assert_eq!(choose("h", None, &answers), Ok("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_name_that_fails_or_takes_too_long_says_so() {
        let answers = BTreeMap::from([("h".to_owned(), Err(io::Error::other("no such host")))]);
        assert_eq!(
            choose("h", None, &answers).unwrap_err().to_string(),
            "h: no such host"
        );
        assert_eq!(
            choose("slow", None, &answers).unwrap_err().to_string(),
            "slow: no answer within 2000 ms"
        );
    }

    #[test]
    fn a_resolver_that_hangs_costs_no_more_than_the_time_limit() {
        let asked = ask(vec!["h".to_owned()], |_| {
            thread::park();
            Ok(Vec::new())
        });
        assert!(gather(&asked, 1, crate::clock::for_tests()).is_empty());
    }
}
