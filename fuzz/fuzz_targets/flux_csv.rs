//! The annotated CSV in which InfluxDB answers: a cell holds what its column's annotation says, or nothing.

#![no_main]

use collector::store::influx::fuzzing::cells;
use collector::store::point::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|csv: &[u8]| {
    let Ok(rows) = cells(csv) else { return };
    // Whole lines only: what was cut off is never read as if it were all.
    assert!(csv.is_empty() || csv.ends_with(b"\n"));
    for (datatype, value) in rows.iter().flatten() {
        match (datatype.as_str(), value) {
            (_, None) | ("long", Some(Value::Integer(_))) | ("boolean", Some(Value::Boolean(_))) => {}
            ("double", Some(Value::Float(number))) => assert!(number.is_finite()),
            ("long" | "double" | "boolean", Some(value)) => panic!("{value:?} in a column of {datatype}"),
            (_, Some(value)) => assert!(matches!(value, Value::Text(text) if !text.is_empty())),
        }
    }
});
