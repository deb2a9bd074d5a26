//! Tables as CSV (RFC 4180) that a spreadsheet opens without doing anything else.

use std::fmt::Display;

/// One cell of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A text that somebody else may have chosen.
    Text(String),
    /// A number or a time of ours.
    Plain(String),
    /// Nothing was measured: an empty cell, never a zero.
    Absent,
}

impl Cell {
    /// A text that somebody else may have chosen: a name, a detail, an error.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number or a time of ours.
    pub fn plain(value: impl Display) -> Self {
        Self::Plain(value.to_string())
    }

    /// The same of a value that may be absent.
    pub fn maybe(value: Option<impl Display>) -> Self {
        value.map_or(Self::Absent, Self::plain)
    }

    /// A text that may be absent.
    pub fn maybe_text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }
}

/// A table under construction: lines end in CR LF, cells are quoted where they have to be.
#[derive(Debug)]
pub struct Table {
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        let writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(Vec::new());
        let mut table = Self { writer };
        table.write(columns.iter().map(|column| (*column).to_owned()));
        table
    }

    /// Adds a row; it has as many cells as there are columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let text = |cell| match cell {
            Cell::Text(text) => harmless(text),
            Cell::Plain(text) => text,
            Cell::Absent => String::new(),
        };
        self.write(cells.into_iter().map(text));
    }

    /// The whole table.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        // Writing into memory fails only for rows of different lengths, which `write` has seen.
        self.writer.into_inner().unwrap_or_default()
    }

    fn write(&mut self, record: impl Iterator<Item = String>) {
        let written = self.writer.write_record(record);
        debug_assert!(written.is_ok(), "{written:?}");
        if let Err(error) = written {
            log::error!("a row of a table is left out: {error}");
        }
    }
}

/// `text` so that no spreadsheet takes it for a formula: those begin with one of these characters, also behind
/// white space, and a leading apostrophe makes any of them a text.
#[must_use]
pub fn harmless(text: String) -> String {
    let first = text.trim_start().chars().next();
    let is_formula = matches!(first, Some('=' | '+' | '-' | '@'));
    let is_control = text.starts_with(['\t', '\r', '\n']);
    if is_formula || is_control {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_cr_lf_and_only_cells_that_need_it_are_quoted() {
        let mut table = Table::new(&["source", "sent", "loss"]);
        table.row([Cell::text("a,b"), Cell::plain(280), Cell::Absent]);
        table.row([
            Cell::text("say \"x\"\r\ny"),
            Cell::plain(0.5),
            Cell::maybe(None::<u64>),
        ]);
        let text = String::from_utf8(table.finish()).unwrap();
        assert_eq!(
            text,
            "source,sent,loss\r\n\"a,b\",280,\r\n\"say \"\"x\"\"\r\ny\",0.5,\r\n"
        );
    }

    #[test]
    fn a_text_is_never_a_formula_and_a_negative_number_stays_one() {
        for text in ["=1+1", "+1", "-1", "@x", " =1", "\t1", "\r=1"] {
            let mut table = Table::new(&["a", "b"]);
            table.row([Cell::text(text), Cell::plain(-1)]);
            let written = table.finish();
            let mut reader = csv::Reader::from_reader(written.as_slice());
            let record = reader.records().next().unwrap().unwrap();
            assert_eq!((&record[0], &record[1]), (format!("'{text}").as_str(), "-1"));
        }
        assert_eq!(harmless("lon-1".to_owned()), "lon-1");
    }
}
