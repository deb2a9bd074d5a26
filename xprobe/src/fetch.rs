//! Asks the collector for the plan, and decides what to do when it does not come.

use std::time::Duration;

use ippm::{ProbeName, UnixTime, wire};
use reqwest::Url;
use thiserror::Error;

use crate::cache::CachedPlan;
use crate::client::{Answer, Client, Content, ExchangeError, Question};
use crate::refusal::{Complaint, Refusal};
use crate::remote::Remote;

/// Time limit of the plan request, of which there is one per round.
pub(crate) const PLAN_LIMIT: Duration = Duration::from_secs(3);

/// What came of the plan request.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// A plan.
    Fresh(CachedPlan),
    /// The cached plan is the current one.
    Unchanged,
    /// The collector is away, or cannot tell who asks: the cached plan is what it is kept for.
    Away(Refusal),
    /// The server knows no plans: it speaks only the contract of the original.
    Legacy,
    /// Do not measure.
    Refused(Refusal),
}

/// The time the collector told, against the probe's, at the middle of the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CollectorTime {
    /// Probe minus collector, good to a second.
    pub(crate) offset_ns: i64,
}

/// There is no plan to measure by.
#[derive(Debug, Error)]
#[error("nothing measured: no plan from {url}")]
pub struct NoPlan {
    pub(crate) url: String,
    #[source]
    pub(crate) refusal: Refusal,
}

/// Where the plan of `name` is; `start` decides which time windows are open, the collector's own
/// clock if there is none.
pub(crate) fn plan_url(remote: &Remote, name: &ProbeName, start: Option<UnixTime>) -> Url {
    let mut url = remote.endpoint(&["api", "v2", "plan", name.as_str()]);
    if let Some(start) = start {
        url.query_pairs_mut()
            .append_pair("start", &wire::time::format(start));
    }
    url
}

/// Asks once for the plan at `url`, `cached` being the last good one.
pub(crate) fn fetch(
    client: &Client,
    url: Url,
    cached: Option<&CachedPlan>,
) -> (Fetched, Option<CollectorTime>) {
    let etag = cached.and_then(|plan| plan.etag.as_deref());
    let outcome = client.ask(Question {
        url,
        limit: PLAN_LIMIT,
        content: Content::Get { etag },
    });
    let time = outcome.as_ref().ok().and_then(collector_time);
    (judge(outcome, etag.is_some()), time)
}

/// Decides what to do from what came of the request; `conditional` if it named an entity tag.
fn judge(outcome: Result<Answer, ExchangeError>, conditional: bool) -> Fetched {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error @ ExchangeError::TooLarge) => return Fetched::Refused(error.into()),
        Err(error) => return Fetched::Away(error.into()),
    };
    let complaint = Complaint::of(&answer);
    match answer.status {
        200 => match String::from_utf8(answer.body) {
            Ok(body) => Fetched::Fresh(CachedPlan {
                etag: answer.etag,
                body,
            }),
            Err(_) => Fetched::Refused(Refusal::NotACollector { status: 200 }),
        },
        304 if conditional => Fetched::Unchanged,
        401 | 429 | 500..=599 => Fetched::Away(Refusal::Answered(complaint)),
        404 | 405 if complaint.code.is_none() => Fetched::Legacy,
        201..=399 => Fetched::Refused(Refusal::NotACollector {
            status: answer.status,
        }),
        _ => Fetched::Refused(Refusal::Answered(complaint)),
    }
}

/// What the `Date` of an answer says about the probe's clock.
fn collector_time(answer: &Answer) -> Option<CollectorTime> {
    // A Date is cut to the second: the collector's clock is half a second further on average.
    let collector = answer.date?.saturating_add(Duration::from_millis(500));
    Some(CollectorTime {
        offset_ns: answer.midpoint.ns_after(collector),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, Server};

    const PLAN: &str = r#"{"schema":1}"#;

    fn ask(server: &Server, etag: Option<&str>) -> (Fetched, Option<CollectorTime>) {
        let client = Client::new(None, None, crate::clock::for_tests()).unwrap();
        let cached = etag.map(|etag| CachedPlan {
            etag: Some(etag.to_owned()),
            body: PLAN.to_owned(),
        });
        let url = format!("{}/api/v2/plan/ams1", server.url()).parse().unwrap();
        fetch(&client, url, cached.as_ref())
    }

    /// What a probe does after `reply`, as one word.
    #[track_caller]
    fn check(replies: impl IntoIterator<Item = Reply>, expected: &str) {
        for reply in replies {
            let shown = format!("{reply:?}");
            let server = Server::start(move |_| reply.clone());
            let (fetched, _) = ask(&server, Some("\"e\""));
            let word = match fetched {
                Fetched::Fresh(_) => "fresh",
                Fetched::Unchanged => "unchanged",
                Fetched::Away(_) => "cached",
                Fetched::Legacy => "legacy",
                Fetched::Refused(_) => "refused",
            };
            assert_eq!(word, expected, "{shown}");
        }
    }

    fn coded(status: u16, code: &str) -> Reply {
        Reply::new(status, format!(r#"{{"error":"words","code":"{code}"}}"#))
    }

    #[test]
    fn a_plan_and_an_unchanged_plan_are_used() {
        check([Reply::new(200, PLAN)], "fresh");
        check([Reply::new(304, "")], "unchanged");
    }

    #[test]
    fn a_collector_that_is_away_leaves_the_cached_plan() {
        check(
            [
                Reply::close(),
                Reply::new(200, PLAN).truncated(),
                Reply::stall(),
                coded(401, "key_unknown"),
                Reply::new(401, ""),
                coded(429, "too_many_requests"),
                coded(500, "internal"),
                Reply::new(502, "<html>"),
                coded(503, "store_unavailable"),
            ],
            "cached",
        );
    }

    #[test]
    fn a_server_that_knows_no_plans_is_a_legacy_collector() {
        let html = Reply::new(404, "<!doctype html><title>404 Not Found</title>");
        check(
            [html, Reply::new(405, ""), Reply::new(404, r#"{"error":"none"}"#)],
            "legacy",
        );
    }

    #[test]
    fn everything_else_means_that_nothing_is_measured() {
        check(
            [
                coded(403, "wrong_role"),
                Reply::new(403, "<html>"),
                coded(404, "unknown_probe"),
                coded(404, "not_found"),
                coded(405, "method_not_allowed"),
                Reply::new(301, "").header("location", "/elsewhere"),
                Reply::new(204, ""),
                coded(400, "bad_query"),
                Reply::new(410, ""),
                Reply::new(200, vec![0xff]),
                Reply::endless(),
            ],
            "refused",
        );
    }

    #[test]
    fn an_unchanged_plan_that_nobody_asked_about_is_refused() {
        let server = Server::start(|_| Reply::new(304, ""));
        assert!(matches!(ask(&server, None).0, Fetched::Refused(_)));
    }

    #[test]
    fn the_known_entity_tag_is_sent_and_the_new_one_kept() {
        let server = Server::start(|_| Reply::new(200, PLAN).header("etag", "\"new\""));
        let Fetched::Fresh(plan) = ask(&server, Some("\"old\"")).0 else {
            panic!()
        };
        assert_eq!(server.requests()[0].header("if-none-match"), Some("\"old\""));
        assert_eq!(
            plan,
            CachedPlan {
                etag: Some("\"new\"".to_owned()),
                body: PLAN.to_owned()
            }
        );
    }

    #[test]
    fn the_date_tells_how_far_the_clocks_are_apart() {
        // The test's clock begins at 10:05:00.
        let date = "Sat, 21 Nov 2026 09:55:00 GMT";
        let server = Server::start(move |_| Reply::new(401, "").header("date", date));
        let offset = ask(&server, None).1.unwrap().offset_ns;
        assert!((offset - 600_000_000_000).abs() < 10_000_000_000, "{offset}");
    }

    #[test]
    fn names_and_times_are_escaped_in_the_url() {
        let remote: Remote = "https://c.example".parse().unwrap();
        let url = plan_url(
            &remote,
            &"a b%".parse().unwrap(),
            Some(UnixTime::from_ns(1_795_255_500_000_000_001)),
        );
        assert_eq!(
            url.as_str(),
            "https://c.example/api/v2/plan/a%20b%25?start=2026-11-21T10%3A05%3A00.000000001Z"
        );
    }
}
