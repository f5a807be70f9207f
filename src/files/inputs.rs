use super::error::FileError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files behind what was given as inputs, in order: a folder stands for the files in it and below it, sorted by their
/// paths, and a pattern such as `cdr-*.gz` for those that match. Names that begin with `.` or `_` are bookkeeping of other
/// programs and no input, unless they are given themselves.
///
/// # Errors
/// If a folder cannot be read, or there is no file behind an input.
pub fn expand(inputs: &[String]) -> Result<Vec<String>, FileError> {
    let mut files = Vec::new();
    for input in inputs {
        let fail = |error| FileError::new("read", input, error);
        let path = Path::new(input);
        if path.is_dir() {
            let found = below(path).map_err(fail)?;
            files.extend(some(found, "there is no file in the folder").map_err(fail)?);
        } else if input.contains(['*', '?', '[']) && !path.exists() {
            let found = glob::glob(input).map_err(|error| fail(io::Error::other(error)))?;
            let found: Result<Vec<_>, _> = found.collect();
            let found = found.map_err(|error| fail(error.into()))?;
            files.extend(some(found, "no file matches").map_err(fail)?);
        } else if input != "-" && !path.exists() {
            // Before anything is done: names are mistyped more often than files vanish.
            return Err(fail(io::ErrorKind::NotFound.into()));
        } else {
            files.push(input.clone());
        }
    }
    Ok(files)
}

fn below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    let mut files = Vec::new();
    for entry in entries? {
        let path = entry.path();
        let name = entry.file_name();
        if matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_')) {
            continue;
        }
        match path.is_dir() {
            true => files.extend(below(&path)?),
            false => files.push(path),
        }
    }
    files.sort();
    Ok(files)
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

    #[test]
    fn folders_and_patterns_stand_for_their_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("day=2")).unwrap();
        for name in [
            "b.gz",
            "a.gz",
            "c.txt",
            ".b.gz.crc",
            "_SUCCESS",
            "day=2/d.gz",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let root = folder.path().to_str().unwrap();
        let found = |inputs: &[&str]| {
            let inputs: Vec<String> = inputs
                .iter()
                .map(|input| format!("{root}{input}"))
                .collect();
            let files = expand(&inputs).map_err(|error| error.to_string())?;
            Ok::<_, String>(
                files
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
        let none: Result<Vec<String>, String> = found(&["/missing"]);
        assert!(none.unwrap_err().contains("/missing: "));
        let none: Result<Vec<String>, String> = found(&["/*.zst"]);
        assert!(none.unwrap_err().contains("no file matches"));
    }
}
