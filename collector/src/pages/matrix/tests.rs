use std::time::Duration;

use ippm::Family;
use ippm::class::Class;

use super::*;
use crate::pages::fixture::{HOSTILE, account, entry, figures, matrix, name, standing, subject};

fn choice(query: &[(&str, &str)]) -> MatrixChoice {
    let query: Vec<(String, String)> = query
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    MatrixChoice::parse(&query).unwrap()
}

fn page(query: &[(&str, &str)], matrix: &Matrix) -> String {
    let page = MatrixPage::new(Source {
        choice: choice(query),
        matrix,
        directory: &Directory::EMPTY,
        tests: vec!["icmp".to_owned(), "large".to_owned()],
        probes: Some(3),
        is_synthetic: false,
    });
    page.render().unwrap()
}

/// The table cell in which this link lies.
#[track_caller]
fn cell<'a>(html: &'a str, link: &str) -> &'a str {
    let at = html.rfind(&format!("<a href=\"{link}")).expect(html);
    let start = html[..at].rfind("<td").expect(html);
    &html[start..start + html[start..].find("</td>").unwrap()]
}

#[test]
fn a_cell_shows_the_number_its_color_and_all_about_it() {
    let one = matrix(vec![entry(subject("ams1", "lon1", Family::V4), figures(1, 420))]);
    let html = page(&[], &one);
    let shown = cell(&html, "pair/ams1/lon1");
    assert!(
        shown.contains("class=\"l3 left\"") && shown.contains(">0.36</a>"),
        "{shown}"
    );
    // The 140th of 279 delays is 0.42 ms, between 1.02^305 and 1.02^306 µs, whose middle is 0.424 ms; the 277th is the
    // largest.
    let note = "ams1 → lon1\nIPv4: loss 0.36 % (1/280), median 0.424, p99 0.840 ms; 288 of 288 ok; 06:39:10 UTC, 6 min ago";
    assert!(shown.contains(note), "{shown}");
    for (metric, text) in [
        ("median", ">0.424</a>"),
        ("p99", ">0.840</a>"),
        ("pdv", ">0.420</a>"),
        ("ipdv", ">0.012</a>"),
        ("coverage", ">100</a>"),
    ] {
        let html = page(&[("metric", metric)], &one);
        assert!(
            cell(&html, "pair/ams1/lon1").contains(text),
            "{metric} {}",
            cell(&html, "pair/ams1/lon1")
        );
    }
}

#[test]
fn the_worse_family_is_shown_and_followed() {
    let both = matrix(vec![
        entry(subject("a", "b", Family::V4), figures(0, 420)),
        entry(subject("a", "b", Family::V6), figures(28, 420)),
    ]);
    let html = page(&[("last", "3h"), ("test", "large")], &both);
    let shown = cell(&html, "pair/a/b?family=6&#38;test=large&#38;last=3h");
    assert!(
        shown.contains(">10</a>") && shown.contains("IPv4: loss 0 %"),
        "{shown}"
    );
    let html = page(&[("family", "4")], &both);
    assert!(cell(&html, "pair/a/b").contains(">0</a>"), "{html}");
}

#[test]
fn silence_is_hatched_whatever_the_window_says_and_comes_first() {
    let mut silent = entry(subject("a", "b", Family::V4), figures(0, 420));
    silent.standing = standing(Class::ProbeMissing, Some(Duration::from_mins(72)));
    let mut stale = entry(subject("a", "c", Family::V4), figures(0, 420));
    stale.standing = standing(Class::Ok, Some(Duration::from_hours(50)));
    let mut never = entry(subject("a", "d", Family::V4), figures(0, 420));
    (never.figures, never.standing) = (None, standing(Class::ProbeMissing, None));
    let lossy = entry(subject("b", "a", Family::V4), figures(280, 420));
    let html = page(&[], &matrix(vec![silent, stale, never, lossy]));
    for (target, text) in [("b", ">72m</a>"), ("c", ">2d</a>"), ("d", ">never</a>")] {
        let shown = cell(&html, &format!("pair/a/{target}"));
        assert!(shown.contains("class=\"hatch") && shown.contains(text), "{shown}");
    }
    assert!(html.contains("Silent now: 3"), "{html}");
    assert!(cell(&html, "pair/b/a").contains("class=\"l8"), "{html}");
}

#[test]
fn what_is_down_now_is_listed_first_however_little_the_window_lost() {
    let down = |target: &str, family, class| {
        let mut entry = entry(subject("a", target, family), figures(1, 420));
        entry.standing = standing(class, Some(Duration::from_mins(6)));
        entry
    };
    let html = page(
        &[],
        &matrix(vec![
            down("b", Family::V4, Class::Down),
            down("b", Family::V6, Class::Down),
            down("c", Family::V4, Class::Ok),
            down("c", Family::V6, Class::Down),
            // It lost everything in the window, and answers again.
            entry(subject("a", "d", Family::V4), figures(280, 420)),
        ]),
    );
    let lists = &html[html.find("Where to look first").unwrap()..html.find("<table").unwrap()];
    let (now, window) = lists.split_once("Worst pairs").expect(&html);
    assert!(now.contains("Down now: 2"), "{now}");
    for text in [">down</span> a → b<", ">IPv6 down</span> a → c<"] {
        assert!(now.contains(text), "{text}: {now}");
    }
    assert!(window.contains("a → d") && !now.contains("a → d"), "{lists}");
    let calm = page(&[], &matrix(vec![down("b", Family::V4, Class::Degraded)]));
    assert!(!calm.contains("Down now"), "{calm}");
}

#[test]
fn what_is_no_longer_expected_is_not_silent() {
    let mut retired = entry(subject("a", "b", Family::V4), figures(0, 420));
    retired.standing = standing(Class::Ok, Some(Duration::from_hours(5)));
    retired.standing.class = None;
    let html = page(&[], &matrix(vec![retired]));
    assert!(cell(&html, "pair/a/b").contains("class=\"l0"), "{html}");
}

#[test]
fn nothing_received_is_down_and_not_a_delay_of_zero() {
    let html = page(
        &[("metric", "median")],
        &matrix(vec![entry(subject("a", "b", Family::V4), figures(280, 420))]),
    );
    let shown = cell(&html, "pair/a/b");
    assert!(
        shown.contains("class=\"l8") && shown.contains(">down</a>"),
        "{shown}"
    );
}

#[test]
fn coverage_counts_what_was_measured_whatever_it_says() {
    let mut half = entry(subject("a", "b", Family::V4), figures(0, 420));
    half.account = account(&[
        (Class::Ok, 100),
        (Class::Down, 44),
        (Class::ProbeMissing, 100),
        (Class::Error, 44),
    ]);
    let html = page(&[("metric", "coverage")], &matrix(vec![half]));
    let shown = cell(&html, "pair/a/b");
    assert!(
        shown.contains(">50</a>") && shown.contains("100 of 288 ok, 100 probe-missing, 44 error, 44 down"),
        "{shown}"
    );
}

#[test]
fn a_hostile_name_breaks_neither_markup_nor_link() {
    let html = page(
        &[],
        &matrix(vec![entry(subject(HOSTILE, "b", Family::V4), figures(0, 420))]),
    );
    assert!(!html.contains("<b>\"x"), "{html}");
    assert!(
        html.contains("pair/%3Cb%3E%22x%27%26%25%20%C3%BC%3C%E2%88%95b%3E/b"),
        "{html}"
    );
}

#[test]
fn an_empty_store_says_what_comes_next() {
    let html = page(&[], &matrix(vec![]));
    assert!(
        html.contains("The roster has 3 probes") && html.contains("collector key new"),
        "{html}"
    );
    assert!(html.contains("No data yet"), "{html}");
}

#[test]
fn thirty_by_thirty_is_below_300_kb() {
    let names: Vec<String> = (1..=30).map(|probe| format!("probe-dc{probe:02}")).collect();
    let mut entries = Vec::new();
    for source in &names {
        for target in names.iter().filter(|target| *target != source) {
            for family in [Family::V4, Family::V6] {
                entries.push(entry(subject(source, target, family), figures(7, 12_345)));
            }
        }
    }
    let html = page(&[("metric", "p99"), ("last", "7d")], &matrix(entries));
    assert_eq!(html.matches("<td").count(), 900);
    assert!(html.len() < 300_000, "{} bytes", html.len());
}

#[test]
fn probes_of_one_site_stand_together() {
    let sites = [("a", "LON"), ("b", "AMS"), ("c", "LON")];
    let sites = sites.map(|(probe, site)| (name(probe), site.to_owned())).into();
    let directory = Directory::new(ippm::class::slot::Aliases::NONE, sites);
    let names = [name("a"), name("b"), name("c"), name("d")];
    let order: Vec<&str> = by_site(names.iter(), &directory)
        .into_iter()
        .map(ProbeName::as_str)
        .collect();
    assert_eq!(order, ["d", "b", "a", "c"]);
}
