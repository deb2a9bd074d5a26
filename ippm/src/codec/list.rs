//! What the lists have in common: entries with a comma between them, nothing at all for none.

use super::CodecError;

/// Joins `entries`.
pub(super) fn join(entries: impl Iterator<Item = String>) -> String {
    entries.collect::<Vec<_>>().join(",")
}

/// Splits `text` into entries and reads each of them; a text that `encode` would not write is refused.
pub(super) fn parse<T>(
    text: &str,
    expected: &'static str,
    entry: impl Fn(&str) -> Option<T>,
    encode: impl FnOnce(&[T]) -> String,
) -> Result<Vec<T>, CodecError> {
    let entries: Option<Vec<T>> = text.split(',').filter(|_| !text.is_empty()).map(entry).collect();
    let entries = entries.ok_or(CodecError::Part { expected })?;
    if encode(&entries) == text {
        Ok(entries)
    } else {
        Err(CodecError::NotCanonical)
    }
}

/// Refuses pairs whose first members do not ascend strictly, or that count nothing.
pub(super) fn check_counts<T: Ord>(pairs: &[(T, u64)]) -> Result<(), CodecError> {
    let ascends = pairs.is_sorted_by(|earlier, later| earlier.0 < later.0);
    if ascends && pairs.iter().all(|(_, count)| *count > 0) {
        Ok(())
    } else {
        Err(CodecError::Order)
    }
}
