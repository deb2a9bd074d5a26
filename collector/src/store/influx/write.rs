//! Lines on their way into a bucket: in batches, again after a pause, and without the few that are refused.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::Client;
use super::fault::WriteFault;
use crate::store::StoreError;

/// Most lines of one request.
const BATCH_LINES: usize = 5000;

/// Fewest lines for which a request of its own is worth its price, when several can go at a time.
const SHARE_LINES: usize = 500;

/// Most bytes of one request before it is compressed.
const BATCH_BYTES: usize = 4 << 20;

/// Tries of one request; a line that is written twice is stored once, so that trying again is safe.
const TRIES: usize = 6;

/// Pause after the first try; it doubles, and is jittered so that collectors do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause that we choose ourselves.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A line that InfluxDB refused for good: its place, and InfluxDB's words.
pub(super) type RefusedLine = (usize, String);

/// Writes `lines`, each with its line feed, into `bucket`; what it returns was refused, everything else is stored.
///
/// # Errors
///
/// [`StoreError`] if that cannot be said of every line before `deadline`.
pub(super) async fn write(
    client: &Client,
    bucket: &str,
    lines: Vec<String>,
    deadline: Instant,
) -> Result<Vec<RefusedLine>, StoreError> {
    let lines: Arc<[String]> = Arc::from(lines);
    let mut batches = JoinSet::new();
    for batch in batches_of(&lines, share(lines.len(), client.concurrency())) {
        let (client, bucket, lines) = (client.clone(), bucket.to_owned(), Arc::clone(&lines));
        batches.spawn(async move {
            Batch {
                client: &client,
                bucket: &bucket,
                lines: &lines,
                deadline,
            }
            .write(batch)
            .await
        });
    }
    let mut refused = Vec::new();
    let all = async {
        while let Some(batch) = batches.join_next().await {
            refused.extend(batch.map_err(|error| unavailable(format!("a write was given up: {error}")))??);
        }
        Ok(())
    };
    tokio::time::timeout_at(deadline, all).await.unwrap_or_else(|_| {
        Err(unavailable(
            "InfluxDB did not store everything in time".to_owned(),
        ))
    })?;
    refused.sort_unstable();
    Ok(refused)
}

/// Lines of each of the requests that share `lines` among them.
fn share(lines: usize, requests: usize) -> usize {
    lines.div_ceil(requests.max(1)).clamp(SHARE_LINES, BATCH_LINES)
}

fn batches_of(lines: &[String], most: usize) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        if at - start == most || bytes + line.len() > BATCH_BYTES && at > start {
            batches.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += line.len();
    }
    if start < lines.len() {
        batches.push(start..lines.len());
    }
    batches
}

/// What the requests of one batch have in common.
struct Batch<'a> {
    client: &'a Client,
    bucket: &'a str,
    lines: &'a [String],
    deadline: Instant,
}

impl Batch<'_> {
    /// Halves what is refused until the lines that are to blame stand alone.
    async fn write(&self, whole: Range<usize>) -> Result<Vec<RefusedLine>, StoreError> {
        let mut refused = Vec::new();
        let mut waiting = vec![whole];
        while let Some(range) = waiting.pop() {
            match self.send(range.clone()).await {
                Ok(()) => {}
                Err(WriteFault::Store(error)) => return Err(error),
                Err(WriteFault::TooLarge { text }) if range.len() == 1 => {
                    return Err(StoreError::Refused {
                        reason: format!("not even one line is small enough for InfluxDB's limit: {text}"),
                    });
                }
                Err(WriteFault::Lines { text, dropped })
                    if dropped == Some(range.len()) || range.len() == 1 =>
                {
                    refused.extend(range.map(|line| (line, text.clone())));
                }
                Err(WriteFault::TooLarge { .. } | WriteFault::Lines { .. }) => {
                    let middle = range.start + range.len() / 2;
                    waiting.push(middle..range.end);
                    waiting.push(range.start..middle);
                }
            }
        }
        Ok(refused)
    }

    /// Sends the lines of `range`, again after a pause while InfluxDB is away and there is time left.
    async fn send(&self, range: Range<usize>) -> Result<(), WriteFault> {
        let mut pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        loop {
            let body = self.lines[range.clone()].concat();
            let fault = match self.client.write(self.bucket, body).await {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            };
            let WriteFault::Store(StoreError::Unavailable { retry_after, .. }) = fault else {
                return Err(fault);
            };
            let Some(pause) = pauses.next() else {
                return Err(fault);
            };
            let pause = retry_after.map_or(pause, |wanted| pause.max(wanted));
            if self.deadline.saturating_duration_since(Instant::now()) <= pause {
                return Err(fault);
            }
            sleep(pause).await;
        }
    }
}

fn unavailable(reason: String) -> StoreError {
    StoreError::Unavailable {
        reason,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_shared_among_the_requests_that_can_go_at_a_time() {
        for (lines, requests, expected) in [
            (1, 4, SHARE_LINES),
            (2000, 4, 500),
            (5000, 4, 1250),
            (5000, 0, 5000),
            (100_000, 4, BATCH_LINES),
        ] {
            assert_eq!(share(lines, requests), expected, "{lines} {requests}");
        }
    }

    #[test]
    fn batches_keep_to_both_limits_and_lose_no_line() {
        for (lines, length, ends) in [
            (0, 10, vec![]),
            (1, 10, vec![1]),
            (BATCH_LINES, 10, vec![BATCH_LINES]),
            (BATCH_LINES + 1, 10, vec![BATCH_LINES, BATCH_LINES + 1]),
            (3, BATCH_BYTES / 2 + 1, vec![1, 2, 3]),
            (2, BATCH_BYTES * 2, vec![1, 2]),
        ] {
            let lines = vec!["x".repeat(length); lines];
            let batches = batches_of(&lines, BATCH_LINES);
            assert!(
                batches
                    .iter()
                    .zip(&batches[1.min(batches.len())..])
                    .all(|(a, b)| a.end == b.start)
            );
            assert!(batches.first().is_none_or(|batch| batch.start == 0));
            assert_eq!(batches.iter().map(|batch| batch.end).collect::<Vec<_>>(), ends);
        }
    }
}
