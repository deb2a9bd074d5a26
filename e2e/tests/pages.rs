//! Every page in a real Chromium, over a real collector with an embedded store.
//!
//! Screenshots are left in `target/screenshots/`; look at them after a change of a page.

#![cfg(test)]

#[path = "pages/app.rs"]
mod app;
#[path = "pages/browser.rs"]
mod browser;
#[path = "pages/pictures.rs"]
mod pictures;
#[path = "../../collector/tests/support/reports.rs"]
#[expect(dead_code, reason = "the tests of the collector use more of it")]
mod reports;
#[path = "pages/story.rs"]
mod story;

use std::collections::BTreeMap;

use crate::app::{App, READ};
use crate::browser::{Browser, Options, Scheme};
use crate::story::{HOSTILE, Story};

/// Skips the test if there is no browser.
macro_rules! browser {
    ($options:expr) => {
        match Browser::start($options).await {
            Some(browser) => browser,
            None => return,
        }
    };
}

#[actix_web::test]
async fn the_matrix_shows_what_was_stored_and_leads_to_the_pair() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    let story = Story::tell(&app).await;
    browser.open(&app.url("/")).await;
    let cells = cells(&browser).await;
    // Lost every round alike: the ratio of the window is that of one round.
    let (class, text) = &cells["ams2 → lon1"];
    assert_eq!(
        (class.as_str(), text.as_str()),
        ("l5", story::LOSSY_PERCENT),
        "{cells:?}"
    );
    let (class, text) = &cells["ams1 → ams2"];
    assert_eq!((class.as_str(), text.as_str()), ("l0", "0"));
    // It was down for the last hour, so neither green nor grey.
    let (class, _) = &cells["ams1 → fra1"];
    assert!(["l6", "l7"].contains(&class.as_str()), "{class}");
    // The silent probe's own row is hatched with its age, the others go on measuring it.
    let (class, text) = &cells["lon1 → ams1"];
    assert_eq!((class.as_str(), text.as_str()), ("hatch", story::SILENT_AGE));
    assert_eq!(cells["ams1 → lon1"].0, "l0");
    let maintenance = browser.texts("td.maint a").await;
    assert_eq!(maintenance.len(), story::CELLS_IN_MAINTENANCE, "{maintenance:?}");
    assert!(browser.text("#worst + *").await.contains("ams2 → lon1"));
    // The other direction is measured by a probe that doubts itself now.
    assert_eq!(browser.text("#down").await, "Down now: 1");
    assert!(browser.text("#down + *").await.contains("ams1 → fra1"));
    assert!(browser.text("#silent").await.starts_with("Silent now: 5"));
    assert!(browser.text("#age").await.contains("Newest round began"));
    assert_eq!(browser.texts("#banner p").await.len(), 0);
    browser.shoot("matrix").await;
    browser.check_page().await;

    // A note opens on focus as it does on hover, and says when.
    let note = browser
        .script("const a = [...document.querySelectorAll('td a')].find(a => a.ariaLabel.startsWith('ams2 → lon1\\n')); a.focus(); return [a.ariaLabel, getComputedStyle(a, '::after').content]")
        .await;
    let said = note[0].as_str().unwrap();
    let rounds = story.rounds;
    let (lost, sent) = (rounds * story::LOST, rounds * story::SENT);
    assert!(
        said.contains(&format!("loss {} % ({lost}/{sent})", story::LOSSY_PERCENT)),
        "{said}"
    );
    assert!(said.contains("UTC"), "{said}");
    assert!(note[1].as_str().unwrap().contains("ams2"), "{note}");
    browser.shoot("matrix-note").await;

    // Another metric and window: at once with a script.
    browser.choose("metric", "median").await;
    browser.choose("last", "1h").await;
    let url = browser.url().await;
    assert!(url.contains("metric=median") && url.contains("last=1h"), "{url}");
    let cells = self::cells(&browser).await;
    // The window begins with a whole hour, so a delay of the dead link is left from before it died.
    for (source, target) in [("ams1", "ams2"), ("ams1", "fra1")] {
        let median: f64 = cells[&format!("{source} → {target}")].1.parse().unwrap();
        let truth = story::base_ms(source, target);
        assert!((truth..truth + 0.06).contains(&median), "{median} {truth}");
    }
    browser.shoot("matrix-median").await;

    browser.follow("td a[aria-label^='ams2 → lon1']").await;
    assert_eq!(browser.text("h1").await, "ams2 → lon1");
    browser.finish().await;
}

#[actix_web::test]
async fn the_page_of_a_pair_goes_down_to_the_slices() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    let story = Story::tell(&app).await;
    browser.open(&app.url("/pair/ams2/lon1")).await;
    let (lost, sent) = (story.rounds * story::LOST, story.rounds * story::SENT);
    let loss = browser.text(".totals tbody tr:first-child td").await;
    let counts = format!(
        "{} % ({} of {} packets)",
        story::LOSSY_PERCENT,
        grouped(lost),
        grouped(sent)
    );
    assert!(loss.starts_with(&counts), "{loss}");
    assert!(loss.contains("95 % between"), "{loss}");
    let titles = browser.texts("svg.chart > title").await;
    assert_eq!(titles, ["ams2 → lon1", "lon1 → ams2"]);
    let ticks = browser.texts("svg.chart text").await;
    assert!(ticks.iter().any(|tick| tick == "06:00"), "{ticks:?}");
    browser.shoot("pair").await;
    browser.check_page().await;

    // The collector's gap and the silent probe are in the table and in the account.
    let account = browser.text(".totals tbody tr:last-child").await;
    assert!(
        account.contains(&format!("{} collector-gap", story::GAP_SLOTS)),
        "{account}"
    );
    let classes = browser.texts("table.rounds tbody td:nth-child(2)").await;
    assert_eq!(
        classes.iter().filter(|class| *class == "collector-gap").count(),
        story::GAP_SLOTS,
        "{classes:?}"
    );

    browser.follow("table.rounds tbody tr:nth-child(3) a").await;
    let slices = browser.texts("table.slices tbody tr").await;
    // 280 s from second 2 on touch 29 slices.
    assert_eq!(slices.len(), 29, "{slices:?}");
    let lost: u64 = browser
        .texts("table.slices tbody td:nth-child(3)")
        .await
        .iter()
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    assert_eq!(lost, story::LOST);
    browser.shoot("pair-round").await;
    browser.check_page().await;

    // The dead link over a short range, below the slot whose result may still come.
    browser.open(&app.url("/pair/ams1/fra1?last=3h")).await;
    let row = browser.text("table.rounds tbody tr:nth-child(2)").await;
    assert!(row.contains("down") && row.contains("100"), "{row}");
    browser.shoot("pair-dead").await;
    // The other family, and the way back.
    browser.open(&app.url("/pair/ams1/lon1")).await;
    browser.follow("nav[aria-label=Family] a:nth-child(2)").await;
    assert!(browser.url().await.ends_with("?family=6"));
    browser.follow("p.sub a").await;
    assert_eq!(browser.text("h1").await, "lon1 → ams1");
    // The probe that is no longer heard.
    browser.open(&app.url("/pair/lon1/ams1?last=3h")).await;
    let row = browser.text("table.rounds tbody tr:nth-child(2)").await;
    assert!(row.contains("probe-missing"), "{row}");
    browser.shoot("pair-silent").await;
    browser.check_page().await;
    // A range of free choice, and maintenance in it.
    browser
        .open(&app.url("/pair/ams1/mil1?from=2026-11-21T05:00&to=2026-11-21T07:00"))
        .await;
    assert!(
        browser
            .text("table.rounds tbody tr:first-child")
            .await
            .contains("maintenance")
    );
    browser.shoot("pair-maintenance").await;
    browser.open(&app.url("/pair/ams1/lon1?last=365d")).await;
    browser.check_page().await;
    browser.shoot("pair-year").await;
    browser.finish().await;
}

#[actix_web::test]
async fn the_probes_say_how_they_are() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    Story::tell(&app).await;
    browser.open(&app.url("/")).await;
    browser.follow("nav a[href='./probes']").await;
    let rows = browser.texts("table.probes tbody tr").await;
    assert_eq!(rows.len(), 6, "{rows:?}");
    let row = |name: &str| rows.iter().find(|row| row.starts_with(name)).unwrap();
    assert!(
        row("ams1").contains("reporting") && row("ams1").contains("1.0.0"),
        "{rows:?}"
    );
    assert!(
        row("lon1").contains("missing") || row("lon1").contains("silent"),
        "{rows:?}"
    );
    assert!(row("fra1").contains("suspect: clock"), "{rows:?}");
    browser.shoot("probes").await;
    browser.check_page().await;
    browser.open(&app.url("/metrics-explained")).await;
    browser.shoot("explained").await;
    browser.check_page().await;
    // Of a month that is not over: the statement is provisional, and prints without form and navigation.
    browser.open(&app.url("/sla?month=2026-11")).await;
    assert!(browser.text(".statement").await.contains("provisional"));
    browser.shoot("sla").await;
    browser.check_page().await;
    browser.print().await;
    assert_eq!(
        browser
            .script("return getComputedStyle(document.querySelector('form')).display")
            .await,
        "none"
    );
    browser.shoot("sla-printed").await;
    browser.finish().await;
}

#[actix_web::test]
async fn a_name_of_any_characters_is_found_shown_and_followed() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    Story::tell(&app).await;
    browser.open(&app.url("/")).await;
    let heads = browser.texts("tbody th").await;
    assert!(heads.iter().any(|head| head == HOSTILE), "{heads:?}");
    browser
        .follow(&format!(
            "td a[aria-label^='{} → ams1']",
            HOSTILE.replace('\'', "\\'")
        ))
        .await;
    assert_eq!(browser.text("h1").await, format!("{HOSTILE} → ams1"));
    browser.check_page().await;
    browser.finish().await;
}

#[actix_web::test]
async fn an_empty_store_says_what_comes_next() {
    let browser = browser!(Options::default());
    let app = App::empty(&[("ACCESS__PUBLIC_READ", "true")]);
    for (path, text, name) in [
        ("/", "collector key new", "empty-matrix"),
        ("/probes", "collector key new", "empty-probes"),
        ("/sla", "", "empty-sla"),
        ("/metrics-explained", "Silence is never green", "empty-explained"),
    ] {
        browser.open(&app.url(path)).await;
        assert!(browser.text("main").await.contains(text), "{path}");
        browser.shoot(name).await;
        browser.check_page().await;
    }
    browser.finish().await;
}

#[actix_web::test]
async fn a_roster_without_results_is_shown_as_expected_and_silent() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    for (path, name) in [
        ("/", "fresh-matrix"),
        ("/probes", "fresh-probes"),
        ("/pair/ams1/lon1", "fresh-pair"),
    ] {
        browser.open(&app.url(path)).await;
        browser.shoot(name).await;
        browser.check_page().await;
    }
    browser.finish().await;
}

#[actix_web::test]
async fn pages_work_in_the_dark_on_a_narrow_screen_and_without_a_script() {
    let browser = browser!(Options {
        scheme: Scheme::Dark,
        without_script: true,
        width: 1440,
    });
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    Story::tell(&app).await;
    for (path, name) in [
        ("/", "dark-matrix"),
        ("/pair/ams2/lon1", "dark-pair"),
        ("/probes", "dark-probes"),
        ("/metrics-explained", "dark-explained"),
    ] {
        browser.open(&app.url(path)).await;
        browser.shoot(name).await;
        browser.check_page().await;
    }
    // Without a script the button sends the choice.
    browser.open(&app.url("/")).await;
    browser.set("metric", "p99").await;
    browser.follow("form button").await;
    assert!(browser.url().await.contains("metric=p99"));
    browser.resize(420).await;
    browser.open(&app.url("/pair/ams2/lon1")).await;
    browser.shoot("narrow-pair").await;
    browser.open(&app.url("/")).await;
    browser.shoot("narrow-matrix").await;
    browser.finish().await;
}

#[actix_web::test]
async fn a_page_is_read_again_without_losing_place() {
    let browser = browser!(Options::default());
    let app = App::start(&[("ACCESS__PUBLIC_READ", "true")]).await;
    Story::tell(&app).await;
    browser.open(&app.url("/pair/ams2/lon1")).await;
    let before = browser
        .script("const a = document.querySelectorAll('table.rounds a')[40]; a.scrollIntoView({block: 'center'}); a.focus(); return [scrollY, a.getAttribute('href'), document.getElementById('age').textContent]")
        .await;
    assert!(before[0].as_f64().unwrap() > 300.0, "{before}");
    app.pass(90);
    browser
        .script("document.dispatchEvent(new Event('ixpqos-refresh')); return 0")
        .await;
    browser
        .until("return document.documentElement.dataset.refreshes === '1'")
        .await;
    let after = browser
        .script("return [scrollY, document.activeElement.getAttribute('href'), document.getElementById('age').textContent]")
        .await;
    assert_eq!((&before[0], &before[1]), (&after[0], &after[1]));
    assert_ne!(before[2], after[2]);
    // Times are in the viewer's zone on hover.
    let title = browser
        .script("return document.querySelector('table.rounds time').title")
        .await;
    assert!(!title.as_str().unwrap().is_empty());
    browser.finish().await;
}

#[actix_web::test]
async fn a_reader_needs_a_key_and_a_refusal_is_readable() {
    let browser = browser!(Options::default());
    let app = App::start(&[]).await;
    Story::tell(&app).await;
    browser.open(&app.url_with("/", "noc", READ)).await;
    assert_eq!(browser.text("h1").await, "Matrix");
    // The script reads again with the browser's own credentials.
    browser
        .script("document.dispatchEvent(new Event('ixpqos-refresh')); return 0")
        .await;
    browser
        .until("return document.documentElement.dataset.refreshes === '1'")
        .await;
    browser.finish().await;

    // Who has no key is asked for one, and reads why.
    let browser = browser!(Options::default());
    browser.open(&app.url("/assets/icon.svg")).await;
    let refused = browser
        .script("return fetch('/', {credentials: 'omit'}).then(async a => [a.status, a.headers.get('www-authenticate'), a.headers.get('content-type'), await a.text()])")
        .await;
    assert_eq!(
        (&refused[0], refused[2].as_str()),
        (&401.into(), Some("text/html; charset=utf-8")),
        "{refused}"
    );
    assert!(
        refused[1]
            .as_str()
            .is_some_and(|scheme| scheme.starts_with("Basic ")),
        "{refused}"
    );
    assert!(
        refused[3]
            .as_str()
            .is_some_and(|html| html.contains("key_missing")),
        "{refused}"
    );
    for (path, code) in [
        ("/?metric=speed", "bad_query"),
        ("/pair/ams1/nobody", "unknown_probe"),
    ] {
        browser.open(&app.url_with(path, "noc", READ)).await;
        assert!(browser.text("main").await.contains(code), "{path}");
    }
    browser.shoot("unknown").await;
}

/// Class and text of every cell, by its pair.
async fn cells(browser: &Browser) -> BTreeMap<String, (String, String)> {
    let found = browser
        .script("return [...document.querySelectorAll('td a')].map(a => [a.ariaLabel.split('\\n')[0], a.parentElement.className.split(' ')[0], a.textContent])")
        .await;
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let found = found.as_array().unwrap().iter();
    found
        .map(|cell| (text(&cell[0]), (text(&cell[1]), text(&cell[2]))))
        .collect()
}

/// As pages write numbers of four to six digits.
fn grouped(number: u64) -> String {
    if number < 1000 {
        number.to_string()
    } else {
        format!("{}\u{202f}{:03}", number / 1000, number % 1000)
    }
}
