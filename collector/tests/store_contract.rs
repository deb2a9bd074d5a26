//! One story for both stores: whoever passes it can stand behind the collector.

mod support {
    pub(crate) mod reports;
    pub(crate) mod story;
}

use collector::store::embedded::{Embedded, Options};
use ippm::Family;

use support::reports::two_hours_ago;

#[tokio::test]
async fn the_embedded_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(&Options {
        path: folder.path().join("store.sqlite"),
        legacy_family: Family::V4,
    })
    .unwrap();
    let start = two_hours_ago();
    support::story::tell(&store, start).await;
    support::story::expiry(&store, start).await;
}
