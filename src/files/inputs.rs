use super::error::FileError;
use super::lines::Lines;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What was made of inputs.
#[derive(Debug, Default)]
pub struct Found {
    /// The files to read, in order.
    pub files: Vec<String>,
    /// Files that were found in folders or by patterns, and are none to read.
    pub strangers: Vec<String>,
}

/// Lines at the beginning of a file of which one must be as wanted.
const LOOK_LINES: usize = 16;

/// The files behind what was given as inputs, in order: a folder stands for the files in it and below it, sorted by their
/// paths, and a pattern such as `cdr-*.gz` for the files and folders that match. Names that begin with `.` or `_` are
/// bookkeeping of other programs and no input, unless they are given themselves. Files and folders that links lead to
/// again are taken once. What is found so and has no wanted line among its first is a stranger, such as an output of an
/// earlier run.
///
/// # Errors
/// If a folder cannot be read, or there is no file behind an input.
pub fn expand(inputs: &[String], wanted: impl Fn(&str, &[u8]) -> bool) -> Result<Found, FileError> {
    let mut all = Found::default();
    for input in inputs {
        let fail = |error| FileError::new("read", input, error);
        let path = Path::new(input);
        let found = if path.is_dir() {
            let found = Known::default().below(path).map_err(fail)?;
            some(found, "there is no file in the folder").map_err(fail)?
        } else if input.contains(['*', '?', '[']) && !path.exists() {
            let found = matching(input).map_err(fail)?;
            some(found, "no file matches").map_err(fail)?
        } else if input != "-" && !path.exists() {
            // Before anything is done: names are mistyped more often than files vanish.
            return Err(fail(io::ErrorKind::NotFound.into()));
        } else {
            all.files.push(input.clone());
            continue;
        };
        for file in found {
            match is_strange(&file, &wanted) {
                true => all.strangers.push(file),
                false => all.files.push(file),
            }
        }
    }
    Ok(all)
}

/// Whether a file has first lines, and none is as wanted.
fn is_strange(file: &str, wanted: impl Fn(&str, &[u8]) -> bool) -> bool {
    // What cannot be read is named when it is.
    let lines = Path::new(file).is_file().then(|| Lines::open(file));
    let Some(Ok(mut lines)) = lines else {
        return false;
    };
    let (mut line, mut any) = (Vec::new(), false);
    for _ in 0..LOOK_LINES {
        match lines.next_into(&mut line) {
            Ok(Some(_)) if wanted(file, &line) => return false,
            Ok(Some(_)) => any = true,
            Ok(None) => break,
            Err(_) => return false,
        }
    }
    any
}

/// The files that match a pattern, and those in folders that match.
fn matching(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let found = glob::glob(pattern).map_err(io::Error::other)?;
    let mut found: Vec<PathBuf> = found.collect::<Result<_, _>>()?;
    found.retain(|path| !is_bookkeeping(pattern, path));
    let mut known = Known::default();
    for file in found.iter().filter(|path| path.is_file()) {
        known.is_new(&fs::metadata(file)?);
    }
    let mut files = Vec::new();
    for path in found {
        match path.is_dir() {
            true => files.extend(known.below(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

/// Whether a pattern has found a name of bookkeeping where it does not write one out.
fn is_bookkeeping(pattern: &str, found: &Path) -> bool {
    let wanted: Vec<&OsStr> = parts(Path::new(pattern)).collect();
    let stated = wanted.iter().take_while(|part| !is_pattern(part)).count();
    let marks: Vec<u8> = wanted[stated..]
        .iter()
        .filter_map(|part| mark(part))
        .collect();
    let mut found = parts(found).skip(stated).filter_map(mark);
    found.any(|mark| !marks.contains(&mark))
}

/// The names in a path, without a leading `.`, which patterns may have and what they find has not.
fn parts(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.iter().filter(|part| *part != ".")
}

fn is_pattern(part: &OsStr) -> bool {
    let mut bytes = part.as_encoded_bytes().iter();
    bytes.any(|byte| b"*?[".contains(byte))
}

/// With what a name begins that other programs give to their bookkeeping.
fn mark(name: &OsStr) -> Option<u8> {
    let first = name.as_encoded_bytes().first().copied();
    first.filter(|first| matches!(first, b'.' | b'_'))
}

/// Files and folders that were found, by device and number.
#[derive(Default)]
struct Known(BTreeSet<(u64, u64)>);

impl Known {
    fn is_new(&mut self, there: &Metadata) -> bool {
        self.0.insert((there.dev(), there.ino()))
    }

    /// The files in a folder and below it that are not known yet.
    fn below(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        if !self.is_new(&fs::metadata(folder)?) {
            return Ok(files);
        }
        let mut entries: Vec<_> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if mark(&entry.file_name()).is_some() {
                continue;
            }
            match fs::metadata(&path) {
                Ok(there) if there.is_dir() => files.extend(self.below(&path)?),
                // A pipe would be waited for until somebody writes to it.
                Ok(there) if !there.is_file() => {}
                Ok(there) if !self.is_new(&there) => {}
                // What cannot be looked at is named when it is read.
                Ok(_) | Err(_) => files.push(path),
            }
        }
        Ok(files)
    }
}

fn some(found: Vec<PathBuf>, problem: &str) -> io::Result<Vec<String>> {
    let name = |path: PathBuf| {
        let name = path.into_os_string().into_string();
        name.map_err(|name| io::Error::other(format!("{} is not UTF-8", name.display())))
    };
    match found.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::NotFound, problem)),
        false => found.into_iter().map(name).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn folders_and_patterns_stand_for_their_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("day=2")).unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        symlink("..", folder.path().join("day=2/up")).unwrap();
        for name in [
            "b.gz",
            "a.gz",
            "c.txt",
            ".b.gz.crc",
            "_SUCCESS",
            "day=2/d.gz",
            ".git/config",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let root = folder.path().to_str().unwrap();
        let found = |inputs: &[&str]| {
            let inputs: Vec<String> = inputs
                .iter()
                .map(|input| format!("{root}{input}"))
                .collect();
            let found = expand(&inputs, |_, _| true).map_err(|error| error.to_string())?;
            Ok::<_, String>(
                found
                    .files
                    .iter()
                    .map(|file| file[root.len()..].to_owned())
                    .collect(),
            )
        };
        let all: Vec<String> = found(&[""]).unwrap();
        assert_eq!(all, ["/a.gz", "/b.gz", "/c.txt", "/day=2/d.gz"]);
        assert_eq!(
            found(&["/*.gz", "/c.txt"]).unwrap(),
            ["/a.gz", "/b.gz", "/c.txt"]
        );
        assert_eq!(found(&["/*"]).unwrap(), all);
        assert_eq!(found(&["/day=*"]).unwrap(), found(&["/day=2"]).unwrap());
        assert_eq!(found(&["/*/*.gz"]).unwrap(), ["/day=2/d.gz"]);
        assert_eq!(
            found(&["/_*", "/.b*"]).unwrap(),
            ["/_SUCCESS", "/.b.gz.crc"]
        );
        let none: Result<Vec<String>, String> = found(&["/missing"]);
        assert!(none.unwrap_err().contains("/missing: "));
        let none: Result<Vec<String>, String> = found(&["/*.zst"]);
        assert!(none.unwrap_err().contains("no file matches"));
    }
    #[test]
    fn names_of_bookkeeping_are_written_out_or_passed_over() {
        for (pattern, found, passed_over) in [
            ("./in/*", "in/.a", true),
            ("in/*", "in/_a", true),
            ("in/*", "in/a_.b", false),
            ("in/_*", "in/_a", false),
            ("in/_*", "in/_a/.b", true),
            ("/tmp/.in/*", "/tmp/.in/a", false),
            ("/tmp/.in/*", "/tmp/.in/.a", true),
            ("in/**/a", "in/.git/x/a", true),
        ] {
            let is = is_bookkeeping(pattern, Path::new(found));
            assert_eq!(is, passed_over, "{pattern} {found}");
        }
    }
}
