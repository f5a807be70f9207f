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

/// Every path that the code names, with its line; `a::{b, c::d}` names `a::b` and `a::c::d`.
pub fn paths(code: &str) -> Vec<(usize, String)> {
    let mut tokens: Vec<(usize, &str)> = Vec::new();
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

    let mut found = Vec::new();
    // The path that stands before each brace that is open: empty before a block.
    let mut open: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(&(line, token)) = tokens.get(index) {
        index += 1;
        match token {
            "{" => open.push(String::new()),
            "}" => drop(open.pop()),
            word if word.starts_with(is_word) => {
                let mut path = open.last().cloned().unwrap_or_default() + word;
                while let [(_, "::"), (_, next), ..] = &tokens[index..] {
                    index += 2;
                    if *next == "{" {
                        open.push(format!("{path}::"));
                        break;
                    }
                    path = format!("{path}::{next}");
                    if !next.starts_with(is_word) {
                        break;
                    }
                }
                found.push((line, path));
            }
            _ => {}
        }
    }
    found
}
