//! The house rules that neither the compiler nor clippy can check, read off the source tree. The rules are the tables
//! below; a breach is reported as `file:line: rule: what to do instead`.

mod rings;
mod rooms;
mod samples;
mod source;

use std::fs;
use std::path::Path;

use source::{is_word, names, split};

/// The longest that a source file may be, in lines.
const LINES_MAX: usize = 600;

/// Names that only some places may use.
struct Ban {
    rule: &'static str,
    /// Paths, or parts of paths: `std::fs` stands for `std::fs::File` too, in a `use` with braces as well.
    names: &'static [&'static str],
    /// Where the ban holds: the beginnings of file paths.
    within: &'static [&'static str],
    /// Where it does not, inside of that.
    except: &'static [&'static str],
    instead: &'static str,
}

/// The rooms that turn values into values.
const PURE: &[&str] = &[
    "src/model",
    "src/decode",
    "src/engine",
    "src/driver",
    "src/encode",
    "src/journal",
];

const BANS: &[Ban] = &[
    Ban {
        rule: "one room speaks Kafka",
        names: &["rdkafka", "rdkafka_sys"],
        within: &["src/"],
        except: &["src/kafka/"],
        instead: "give src/kafka/ a function or type for it, in our own terms",
    },
    Ban {
        rule: "one room reads clocks",
        names: &[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
        ],
        within: &["src/"],
        except: &["src/runtime/"],
        instead: "take the time as an argument; src/runtime/ reads it",
    },
    Ban {
        rule: "pure rooms do no input or output",
        names: &[
            "std::fs",
            "std::net",
            "std::thread",
            "std::time",
            "std::env",
            "std::process",
            "tokio",
            "println",
            "eprintln",
            "dbg",
        ],
        within: PURE,
        except: &[],
        instead: "let the caller do it, and take or return values",
    },
    Ban {
        rule: "the engine is deterministic and silent",
        names: &[
            "std::collections::HashMap",
            "std::collections::HashSet",
            "std::collections::hash_map",
            "rand",
            "rand_chacha",
            "tracing",
        ],
        within: &["src/engine", "src/driver"],
        except: &[],
        instead: "use BTreeMap, or hashbrown with a fixed hasher; put what should be seen into the effects",
    },
    Ban {
        rule: "two files are unsafe",
        names: &["unsafe"],
        within: &["src/", "tests/", "benches/"],
        except: &["src/kafka/batch.rs", "src/engine/state/store/prefetch.rs"],
        instead: "write it safely; what needs librdkafka's raw interface belongs into src/kafka/batch.rs",
    },
    Ban {
        rule: "rooms are named from the crate's root",
        names: &["super::super"],
        within: &["src/"],
        except: &[],
        instead: "write crate::room::..., so that the table of rooms sees it",
    },
];

/// Marks of unfinished work; each must name its issue.
const UNFINISHED: &[&str] = &["TODO", "FIXME"];

#[test]
fn the_source_tree_keeps_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(root, &root.join(folder), &mut files);
    }
    assert!(
        files.iter().any(|(path, _)| path == "src/lib.rs"),
        "the tree was not found"
    );

    let mut breaches: Vec<String> = files
        .iter()
        .flat_map(|(path, source)| breaches(path, source))
        .collect();
    breaches.extend(unregistered_triggers(&files));
    breaches.extend(rooms::unused(rooms::ROOMS, &files));
    breaches.extend(rings::rings(&files));
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// All `.rs` files below a folder, as path from the root and content, sorted by path.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("a folder entry").path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix(root)
                .expect("a path below the root")
                .display()
                .to_string();
            files.push((
                name,
                fs::read_to_string(&path).expect("a source file in UTF-8"),
            ));
        }
    }
}

/// Every breach of the rules in one file.
fn breaches(path: &str, source: &str) -> Vec<String> {
    let (code, comments) = split(source);
    let mut breaches = Vec::new();
    let mut report = |line: usize, rule: &str, instead: &str| {
        breaches.push(format!("{path}:{line}: {rule}: {instead}"))
    };

    let lines = source.lines().count();
    if lines > LINES_MAX {
        let rule = format!("{lines} lines, of at most {LINES_MAX}");
        report(LINES_MAX + 1, &rule, "split the file along what it does");
    }

    let named = names(&code);
    for ban in BANS {
        let holds = ban.within.iter().any(|place| path.starts_with(place))
            && !ban.except.iter().any(|place| path.starts_with(place));
        if !holds {
            continue;
        }
        for name in &named {
            if let Some(banned) = (ban.names.iter()).find(|banned| contains(&name.path, banned)) {
                report(
                    name.line,
                    &format!("{} (`{banned}`)", ban.rule),
                    ban.instead,
                );
            }
        }
    }

    for (line, rule, instead) in rooms::breaches(path, &named) {
        report(line, &rule, instead);
    }

    for (line, comment) in (1..).zip(comments.lines()) {
        if let Some(mark) = UNFINISHED.iter().find(|mark| comment.contains(**mark))
            && !names_an_issue(comment)
        {
            report(
                line,
                &format!("{mark} without an issue"),
                "do it now, or open an issue and name it: #12",
            );
        }
        if is_code(comment) {
            report(line, "code in a comment", "delete it; the history keeps it");
        }
    }
    breaches
}

/// Whether a path's segments contain another path's.
fn contains(name: &str, part: &str) -> bool {
    format!("::{name}::").contains(&format!("::{part}::"))
}

fn names_an_issue(comment: &str) -> bool {
    let digit = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    comment.split('#').skip(1).any(digit)
}

/// Whether a comment's line looks like code that somebody put aside. Documentation may show code.
fn is_code(comment: &str) -> bool {
    let comment = comment.trim();
    let Some(text) = comment
        .strip_prefix("//")
        .filter(|text| !text.starts_with(['/', '!']))
    else {
        return false;
    };
    let text = text.trim();
    let statement = text.ends_with(';')
        && (text.starts_with("let ") || text.starts_with("use ") && text.contains("::"));
    let attribute = text.starts_with("#[") && text.ends_with(']');
    statement || attribute || text == "}" || [");", "};", "{"].iter().any(|end| text.ends_with(end))
}

/// Every file of a trigger must be named by the registry beside it, and not only be declared as a module.
fn unregistered_triggers(files: &[(String, String)]) -> Vec<String> {
    const FOLDER: &str = "src/engine/triggers/";
    let registry_path = format!("{FOLDER}mod.rs");
    let registry = files.iter().find(|(path, _)| *path == registry_path);
    let (code, _) = split(registry.map_or("", |(_, source)| source));
    let words: Vec<&str> = code
        .split(|c: char| !is_word(c))
        .filter(|word| !word.is_empty())
        .collect();

    let triggers = files.iter().filter_map(|(path, source)| {
        let name = path.strip_prefix(FOLDER)?.strip_suffix(".rs")?;
        split(source)
            .0
            .contains(" Trigger for ")
            .then_some((path, name))
    });
    triggers
        .filter(|(_, name)| {
            let declared = words.windows(2).filter(|pair| *pair == ["mod", name]).count();
            words.iter().filter(|word| *word == name).count() <= declared
        })
        .map(|(path, name)| {
            format!("{path}:1: a trigger that never runs: register `{name}` in {registry_path}, or delete the file")
        })
        .collect()
}
