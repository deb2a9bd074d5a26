//! The coded strings of a stored point: decoding accepts exactly what encoding writes.

#![no_main]

use ippm::Params;
use ippm::cell::slices::CellSlices;
use ippm::codec::{
    cell_slices, dscp, duration, float, foreign, hop_limits, icmp_errors, legacy, loss_runs, params, slices,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(value) = slices::decode(text) {
        assert_eq!(slices::encode(&value), text);
        let of_cell = CellSlices::from(&value);
        assert_eq!(of_cell.to_slices(), value);
        let packed = of_cell.pack();
        assert_eq!(packed.unpack(), Ok(of_cell));
        assert_eq!(cell_slices::decode(&cell_slices::encode(&packed)), Ok(packed));
    }
    if let Ok(value) = cell_slices::decode(text) {
        assert_eq!(cell_slices::encode(&value), text);
        let value = value.unpack().unwrap().to_slices();
        assert_eq!(slices::decode(&slices::encode(&value)), Ok(value));
    }
    if let Ok(value) = loss_runs::decode(text) {
        assert_eq!(loss_runs::encode(&value), text);
        assert!(value.iter().all(|(length, number)| *length > 0 && *number > 0));
    }
    if let Ok(value) = hop_limits::decode(text) {
        assert_eq!(hop_limits::encode(&value), text);
        assert_eq!(hop_limits::most_frequent(&value).is_none(), value.is_empty());
    }
    if let Ok(value) = dscp::decode(text) {
        assert_eq!(dscp::encode(&value), text);
        assert!(
            value
                .iter()
                .all(|(dscp, number)| *dscp <= Params::MAX_DSCP && *number > 0)
        );
    }
    if let Ok(value) = icmp_errors::decode(text) {
        assert_eq!(icmp_errors::encode(&value), text);
    }
    if let Ok(value) = params::decode(text) {
        assert_eq!(params::encode(&value), text);
    }
    if let Ok(value) = duration::decode(text) {
        assert_eq!(duration::encode(value), text);
    }
    check_foreign(text);
    if let Ok(value) = text.parse::<f64>() {
        check_number(value);
    }
});

fn check_foreign(text: &str) {
    let detail = foreign::clean_detail(text);
    assert!(detail.len() <= foreign::MAX_DETAIL_BYTES);
    for clean in [foreign::clean(text), detail] {
        assert!(!clean.contains(char::is_control));
        assert_eq!(foreign::clean(&clean), clean);
    }
}

fn check_number(value: f64) {
    if let Some(digits) = float::encode(value) {
        assert!(
            digits
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        );
        assert_eq!(digits.parse::<f64>().unwrap(), value);
    }
    if let Some(ns) = legacy::ns_from_ms(value) {
        assert!(ns.unsigned_abs() < 1 << 53);
        // A stored time is read back as the same whole nanoseconds.
        assert_eq!(legacy::ns_from_ms(legacy::ms_from_ns(ns)), Some(ns));
    }
}
