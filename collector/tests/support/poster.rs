//! A probe host that posts as many reports as it is allowed to, each until it is acknowledged.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use collector::store::Report;

use super::body;

/// Between two attempts with the same report.
const PACE: Duration = Duration::from_millis(5);
/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// One report on its way.
pub(crate) struct Post {
    pub(crate) key: String,
    pub(crate) report: Report,
}

/// The running poster.
pub(crate) struct Poster {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    allowed: usize,
    acknowledged: usize,
}

impl Poster {
    /// Posts `posts` in their order, in turn to each of `addresses`; at first none.
    pub(crate) fn start(posts: Vec<Post>, addresses: Vec<SocketAddr>) -> Self {
        let shared = Arc::new(Shared::default());
        let working = Arc::clone(&shared);
        let worker = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(work(&posts, &addresses, &working));
        });
        Self { shared, worker }
    }

    /// Lets `number` more reports out.
    pub(crate) fn allow(&self, number: usize) {
        let mut state = self.shared.state.lock().unwrap();
        state.allowed = state.allowed.saturating_add(number);
        self.shared.changed.notify_all();
    }

    /// How many reports were acknowledged, from the first on.
    pub(crate) fn acknowledged(&self) -> usize {
        self.shared.state.lock().unwrap().acknowledged
    }

    /// Returns when so many reports were acknowledged.
    pub(crate) fn until_acknowledged(&self, number: usize) {
        drop(self.shared.wait(|state| number <= state.acknowledged));
    }

    /// Lets all out, and returns when the last one is acknowledged.
    pub(crate) fn finish(self) {
        self.allow(usize::MAX);
        self.worker.join().unwrap();
    }
}

impl Shared {
    fn wait(&self, is_reached: impl Fn(&State) -> bool) -> std::sync::MutexGuard<'_, State> {
        let state = self.state.lock().unwrap();
        let (state, timeout) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !is_reached(state))
            .unwrap();
        assert!(!timeout.timed_out(), "nothing after {PATIENCE:?}");
        state
    }
}

async fn work(posts: &[Post], addresses: &[SocketAddr], shared: &Shared) {
    let client = client();
    let mut attempt = 0;
    for (at, post) in posts.iter().enumerate() {
        drop(shared.wait(|state| at < state.allowed));
        let body = body(&post.report);
        loop {
            let address = addresses[attempt % addresses.len()];
            attempt += 1;
            if is_acknowledged(&client, address, &post.key, &body).await {
                break;
            }
            tokio::time::sleep(PACE).await;
        }
        shared.state.lock().unwrap().acknowledged += 1;
        shared.changed.notify_all();
    }
}

pub(crate) fn client() -> reqwest::Client {
    // A second call finds the provider of the first one, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

/// Whether it was; a collector that is not there, or ends meanwhile, has acknowledged nothing.
async fn is_acknowledged(client: &reqwest::Client, address: SocketAddr, key: &str, body: &[u8]) -> bool {
    let answer = client
        .post(format!("http://{address}/api/v2/reports"))
        .header("X-API-Key", key)
        .header("Content-Type", "application/json")
        .body(body.to_vec())
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status() == 200 => true,
        Ok(answer) => {
            let status = answer.status().as_u16();
            let text = answer.text().await;
            assert_eq!(status, 503, "{text:?}");
            false
        }
        Err(_) => false,
    }
}
