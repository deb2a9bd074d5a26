//! Keeps the module table of `ARCHITECTURE.md` true: which module must not know about what.
//!
//! The sources of all three crates are read as text. Every path in them (`crate::…`, `super::…`, another
//! crate's) is held against the rules below; modules called `tests` are exempt.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

/// One row of the table: modules, and the paths that none of them may name.
struct Row {
    /// First column of the table in `ARCHITECTURE.md`, with its backticks.
    label: &'static str,
    modules: &'static [&'static str],
    except: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

const SERIALISATION: &[&str] = &["serde", "serde_json", "toml"];
const ASYNC_AND_HTTP: &[&str] = &["tokio", "actix_web", "actix_http", "reqwest", "http"];
const SOCKETS: &[&str] = &[
    "nix",
    "std::net::UdpSocket",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::os",
];
const SYSTEM: &[&str] = &["std::fs", "std::io", "std::env", "std::process", "std::thread"];
const CLOCKS: &[&str] = &[
    "std::time::SystemTime",
    "std::time::Instant::now",
    "Instant::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
];
const SQL: &[&str] = &["rusqlite"];

/// The table, row by row in the order of the document.
const TABLE: &[Row] = &[
    Row {
        label: "`ippm` outside `wire`",
        modules: &["ippm"],
        except: &["ippm::wire"],
        never: &[SERIALISATION, ASYNC_AND_HTTP, SOCKETS, SYSTEM, CLOCKS],
    },
    Row {
        label: "`xprobe::round`",
        modules: &["xprobe::round"],
        except: &[],
        never: &[
            SERIALISATION,
            ASYNC_AND_HTTP,
            SOCKETS,
            SYSTEM,
            CLOCKS,
            &[
                "xprobe::net",
                "xprobe::packet",
                "xprobe::driver",
                "xprobe::client",
                "xprobe::spool",
                "xprobe::cli",
            ],
        ],
    },
    Row {
        label: "`xprobe::net`",
        modules: &["xprobe::net", "xprobe::packet"],
        except: &[],
        never: &[
            SERIALISATION,
            ASYNC_AND_HTTP,
            &[
                "ippm::wire",
                "xprobe::round",
                "xprobe::driver",
                "xprobe::client",
                "xprobe::spool",
                "xprobe::cli",
            ],
        ],
    },
    Row {
        label: "`collector::{ingest, report, plan}`",
        modules: &["collector::ingest", "collector::report", "collector::plan"],
        except: &[],
        never: &[
            &["actix_web", "actix_http", "reqwest", "http"],
            SQL,
            &["collector::store::influx", "collector::store::embedded"],
            &[
                "collector::routes",
                "collector::auth",
                "collector::error",
                "collector::startup",
            ],
        ],
    },
    Row {
        label: "`collector::pages`",
        modules: &["collector::pages"],
        except: &[],
        never: &[
            &["actix_web", "actix_http", "reqwest", "http", "tokio"],
            SQL,
            CLOCKS,
            &["collector::store::influx", "collector::store::embedded"],
            &[
                "collector::routes",
                "collector::auth",
                "collector::context",
                "collector::error",
                "collector::startup",
            ],
        ],
    },
    Row {
        label: "`collector::routes`",
        modules: &["collector::routes"],
        except: &[],
        never: &[
            SQL,
            &[
                "reqwest",
                "collector::store::influx",
                "collector::store::embedded",
                "collector::startup",
            ],
        ],
    },
    Row {
        label: "`collector::store::*`",
        modules: &["collector::store"],
        except: &[],
        never: &[
            &["actix_web", "actix_http", "ippm::wire"],
            // Announced work is kept like anything else; what follows from it is a verdict.
            &[
                "ippm::class::Class",
                "ippm::class::Classified",
                "ippm::class::Evidence",
                "ippm::class::classify",
                "ippm::class::result",
                "ippm::class::slot",
                "ippm::class::watch",
                "ippm::class::maintenance::Calendar",
            ],
            &[
                "collector::routes",
                "collector::ingest",
                "collector::report",
                "collector::plan",
            ],
            &["collector::auth", "collector::error", "collector::startup"],
        ],
    },
];

/// Rules about whole crates and layers, which the table's text states around it.
const LAYERS: &[Row] = &[
    Row {
        label: "crate ippm",
        modules: &["ippm"],
        except: &[],
        never: &[&["xprobe", "collector"], ASYNC_AND_HTTP, SOCKETS],
    },
    Row {
        label: "crate collector",
        modules: &["collector"],
        except: &[],
        never: &[&["xprobe"]],
    },
    Row {
        label: "crate xprobe",
        modules: &["xprobe"],
        except: &[],
        never: &[&["collector"]],
    },
    Row {
        label: "xprobe: below cli",
        modules: &["xprobe::client", "xprobe::spool", "xprobe::driver"],
        except: &[],
        never: &[&["xprobe::cli"]],
    },
    Row {
        label: "xprobe: the driver does not deliver",
        modules: &["xprobe::driver"],
        except: &[],
        never: &[&["xprobe::client", "xprobe::spool", "reqwest"]],
    },
    Row {
        label: "xprobe: delivery does not measure",
        modules: &["xprobe::client", "xprobe::spool"],
        except: &[],
        never: &[&[
            "xprobe::driver",
            "xprobe::round",
            "xprobe::net",
            "xprobe::packet",
            "nix",
        ]],
    },
    Row {
        label: "collector: error knows actix only",
        modules: &["collector::error"],
        except: &[],
        never: &[SQL, &["reqwest", "collector::routes", "collector::startup"]],
    },
];

/// A path found in a source file, spelt from its crate: `collector::store::Store`, `serde::Serialize`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    module: String,
    file: PathBuf,
    path: String,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) names {}", self.module, self.file.display(), self.path)
    }
}

#[test]
fn no_module_names_what_the_table_forbids() {
    let imports = imports_of_the_workspace();
    let broken: Vec<String> = TABLE
        .iter()
        .chain(LAYERS)
        .flat_map(|row| violations(row, &imports).map(move |import| format!("{}: {import}", row.label)))
        .collect();
    assert!(
        broken.is_empty(),
        "ARCHITECTURE.md forbids:\n{}",
        broken.join("\n")
    );
}

#[test]
fn architecture_md_shows_the_same_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let shown: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("| module | must not know about |"))
        .skip(2)
        .map_while(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(label, _)| label)
        .collect();
    let checked: Vec<&str> = TABLE.iter().map(|row| row.label).collect();
    assert_eq!(
        shown, checked,
        "the first column in ARCHITECTURE.md and the labels in this test must agree"
    );
}

#[test]
fn only_wire_derives_serialisation_in_ippm() {
    for (module, file) in sources("ippm") {
        let text = production_code(&fs::read_to_string(&file).unwrap());
        let derives = text.contains("Serialize") || text.contains("Deserialize");
        assert!(
            !derives || belongs_to(&module, "ippm::wire"),
            "{module} names Serialize or Deserialize"
        );
    }
}

#[test]
fn lib_rs_is_the_only_file_that_exports_again() {
    for crate_name in CRATES {
        for (module, file) in sources(crate_name) {
            let text = production_code(&fs::read_to_string(&file).unwrap());
            let again = text.lines().any(|line| line.trim_start().starts_with("pub use "));
            assert!(
                !again || module == crate_name,
                "{module} ({}) has a `pub use`",
                file.display()
            );
        }
    }
}

#[test]
fn a_forbidden_path_is_found_in_every_spelling() {
    for text in [
        "use serde::Serialize;",
        "use {core::fmt, serde::{de, ser::{self, Serializer}}};",
        "fn f() { serde::private(); }",
        "use ::serde as s;",
        "use std::{fmt, net::{IpAddr, UdpSocket as Socket}};",
        "use super::super::net::Socket;",
        "use crate::{net, packet};",
        "impl crate::client::Client {}",
        "#[cfg(test)]\nmod tests { fn f() {} }\nuse serde::Serialize;",
    ] {
        let imports = paths_in("xprobe::round::state", Path::new("state.rs"), text);
        assert!(
            violations(&TABLE[1], &imports).next().is_some(),
            "not found in {text}: {imports:?}"
        );
    }
}

#[test]
fn comments_strings_and_allowed_paths_break_no_rule() {
    for text in [
        "// use serde::Serialize;",
        "/// See [`serde::Serialize`].\nfn f() {}",
        "/* use nix::sys; */",
        "const S: &str = \"use nix::sys;\"; const C: char = '\"'; use ippm::Rtt;",
        "use std::net::IpAddr;\nuse std::time::{Duration, Instant};",
        "use crate::round::plan::Slot; fn f<'a>(x: &'a str) {}",
        "fn f() {}\n#[cfg(test)]\nmod tests { use serde::Serialize; fn f() {} }",
        "#[cfg(test)]\nmod tests;\nfn f() {}",
    ] {
        let imports = paths_in("xprobe::round", Path::new("round.rs"), text);
        let found: Vec<_> = violations(&TABLE[1], &imports).collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

const CRATES: [&str; 3] = ["ippm", "xprobe", "collector"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn violations<'a>(row: &'a Row, imports: &'a [Import]) -> impl Iterator<Item = &'a Import> {
    imports.iter().filter(|import| {
        let within = |prefixes: &[&str]| prefixes.iter().any(|prefix| belongs_to(&import.module, prefix));
        !import.module.contains("::tests")
            && within(row.modules)
            && !within(row.except)
            && row
                .never
                .iter()
                .copied()
                .flatten()
                .any(|path| belongs_to(&import.path, path))
    })
}

fn belongs_to(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn imports_of_the_workspace() -> Vec<Import> {
    CRATES
        .iter()
        .flat_map(|crate_name| sources(crate_name))
        .flat_map(|(module, file)| paths_in(&module, &file, &fs::read_to_string(&file).unwrap()))
        .collect()
}

/// Every source file of a crate with the path of its module; `main.rs` and `lib.rs` are the crate itself.
fn sources(crate_name: &str) -> Vec<(String, PathBuf)> {
    let src = root().join(crate_name).join("src");
    let mut folders = vec![src.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&src).unwrap().with_extension("");
                let mut parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
                parts.retain(|part| !["lib", "main"].contains(part));
                parts.insert(0, crate_name);
                found.push((parts.join("::"), path.clone()));
            }
        }
    }
    found.sort();
    found
}

/// All paths of a file's production code, `crate`, `self` and `super` resolved, `use` trees expanded.
fn paths_in(module: &str, file: &Path, text: &str) -> Vec<Import> {
    let code = production_code(text);
    let tokens = tokens(&code);
    let mut paths = BTreeSet::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            at = expand_tree(&tokens, at + 1, "", &mut paths);
        } else if is_word(tokens[at]) {
            let (path, next) = plain_path(&tokens, at);
            if path.contains("::") {
                paths.insert(path);
            }
            at = next;
        } else {
            at += 1;
        }
    }
    let import = |path: String| Import {
        module: module.to_owned(),
        file: file.to_owned(),
        path: resolve(module, &path),
    };
    paths.into_iter().map(import).collect()
}

/// Adds every leaf of the `use` tree that begins at `at`; returns the index behind it.
fn expand_tree(tokens: &[&str], at: usize, prefix: &str, paths: &mut BTreeSet<String>) -> usize {
    let at = if tokens.get(at) == Some(&"::") { at + 1 } else { at };
    if tokens.get(at) == Some(&"{") {
        let mut inner = at + 1;
        while inner < tokens.len() && tokens[inner] != "}" {
            inner = if tokens[inner] == "," {
                inner + 1
            } else {
                expand_tree(tokens, inner, prefix, paths)
            };
        }
        return inner + 1;
    }
    let (path, mut next) = plain_path(tokens, at);
    let path = if prefix.is_empty() {
        path
    } else {
        format!("{prefix}::{path}")
    };
    if tokens.get(next) == Some(&"::") && tokens.get(next + 1) == Some(&"{") {
        return expand_tree(tokens, next + 1, &path, paths);
    }
    paths.insert(path.trim_end_matches("::self").to_owned());
    while next < tokens.len() && !matches!(tokens[next], "," | "}" | ";") {
        next += 1;
    }
    if tokens.get(next) == Some(&";") {
        next + 1
    } else {
        next.max(at + 1)
    }
}

/// Words joined by `::` from `at` on, and the index behind them.
fn plain_path(tokens: &[&str], at: usize) -> (String, usize) {
    let mut path = tokens.get(at).copied().unwrap_or_default().to_owned();
    let mut next = at + 1;
    while tokens.get(next) == Some(&"::") && tokens.get(next + 1).is_some_and(|token| is_word(token)) {
        path = format!("{path}::{}", tokens[next + 1]);
        next += 2;
    }
    (path, next)
}

fn resolve(module: &str, path: &str) -> String {
    let crate_name = module.split("::").next().unwrap_or(module);
    let mut base: Vec<&str> = module.split("::").collect();
    let mut rest = path;
    loop {
        let (first, tail) = rest.split_once("::").unwrap_or((rest, ""));
        match first {
            "crate" => base = vec![crate_name],
            "self" => {}
            "super" => drop(base.pop()),
            _ if rest == path => return path.to_owned(),
            _ => return format!("{}::{rest}", base.join("::")),
        }
        rest = tail;
    }
}

/// The text without comments, strings and test modules.
fn production_code(text: &str) -> String {
    let mut code = without_comments_and_strings(text);
    while let Some(start) = code.find("#[cfg(test)]\nmod ") {
        let mut depth = 0;
        let end = code[start..].find(|character| {
            depth += i32::from(character == '{') - i32::from(character == '}');
            character == ';' || (character == '}' && depth == 0)
        });
        code.replace_range(start..end.map_or(code.len(), |end| start + end + 1), "");
    }
    code
}

fn without_comments_and_strings(text: &str) -> String {
    let mut code = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, character)) = chars.next() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if character == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\'") {
            3
        } else {
            code.push(character);
            continue;
        };
        code.push(' ');
        while chars.peek().is_some_and(|(next, _)| *next < at + length) {
            chars.next();
        }
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Words, `::` and single characters; white space separates.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("::") {
            2
        } else if is_word_character(first) {
            rest.find(|character| !is_word_character(character))
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

fn is_word(token: &str) -> bool {
    token.chars().next().is_some_and(is_word_character)
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
