use std::fs;
use std::path::{Path, PathBuf};

/// Whether files may be written, before the first is: each output, with the option that names it, must be no input, no other
/// output, and unless `force` is given nothing that is there already.
///
/// # Errors
/// What would be destroyed, and the remedy.
pub fn claim(inputs: &[&str], outputs: &[(&str, &str)], force: bool) -> Result<(), String> {
    for (index, (option, path)) in outputs.iter().enumerate() {
        let place = Place::of(path);
        if let Some((other, _)) = outputs[..index]
            .iter()
            .find(|(_, it)| Place::of(it) == place)
        {
            return Err(format!(
                "{other} and {option} both name {path}; give each a file of its own"
            ));
        }
        if *path == "-" {
            continue;
        }
        if inputs
            .iter()
            .any(|input| *input != "-" && Place::of(input) == place)
        {
            return Err(format!(
                "{option} names {path}, which is an input and would be lost; name another file"
            ));
        }
        let there = fs::metadata(path);
        if !force && there.is_ok_and(|there| there.is_file() && there.len() > 0) {
            return Err(format!(
                "{option}: {path} is there already; name another file, or replace it with --force"
            ));
        }
    }
    Ok(())
}

/// What a path stands for, however it is written. Hard links of one file are one.
#[derive(PartialEq, Eq)]
enum Place {
    File { device: u64, number: u64 },
    Missing(PathBuf),
}

impl Place {
    fn of(path: &str) -> Self {
        use std::os::unix::fs::MetadataExt;
        if let Ok(there) = fs::metadata(path) {
            return Self::File {
                device: there.dev(),
                number: there.ino(),
            };
        }
        let path = Path::new(path);
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Self::Missing(folder.join(path.file_name().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_destroyed_by_mistake() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (events, link, new) = (path("events"), path("link"), path("new"));
        fs::write(&events, "{}\n").unwrap();
        fs::hard_link(&events, &link).unwrap();
        fs::write(path("empty"), "").unwrap();
        let refused = |inputs: &[&str], outputs: &[(&str, &str)], force, why: &str| {
            let problem = claim(inputs, outputs, force).unwrap_err();
            assert!(problem.contains(why), "{problem}");
        };
        let dotted = path("./new");
        let both = [("--tasks", &*new), ("--signals", &*dotted)];
        refused(&[], &both, true, "--tasks and --signals both name");
        refused(
            &[],
            &[("--tasks", "-"), ("--signals", "-")],
            true,
            "both name -",
        );
        refused(&[&events], &[("--tasks", &events)], true, "is an input");
        refused(&[&events], &[("--tasks", &link)], true, "is an input");
        refused(&[], &[("--tasks", &link)], false, "--force");
        assert_eq!(claim(&[], &[("--tasks", &link)], true), Ok(()));
        let outputs = [("--tasks", &*new), ("--signals", &*path("empty"))];
        assert_eq!(claim(&["-", &events], &outputs, false), Ok(()));
        let devices = [("--tasks", "/dev/null"), ("--signals", "-")];
        assert_eq!(claim(&["-"], &devices, false), Ok(()));
    }
}
