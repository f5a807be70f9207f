//! A Rust source file as far as the rules need it: code apart from comments and literals, and the paths in the code.

/// The code with everything in comments and literals blanked, and the comments with everything else blanked. Both keep
/// the lines where they were.
pub fn split(source: &str) -> (String, String) {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let (mut code, mut comments) = (String::new(), String::new());
    let mut index = 0;
    while index < chars.len() {
        let start = index;
        let in_word = start > 0 && is_word(at(start - 1));
        let is_comment = at(index) == '/' && (at(index + 1) == '/' || at(index + 1) == '*');
        if is_comment && at(index + 1) == '/' {
            while index < chars.len() && at(index) != '\n' {
                index += 1;
            }
        } else if is_comment {
            let mut depth = 0;
            loop {
                match (at(index), at(index + 1)) {
                    ('/', '*') => (depth, index) = (depth + 1, index + 2),
                    ('*', '/') => (depth, index) = (depth - 1, index + 2),
                    _ => index += 1,
                }
                if depth == 0 || index >= chars.len() {
                    break;
                }
            }
        } else if let Some(end) = raw_string_end(&chars, index).filter(|_| !in_word) {
            index = end;
        } else if at(index) == '"' {
            index = quote_end(&chars, index, '"');
        } else if at(index) == '\'' && (at(index + 1) == '\\' || at(index + 2) == '\'') {
            index = quote_end(&chars, index, '\'');
        } else {
            code.push(at(index));
            comments.push(if at(index) == '\n' { '\n' } else { ' ' });
            index += 1;
            continue;
        }
        for skipped in &chars[start..index.min(chars.len())] {
            let blank = if *skipped == '\n' { '\n' } else { ' ' };
            code.push(blank);
            comments.push(if is_comment { *skipped } else { blank });
        }
    }
    (code, comments)
}

/// Where a raw string that begins here ends: `r"..."`, `r#"..."#`, `br"..."`.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let rest = &chars[start..];
    let prefix = rest.iter().position(|c| !['b', 'c', 'r'].contains(c))?;
    if prefix == 0 || rest[prefix - 1] != 'r' {
        return None;
    }
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let closes = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    let close = (open + 1..rest.len()).find(closes)?;
    Some(start + close + 1 + hashes)
}

/// Where a literal in plain quotes that begins here ends.
fn quote_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut index = start + 1;
    while index < chars.len() && chars[index] != quote {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A path that the code names.
#[derive(Debug)]
pub struct Name {
    pub line: usize,
    pub path: String,
    /// Whether it is only what stands before a group in braces.
    pub group: bool,
    /// The name that a `use` gives it in this file.
    pub import: Option<Import>,
    /// Whether it stands in a module within the file.
    pub inline: bool,
}

#[derive(Debug)]
pub struct Import {
    pub public: bool,
    pub name: String,
}

impl Name {
    pub fn segments(&self) -> Vec<&str> {
        self.path.split("::").collect()
    }
}

/// Every path that the code names; `a::{b, c::d}` names `a`, `a::b` and `a::c::d`. In a module within the file `super` is the
/// file's own module, `self`.
pub fn names(code: &str) -> Vec<Name> {
    let tokens = tokens(code);
    let mut names: Vec<Name> = Vec::new();
    let mut open: Vec<Brace> = Vec::new();
    let mut import: Option<bool> = None;
    let mut index = 0;
    while let Some(&(line, token)) = tokens.get(index) {
        let next = |ahead: usize| tokens.get(index + ahead).map_or("", |(_, token)| token);
        let before = index.checked_sub(1).map_or("", |index| tokens[index].1);
        match token {
            "{" => open.push(Brace {
                prefix: String::new(),
                module: index > 1 && tokens[index - 2].1 == "mod",
            }),
            "}" => drop(open.pop()),
            ";" => import = None,
            // A visibility is no use of what it names.
            "pub" if next(1) == "(" && ["crate", "self", "super", "in"].contains(&next(2)) => {
                while tokens.get(index).is_some_and(|(_, token)| *token != ")") {
                    index += 1;
                }
            }
            "use" if next(1) != "<" => import = Some(before == "pub" || before == ")"),
            "as" if import.is_some() => {
                if let Some(import) = names.last_mut().and_then(|name| name.import.as_mut()) {
                    import.name = next(1).to_owned();
                }
                index += 1;
            }
            word if word.starts_with(is_word) => {
                let inline = open.iter().any(|brace| brace.module);
                let prefix = open.last().map_or("", |brace| &brace.prefix);
                let is_file = inline && prefix.is_empty() && word == "super" && next(2) != "super";
                let mut path = format!("{prefix}{}", if is_file { "self" } else { word });
                let (mut last, mut group) = (word, false);
                while let [_, (_, "::"), (_, after), ..] = &tokens[index..] {
                    index += 2;
                    if *after == "{" {
                        group = true;
                        open.push(Brace {
                            prefix: format!("{path}::"),
                            module: false,
                        });
                        break;
                    }
                    path = format!("{path}::{after}");
                    last = after;
                    if !after.starts_with(is_word) {
                        break;
                    }
                }
                names.push(Name {
                    line,
                    path,
                    group,
                    import: import.map(|public| Import {
                        public,
                        name: last.to_owned(),
                    }),
                    inline,
                });
            }
            _ => {}
        }
        index += 1;
    }
    names
}

/// A brace that is open: the path before it, empty before a block, and whether it is a module's.
struct Brace {
    prefix: String,
    module: bool,
}

/// Words, `::` and single other characters, each with its line.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                first if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                _ if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push((line, &rest[..length]));
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The module of a source file, from the crate's root: `["engine", "state"]` for `src/engine/state/mod.rs`.
pub fn module_of(path: &str) -> Option<Vec<&str>> {
    let module = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    match module {
        "main" => None,
        "lib" => Some(Vec::new()),
        _ => Some(
            module
                .strip_suffix("/mod")
                .unwrap_or(module)
                .split('/')
                .collect(),
        ),
    }
}

/// A path's segments from the crate's root, if it begins with `crate`, `self` or `super`.
pub fn absolute<'a>(module: &[&'a str], segments: &[&'a str]) -> Option<Vec<&'a str>> {
    let (first, rest) = segments.split_first()?;
    let base: &[&str] = match *first {
        "crate" => &[],
        "self" => module,
        "super" => module.split_last()?.1,
        _ => return None,
    };
    Some([base, rest].concat())
}
