use std::time::Duration;

use ippm::class::Class;
use ippm::{IcmpErrorCount, Slices, TestName, UnixTime};

use super::*;
use crate::pages::fixture::{HOSTILE, NOW, account, entry, figures, name, subject};
use crate::report::accounting::SlotClass;
use crate::report::rounds::Round;
use crate::report::selection::{Step, Window};
use crate::report::series::Point;
use crate::report::view::Freshness;
use crate::store::row::{Counts, DelayRow, Meta, Row};

fn choice(query: &[(&str, &str)]) -> PairChoice {
    let query: Vec<(String, String)> = query
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    PairChoice::parse(&query).unwrap()
}

fn freshness() -> Freshness {
    Freshness {
        read_at: NOW,
        latest: Some(NOW.saturating_sub(Duration::from_mins(6))),
    }
}

fn before(minutes: u64) -> UnixTime {
    NOW.floor(Duration::from_mins(10))
        .saturating_sub(Duration::from_mins(minutes))
}

fn series(source: &str, target: &str) -> Series {
    let point = |minutes, lost| Point {
        start: before(minutes),
        figures: Some(figures(lost, 420)),
        account: account(&[(if lost > 2 { Class::Degraded } else { Class::Ok }, 2)]),
    };
    Series {
        subject: subject(source, target, Family::V4),
        window: Window::new(before(1440), before(0)).unwrap(),
        step: Step::suiting(Duration::from_hours(24)),
        points: vec![point(30, 0), point(20, 28), point(10, 0)],
        freshness: freshness(),
    }
}

fn row(source: &str, target: &str, time: UnixTime) -> Row {
    Row {
        source: name(source),
        target: name(target),
        family: Family::V4,
        test: TestName::icmp(),
        time,
        period: Some(Duration::from_mins(5)),
        measured: true,
        counts: Some(Counts {
            sent: 280,
            received: 252,
            late: 3,
            duplicates: 0,
            reordered: 0,
            unsent: 0,
        }),
        legacy: None,
        delay: Some(DelayRow {
            count: 252,
            sum_ns: 252 * 420_000,
            m2_ns2: 0.0,
            min_ns: 410_000,
            max_ns: 9_000_000,
            p50_ns: 420_000,
            p95_ns: 430_000,
            p99_ns: 1_440_000,
        }),
        ipdv: None,
        hist: None,
        slices: Some(Slices {
            start: time.floor(Slices::LENGTH),
            sent: vec![10, 10],
            lost: vec![0, 10],
            rtt_count: vec![10, 0],
            rtt_sum_ns: vec![4_200_000, 0],
        }),
        loss_runs: vec![(28, 1)],
        icmp_errors: vec![IcmpErrorCount {
            kind: 3,
            code: 1,
            from: "192.0.2.1".parse().unwrap(),
            count: 2,
        }],
        hop_limits: vec![(62, 100), (63, 152)],
        meta: Some(Meta {
            address: Some("192.0.2.20".parse().unwrap()),
            ..Meta::default()
        }),
        ..empty_row(source, target, time)
    }
}

/// A row of which only the identity is known.
fn empty_row(source: &str, target: &str, time: UnixTime) -> Row {
    Row {
        source: name(source),
        target: name(target),
        family: Family::V4,
        test: TestName::icmp(),
        time,
        period: Some(Duration::from_mins(5)),
        measured: false,
        counts: None,
        legacy: None,
        delay: None,
        ipdv: None,
        hist: None,
        slices: None,
        loss_runs: Vec::new(),
        icmp_errors: Vec::new(),
        hop_limits: Vec::new(),
        dscp_received: Vec::new(),
        path_mtu: None,
        meta: None,
    }
}

fn slot(start: UnixTime, class: Class) -> SlotClass {
    SlotClass {
        start,
        end: start.saturating_add(Duration::from_mins(5)),
        class: Some(class),
        in_maintenance: false,
        is_loaded: false,
    }
}

fn rounds(source: &str, target: &str) -> Rounds {
    Rounds {
        subject: subject(source, target, Family::V4),
        window: Window::new(before(720), before(0)).unwrap(),
        rounds: vec![Round {
            row: row(source, target, before(15)),
            slot_start: before(15),
            slot: Some(slot(before(15), Class::Degraded)),
            run: None,
        }],
        silent: vec![slot(before(25), Class::ProbeMissing)],
        freshness: freshness(),
    }
}

fn page(source: &str, target: &str, query: &[(&str, &str)]) -> String {
    let (there, back, rounds) = (
        series(source, target),
        series(target, source),
        rounds(source, target),
    );
    let total = entry(subject(source, target, Family::V4), figures(28, 420));
    let page = PairPage::new(Source {
        choice: choice(query),
        there: &there,
        back: &back,
        totals: [Some(&total), None],
        rounds: &rounds,
        chosen: None,
        directory: &Directory::EMPTY,
        tests: vec!["icmp".to_owned()],
        is_synthetic: false,
    });
    page.render().unwrap()
}

#[test]
fn both_directions_are_drawn_and_the_range_is_summed_up() {
    let html = page("ams1", "lon1", &[]);
    assert_eq!(html.matches("<svg class=\"chart\"").count(), 2);
    assert!(html.contains("ams1 → lon1") && html.contains("lon1 → ams1"));
    assert!(
        html.contains("<td>10 % (28 of 280 packets)</td><td>–</td>"),
        "{html}"
    );
    assert!(html.contains("href=\"../../pair/lon1/ams1\""), "{html}");
    assert!(
        html.contains("loss 10 % (28 of 280 packets)\n2 of 2 results degraded"),
        "{html}"
    );
}

#[test]
fn rounds_and_silent_slots_are_one_table_the_latest_first() {
    let html = page("ams1", "lon1", &[]);
    let table = &html[html.find("<table class=\"plain rounds\"").unwrap()..];
    let (round, silence) = (
        table.find("degraded").unwrap(),
        table.find("probe-missing").unwrap(),
    );
    assert!(round < silence, "{table}");
    for text in [
        ">280<",
        ">28<",
        ">10<",
        ">0.410<",
        ">0.420<",
        ">1.44<",
        ">9.00<",
        ">63<",
        "3 late; 2 hop limits; ICMP errors",
        "no result in this slot",
    ] {
        assert!(table.contains(text), "{text}: {table}");
    }
}

#[test]
fn a_chosen_round_is_shown_down_to_its_slices() {
    let time = crate::pages::choice::exact(before(15));
    let html = page("ams1", "lon1", &[("round", &time)]);
    let detail = &html[html.find("<section id=\"round\"").unwrap()..];
    for text in [
        "06:25:00",
        "06:25:10",
        "192.0.2.20",
        "1 × 28",
        "type 3 code 1 from 192.0.2.1 (2×)",
        "62 (100 replies), 63 (152 replies)",
        "class=\"n l8\">10<",
    ] {
        assert!(detail.contains(text), "{text}: {detail}");
    }
    assert!(!page("ams1", "lon1", &[]).contains("id=\"round\""));
}

#[test]
fn links_keep_the_choice_and_the_csv_has_the_same_range() {
    let html = page("ams1", "lon1", &[("family", "6"), ("last", "7d")]);
    assert!(html.contains("href=\"?family=6&#38;last=30d\""), "{html}");
    assert!(html.contains("../../api/v2/series?source=ams1&#38;target=lon1&#38;family=6&#38;test=icmp&#38;last=7d&#38;format=csv"), "{html}");
    assert!(
        html.contains("<input type=\"hidden\" name=\"family\" value=\"6\">"),
        "{html}"
    );
    assert!(page("ams1", "lon1", &[("last", "7d")]).contains("href=\"?\""));
}

#[test]
fn a_hostile_name_stays_text() {
    let html = page(HOSTILE, "lon1", &[]);
    assert!(!html.contains("<b>\"x"), "{html}");
    assert!(html.contains("pair/lon1/%3Cb%3E%22x"), "{html}");
}

#[test]
fn a_pair_of_which_nothing_is_known_says_so() {
    let mut there = series("a", "b");
    there.points.clear();
    let mut list = rounds("a", "b");
    list.rounds.clear();
    list.silent.clear();
    let page = PairPage::new(Source {
        choice: choice(&[]),
        there: &there,
        back: &there,
        totals: [None, None],
        rounds: &list,
        chosen: None,
        directory: &Directory::EMPTY,
        tests: Vec::new(),
        is_synthetic: true,
    });
    let html = page.render().unwrap();
    assert!(
        html.contains("Nothing was expected or measured") && html.contains("Synthetic data"),
        "{html}"
    );
}
