//! A cell of which the slices are wanted.

use ippm::cell::Cell;
use ippm::cell::slices::{CellSlices, PackedSlices};

use crate::store::StoreError;

/// A cell and what its slices say, unpacked once for all who ask.
#[derive(Debug, Clone)]
pub struct Opened<'a> {
    /// The cell.
    pub cell: &'a Cell,
    /// Its slices.
    pub slices: Option<CellSlices>,
}

impl<'a> Opened<'a> {
    /// Unpacks the slices of `cell`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unreadable`] if they are none.
    pub fn of(cell: &'a Cell) -> Result<Self, StoreError> {
        let slices = cell.slices.as_ref().map(PackedSlices::unpack).transpose();
        let slices = slices.map_err(|error| StoreError::Unreadable {
            reason: format!("field slices of a cell: {error}"),
        })?;
        Ok(Self { cell, slices })
    }

    /// As [`Opened::of`], if there is a cell.
    ///
    /// # Errors
    ///
    /// As [`Opened::of`].
    pub fn maybe(cell: Option<&'a Cell>) -> Result<Option<Self>, StoreError> {
        cell.map(Self::of).transpose()
    }
}

#[cfg(test)]
mod tests {
    use ippm::UnixTime;
    use ippm::cell::row::{CellRow, RowFinding};

    use super::*;

    #[test]
    fn damaged_slices_are_an_error_and_no_figure() {
        let row = CellRow {
            time: UnixTime::from_ns(0),
            period: None,
            is_suspect: false,
            finding: RowFinding::Unmeasured,
        };
        let mut cell = Cell::of_rows(UnixTime::from_ns(0), vec![row]).unwrap();
        assert_eq!(Opened::of(&cell).unwrap().slices, None);
        // One slice, and nothing of it.
        cell.slices = Some(PackedSlices::from_bytes(vec![0, 1]));
        let error = Opened::of(&cell).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
    }
}
