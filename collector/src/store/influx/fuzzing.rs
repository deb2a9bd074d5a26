//! The door to the reader of answers for the targets in `fuzz/`; compiled for nothing else.

use super::answer;
use crate::store::StoreError;
use crate::store::point::Value;

/// The cells of an answer, row by row: each with the type that its column has by annotation.
///
/// # Errors
///
/// [`StoreError`] as a caller of the store gets it.
pub fn cells(csv: &[u8]) -> Result<Vec<Vec<(String, Option<Value>)>>, StoreError> {
    let mut rows = Vec::new();
    for table in answer::tables(csv)? {
        for row in &table.rows {
            let cells = table.columns.iter().enumerate().map(|(at, column)| {
                let value = table.value(row, at)?;
                Ok((column.datatype.clone(), value))
            });
            rows.push(cells.collect::<Result<_, StoreError>>()?);
        }
    }
    Ok(rows)
}
