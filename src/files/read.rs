use super::error::FileError;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The lines of an NDJSON file, or of standard input for `-`. Compression is recognised by its first bytes.
pub struct Lines {
    path: String,
    reader: Box<dyn BufRead>,
    number: u64,
    progress: Progress,
}

/// How many bytes of a file, as stored, have been read.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Far beyond any record; a longer line is no NDJSON, and must not fill the memory.
const LINE_BYTES_MAX: u64 = 64 << 20;
const BUFFER_BYTES: usize = 1 << 17;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

impl Lines {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// If the file cannot be opened, is a folder, or its compression cannot be read.
    pub fn open(path: &str) -> Result<Self, FileError> {
        let fail = |error| FileError::new("read", path, error);
        let source: Box<dyn Read> = match path {
            "-" => Box::new(io::stdin()),
            _ => Box::new(File::open(path).map_err(fail)?),
        };
        let progress = Progress::default();
        let counted = Counted {
            source,
            progress: progress.clone(),
        };
        let mut raw = BufReader::with_capacity(BUFFER_BYTES, counted);
        let head = raw.fill_buf().map_err(fail)?;
        let reader: Box<dyn BufRead> = if head.starts_with(GZIP) {
            Box::new(BufReader::with_capacity(
                BUFFER_BYTES,
                MultiGzDecoder::new(raw),
            ))
        } else if head.starts_with(ZSTD) {
            let decoder = zstd::Decoder::with_buffer(raw).map_err(fail)?;
            Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
        } else {
            Box::new(raw)
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            number: 0,
            progress,
        })
    }

    /// Reads the next line into `line`, without its end, and gives its number from 1; nothing at the end.
    ///
    /// # Errors
    /// If the file cannot be read further, or a line is longer than 64 MiB.
    pub fn next_into(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>, FileError> {
        line.clear();
        let mut bounded = (&mut self.reader).take(LINE_BYTES_MAX + 1);
        let read = bounded.read_until(b'\n', line);
        let read = read.map_err(|error| FileError::new("read", &self.path, error))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if read as u64 > LINE_BYTES_MAX {
            let message = format!(
                "line {} is longer than 64 MiB; is this NDJSON?",
                self.number
            );
            return Err(FileError::new(
                "read",
                &self.path,
                io::Error::other(message),
            ));
        }
        Ok(Some(self.number))
    }

    /// How far the file has been read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

/// Counts what passes through.
struct Counted {
    source: Box<dyn Read>,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.progress.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut lines = Lines::open(file.path().to_str().unwrap()).unwrap();
        let (mut line, mut all) = (Vec::new(), Vec::new());
        while let Some(number) = lines.next_into(&mut line).unwrap() {
            all.push((number, String::from_utf8(line.clone()).unwrap()));
        }
        assert_eq!(lines.progress().bytes(), bytes.len() as u64);
        all
    }

    #[test]
    fn the_same_lines_come_from_every_compression() {
        let text = b"{\"a\":1}\r\n\n{\"b\":2}";
        let expected = vec![
            (1, "{\"a\":1}".to_owned()),
            (2, String::new()),
            (3, "{\"b\":2}".to_owned()),
        ];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text).unwrap();
        assert_eq!(lines(text), expected);
        assert_eq!(lines(&gzip.finish().unwrap()), expected);
        assert_eq!(lines(&zstd::encode_all(&text[..], 1).unwrap()), expected);
        assert_eq!(lines(b""), vec![]);
    }

    #[test]
    fn a_torn_archive_is_an_error_that_names_the_file() {
        let whole = zstd::encode_all(&[b'x'; 100_000][..], 1).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&whole[..whole.len() / 2]).unwrap();
        let path = file.path().to_str().unwrap();
        let mut lines = Lines::open(path).unwrap();
        let error = lines.next_into(&mut Vec::new()).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot read {path}: ")),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Lines::open("/no/such/file").err().unwrap().to_string();
        assert!(error.starts_with("cannot read /no/such/file: "), "{error}");
    }
}
