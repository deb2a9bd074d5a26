//! The composition root: the only module that knows every part. Shared by `main` and the tests.

pub mod storage;

use std::collections::HashSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use ippm::ProbeName;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::ingest::queue::Writer;
use crate::read_threads::ReadThreads;
use crate::store::Store;
use crate::store::cell::{Kept, Resolution};
use crate::watch::file::FileFault;
use crate::watch::{self, Change};
use crate::{beat, health, rollup, routes};

/// How often what is no longer used is forgotten, and what is too old deleted.
const HOUSEKEEPING: Duration = Duration::from_mins(10);
/// For how long a name of the store is known.
const NAMES_KNOWN: Duration = Duration::from_hours(90 * 24);
/// How often the bound on names is told who is known.
const NAMES_TOLD: Duration = Duration::from_mins(1);
/// The store is asked every so many times.
const NAMES_ASKED: u64 = 60;

/// A collector that is bound to an address and not yet running.
pub struct Application {
    server: Server,
    address: SocketAddr,
    context: web::Data<Context>,
    writer: Writer,
}

impl Application {
    /// Puts a collector together: roster and keys are read, nothing is answered yet.
    ///
    /// # Errors
    ///
    /// The listener is not usable, there are no threads, or the host has no name to take as the instance's.
    pub fn build(
        config: Config,
        listener: TcpListener,
        store: Arc<dyn Store>,
        clock: Clock,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let instance = instance(&config)?;
        let (server, limits) = (config.server.clone(), config.limits);
        let read_threads = ReadThreads::start(server.workers)?;
        let (context, writer) = Context::new(config, instance, store, clock, read_threads);
        let context = web::Data::new(context);
        report_faults(&context);
        let shared = context.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .configure(routes::configure)
                .wrap(from_fn(routes::envelope::envelope))
        })
        .workers(server.workers)
        .client_request_timeout(limits.header_time)
        .client_disconnect_timeout(limits.header_time)
        .keep_alive(KeepAlive::Timeout(limits.keep_alive))
        .max_connections(limits.connections)
        // The end of an answer is not to wait until its beginning was acknowledged, which takes 40 ms.
        .tcp_nodelay(true)
        .shutdown_timeout(server.shutdown_time.as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
        Ok(Self {
            server,
            address,
            context,
            writer,
        })
    }

    /// The address that is bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops the server.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }

    /// What the handlers are handed.
    #[must_use]
    pub fn context(&self) -> web::Data<Context> {
        self.context.clone()
    }

    /// Answers requests until the server is stopped; what was accepted is finished first.
    ///
    /// # Errors
    ///
    /// What the server failed with.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        let background = [
            actix_web::rt::spawn(keep_ledger(self.context.clone())),
            actix_web::rt::spawn(keep_watch(self.context.clone())),
            actix_web::rt::spawn(keep_house(self.context.clone())),
            actix_web::rt::spawn(keep_names(self.context.clone())),
            actix_web::rt::spawn(keep_cells(self.context.clone())),
        ];
        let writer = actix_web::rt::spawn(self.writer.run());
        let result = self.server.await;
        // No handler is left that could put anything into the queue; what it holds is written.
        self.context.queue.stop();
        let _ = writer.await;
        background.iter().for_each(actix_web::rt::task::JoinHandle::abort);
        result
    }

    /// As [`Application::run_until_stopped`], driven by signals and telling systemd: SIGTERM and
    /// SIGINT stop, SIGHUP reads roster and keys again.
    ///
    /// # Errors
    ///
    /// What the server failed with, or signals cannot be caught.
    pub async fn run_as_service(self) -> io::Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut hangup = signal(SignalKind::hangup())?;
        let (handle, context) = (self.handle(), self.context());
        let stopper = actix_web::rt::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            log::info!("stopping; what was accepted is finished first");
            context.stop();
            health::notify(&[NotifyState::Stopping]);
            handle.stop(true).await;
        });
        let context = self.context();
        let reloader = actix_web::rt::spawn(async move {
            while hangup.recv().await.is_some() {
                if let Ok(now) = NotifyState::monotonic_usec_now() {
                    health::notify(&[NotifyState::Reloading, now]);
                }
                look(&context, true).await;
                health::notify(&[NotifyState::Ready]);
            }
        });
        let watchdog = actix_web::rt::spawn(health::watchdog(self.address));
        log::info!("listening on {}", self.address);
        health::notify(&[NotifyState::Ready]);
        let result = self.run_until_stopped().await;
        [stopper, reloader, watchdog]
            .iter()
            .for_each(actix_web::rt::task::JoinHandle::abort);
        log::info!("stopped");
        result
    }
}

async fn keep_ledger(context: web::Data<Context>) {
    beat::run(&context).await;
}

async fn keep_cells(context: web::Data<Context>) {
    rollup::run(&context).await;
}

async fn keep_watch(context: web::Data<Context>) {
    loop {
        tokio::time::sleep(watch::INTERVAL).await;
        look(&context, false).await;
    }
}

async fn keep_house(context: web::Data<Context>) {
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        context.requests.forget_idle();
        let retention = &context.config.retention;
        for (what, kept, name) in [
            (Kept::Rows, retention.raw, "results"),
            (Kept::Cells(Resolution::Hour), retention.hour, "hours"),
            (Kept::Cells(Resolution::Day), retention.day, "days"),
        ] {
            let before = context.clock.now().saturating_sub(kept);
            match context.store.expire(what, before).await {
                Ok(0) => {}
                Ok(number) => log::info!("deleted {number} {name} that were older than the retention"),
                Err(error) => log::warn!("old {name} not deleted: {error}"),
            }
        }
    }
}

/// Tells the bound on names who is known: the roster, and the last 90 days of the store.
async fn keep_names(context: web::Data<Context>) {
    let mut stored = HashSet::new();
    for minute in 0_u64.. {
        if minute.is_multiple_of(NAMES_ASKED) || stored.is_empty() {
            match context
                .store
                .names(context.clock.now().saturating_sub(NAMES_KNOWN))
                .await
            {
                Ok(names) => stored = names.into_iter().collect(),
                Err(error) => log::warn!("names of the store not read: {error}"),
            }
        }
        let loaded = context.watch.loaded();
        let mut known: HashSet<ProbeName> = stored.clone();
        known.extend(loaded.roster.iter().flat_map(|roster| roster.names().cloned()));
        context.names.set_known(known);
        tokio::time::sleep(NAMES_TOLD).await;
    }
}

/// Looks at roster and keys off the threads that answer requests.
async fn look(context: &web::Data<Context>, anyway: bool) {
    let shared = context.clone();
    let change = tokio::task::spawn_blocking(move || shared.watch.look(shared.clock.now(), anyway)).await;
    let Ok(Change { reloaded, failed }) = change else {
        return;
    };
    if !reloaded.is_empty() {
        context.metrics.reloads.add(reloaded.len() as u64);
        log::info!("loaded anew: {}", reloaded.join(", "));
    }
    for fault in failed {
        context.metrics.reload_failures.add(1);
        log_fault("the last good one stays in force", &fault);
    }
}

fn report_faults(context: &Context) {
    for fault in &context.watch.loaded().faults {
        context.metrics.reload_failures.add(1);
        log_fault("run `collector check-config`", fault);
    }
}

/// One line for each place where the file is wrong, so that each can be found and counted.
fn log_fault(advice: &str, fault: &FileFault) {
    if fault.places.is_empty() {
        log::error!("{advice}: {}", fault.problem);
    }
    for place in &fault.places {
        log::error!("{advice}: {}, {place}", fault.file);
    }
}

/// The configured name, or the host's.
fn instance(config: &Config) -> io::Result<String> {
    if !config.server.instance.is_empty() {
        return Ok(config.server.instance.clone());
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
    Ok(name.trim().to_owned())
}
