//! What every answer has to be, whatever was asked.

use collector::error::CODES;

use crate::raw::RawReply;

/// Every header that an answer may bear.
const HEADERS: [&str; 17] = [
    "allow",
    "cache-control",
    "connection",
    "content-disposition",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "ixpqos-data-age",
    "referrer-policy",
    "retry-after",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
];

/// What a page may load, and from where.
const POLICY_OF_PAGES: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                               form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// What everything else may load.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Holds the answer to `target` against what an answer may be; `sent` is what was hostile in it.
#[track_caller]
pub(crate) fn check(target: &str, sent: &[u8], reply: &RawReply) {
    let label = || format!("{target}: {} {:?}", reply.status, reply.headers);
    let status = reply.status;
    assert!(status == 200 || (400..500).contains(&status), "{}", label());
    for (name, _) in &reply.headers {
        assert!(HEADERS.contains(&name.as_str()), "header {name} of {}", label());
    }
    assert_eq!(
        reply.header("x-content-type-options"),
        Some("nosniff"),
        "{}",
        label()
    );
    let kind = reply
        .header("content-type")
        .unwrap_or_else(|| panic!("{}", label()));
    let policy = reply.header("content-security-policy").unwrap_or_default();
    match kind.split(';').next().unwrap() {
        "application/json" => {
            assert_eq!(policy, POLICY, "{}", label());
            check_json(target, reply);
        }
        "text/html" => {
            assert_eq!(kind, "text/html; charset=utf-8");
            assert_eq!(policy, POLICY_OF_PAGES, "{}", label());
            check_html(target, sent, reply.text());
        }
        "text/csv" => {
            assert_eq!((status, policy), (200, POLICY), "{}", label());
            check_csv(target, reply.text());
        }
        // Metrics and the files of pages: no browser takes them for anything else.
        "text/plain" | "text/css" => assert_eq!(status, 200, "{}", label()),
        other => panic!("{other} of {}", label()),
    }
}

/// What parses has no raw quote or control character in a string; a refusal has a text and a code that is documented.
fn check_json(target: &str, reply: &RawReply) {
    let body = reply.json();
    if reply.status == 200 {
        return;
    }
    let code = body["code"].as_str();
    let is_known = CODES.iter().any(|(_, known, _)| Some(*known) == code);
    let text = body["error"].as_str().unwrap_or_default();
    assert!(is_known && !text.is_empty(), "{target}: {body}");
    // What was sent is repeated in part at most.
    assert!(text.len() < 1000, "{target}: {body}");
}

/// The one script is ours, and nothing that was sent stands there as it was sent.
#[track_caller]
pub(crate) fn check_html(target: &str, sent: &[u8], html: &str) {
    let scripts: Vec<_> = html.match_indices("<script").collect();
    let is_ours = |at: usize| {
        let source = html[at..].trim_start_matches("<script src=\"");
        let source = source.trim_start_matches("./").trim_start_matches("../");
        source.trim_start_matches("../").starts_with("assets/page.js?v=")
    };
    assert!(
        scripts.len() == 1 && scripts.iter().all(|(at, _)| is_ours(*at)),
        "{target}: {html}"
    );
    let lower = html.to_ascii_lowercase();
    for never in [
        "<img",
        "<iframe",
        " onerror=\"",
        " onmouseover=\"",
        "\"javascript:",
        "x-injected: 1\n\n<",
    ] {
        assert!(!lower.contains(never), "{never} in {target}: {html}");
    }
    let sent = String::from_utf8_lossy(sent);
    // A single character of these is in every page.
    if 1 < sent.len() && sent.contains(['<', '>', '"', '\'']) {
        assert!(!html.contains(sent.as_ref()), "{target}: {html}");
    }
}

/// No cell is a formula; what begins with a sign is a number.
#[track_caller]
pub(crate) fn check_csv(target: &str, table: &str) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(table.as_bytes());
    for record in reader.records() {
        for cell in &record.unwrap() {
            let is_formula =
                cell.trim_start().starts_with(['=', '+', '-', '@']) || cell.starts_with(['\t', '\r']);
            assert!(
                !is_formula || cell.parse::<f64>().is_ok(),
                "{target}: {cell:?} in {table}"
            );
        }
    }
}
