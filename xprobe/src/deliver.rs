//! Gets reports to the collector: this round's first, then the kept ones, until the deadline.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use reqwest::Url;
use thiserror::Error;

use crate::client::{Answer, Client, Content, ExchangeError, Question};
use crate::clock::Clock;
use crate::console::{self, Console};
use crate::refusal::{Complaint, Refusal};
use crate::spool::{Entry, Spool, SpoolError};
use crate::stop::Stop;

pub(crate) mod receipt;

use self::receipt::Receipt;

/// Longest single attempt.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Below this no attempt is begun: it could not end well.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(50);
/// Most attempts to deliver this round's report.
const MAX_ATTEMPTS: usize = 8;

/// Codes that say that this report will never be stored.
const FINAL_CODES: [&str; 3] = ["bad_json", "too_large", "time_expired"];

/// What becomes of a report after an attempt to deliver it.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Stored: the kept copy is deleted.
    Delivered(Receipt),
    /// Refused for good: set aside with the answer.
    SetAside(Refusal),
    /// Kept; the next one may fare better.
    Skip(Refusal),
    /// Kept; nothing else will fare better in this round.
    Away {
        refusal: Refusal,
        /// Whether another attempt in this round makes sense.
        retry: bool,
        /// How long the collector asks to wait before it.
        after: Option<Duration>,
    },
}

/// Decides what becomes of a report from what came of its delivery.
///
/// Only a 200 with the body of a collector deletes: a captive portal says 200 too.
pub(crate) fn judge(outcome: Result<Answer, ExchangeError>) -> Fate {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            return Fate::Away {
                refusal: error.into(),
                retry: true,
                after: None,
            };
        }
    };
    let complaint = Complaint::of(&answer);
    let is_final = complaint
        .code
        .as_deref()
        .is_some_and(|code| FINAL_CODES.contains(&code));
    match answer.status {
        200 => match Receipt::read(&answer.body) {
            Some(receipt) => Fate::Delivered(receipt),
            None => Fate::Skip(Refusal::NotACollector { status: 200 }),
        },
        401 => Fate::Away {
            refusal: Refusal::Answered(complaint),
            retry: false,
            after: None,
        },
        429 | 500..=599 => Fate::Away {
            refusal: Refusal::Answered(complaint),
            retry: true,
            after: answer.retry_after,
        },
        400..=499 if is_final => Fate::SetAside(Refusal::Answered(complaint)),
        _ => Fate::Skip(Refusal::Answered(complaint)),
    }
}

/// Carries reports to one collector until a deadline.
#[derive(Debug)]
pub(crate) struct Courier<'a> {
    pub(crate) client: &'a Client,
    /// Where reports are posted.
    pub(crate) url: Url,
    pub(crate) clock: Clock,
    /// When to give up, counted from the start of the run.
    pub(crate) deadline: Duration,
    pub(crate) stop: &'a Stop,
    pub(crate) console: Console,
}

/// This round's report is not with the collector.
#[derive(Debug, Error)]
#[error("the report is not delivered to {url} ({whereabouts})")]
pub struct Undelivered {
    url: String,
    whereabouts: Whereabouts,
    #[source]
    refusal: Refusal,
}

/// Where a report is that was not delivered.
#[derive(Debug, Error)]
enum Whereabouts {
    #[error("kept; {waiting} in the spool")]
    Kept { waiting: usize },
    #[error("refused for good and set aside in {}", directory.display())]
    SetAside { directory: std::path::PathBuf },
    #[error("lost: there is no --state-dir to keep it in")]
    NoStateDirectory,
    #[error("lost: it could not be kept")]
    NotKept,
}

impl Courier<'_> {
    /// Delivers `body`, this round's report, which lies in the spool as `kept` if there is one;
    /// then, unless nothing else would fare better, the other kept reports.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] if this round's report is not with the collector at the deadline.
    pub(crate) fn deliver(
        &self,
        body: &[u8],
        spool: Option<&Spool>,
        kept: Option<&Entry>,
    ) -> Result<(), Undelivered> {
        let fate = self.persist(body);
        if let (Some(spool), Some(entry)) = (spool, kept) {
            self.settle(spool, entry, &fate);
        }
        if let (Some(spool), false) = (spool, matches!(fate, Fate::Away { .. })) {
            self.drain(spool, kept);
        }
        let refusal = match fate {
            Fate::Delivered(receipt) => {
                if let Some(rejected) = receipt.rejected() {
                    console::warn(format_args!("{rejected}"));
                }
                return Ok(());
            }
            Fate::SetAside(refusal) | Fate::Skip(refusal) | Fate::Away { refusal, .. } => refusal,
        };
        Err(Undelivered {
            url: self.url.to_string(),
            whereabouts: whereabouts(spool, kept),
            refusal,
        })
    }

    /// Tries again, with growing and random pauses, as long as there is hope before the deadline.
    fn persist(&self, body: &[u8]) -> Fate {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(4))
            .with_jitter()
            .with_max_times(MAX_ATTEMPTS - 1)
            .build();
        // The first attempt is made even if the deadline has passed: the report may be nowhere else.
        let mut fate = self.attempt(body, self.left().max(SHORTEST_ATTEMPT));
        for pause in pauses {
            let Fate::Away {
                retry: true,
                after,
                refusal,
            } = &fate
            else {
                break;
            };
            let pause = after.unwrap_or_default().max(pause);
            if self.left() < pause + SHORTEST_ATTEMPT {
                break;
            }
            self.console.step(format_args!(
                "trying again in {} ms: {}",
                pause.as_millis(),
                crate::exit::chain(refusal)
            ));
            if self.stop.wait(pause) {
                break;
            }
            fate = self.attempt(body, self.left());
        }
        fate
    }

    /// Tries every other kept report once, the oldest first.
    fn drain(&self, spool: &Spool, except: Option<&Entry>) {
        let entries = match spool.entries() {
            Ok(entries) => entries,
            Err(error) => return console::warn_error(&error),
        };
        for entry in entries.iter().filter(|entry| Some(*entry) != except) {
            if self.stop.is_asked() || self.left() < SHORTEST_ATTEMPT {
                return;
            }
            let body = match spool.load(entry) {
                Ok(body) => body,
                Err(error) => {
                    console::warn_error(&error);
                    continue;
                }
            };
            let fate = self.attempt(&body, self.left());
            self.settle(spool, entry, &fate);
            if matches!(fate, Fate::Away { .. }) {
                return;
            }
        }
    }

    fn attempt(&self, body: &[u8], left: Duration) -> Fate {
        judge(self.client.ask(Question {
            url: self.url.clone(),
            limit: left.min(ATTEMPT),
            content: Content::Gzip(body.to_vec()),
        }))
    }

    /// Does with the kept copy what `fate` says.
    fn settle(&self, spool: &Spool, entry: &Entry, fate: &Fate) {
        let settled: Result<(), SpoolError> = match fate {
            Fate::Delivered(_) => spool.delete(entry),
            Fate::SetAside(refusal) => {
                let answer = crate::exit::chain(refusal);
                self.console.step(format_args!("set aside: {answer}"));
                spool.set_aside(entry, answer.as_bytes())
            }
            Fate::Skip(refusal) | Fate::Away { refusal, .. } => {
                self.console
                    .step(format_args!("kept: {}", crate::exit::chain(refusal)));
                Ok(())
            }
        };
        if let Err(error) = settled {
            console::warn_error(&error);
        }
    }

    /// Time that is left before the deadline.
    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.clock.elapsed())
    }
}

/// Where this round's report is after its delivery failed.
fn whereabouts(spool: Option<&Spool>, kept: Option<&Entry>) -> Whereabouts {
    let (spool, entry) = match (spool, kept) {
        (None, _) => return Whereabouts::NoStateDirectory,
        (Some(_), None) => return Whereabouts::NotKept,
        (Some(spool), Some(entry)) => (spool, entry),
    };
    let entries = spool.entries().unwrap_or_default();
    if entries.contains(entry) {
        Whereabouts::Kept {
            waiting: entries.len(),
        }
    } else {
        Whereabouts::SetAside {
            directory: spool.refused_directory().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
