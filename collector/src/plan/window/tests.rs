//! Instants derived by hand from the rules of each zone, not from the database.
//!
//! Europe/Rome is one hour ahead of UTC, two from the last Sunday of March (2026-03-29) to that of October
//! (2026-10-25); the clocks change at 01:00 UTC on both days.

use super::*;
use ippm::wire::time;

#[track_caller]
fn check_spans(window: &str, from: &str, to: &str, expected: &[(&str, &str)]) {
    let windows = Windows::parse(&[window.to_owned()]).unwrap();
    let found: Vec<(String, String)> = windows
        .open_within(Span::new(at(from), at(to)))
        .as_slice()
        .iter()
        .map(|span| (text(span.from()), text(span.to())))
        .collect();
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(from, to)| (text(at(from)), text(at(to))))
        .collect();
    assert_eq!(found, expected, "{window}");
    for (from, to) in expected {
        let (from, to) = (time::parse(&from).unwrap(), time::parse(&to).unwrap());
        let instant = std::time::Duration::from_nanos(1);
        assert!(windows.is_open(from) && windows.is_open(to.saturating_sub(instant)));
        assert!(!windows.is_open(from.saturating_sub(instant)) && !windows.is_open(to));
    }
}

/// `2026-03-29T01:00` in UTC.
fn at(minute: &str) -> UnixTime {
    time::parse(&format!("{minute}:00Z")).unwrap()
}

fn text(time: UnixTime) -> String {
    time::format(time)
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
    // 2026-11-20 is a Friday. The night after it is open though it ends on a Saturday, the next one is not.
    check_spans(
        "mon-fri 22:00-06:00 Europe/Rome",
        "2026-11-20T12:00",
        "2026-11-23T12:00",
        &[("2026-11-20T21:00", "2026-11-21T05:00")],
    );
    check_spans(
        "sun 00:00-24:00 Europe/Rome",
        "2026-11-20T12:00",
        "2026-11-23T12:00",
        &[("2026-11-21T23:00", "2026-11-22T23:00")],
    );
}

#[test]
fn a_window_goes_over_the_end_of_a_month_and_of_a_year() {
    check_spans(
        "23:00-01:00 UTC",
        "2028-02-29T12:00",
        "2028-03-01T12:00",
        &[("2028-02-29T23:00", "2028-03-01T01:00")],
    );
    check_spans(
        "23:00-01:00 UTC",
        "2026-12-31T12:00",
        "2027-01-01T12:00",
        &[("2026-12-31T23:00", "2027-01-01T01:00")],
    );
}

#[test]
fn the_last_day_of_a_month_is_its_own() {
    check_spans(
        "last 23:30-00:30 Europe/Rome",
        "2027-02-27T12:00",
        "2027-04-01T12:00",
        &[
            ("2027-02-28T22:30", "2027-02-28T23:30"),
            ("2027-03-31T21:30", "2027-03-31T22:30"),
        ],
    );
}

#[test]
fn the_night_in_which_clocks_are_put_forward_is_an_hour_shorter() {
    let check = |window: &str, expected: &[(&str, &str)]| {
        check_spans(
            &format!("{window} Europe/Rome"),
            "2026-03-28T20:00",
            "2026-03-29T20:00",
            expected,
        );
    };
    check("01:00-05:00", &[("2026-03-29T00:00", "2026-03-29T03:00")]);
    // 02:00 to 03:00 is skipped: what begins or ends there does so at 01:00 UTC.
    check("02:30-04:00", &[("2026-03-29T01:00", "2026-03-29T02:00")]);
    check("00:30-02:30", &[("2026-03-28T23:30", "2026-03-29T01:00")]);
    check("02:15-02:45", &[]);
    check("02:00-03:00", &[]);
}

#[test]
fn the_night_in_which_clocks_are_put_back_is_an_hour_longer() {
    let check = |window: &str, expected: &[(&str, &str)]| {
        check_spans(
            &format!("{window} Europe/Rome"),
            "2026-10-24T20:00",
            "2026-10-25T20:00",
            expected,
        );
    };
    check("01:00-05:00", &[("2026-10-24T23:00", "2026-10-25T04:00")]);
    // 02:00 to 03:00 comes twice: the first time counts.
    check("02:15-02:45", &[("2026-10-25T00:15", "2026-10-25T00:45")]);
    check("02:30-04:00", &[("2026-10-25T00:30", "2026-10-25T03:00")]);
    // 03:00 comes once, after the second hour.
    check("02:00-03:00", &[("2026-10-25T00:00", "2026-10-25T02:00")]);
}

#[test]
fn clocks_that_change_at_midnight_make_a_day_shorter_or_longer() {
    // Brazil, three hours behind UTC, two in summer: back at midnight of 2018-02-18, forward at that of 2018-11-04.
    check_spans(
        "sat 23:00-24:00 America/Sao_Paulo",
        "2018-02-17T12:00",
        "2018-02-18T12:00",
        &[("2018-02-18T01:00", "2018-02-18T03:00")],
    );
    check_spans(
        "sun 00:00-02:00 America/Sao_Paulo",
        "2018-11-03T12:00",
        "2018-11-04T12:00",
        &[("2018-11-04T03:00", "2018-11-04T04:00")],
    );
    // Samoa had no 2011-12-30, a Friday; it went from ten hours behind UTC to fourteen ahead.
    check_spans(
        "fri 08:00-20:00 Pacific/Apia",
        "2011-12-29T00:00",
        "2012-01-03T00:00",
        &[],
    );
}

#[test]
fn of_windows_that_meet_the_second_begins_where_the_first_ends() {
    for meeting in ["02:00", "02:30", "03:00", "12:00"] {
        let windows = Windows::parse(&[
            format!("00:00-{meeting} Europe/Rome"),
            format!("{meeting}-24:00 Europe/Rome"),
        ])
        .unwrap();
        let year = Span::new(at("2026-01-01T00:00"), at("2027-01-01T00:00"));
        assert_eq!(windows.open_within(year).as_slice(), [year], "{meeting}");
    }
}

#[test]
fn a_test_without_windows_is_always_done() {
    let always = Windows::parse(&[]).unwrap();
    let span = Span::new(at("2026-01-01T00:00"), at("2026-01-01T00:01"));
    assert_eq!(always.open_within(span), Spans::of([span]));
    assert!(always.is_always() && always.is_open(at("2026-01-01T00:00")));
}

#[test]
fn what_is_no_window_is_refused() {
    for text in [
        "",
        "UTC",
        "01:00-02:00",
        "1:00-2:00 UTC",
        "01:00-02:60 UTC",
        "01:00-24:01 UTC",
        "24:00-01:00 UTC",
        "01:00-01:00 UTC",
        "mon- 01:00-02:00 UTC",
        "Mon 01:00-02:00 UTC",
        "mon 01:00-02:00 UTC x",
    ] {
        let refused = Windows::parse(&[text.to_owned()]);
        assert!(matches!(refused, Err(WindowError::Form { .. })), "{text:?}");
    }
    for zone in [
        "Mars/Phobos",
        "europe/rome",
        "CET-1",
        "Etc/Unknown",
        "localtime",
        "x",
    ] {
        let error = Windows::parse(&[format!("01:00-02:00 {zone}")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{zone:?} is no time zone that this release knows, like \"Europe/Rome\" or \"UTC\"")
        );
    }
}
