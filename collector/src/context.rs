//! What every request handler is handed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::config::Config;
use crate::health::StoreState;
use crate::ingest::Settings;
use crate::ingest::names::Names;
use crate::ingest::queue::{Limits, Queue, Writer};
use crate::limit::{FailureLimiter, KeyLimiter};
use crate::metrics::Metrics;
use crate::metrics::pairs::PairMetrics;
use crate::read_threads::ReadThreads;
use crate::rollup::mark::Marks;
use crate::store::Store;
use crate::tag::PlanTags;
use crate::watch::Watch;

/// The parts of a running collector that handlers use.
pub struct Context {
    /// The configuration in force since the start.
    pub config: Config,
    /// Name of this collector in the ledger.
    pub instance: String,
    /// Where results are kept.
    pub store: Arc<dyn Store>,
    /// The way there.
    pub queue: Queue,
    /// Hours with results that are in no cell yet.
    pub marks: Arc<Marks>,
    /// What the operator has configured about reports.
    pub settings: Settings,
    /// The bound on names that nobody knows.
    pub names: Names,
    /// Roster and keys.
    pub watch: Watch,
    /// What happened so far.
    pub metrics: Metrics,
    /// The entity tags of plans that were answered.
    pub plan_tags: PlanTags,
    /// The latest of every pair, for Prometheus.
    pub pair_metrics: PairMetrics,
    /// Requests of each key.
    pub requests: KeyLimiter,
    /// Failures of each address.
    pub failures: FailureLimiter,
    /// The time.
    pub clock: Clock,
    /// Whether the store was ready a moment ago.
    pub store_state: StoreState,
    /// Where answers to readers are made.
    pub read_threads: ReadThreads,
    /// Turns to unpack a body: two for each thread that answers requests.
    pub unpacking: Arc<Semaphore>,
    stopping: AtomicBool,
}

impl Context {
    /// Puts the parts together; nothing is stored unless the writer runs.
    #[must_use]
    pub fn new(
        config: Config,
        instance: String,
        store: Arc<dyn Store>,
        clock: Clock,
        read_threads: ReadThreads,
    ) -> (Self, Writer) {
        let limits = config.limits;
        let marks = Arc::new(Marks::default());
        let (queue, writer) = Queue::new(
            Arc::clone(&store),
            Arc::clone(&marks),
            Limits {
                reports: limits.queue,
                bytes: u32::try_from(limits.queue_bytes).unwrap_or(u32::MAX),
                ..Limits::DEFAULT
            },
        );
        let context = Self {
            queue,
            marks,
            settings: Settings {
                legacy_period: config.legacy.period,
                retention: config.retention.raw,
                strict_sources: config.legacy.strict_sources,
            },
            names: Names::new(),
            watch: Watch::new(&config, clock.now()),
            metrics: Metrics::default(),
            plan_tags: PlanTags::default(),
            pair_metrics: PairMetrics::default(),
            requests: KeyLimiter::new(limits.rate, limits.burst),
            failures: FailureLimiter::new(limits.failed_rate, limits.failed_burst, limits.failed_addresses),
            store_state: StoreState::default(),
            read_threads,
            unpacking: Arc::new(Semaphore::new(config.server.workers.saturating_mul(2).max(1))),
            stopping: AtomicBool::new(false),
            config,
            instance,
            store,
            clock,
        };
        (context, writer)
    }

    /// From now on `/readyz` says that this collector is going.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether this collector is going.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}
