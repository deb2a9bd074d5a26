//! The two laws of every code: what was encoded is decoded, and nothing else is.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::cell::slices::CellSlices;
use crate::{IcmpErrorCount, Params, UnixTime};

/// Any text: no decoder may panic, and what it accepts it would have written itself.
fn check_decoder<T>(
    text: &str,
    decode: impl Fn(&str) -> Result<T, CodecError>,
    encode: impl Fn(&T) -> String,
) -> Result<(), TestCaseError> {
    if let Ok(value) = decode(text) {
        prop_assert_eq!(encode(&value), text);
    }
    Ok(())
}

#[track_caller]
fn check_refused<T: Debug>(decode: impl Fn(&str) -> Result<T, CodecError>, texts: &[&str]) {
    for text in texts {
        assert!(decode(text).is_err(), "{text:?} is decoded as {:?}", decode(text));
    }
}

#[test]
fn loss_runs_that_no_sample_has_are_refused() {
    check_refused(
        loss_runs::decode,
        &[
            "1:0", "0:1", "2:1,1:1", "1:1,1:1", "1:1,", ",1:1", "01:1", "+1:1", "1:-1", "1",
        ],
    );
}

#[test]
fn hop_limits_that_no_sample_has_are_refused() {
    check_refused(
        hop_limits::decode,
        &["256:1", "64:0", "64:1,63:1", "64:1,64:1", "064:1", "64"],
    );
}

#[test]
fn errors_of_the_own_host_come_back_and_their_other_spellings_are_refused() {
    let entries = [("enobufs".parse().unwrap(), 1), ("eperm".parse().unwrap(), 20)];
    assert_eq!(unsent_errors::encode(&entries), "enobufs:1,eperm:20");
    assert_eq!(unsent_errors::decode("enobufs:1,eperm:20"), Ok(entries.to_vec()));
    check_refused(
        unsent_errors::decode,
        &[
            "eperm",
            "eperm:0",
            "EPERM:1",
            "eperm:01",
            "eperm:1,enobufs:1",
            "eperm:1,eperm:1",
            ":1",
        ],
    );
}

#[test]
fn code_points_that_no_reply_bears_are_refused() {
    check_refused(
        dscp::decode,
        &["64:1", "46:0", "46:1,0:1", "0:1,0:1", "046:1", "46"],
    );
    assert_eq!(dscp::decode("0:1,63:2"), Ok(vec![(0, 1), (63, 2)]));
}

#[test]
fn icmp_errors_in_another_spelling_are_refused() {
    check_refused(
        icmp_errors::decode,
        &[
            "3/1@192.0.2.1",
            "3/1@2001:DB8::1:1",
            "3/1@2001:db8:0::1:1",
            "256/1@192.0.2.1:1",
        ],
    );
}

#[test]
fn icmp_errors_keep_the_order_of_the_report() {
    let text = "11/0@192.0.2.2:1,3/1@192.0.2.1:1";
    assert_eq!(icmp_errors::encode(&icmp_errors::decode(text).unwrap()), text);
}

#[test]
fn parameters_in_another_form_are_refused() {
    check_refused(
        params::decode,
        &[
            "df=2",
            "df=true",
            "count=1;",
            "dscp=0;count=1",
            "count=1;count=1",
            "colour=1",
            "spread=1000ms",
            "spread=1",
        ],
    );
}

#[test]
fn a_duration_is_read_in_its_largest_unit_only() {
    check_refused(
        duration::decode,
        &[
            "",
            "s",
            "1",
            "1000ms",
            "0ms",
            "01s",
            "1 s",
            "-1s",
            "99999999999999999999s",
        ],
    );
    assert_eq!(
        duration::decode("18446744073709551615s"),
        Ok(Duration::from_secs(u64::MAX))
    );
}

#[test]
fn runs_that_could_be_one_run_are_refused() {
    // Start 0, two slices; packets sent as the run (7, 2), then as (7, 1) twice.
    let text = |sent: &[u64]| {
        let mut writer = varint::Writer::new();
        for value in [&[0, 2], sent, &[0, 2, 0, 2, 0, 2]].concat() {
            writer.push(value);
        }
        writer.finish("s2:")
    };
    assert!(cell_slices::decode(&text(&[7, 2])).is_ok());
    for sent in [&[7_u64, 1, 7, 1][..], &[7, 0, 7, 2], &[7, 3], &[7, u64::MAX]] {
        assert_eq!(
            cell_slices::decode(&text(sent)),
            Err(CodecError::Runs),
            "{sent:?}"
        );
    }
}

#[test]
fn more_slices_than_an_hour_has_are_refused_before_they_are_read() {
    let mut writer = varint::Writer::new();
    writer.push(0);
    writer.push(u64::MAX);
    assert_eq!(
        slices::decode(&writer.finish("s1:")),
        Err(CodecError::TooManySlices)
    );
}

#[test]
fn a_time_in_milliseconds_that_a_float_cannot_hold_is_refused() {
    assert_eq!(legacy::ns_from_ms(9_007_199_254.5), Some(9_007_199_254_500_000));
    for ms in [
        9_007_199_254.740_992,
        -9_007_199_254.740_992,
        f64::NAN,
        f64::INFINITY,
        1e308,
    ] {
        assert_eq!(legacy::ns_from_ms(ms), None, "{ms}");
    }
}

fn any_slices() -> impl Strategy<Value = Slices> {
    let slice = (
        0..20_u64,
        0..3_u64,
        any::<u64>(),
        prop_oneof![Just(0), any::<u64>()],
    );
    (-900_000_000..900_000_000_i64, vec(slice, 0..=Slices::MAX)).prop_map(|(start, slices)| Slices {
        start: UnixTime::from_ns(start * 10_000_000_000),
        sent: slices.iter().map(|slice| slice.0).collect(),
        lost: slices.iter().map(|slice| slice.1).collect(),
        rtt_count: slices.iter().map(|slice| slice.2).collect(),
        rtt_sum_ns: slices.iter().map(|slice| slice.3).collect(),
    })
}

fn any_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        any::<u64>().prop_map(Duration::from_secs),
        any::<u64>().prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn any_params() -> impl Strategy<Value = Params> {
    (
        any::<[Option<u64>; 3]>(),
        any::<Option<bool>>(),
        [any_duration(), any_duration()],
        any::<[bool; 2]>(),
    )
        .prop_map(
            |([count, payload_bytes, dscp], dont_fragment, [spread, timeout], [has_spread, has_timeout])| {
                Params {
                    count,
                    spread: has_spread.then_some(spread),
                    timeout: has_timeout.then_some(timeout),
                    payload_bytes,
                    dscp,
                    dont_fragment,
                }
            },
        )
}

fn any_icmp_error() -> impl Strategy<Value = IcmpErrorCount> {
    any::<(u8, u8, std::net::IpAddr, u64)>().prop_map(|(kind, code, from, count)| IcmpErrorCount {
        kind,
        code,
        from,
        count,
    })
}

fn counts<K: Arbitrary + Ord>() -> impl Strategy<Value = BTreeMap<K, u64>> {
    btree_map(any::<K>(), 1..=u64::MAX, 0..20)
}

proptest! {
    #[test]
    fn slices_come_back(value in any_slices()) {
        prop_assert_eq!(slices::decode(&slices::encode(&value)), Ok(value.clone()));
        let of_cell = CellSlices::from(&value);
        prop_assert_eq!(of_cell.to_slices(), value);
        let packed = of_cell.pack();
        prop_assert_eq!(packed.unpack(), Ok(of_cell));
        prop_assert_eq!(cell_slices::decode(&cell_slices::encode(&packed)), Ok(packed));
    }

    #[test]
    fn lists_come_back(hops in counts::<u8>(), runs in counts::<u64>(), errors in vec(any_icmp_error(), 0..10)) {
        let hops: Vec<(u8, u64)> = hops.into_iter().collect();
        prop_assert_eq!(hop_limits::decode(&hop_limits::encode(&hops)), Ok(hops.clone()));
        let marks: Vec<(u8, u64)> = hops.iter().filter(|(mark, _)| *mark <= Params::MAX_DSCP).copied().collect();
        prop_assert_eq!(dscp::decode(&dscp::encode(&marks)), Ok(marks));
        let runs: Vec<(u64, u64)> = runs.into_iter().filter(|(length, _)| *length > 0).collect();
        prop_assert_eq!(loss_runs::decode(&loss_runs::encode(&runs)), Ok(runs));
        prop_assert_eq!(icmp_errors::decode(&icmp_errors::encode(&errors)), Ok(errors));
    }

    #[test]
    fn durations_and_parameters_come_back(value in any_duration(), parameters in any_params()) {
        prop_assert_eq!(duration::decode(&duration::encode(value)), Ok(value));
        prop_assert_eq!(params::decode(&params::encode(&parameters)), Ok(parameters));
    }

    #[test]
    fn floats_come_back_without_an_exponent(value in any::<f64>()) {
        let text = float::encode(value).unwrap();
        prop_assert!(!text.contains(['e', 'E']));
        prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), (value + 0.0).to_bits());
    }

    #[test]
    fn no_text_makes_a_decoder_panic(
        text in prop_oneof![
            ".*", "s[12]:[A-Za-z0-9+/]{0,40}", "[0-9:,/@.a-f]{0,20}", "[0-9]{0,40}(s|ms|us|ns)",
            "(count|df|spread)=[0-9]{1,3}(s|ms)?(;(payload|timeout)=[0-9]{1,3}s?)?",
        ],
    ) {
        check_decoder(&text, slices::decode, slices::encode)?;
        check_decoder(&text, cell_slices::decode, cell_slices::encode)?;
        check_decoder(&text, loss_runs::decode, |value| loss_runs::encode(value))?;
        check_decoder(&text, hop_limits::decode, |value| hop_limits::encode(value))?;
        check_decoder(&text, dscp::decode, |value| dscp::encode(value))?;
        check_decoder(&text, icmp_errors::decode, |value| icmp_errors::encode(value))?;
        check_decoder(&text, duration::decode, |value| duration::encode(*value))?;
        check_decoder(&text, params::decode, params::encode)?;
        check_decoder(&text, loss_hist::decode, loss_hist::encode)?;
    }

    #[test]
    fn rounds_by_loss_come_back(rounds: [u64; 12]) {
        let text = loss_hist::encode(&rounds);
        prop_assert_eq!(loss_hist::decode(&text), Ok(rounds));
        for other in [format!("{text},0"), format!("0{text}")] {
            prop_assert!(loss_hist::decode(&other).is_err());
        }
    }
}
