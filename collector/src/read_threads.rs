//! Threads on which answers to readers are made. They give way: where processors are short, results are accepted
//! first, and a reader waits.

use std::io;

use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// What is added to the niceness of these threads: of a processor that both want, the others get nine tenths
/// (sched(7): a step of niceness is a factor of about 1.25).
const NICENESS: i32 = 10;

/// The most that there is.
const MOST: i32 = 19;

/// The name of these threads.
pub const NAME: &str = "reader";

/// A runtime of its own, with the threads on which it waits for a store.
#[derive(Debug)]
pub struct ReadThreads {
    /// There until this value is dropped.
    runtime: Option<Runtime>,
}

/// No answer was made.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    /// It was not finished when the threads ended.
    #[error("the collector is shutting down")]
    Stopped,
    /// There is an error in it.
    #[error("making it panicked")]
    Panicked,
}

impl ReadThreads {
    /// Starts `number` threads.
    ///
    /// # Errors
    ///
    /// The system gives no threads, or does not say how nice this one is.
    pub fn start(number: usize) -> io::Result<Self> {
        // No step from what a thread has: a thread begins as nice as the one that starts it.
        let niceness = (getpriority_process(None)? + NICENESS).min(MOST);
        let runtime = Builder::new_multi_thread()
            .worker_threads(number.max(1))
            .thread_name(NAME)
            .on_thread_start(move || give_way(niceness))
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Makes `answer` here. Who no longer waits for it ends it.
    ///
    /// # Errors
    ///
    /// [`Unmade`]: there is no answer.
    pub async fn make<T: Send + 'static>(
        &self,
        answer: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unmade> {
        let runtime = self.runtime.as_ref().ok_or(Unmade::Stopped)?;
        // A set of one: it ends what is in it when it is dropped.
        let mut set = JoinSet::new();
        set.spawn_on(answer, runtime.handle());
        match set.join_next().await {
            Some(Ok(made)) => Ok(made),
            Some(Err(error)) if error.is_panic() => Err(Unmade::Panicked),
            Some(Err(_)) | None => Err(Unmade::Stopped),
        }
    }
}

impl Drop for ReadThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nobody waits for an answer any more, and waiting for threads is not allowed everywhere.
            runtime.shutdown_background();
        }
    }
}

/// Linux has a niceness of each thread (nice(2), "C library/kernel differences").
fn give_way(niceness: i32) {
    if let Err(error) = setpriority_process(None, niceness) {
        log::warn!("a thread that answers readers does not give way to accepting results: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        getpriority_process(None).expect("one can always ask")
    }

    #[tokio::test]
    async fn an_answer_and_its_waiting_for_a_store_give_way_and_nothing_else() {
        let before = niceness();
        let threads = ReadThreads::start(1).expect("threads");
        let answer = async {
            let waiting = tokio::task::spawn_blocking(niceness);
            (niceness(), waiting.await.expect("it does not panic"))
        };
        let (answer, waiting) = threads.make(answer).await.expect("an answer");
        let expected = (before + NICENESS).min(MOST);
        assert_eq!((answer, waiting), (expected, expected));
        assert_eq!(niceness(), before);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_waits_for_ends() {
        let threads = ReadThreads::start(1).expect("threads");
        let (held, ended) = tokio::sync::oneshot::channel::<()>();
        let (began, beginning) = tokio::sync::oneshot::channel();
        let answer = threads.make(async move {
            let _held = held;
            let _ = began.send(());
            std::future::pending::<()>().await;
        });
        tokio::select! {
            _ = answer => panic!("it never has an answer"),
            _ = beginning => {}
        }
        // Its end of the channel goes with it.
        assert!(ended.await.is_err());
    }

    #[tokio::test]
    async fn an_answer_that_panics_is_told_and_the_next_one_made() {
        let threads = ReadThreads::start(1).expect("threads");
        let wrong = threads.make(async { panic!("as a test") }).await;
        assert!(matches!(wrong, Err(Unmade::Panicked)));
        assert_eq!(threads.make(async { 2 }).await.expect("an answer"), 2);
    }
}
