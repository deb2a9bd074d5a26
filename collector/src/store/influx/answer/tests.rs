use super::*;

const HEAD: &str = "#datatype,string,long,dateTime:RFC3339,string,double,long,boolean\r\n\
    #group,false,false,false,true,false,false,false\r\n#default,_result,,,,,,\r\n\
    ,result,table,_time,target,min,sent,measured\r\n";

#[track_caller]
fn read(answer: &str) -> Vec<Vec<Option<Value>>> {
    let tables = tables(answer.as_bytes()).unwrap();
    let rows = tables.iter().flat_map(|table| {
        table.rows.iter().map(|row| {
            let cells = (0..table.columns.len()).map(|column| table.value(row, column).unwrap());
            cells.collect()
        })
    });
    rows.collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_null_is_absent_and_a_default_stands_for_what_is_empty() {
    let rows = read(&format!("{HEAD},,0,2026-11-21T10:05:00Z,lon1,,280,true\r\n"));
    assert_eq!(
        rows,
        [[
            None,
            Some(text("_result")),
            Some(Value::Integer(0)),
            Some(text("2026-11-21T10:05:00Z")),
            Some(text("lon1")),
            None,
            Some(Value::Integer(280)),
            Some(Value::Boolean(true)),
        ]]
    );
}

#[test]
fn each_header_begins_a_table() {
    let second = "\r\n#datatype,string,long,double\r\n#group,false,false,false\r\n#default,x,,\r\n,result,table,avg\r\n,,1,2.5\r\n,,1,\r\n";
    let answer = format!("{HEAD},,0,t,a,0.5,1,false\r\n{second}");
    let tables = tables(answer.as_bytes()).unwrap();
    assert_eq!(
        tables.iter().map(|table| table.rows.len()).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(tables[1].column("avg"), Some(3));
    assert_eq!(tables[1].column("min"), None);
    assert_eq!(tables[1].text(&tables[1].rows[0], 1), "x");
}

#[test]
fn quotes_and_line_ends_inside_a_cell_belong_to_it() {
    let rows = read(&format!("{HEAD},,0,t,\"a,\"\"b\"\"\r\nc\",0.5,1,false\r\n"));
    assert_eq!(rows[0][4], Some(text("a,\"b\"\r\nc")));
}

#[test]
fn nothing_is_no_table() {
    assert!(tables(b"").unwrap().is_empty());
    assert!(tables(b"\r\n").unwrap().is_empty());
    assert!(tables(HEAD.as_bytes()).unwrap()[0].rows.is_empty());
}

#[test]
fn an_error_after_the_first_rows_is_an_error() {
    let failed = "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,query terminated: panic,897\r\n";
    for answer in [
        format!("{HEAD},,0,t,a,0.5,1,false\r\n\r\n{failed}"),
        failed.to_owned(),
        "error,reference\r\nquery terminated: panic,897\r\n".to_owned(),
    ] {
        let error = tables(answer.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the query failed: query terminated: panic",
            "{answer}"
        );
        assert!(matches!(StoreError::from(error), StoreError::Unavailable { .. }));
    }
}

#[test]
fn an_answer_without_its_end_is_an_error_wherever_it_was_cut() {
    let whole = format!("{HEAD},,0,t,\"a \"\"quoted\"\"\",0.5,1,false\r\n");
    let rows_begin = HEAD.len();
    for end in 1..whole.len() {
        let result = tables(&whole.as_bytes()[..end]);
        // Two places look like an end: before the first row, and after a whole one.
        let is_whole = end == rows_begin;
        assert_eq!(result.is_ok(), is_whole, "cut after {end} bytes: {result:?}");
    }
}

#[test]
fn what_is_no_csv_of_influxdb_is_refused() {
    for answer in [
        "<html>\n<body>502</body>\n</html>\n",
        "{\"ok\":true}\n",
        "a,b\n1,2\n",
        "#default,a\n,b\n",
    ] {
        assert!(tables(answer.as_bytes()).is_err(), "{answer}");
    }
    let bad_utf8 = [HEAD.as_bytes(), b",,0,t,\xff,0.5,1,false\r\n"].concat();
    assert!(matches!(tables(&bad_utf8), Err(CsvError::Form)));
}

#[test]
fn a_cell_that_is_not_of_its_type_is_an_error() {
    for row in [
        ",,0,t,a,x,1,true",
        ",,0,t,a,0.5,1.5,true",
        ",,0,t,a,0.5,1,yes",
        ",,0,t,a,NaN,1,true",
    ] {
        let tables = tables(format!("{HEAD}{row}\r\n").as_bytes()).unwrap();
        let errors = (0..8).filter(|column| tables[0].value(&tables[0].rows[0], *column).is_err());
        assert_eq!(errors.count(), 1, "{row}");
    }
}
