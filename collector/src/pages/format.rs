//! Numbers and times as people read them; nothing here is ever parsed back.

use std::time::Duration;

use ippm::UnixTime;
use jiff::Timestamp;

/// What stands where there is no value.
pub const NOTHING: &str = "–";

/// Nanoseconds as milliseconds: three decimals below 1 ms, two below 100 ms, one above.
///
/// The delays of a metropolitan exchange differ in the second decimal of a millisecond, so two would hide them.
#[must_use]
pub fn ms(ns: u64) -> String {
    let decimals = match ns {
        0..1_000_000 => 3,
        1_000_000..100_000_000 => 2,
        _ => 1,
    };
    // Rounded half up in integers: the same text on every platform.
    let unit = 10_u64.pow(6 - decimals);
    let rounded = ns.saturating_add(unit / 2) / unit;
    let (scale, width) = (10_u64.pow(decimals), decimals as usize);
    format!("{}.{:0width$}", rounded / scale, rounded % scale)
}

/// A ratio as percent, without its sign: two significant digits, and never `0` for something.
#[must_use]
pub fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    match percent {
        p if p <= 0.0 => "0".to_owned(),
        p if p < 0.01 => "<0.01".to_owned(),
        p if p < 1.0 => format!("{p:.2}"),
        p if p < 10.0 => format!("{p:.1}"),
        p if p < 99.95 => format!("{p:.0}").replace("100", "99.9"),
        // What is not everything must not look like it.
        p if p < 100.0 => "99.9".to_owned(),
        _ => "100".to_owned(),
    }
}

/// A share of which "nearly all" matters, as percent without its sign: three decimals, cut off and not rounded up.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<String> {
    let thousandths = u128::from(part)
        .checked_mul(100_000)?
        .checked_div(u128::from(whole))?;
    let (percent, rest) = (thousandths / 1000, thousandths % 1000);
    Some(if rest == 0 {
        percent.to_string()
    } else {
        format!("{percent}.{rest:03}").trim_end_matches('0').to_owned()
    })
}

/// A whole number with a narrow space between groups of three digits.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A span in its two largest units: `42 s`, `5 min`, `3 h 20 min`, `2 d 4 h`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let pair = |large: u64, large_unit, small: u64, small_unit| {
        let (whole, rest) = (seconds / large, seconds % large / small);
        if rest == 0 {
            format!("{whole} {large_unit}")
        } else {
            format!("{whole} {large_unit} {rest} {small_unit}")
        }
    };
    match seconds {
        0..120 => format!("{seconds} s"),
        120..3600 => pair(60, "min", 3600, "h"),
        3600..172_800 => pair(3600, "h", 60, "min"),
        _ => pair(86_400, "d", 3600, "h"),
    }
}

/// How long before `now` something was: a [`span`], or `in the future` for a clock that runs ahead.
#[must_use]
pub fn age(now: UnixTime, then: UnixTime) -> String {
    now.since(then).map_or_else(|| "in the future".to_owned(), span)
}

/// `2026-11-21 06:45:10 UTC`.
#[must_use]
pub fn time(time: UnixTime) -> String {
    format!("{} UTC", strftime(time, "%Y-%m-%d %H:%M:%S"))
}

/// `2026-11-21 06:45 UTC`.
#[must_use]
pub fn minute(time: UnixTime) -> String {
    format!("{} UTC", strftime(time, "%Y-%m-%d %H:%M"))
}

/// `06:45:10`, for a table whose caption has the day.
#[must_use]
pub fn clock(time: UnixTime) -> String {
    strftime(time, "%H:%M:%S")
}

/// `2026-11-21T06:45:10Z`: RFC 3339 in whole seconds, for the attribute `datetime` and for links.
#[must_use]
pub fn iso(time: UnixTime) -> String {
    strftime(time, "%Y-%m-%dT%H:%M:%SZ")
}

/// `2026-11-21T06:45`: the value of an input of the type `datetime-local`.
#[must_use]
pub fn local_input(time: UnixTime) -> String {
    strftime(time, "%Y-%m-%dT%H:%M")
}

/// The UTC time in a form of `strftime`.
#[must_use]
pub(crate) fn strftime(time: UnixTime, form: &str) -> String {
    // Every i64 of nanoseconds lies inside what a Timestamp holds.
    let timestamp = Timestamp::from_nanosecond(i128::from(time.as_ns())).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_keep_three_digits_that_say_something() {
        for (ns, text) in [
            (0, "0.000"),
            (20_400, "0.020"),
            (999_499, "0.999"),
            (999_500, "1.000"),
            (1_234_567, "1.23"),
            (1_235_000, "1.24"),
            (99_994_999, "99.99"),
            (100_000_000, "100.0"),
            (2_000_000_000, "2000.0"),
        ] {
            assert_eq!(ms(ns), text, "{ns}");
        }
    }

    #[test]
    fn something_is_never_shown_as_nothing_nor_nearly_all_as_all() {
        for (ratio, text) in [
            (0.0, "0"),
            (0.000_01, "<0.01"),
            (0.000_1, "0.01"),
            (0.003_571, "0.36"),
            (0.012_34, "1.2"),
            (0.5, "50"),
            (0.996, "99.9"),
            (0.999_999, "99.9"),
            (1.0, "100"),
        ] {
            assert_eq!(percent(ratio), text, "{ratio}");
        }
        assert_eq!(share(0, 0), None);
        assert_eq!(share(287, 288).as_deref(), Some("99.652"));
        assert_eq!(share(99_999_999, 100_000_000).as_deref(), Some("99.999"));
        assert_eq!(share(5, 5).as_deref(), Some("100"));
        assert_eq!(share(1, 2).as_deref(), Some("50"));
    }

    #[test]
    fn spans_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (12_000, "3 h 20 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        let (early, late) = (UnixTime::from_ns(0), UnixTime::from_ns(5_000_000_000));
        assert_eq!(age(late, early), "5 s");
        assert_eq!(age(early, late), "in the future");
    }

    #[test]
    fn times_are_utc_and_say_so() {
        let at = UnixTime::from_ns(1_795_243_510_987_654_321);
        assert_eq!(time(at), "2026-11-21 06:45:10 UTC");
        assert_eq!(minute(at), "2026-11-21 06:45 UTC");
        assert_eq!(iso(at), "2026-11-21T06:45:10Z");
        assert_eq!(local_input(at), "2026-11-21T06:45");
        assert_eq!(clock(at), "06:45:10");
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1\u{202f}000"),
            (1_234_567, "1\u{202f}234\u{202f}567"),
        ] {
            assert_eq!(count(number), text);
        }
    }
}
