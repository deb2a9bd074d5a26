//! The requests of a test, from inside its own network.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

/// Waits until the collector at `listen` says that it is ready, half a minute at most.
#[track_caller]
pub(crate) fn until_ready(listen: SocketAddr) {
    block_on(async {
        let client = client();
        let poll = async {
            loop {
                let answer = client.get(format!("http://{listen}/readyz")).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), poll)
            .await
            .expect("the collector becomes ready");
    });
}

/// A JSON document of the collector at `listen`.
#[track_caller]
pub(crate) fn get_json(listen: SocketAddr, path: &str, key: &str) -> Value {
    block_on(async {
        let request = client()
            .get(format!("http://{listen}{path}"))
            .header("X-API-Key", key.trim());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    })
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

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
