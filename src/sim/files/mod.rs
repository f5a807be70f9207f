//! A city written to files: `events.ndjson[.zst]` in the order of arrival, `truth.ndjson`, and `summary.json` with the
//! parameters and counts.

mod summary;

pub use summary::{FaultCount, Parameters, Summary, TruthCount};

use super::city::City;
use super::config::{CityConfig, SimError};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use summary::{Written, summarise};

/// How the events are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard: `events.ndjson.zst`.
    Zstd,
    /// Not at all: `events.ndjson`.
    None,
}

/// How far the writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Days lived through, of those asked for.
    pub days: u32,
    /// Records written.
    pub records: u64,
}

impl Compression {
    /// Name of the file with the events.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Zstd => "events.ndjson.zst",
            Self::None => "events.ndjson",
        }
    }
}

/// How many records pass between two reports of progress.
const REPORT_EVERY: u64 = 50_000;
const ZSTD_LEVEL: i32 = 3;

/// Lives through a city's days and writes its three files into a directory, which is made if it is missing.
///
/// Each file is written under another name and renamed when all are complete; `summary.json` comes last, so where it is,
/// the others belong to it. Files of an earlier city in the same place are replaced.
///
/// # Errors
/// [`SimError`] names the parameter that is out of range, or the path and what could not be done with it.
pub fn write_files(
    config: CityConfig,
    directory: &Path,
    compression: Compression,
    mut progress: impl FnMut(Progress),
) -> Result<Summary, SimError> {
    let mut city = City::new(config)?;
    fs::create_dir_all(directory).map_err(|e| failed(directory, "make the directory", e))?;

    let mut events = Draft::create(directory, compression.file_name())?;
    let written = match compression {
        Compression::None => write_events(&mut city, &mut events.file, &mut progress),
        Compression::Zstd => zstd::Encoder::new(&mut events.file, ZSTD_LEVEL).and_then(|encoder| {
            let mut encoder = encoder;
            encoder.include_checksum(true)?;
            let written = write_events(&mut city, &mut encoder, &mut progress)?;
            encoder.finish()?;
            Ok(written)
        }),
    };
    let written = written.map_err(|e| failed(&events.draft, "write", e))?;

    let truth = city.truth();
    let mut truth_file = Draft::create(directory, "truth.ndjson")?;
    for line in &truth {
        truth_file.line(line.to_json(city.calendar()).as_bytes())?;
    }
    let summary = summarise(&city, &written, &truth, compression.file_name());
    let text = serde_json::to_string_pretty(&summary).unwrap_or_default();
    let mut summary_file = Draft::create(directory, "summary.json")?;
    summary_file.line(text.as_bytes())?;

    for stale in ["summary.json", "events.ndjson", "events.ndjson.zst"] {
        match fs::remove_file(directory.join(stale)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&directory.join(stale), "replace", e));
            }
            _ => {}
        }
    }
    events.publish()?;
    truth_file.publish()?;
    summary_file.publish()?;
    Ok(summary)
}

fn write_events(
    city: &mut City,
    out: &mut impl Write,
    progress: &mut impl FnMut(Progress),
) -> io::Result<Written> {
    let mut written = Written::default();
    while let Some(event) = city.next_event() {
        written.first_arrival_ms.get_or_insert(event.arrival_ms);
        written.last_arrival_ms = event.arrival_ms;
        match event.value {
            Some(value) if !value.is_empty() => {
                out.write_all(value)?;
                out.write_all(b"\n")?;
                written.lines += 1;
                written.bytes += value.len() as u64 + 1;
            }
            _ => written.left_out += 1,
        }
        if written.lines.is_multiple_of(REPORT_EVERY) {
            progress(Progress {
                days: city.days_begun().saturating_sub(1),
                records: written.lines,
            });
        }
    }
    progress(Progress {
        days: city.days_begun(),
        records: written.lines,
    });
    Ok(written)
}

/// A file under a provisional name, removed again if it is never published.
struct Draft {
    file: BufWriter<File>,
    draft: PathBuf,
    published: PathBuf,
}

impl Draft {
    fn create(directory: &Path, name: &str) -> Result<Self, SimError> {
        let draft = directory.join(format!("{name}.partial"));
        let file = File::create(&draft).map_err(|e| failed(&draft, "create", e))?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            draft,
            published: directory.join(name),
        })
    }

    fn line(&mut self, line: &[u8]) -> Result<(), SimError> {
        let parts = self
            .file
            .write_all(line)
            .and_then(|()| self.file.write_all(b"\n"));
        parts.map_err(|e| failed(&self.draft, "write", e))
    }

    fn publish(mut self) -> Result<(), SimError> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(|e| failed(&self.draft, "write", e))?;
        fs::rename(&self.draft, &self.published).map_err(|e| failed(&self.published, "replace", e))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove, and after a failure the first error is the one to report.
        let _ = fs::remove_file(&self.draft);
    }
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> SimError {
    SimError::File {
        path: path.display().to_string(),
        doing,
        source,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::collections::BTreeMap;

    fn lines(text: &[u8]) -> Vec<&[u8]> {
        text.strip_suffix(b"\n")
            .unwrap()
            .split(|byte| *byte == b'\n')
            .collect()
    }

    #[test]
    fn both_forms_hold_the_same_city() {
        let config = CityConfig::new(120, 8, 21);
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let mut reports = 0;
        let packed = write_files(config.clone(), directory.path(), Compression::Zstd, |_| {
            reports += 1;
        });
        let packed = packed.unwrap();
        assert!(reports > 0);
        let unpacked = zstd::decode_all(File::open(path("events.ndjson.zst")).unwrap()).unwrap();
        let truth = fs::read(path("truth.ndjson")).unwrap();

        write_files(config, directory.path(), Compression::None, |_| {}).unwrap();
        assert_eq!(fs::read(path("events.ndjson")).unwrap(), unpacked);
        assert_eq!(fs::read(path("truth.ndjson")).unwrap(), truth);
        let mut left: Vec<String> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["events.ndjson", "summary.json", "truth.ndjson"]);

        let lines_found = lines(&unpacked);
        assert!(lines_found.iter().all(|line| !line.is_empty()));
        assert_eq!(packed.lines, lines_found.len() as u64);
        assert_eq!(packed.bytes, unpacked.len() as u64);
        assert_eq!(packed.expected.values().sum::<u64>(), packed.lines);
        let meant: u64 = packed.records.values().flat_map(BTreeMap::values).sum();
        assert_eq!(meant, packed.lines + packed.left_out);
        let truths: u64 = packed.truth.values().map(|count| count.lines).sum();
        assert_eq!(truths, lines(&truth).len() as u64);
        for line in lines(&truth) {
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert!(line["kind"].is_string() && line["from"].is_string());
        }
    }

    #[test]
    fn errors_name_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("taken");
        fs::write(&file, b"x").unwrap();
        let config = CityConfig::new(1, 1, 1);
        let error = write_files(config.clone(), &file, Compression::None, |_| {}).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("taken: cannot make the directory")
        );

        // A directory where a file should go.
        fs::create_dir(directory.path().join("truth.ndjson.partial")).unwrap();
        let error = write_files(config, directory.path(), Compression::None, |_| {}).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("truth.ndjson.partial: cannot create")
        );
        assert!(!directory.path().join("events.ndjson").exists());
        assert!(!directory.path().join("events.ndjson.partial").exists());
    }
}
