//! The probe's configuration file: no message about it shows the key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use xprobe::fuzzing;

const MARK: &str = "MARKED-SECRET";

fuzz_target!(|text: &str| {
    let _ = fuzzing::configuration(text);
    // The key stands on a line of its own, unless the text before it opens a text of several lines.
    if text.contains("'''") || text.contains("\"\"\"") || text.contains(MARK) {
        return;
    }
    let (before, after) = text.split_once('\0').unwrap_or((text, ""));
    for value in [
        format!("'{MARK}'"),
        MARK.to_owned(),
        format!("'{MARK}"),
        format!("[{MARK}]"),
    ] {
        let file = format!("{before}\nkey = {value}\n{after}");
        if let Err(line) = fuzzing::configuration(&file) {
            assert!(!line.contains(MARK), "{line:?}");
            assert!(!line.contains('\n'), "{line:?}");
        }
    }
});
