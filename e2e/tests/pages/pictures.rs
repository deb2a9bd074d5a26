//! Pictures of the pages of a synthetic exchange in `target/pictures/`, from where `scripts/pictures` takes them into
//! the documents.
//!
//! Everything comes from a seed and a clock that stands still, so that the same release, browser and fonts make the
//! same pictures.

use std::path::PathBuf;
use std::time::Duration;

use ippm::UnixTime;
use ippm::cell::DAY;

use crate::app::App;
use crate::browser::{Browser, Options};

/// 2026-11-21 00:00:00 UTC: the end of the day that the pages show.
const END: UnixTime = UnixTime::from_ns(1_795_219_200_000_000_000);
/// How long after it somebody looks: every slot of the history has a class by then.
const LATER: Duration = Duration::from_secs(150);
/// Two probes in each of three halls.
const PROBES: usize = 6;
/// Largest picture: a document shows it beside its text.
const MAX_BYTES: usize = 300_000;

/// Each page: its name, its path, the width of the window and how much of it is shown, CSS pixels; all of it if that
/// is not said.
const PAGES: [(&str, &str, u32, Option<u32>); 4] = [
    ("matrix", "/", 1280, None),
    // What runs between these halls takes a longer way for a quarter of the day.
    ("pair", "/pair/ix03/ix05", 1440, Some(1280)),
    ("probes", "/probes", 1560, None),
    ("sla", "/sla?month=2026-11", 1280, Some(1000)),
];

#[actix_web::test]
async fn the_pages_of_a_synthetic_exchange_become_pictures() {
    let Some(browser) = Browser::start(Options::default()).await else {
        return;
    };
    let app = App::synthetic(PROBES, END.saturating_sub(DAY), END, LATER).await;
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, path, width, height) in PAGES {
        browser.resize(width).await;
        browser.open(&app.url(path)).await;
        browser.check_page().await;
        let picture = browser.draw(height).await;
        assert!(picture.len() < MAX_BYTES, "{name}: {}", picture.len());
        // Of this host and this moment nothing is in it.
        assert!(!picture.contains("127.0.0.1"), "{name}");
        std::fs::write(folder.join(format!("{name}.svg")), picture).unwrap();
    }
    browser.finish().await;
}
