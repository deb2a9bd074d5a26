use super::*;
use crate::store::layout::{
    CELL_HIST, CELL_NUMBERS, COLLECTOR_RUN_FIELDS, Field, Kind, MAINTENANCE_FIELDS, PLAN_VERSION_FIELDS,
    PROBE_RUN_FIELDS, RESULT_NUMBERS, RESULT_TEXTS,
};

fn migrated(before: &str) -> (Connection, Result<(), StoreError>) {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(before).unwrap();
    let result = migrate(&mut connection, Path::new("store.sqlite"));
    (connection, result)
}

/// Everything that makes up the layout, without spaces and comments.
fn layout(connection: &Connection) -> Vec<String> {
    let mut statement = connection
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    texts
        .map(|text| text.unwrap().split_whitespace().collect())
        .collect()
}

const LAYOUT_0: &str = include_str!("../../../../tests/fixtures/store_layout_0.sql");

#[test]
fn the_last_step_makes_the_current_layout() {
    assert_eq!(i64::try_from(STEPS.len()).unwrap(), CURRENT + 1);
    let (connection, result) = migrated("");
    result.unwrap();
    assert_eq!(
        version(&connection, Path::new("store.sqlite")).unwrap(),
        Some(CURRENT)
    );
}

#[test]
fn an_old_file_ends_with_the_same_layout_as_a_new_one() {
    let (new, _) = migrated("");
    let (old, result) = migrated(LAYOUT_0);
    result.unwrap();
    assert_eq!(layout(&old), layout(&new));
    let (rows, texts): (i64, i64) = old
        .query_row(
            "SELECT (SELECT count(*) FROM ping JOIN ping_text ON id = text), (SELECT count(*) FROM ping_text)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!((rows, texts), (3, 3));
}

#[test]
fn a_current_file_is_left_as_it_is() {
    let (mut connection, _) = migrated("");
    let changes = connection.total_changes();
    migrate(&mut connection, Path::new("store.sqlite")).unwrap();
    assert_eq!(connection.total_changes(), changes);
}

#[test]
fn a_newer_file_is_refused_with_both_versions() {
    let (_, result) = migrated(
        "CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (999);
         CREATE TABLE ping (a)",
    );
    let error = result.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("store.sqlite has layout 999") && text.contains(&format!("up to {CURRENT}")),
        "{text}"
    );
}

#[test]
fn a_database_of_something_else_is_refused() {
    let (connection, result) = migrated("CREATE TABLE friends (name TEXT)");
    assert!(matches!(result, Err(StoreError::Refused { .. })));
    assert_eq!(layout(&connection).len(), 1);
}

#[test]
fn a_step_that_fails_leaves_the_old_layout() {
    // A table in the way of the second step.
    let (connection, result) = migrated(&format!("{LAYOUT_0} CREATE TABLE ping_text (a);"));
    result.unwrap_err();
    let path = Path::new("store.sqlite");
    assert_eq!(version(&connection, path).unwrap(), Some(0));
    let rows: i64 = connection
        .query_row("SELECT count(slices) FROM ping", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn every_field_has_its_column() {
    let (connection, _) = migrated("");
    check_columns(
        &connection,
        "ping",
        &["series", "time", "status", "text"],
        RESULT_NUMBERS,
    );
    check_columns(&connection, "ping_text", &["id"], RESULT_TEXTS);
    check_columns(&connection, "probe_run", &["source", "time"], PROBE_RUN_FIELDS);
    check_columns(
        &connection,
        "collector_run",
        &["time", "instance"],
        COLLECTOR_RUN_FIELDS,
    );
    check_columns(
        &connection,
        "plan_version",
        &["probe", "time"],
        PLAN_VERSION_FIELDS,
    );
    check_columns(&connection, "maintenance", &["id", "time"], MAINTENANCE_FIELDS);
    let mut of_cell = CELL_NUMBERS.to_vec();
    of_cell.push(CELL_HIST);
    of_cell.sort_unstable_by_key(|(name, _)| *name);
    // What names the cell is computed from its number, and is no column of its own.
    check_columns(&connection, "cell_1h", &["id"], &of_cell);
    check_columns(&connection, "cell_1d", &["id"], &of_cell);
}

#[test]
fn the_results_of_an_old_file_are_counted_hour_by_hour() {
    let (old, result) = migrated(LAYOUT_0);
    result.unwrap();
    let mut statement = old
        .prepare("SELECT series, time, [rows] FROM row_count ORDER BY id")
        .unwrap();
    let counts: Vec<(i64, i64, i64)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // 2025-11-21 10:00 UTC: the hour of all three results.
    let hour = 1_763_719_200_000_000_000;
    assert_eq!(counts, [(1, hour, 1), (2, hour, 1), (3, hour, 1)]);
}

#[track_caller]
fn check_columns(connection: &Connection, table: &str, keys: &[&str], fields: &[Field]) {
    let mut statement = connection
        .prepare("SELECT name, type FROM pragma_table_info(?1)")
        .unwrap();
    let columns = statement
        .query_map([table], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .unwrap();
    let mut columns: Vec<(String, String)> = columns.map(Result::unwrap).skip(keys.len()).collect();
    // A later step adds its columns at the end; every statement names the columns that it means.
    columns.sort();
    let expected: Vec<(String, String)> = fields
        .iter()
        .map(|(name, kind)| {
            let column = match kind {
                Kind::Integer | Kind::Boolean => "INTEGER",
                Kind::Float => "REAL",
                // Packed, and without the letters of a text.
                Kind::Text if *name == CELL_HIST.0 && table != "ping_text" => "BLOB",
                Kind::Text => "TEXT",
            };
            ((*name).to_owned(), column.to_owned())
        })
        .collect();
    assert_eq!(columns, expected, "{table}");
    assert!(fields.is_sorted_by(|a, b| a.0 < b.0), "{table}");
}
