use super::error::FileError;
use super::source::Source;
use std::io::{self, BufRead};

/// The lines of a file, or of standard input for `-`. Compression and encoding are recognised by the first bytes, and lines
/// end as on any system.
pub struct Lines {
    source: Source,
    number: u64,
    /// The last line ended with a carriage return, and a line feed may belong to it.
    after_return: bool,
    /// The last line had an end.
    ended: bool,
}

/// Far beyond any record; a longer line is no NDJSON, and must not fill the memory.
const LINE_BYTES_MAX: usize = 64 << 20;
/// What other systems put behind the last line: an end-of-file character, or zeros up to a block's end.
const PADDING: [u8; 2] = [0, 0x1a];
/// The mark of the byte order in UTF-8. Where files were joined, it stands before lines in the middle too.
const MARK: &[u8] = "\u{feff}".as_bytes();

impl Lines {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// If the file cannot be opened, is a folder, or its compression cannot be read.
    pub fn open(path: &str) -> Result<Self, FileError> {
        Source::open(path).map(Self::of)
    }

    pub(super) fn of(source: Source) -> Self {
        Self {
            source,
            number: 0,
            after_return: false,
            ended: true,
        }
    }

    /// Reads the next line into `line`, without its end, and gives its number from 1; nothing at the end.
    ///
    /// # Errors
    /// If the file cannot be read further, or a line is longer than 64 MiB.
    pub fn next_into(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>, FileError> {
        line.clear();
        let mut ended = false;
        while !ended {
            let available = match self.source.reader.fill_buf() {
                Ok(available) => available,
                Err(error) => return Err(self.source.error(error)),
            };
            if available.is_empty() {
                break;
            }
            if std::mem::take(&mut self.after_return) && available[0] == b'\n' {
                self.source.reader.consume(1);
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', available);
            let taken = end.unwrap_or(available.len());
            line.extend_from_slice(&available[..taken]);
            ended = end.is_some();
            self.after_return = ended && available[taken] == b'\r';
            self.source.reader.consume(taken + usize::from(ended));
            if line.len() > LINE_BYTES_MAX {
                let number = self.number + 1;
                let message = format!("line {number} is longer than 64 MiB; is this NDJSON?");
                let error = io::Error::other(message);
                return Err(self.source.error(error));
            }
        }
        while line.starts_with(MARK) {
            line.drain(..MARK.len());
        }
        if !ended && line.iter().all(|byte| PADDING.contains(byte)) {
            return Ok(None);
        }
        self.ended = ended;
        self.number += 1;
        Ok(Some(self.number))
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
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
    fn archives_of_other_compressors_are_read() {
        let text = b"{\"a\":1}\n{\"b\":2}\n";
        let expected = lines(text);
        let gzip = |text: &[u8]| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text).unwrap();
            gzip.finish().unwrap()
        };
        let members = [gzip(&text[..8]), gzip(&text[8..])].concat();
        assert_eq!(lines(&members), expected);
        let padded = [&members[..], &[0; 512]].concat();
        assert_eq!(lines(&padded), expected);
        let blocks = [&gzip(&text[..8])[..], &[0; 300_000], &gzip(&text[8..])].concat();
        assert_eq!(lines(&blocks), expected);
        let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
        let frames = [
            &skippable,
            &frame(&text[..8])[..],
            &skippable,
            &frame(&text[8..]),
        ]
        .concat();
        assert_eq!(lines(&frames), expected);
        let mut long = zstd::Encoder::new(Vec::new(), 1).unwrap();
        long.window_log(30).unwrap();
        long.write_all(text).unwrap();
        assert_eq!(lines(&long.finish().unwrap()), expected);
    }

    #[test]
    fn text_of_other_systems_is_read() {
        let expected = lines(b"{\"a\":1}\n{\"\xc3\xa4\":2}\n");
        assert_eq!(
            lines(b"\xef\xbb\xbf{\"a\":1}\r\n{\"\xc3\xa4\":2}\r\n\x1a"),
            expected
        );
        assert_eq!(lines(b"{\"a\":1}\r{\"\xc3\xa4\":2}\r\0\0\0"), expected);
        let units = "\u{feff}{\"a\":1}\r\n{\"\u{e4}\":2}".encode_utf16();
        let little: Vec<u8> = units.clone().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units.flat_map(u16::to_be_bytes).collect();
        assert_eq!(lines(&little), expected);
        assert_eq!(lines(&big), expected);
        // Files that were joined have their marks in the middle.
        let joined = b"\xef\xbb\xbf{\"a\":1}\n\xef\xbb\xbf{\"\xc3\xa4\":2}\n\xef\xbb\xbf";
        assert_eq!(lines(joined), expected);
        assert_eq!(lines(&[&little[..], b"\n\0\xff\xfe"].concat()), expected);
    }

    #[test]
    fn what_comes_behind_the_end_is_named() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"{\"a\":1}\n").unwrap();
        let appended = [&gzip.finish().unwrap()[..], b"{\"b\":2}\n"].concat();
        let units = "\u{feff}{\"a\":1}\n".encode_utf16();
        let mut torn: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
        torn.push(b'{');
        for (bytes, named) in [
            (appended, "something that is not gzip"),
            (torn, "in the middle of a character"),
        ] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let mut lines = Lines::open(file.path().to_str().unwrap()).unwrap();
            let mut line = Vec::new();
            assert_eq!(lines.next_into(&mut line).unwrap(), Some(1));
            assert_eq!(line, b"{\"a\":1}");
            let error = lines.next_into(&mut line).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn what_is_not_read_is_named_with_the_tool_that_reads_it() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"\xfd7zXZ\0").unwrap();
        let error = Lines::open(file.path().to_str().unwrap()).err().unwrap();
        assert!(error.to_string().contains("xz -dc"), "{error}");
    }

    #[test]
    fn a_torn_archive_is_an_error_that_names_the_file() {
        let whole = zstd::encode_all(&[b'x'; 100_000][..], 1).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&whole[..whole.len() / 2]).unwrap();
        let path = file.path().to_str().unwrap();
        let read = Lines::open(path).and_then(|mut lines| lines.next_into(&mut Vec::new()));
        let error = read.unwrap_err().to_string();
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
