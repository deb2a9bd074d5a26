//! The annotated CSV in which InfluxDB answers.

use csv::{ReaderBuilder, StringRecord};
use thiserror::Error;

use crate::store::StoreError;
use crate::store::point::Value;

/// Why an answer cannot be read.
#[derive(Debug, Error)]
pub(super) enum CsvError {
    /// InfluxDB gave up in the middle, after it had said 200.
    #[error("the query failed: {0}")]
    Query(String),
    /// The end is missing.
    #[error("the answer is cut off")]
    Truncated,
    /// Not annotated CSV.
    #[error("the answer is not annotated CSV")]
    Form,
    /// A cell does not hold what its column's annotation says.
    #[error("column {column} holds {value:?}, which is not of type {datatype}")]
    Cell {
        /// The column.
        column: String,
        /// The beginning of the cell.
        value: String,
        /// The annotation.
        datatype: String,
    },
}

impl From<CsvError> for StoreError {
    /// What comes cut off or fails on the way may come whole the next time.
    fn from(error: CsvError) -> Self {
        let reason = format!("InfluxDB: {error}");
        match error {
            CsvError::Query(_) | CsvError::Truncated => Self::Unavailable {
                reason,
                retry_after: None,
            },
            CsvError::Form | CsvError::Cell { .. } => Self::Unreadable { reason },
        }
    }
}

/// Rows under one header; the annotation says what each column holds.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<StringRecord>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) datatype: String,
    default: String,
}

impl Table {
    /// The place of the column called `name`.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The text of a cell; empty if it is null, which CSV cannot tell from an empty text.
    pub(super) fn text<'a>(&'a self, row: &'a StringRecord, column: usize) -> &'a str {
        match (row.get(column), self.columns.get(column)) {
            (Some(""), Some(column)) => &column.default,
            (Some(cell), _) => cell,
            (None, _) => "",
        }
    }

    /// The value of a cell; `None` for null. A time is its text.
    pub(super) fn value(&self, row: &StringRecord, column: usize) -> Result<Option<Value>, CsvError> {
        let cell = self.text(row, column);
        let Some(Column { name, datatype, .. }) = self.columns.get(column).filter(|_| !cell.is_empty())
        else {
            return Ok(None);
        };
        let value = match datatype.as_str() {
            "long" => cell.parse().ok().map(Value::Integer),
            "double" => cell
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(Value::Float),
            "boolean" => cell.parse().ok().map(Value::Boolean),
            _ => Some(Value::Text(cell.to_owned())),
        };
        value.map(Some).ok_or_else(|| CsvError::Cell {
            column: name.clone(),
            value: cell.chars().take(40).collect(),
            datatype: datatype.clone(),
        })
    }
}

/// The tables of an answer; none for an answer of nothing.
pub(super) fn tables(answer: &[u8]) -> Result<Vec<Table>, CsvError> {
    if !(answer.is_empty() || answer.ends_with(b"\n")) {
        return Err(CsvError::Truncated);
    }
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(answer);
    let mut tables: Vec<Table> = Vec::new();
    let mut annotations = Annotations::default();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|_| CsvError::Form)? {
        let first = record.get(0).unwrap_or_default();
        if first.starts_with('#') {
            annotations.take(first, &record);
        } else if let Some(columns) = annotations.header(&record)? {
            tables.push(Table {
                columns,
                rows: Vec::new(),
            });
        } else {
            let table = tables.last_mut().ok_or(CsvError::Form)?;
            if record.len() != table.columns.len() {
                return Err(CsvError::Truncated);
            }
            table.rows.push(record.clone());
        }
    }
    if annotations.are_open() {
        return Err(CsvError::Truncated);
    }
    match tables.iter().find_map(error_of) {
        Some(error) => Err(CsvError::Query(error)),
        None => Ok(tables),
    }
}

/// What is said about the columns before their header comes.
#[derive(Debug, Default)]
struct Annotations {
    datatypes: Option<StringRecord>,
    defaults: Option<StringRecord>,
    is_seen: bool,
}

impl Annotations {
    fn take(&mut self, kind: &str, record: &StringRecord) {
        match kind {
            "#datatype" => self.datatypes = Some(record.clone()),
            "#default" => self.defaults = Some(record.clone()),
            _ => {}
        }
    }

    fn are_open(&self) -> bool {
        self.datatypes.is_some() || self.defaults.is_some()
    }

    /// The columns, if `record` is the header that the annotations announced. An error in the first table of an
    /// answer comes without annotations.
    fn header(&mut self, record: &StringRecord) -> Result<Option<Vec<Column>>, CsvError> {
        let is_bare_error = !self.is_seen && record.iter().any(|name| name == "error");
        let (datatypes, defaults) = match (self.datatypes.take(), self.defaults.take()) {
            (Some(datatypes), defaults) => (datatypes, defaults.unwrap_or_default()),
            (None, None) if is_bare_error => (record.iter().map(|_| "string").collect(), StringRecord::new()),
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(CsvError::Form),
        };
        self.is_seen = true;
        if datatypes.len() != record.len() {
            return Err(CsvError::Truncated);
        }
        let text = |of: &StringRecord, at| of.get(at).unwrap_or_default().to_owned();
        let columns = record.iter().enumerate().map(|(at, name)| Column {
            name: name.to_owned(),
            datatype: text(&datatypes, at),
            // The first column holds the annotation's own name.
            default: if at == 0 {
                String::new()
            } else {
                text(&defaults, at)
            },
        });
        Ok(Some(columns.collect()))
    }
}

/// The error that a table tells about in place of rows.
fn error_of(table: &Table) -> Option<String> {
    let error = table.column("error")?;
    if table.column("result").is_some() {
        return None;
    }
    let row = table.rows.first()?;
    Some(table.text(row, error).chars().take(400).collect())
}

#[cfg(test)]
mod tests;
