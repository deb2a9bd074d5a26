//! What somebody may send who means harm, or whose program is broken.

/// Values, percent-encoded before they are sent.
pub(crate) const VALUES: &[&[u8]] = &[
    // Flux, SQL, templates.
    b"\"",
    b"'",
    b"\\",
    b"\") |> drop()",
    b"ams1\" or true or r.x == \"",
    b"'; DROP TABLE ping; --",
    b"' OR 1=1 --",
    b"ams1' UNION SELECT * FROM ping --",
    b"${1+1}",
    b"{{7*7}}",
    b"%s%n%x",
    // HTML and script.
    b"<script>alert(1)</script>",
    b"</title><script>alert(1)</script>",
    b"\"><img src=x onerror=alert(1)>",
    b"' onmouseover='alert(1)",
    b"javascript:alert(1)",
    b"<!--",
    b"]]>",
    b"&lt;script&gt;",
    // Spreadsheets.
    b"=cmd|'/C calc'!A0",
    b"+1+1",
    b"-1+1",
    b"@SUM(A1)",
    b"\t=1",
    // Lines and headers.
    b"\r\nX-Injected: 1",
    b"\nX-Injected: 1\n\n<script>alert(1)</script>",
    b"\r",
    b"\0",
    b"ams1\0.csv",
    // No UTF-8: a bare byte, an overlong slash, a surrogate.
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    // Paths.
    b"../../etc/passwd",
    b"..\\..\\windows",
    b"%2e%2e%2f",
    b"/etc/passwd",
    b".",
    b"..",
    // Text that reads otherwise than it is.
    "\u{202e}1sma".as_bytes(),
    "ams1\u{301}\u{301}\u{301}".as_bytes(),
    "\u{feff}ams1".as_bytes(),
    "ams1\u{2028}".as_bytes(),
    "\u{ff14}".as_bytes(),
    "\u{1f4a9}".as_bytes(),
    // Numbers.
    b"NaN",
    b"-inf",
    b"1e309",
    b"-1",
    b"0",
    b"5",
    b" 4",
    b"0x10",
    b"1.5",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"99999999999999999999999999",
    // Lengths of time.
    b"1000000h",
    b"99999999999999999999d",
    b"18446744073709551615s",
    b"1ns",
    b"0s",
    b"-1s",
    b"3660d",
    b"3661d",
    b"20s",
    b"364d",
    // Times, and months.
    b"0000-01-01T00:00:00Z",
    b"1677-09-21T00:12:43Z",
    b"1677-09-21T00:12:44Z",
    b"1970-01-01T00:00:00Z",
    b"2262-04-11T23:47:16Z",
    b"2262-04-11T23:47:17Z",
    b"9999-12-31T23:59:59Z",
    b"292277026596-12-04T15:30:08Z",
    b"2026-02-30T00:00:00Z",
    b"2026-11-21T24:00:00Z",
    b"2026-11-21T11:00:00.0000000001Z",
    b"2026-11-21T11:00:00+99:99",
    b"0000-01",
    b"2026-00",
    b"9999-12",
    b"292277026596-01",
    // Words.
    b"",
    b" ",
    b"null",
    b"true ",
    b"[]",
    b"{}",
    b"*",
    b".*",
    b"json,csv",
];

/// Queries as they are sent, byte by byte; the name of a parameter stands before each.
pub(crate) const RAW: &[&[u8]] = &[
    b"%",
    b"%z",
    b"%4",
    b"%u0041",
    b"%00",
    b"%ff%fe",
    b"%c0%ae%c0%ae%c0%af",
    b"%0d%0aX-Injected:%201",
    b"%250d%250aX-Injected:%201",
    b"+",
    b"a;b",
    b"a=b",
    b"a#b",
    b"\"><script>alert(1)</script>",
    b"'",
    b"{}|^`\\",
    "\u{e9}".as_bytes(),
    b"\xff",
    b"1 HTTP/1.1\r\nX-Injected: 1\r\nX-Rest:",
];

/// Parts of a path as they are sent, byte by byte.
pub(crate) const SEGMENTS: &[&[u8]] = &[
    b"..",
    b"../../../../etc/passwd",
    b"..%2f..%2f..%2fetc%2fpasswd",
    b"%2e%2e/%2e%2e/etc/passwd",
    b"%2e%2e%2fstyle.css",
    b"..;/",
    b"//",
    b"./",
    b"style.css/",
    b"style.css%00",
    b"style.css%2f..%2fpage.js",
    b"STYLE.CSS",
    b"C:%5cwindows",
    b"ams1%2flast",
    b"ams1?format=csv?",
    b"{name}",
    b"*",
];

/// Whole queries of `ams1` and `lon1` that ask for as much as may be asked for, or for more; `true` if it is more.
pub(crate) const GREEDY: &[(&str, bool)] = &[
    ("/api/v2/series?source=ams1&target=lon1&last=48h&step=20s", false),
    ("/api/v2/series?source=ams1&target=lon1&last=56h&step=20s", true),
    ("/api/v2/series?source=ams1&target=lon1&last=90d&step=1h", false),
    ("/api/v2/series?source=ams1&target=lon1&last=400d&step=1h", false),
    ("/api/v2/series?source=ams1&target=lon1&last=3660d&step=1h", true),
    ("/api/v2/series?source=ams1&target=lon1&last=3660d&step=1d", false),
    (
        "/api/v2/series?source=ams1&target=lon1&last=3660d&step=364d",
        false,
    ),
    ("/api/v2/series?source=ams1&target=lon1&last=3660d", false),
    ("/api/v2/series?source=ams1&target=lon1&last=3661d&step=1d", true),
    (
        "/api/v2/series?source=ams1&target=lon1&from=1677-09-21T00:12:44Z&to=2262-04-11T23:47:16Z",
        true,
    ),
    (
        "/api/v2/series?source=ams1&target=lon1&from=1677-09-21T00:12:44Z&to=1687-09-21T00:12:44Z",
        false,
    ),
    (
        "/api/v2/series?source=ams1&target=lon1&from=2252-04-11T23:47:16Z&to=2262-04-11T23:47:16Z",
        false,
    ),
    ("/api/v2/results?source=ams1&target=lon1&last=31d", false),
    ("/api/v2/results?source=ams1&target=lon1&last=32d", true),
    ("/api/v2/results?view=latest&last=3660d", false),
    (
        "/api/v2/results?source=ams1&target=lon1&from=2262-03-12T00:00:00Z&to=2262-04-11T23:47:16Z",
        false,
    ),
    ("/api/v2/matrix?last=7d", false),
    ("/api/v2/matrix?last=90d", false),
    ("/api/v2/matrix?last=3660d", false),
    ("/api/v2/matrix?last=3661d", true),
    (
        "/api/v2/matrix?from=1677-09-21T00:12:44Z&to=1687-09-21T00:12:44Z",
        false,
    ),
    (
        "/api/v2/matrix?from=2026-11-21T00:00:00Z&to=2036-11-21T00:00:00Z",
        false,
    ),
    (
        "/api/v2/matrix?from=2252-04-11T23:47:16Z&to=2262-04-11T23:47:16Z",
        false,
    ),
    (
        "/api/v2/sla?from=2026-01-01T00:00:00Z&to=2026-11-21T00:00:00Z",
        false,
    ),
    (
        "/api/v2/sla?from=1677-09-21T00:12:44Z&to=2026-11-21T00:00:00Z",
        true,
    ),
    ("/api/v2/plan/ams1?start=1677-09-21T00:12:44Z", false),
    ("/api/v2/plan/ams1?start=2262-04-11T23:47:16Z", false),
    ("/?last=30d&metric=p99", false),
    ("/?last=31d", true),
    ("/pair/ams1/lon1?last=7d", false),
    ("/pair/ams1/lon1?last=30d", false),
    ("/pair/ams1/lon1?last=366d", false),
    ("/pair/ams1/lon1?last=367d", true),
    (
        "/pair/ams1/lon1?from=1677-09-21T00:12:44Z&to=1678-09-21T00:12:44Z",
        false,
    ),
    (
        "/pair/ams1/lon1?from=2261-04-12T00:00:00Z&to=2262-04-11T23:47:16Z&round=2262-04-11T23:47:16Z",
        false,
    ),
    ("/pair/ams1/lon1?round=1677-09-21T00:12:44Z", false),
];

/// Whole queries that no endpoint knows, and how they come about.
pub(crate) fn shapes(known: Option<&str>) -> Vec<(&'static str, String)> {
    let mut shapes = vec![
        ("unknown", "zzz=1".to_owned()),
        ("an array", "a[]=1".to_owned()),
        ("an empty array", "a[]=".to_owned()),
        ("a nested one", "a%5Bb%5D=1&__proto__=1".to_owned()),
        ("no name", "=1".to_owned()),
        ("other case", "FORMAT=json".to_owned()),
        ("many", "zzz=1&".repeat(10_000)),
        ("long", format!("zzz={}", "x".repeat(60_000))),
    ];
    if let Some(known) = known {
        shapes.push(("repeated", format!("{known}=1&{known}=1")));
        shapes.push(("an array of a known one", format!("{known}[]=1")));
        shapes.push(("many known ones", format!("{known}=1&").repeat(5_000)));
        shapes.push(("a long known one", format!("{known}={}", "1".repeat(60_000))));
    }
    shapes
}
