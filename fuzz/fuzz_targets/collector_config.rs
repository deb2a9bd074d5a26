//! The collector's configuration file and its texts with a unit.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use collector::config::layer::{Sources, Values};
use collector::config::unit::{self, Network, Rate};
use libfuzzer_sys::fuzz_target;

const MARK: &str = "MARKED-SECRET";

/// A file in memory, if there is such a thing here.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    folder.join(format!("ixpqos-fuzz-{}.toml", std::process::id()))
});

fuzz_target!(|text: &str| {
    if let Ok(duration) = unit::duration(text) {
        assert_eq!(unit::duration(&unit::duration_text(duration)), Ok(duration));
    }
    if let Ok(rate) = text.parse::<Rate>() {
        assert!(rate.number > 0);
        assert_eq!(rate.to_string().parse(), Ok(rate));
    }
    let _ = (text.parse::<Network>(), unit::size(text));
    if text.contains(MARK) {
        return;
    }
    fs::write(&*FILE, text).unwrap();
    let sources = Sources {
        file: Some(&FILE),
        environment: vec![("IXPQOS_STORE__INFLUX__TOKEN".to_owned(), MARK.to_owned())],
        flags: Vec::new(),
    };
    match Values::load(&sources) {
        Ok(values) => assert!(!values.print().contains(MARK)),
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(!format!("{faults:?}").contains(MARK));
        }
    }
});
