use super::error::FileError;
use super::lines::Lines;
use super::source::{Progress, Source};
use crate::decode::{BerCutter, Decoder, Framing, Rows};
use std::collections::VecDeque;
use std::io::{self, Read};

/// The records of an event file, or of standard input for `-`: of lines, of rows that may have line breaks in quotes, or of
/// BER, as the file's layout says.
pub struct Records {
    kind: Kind,
    progress: Progress,
}

enum Kind {
    Lines(Lines),
    Rows(RowsOfLines),
    Ber(BerRecords),
}

impl Records {
    /// Opens a file, or standard input for `-`. The decoder's layouts and the file's first bytes say what its records are.
    ///
    /// # Errors
    /// If the file cannot be opened, is a folder, or its compression cannot be read.
    pub fn open(path: &str, decoder: &Decoder) -> Result<Self, FileError> {
        let mut source = Source::open(path)?;
        let framing = decoder.framing(path, &source.head()?);
        let progress = source.progress.clone();
        let kind = match framing {
            Framing::Lines => Kind::Lines(Lines::of(source)),
            Framing::Rows(rows) => Kind::Rows(RowsOfLines {
                lines: Lines::of(source),
                rows,
                ahead: VecDeque::new(),
            }),
            Framing::Ber(cutter) => Kind::Ber(BerRecords {
                source,
                cutter,
                bytes: Vec::new(),
                begin: 0,
                at: 0,
                last: false,
                lost: 0,
            }),
        };
        Ok(Self { kind, progress })
    }

    /// Reads the next record into `record`, and gives its place: the number of its first line from 1, or in BER its first
    /// byte from 0. Nothing at the end.
    ///
    /// # Errors
    /// If the file cannot be read further, or a line is longer than 64 MiB.
    pub fn next_into(&mut self, record: &mut Vec<u8>) -> Result<Option<u64>, FileError> {
        match &mut self.kind {
            Kind::Lines(lines) => lines.next_into(record),
            Kind::Rows(rows) => rows.next_into(record),
            Kind::Ber(records) => records.next_into(record),
        }
    }

    /// Whether the last line had an end. Where it has none, the file may still be growing.
    pub fn ended(&self) -> bool {
        match &self.kind {
            Kind::Lines(lines) => lines.ended(),
            Kind::Rows(rows) => rows.lines.ended(),
            Kind::Ber(_) => true,
        }
    }

    /// Bytes that were passed over, as damage before them leaves open where the next record begins.
    pub fn lost(&self) -> u64 {
        match &self.kind {
            Kind::Lines(_) | Kind::Rows(_) => 0,
            Kind::Ber(records) => records.lost,
        }
    }

    /// How far the file has been read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

/// Lines of which several may be one row.
struct RowsOfLines {
    lines: Lines,
    rows: Rows,
    /// Lines that were read behind the last row, with their numbers.
    ahead: VecDeque<(u64, Vec<u8>)>,
}

impl RowsOfLines {
    fn next_into(&mut self, row: &mut Vec<u8>) -> Result<Option<u64>, FileError> {
        let number = match self.ahead.pop_front() {
            Some((number, line)) => {
                *row = line;
                number
            }
            None => match self.lines.next_into(row)? {
                Some(number) => number,
                None => return Ok(None),
            },
        };
        let first = row.len();
        let mut more = 0;
        while self.rows.goes_on(row) {
            let goes_on = self.rows.may_grow(more + 1, row.len()) && self.has_ahead(more)?;
            let Some((_, line)) = self.ahead.get(more).filter(|_| goes_on) else {
                // Nothing closes the quote, so the lines behind it are rows of their own.
                row.truncate(first);
                return Ok(Some(number));
            };
            row.push(b'\n');
            row.extend_from_slice(line);
            more += 1;
        }
        self.ahead.drain(..more);
        Ok(Some(number))
    }

    /// Reads lines ahead until there are more than so many, and says whether there are.
    fn has_ahead(&mut self, count: usize) -> Result<bool, FileError> {
        while self.ahead.len() <= count {
            let mut line = Vec::new();
            let Some(number) = self.lines.next_into(&mut line)? else {
                return Ok(false);
            };
            self.ahead.push_back((number, line));
        }
        Ok(true)
    }
}

const CHUNK_BYTES: usize = 1 << 17;

/// A file of BER.
struct BerRecords {
    source: Source,
    cutter: BerCutter,
    bytes: Vec<u8>,
    /// Where what is not cut yet begins in `bytes`,
    begin: usize,
    /// and in the file.
    at: u64,
    /// Nothing comes behind `bytes`.
    last: bool,
    lost: u64,
}

impl BerRecords {
    fn next_into(&mut self, record: &mut Vec<u8>) -> Result<Option<u64>, FileError> {
        loop {
            let bytes = self.bytes.get(self.begin..).unwrap_or_default();
            let Some(cut) = self.cutter.cut(bytes, self.last) else {
                if self.last {
                    return self.end();
                }
                self.fill()?;
                continue;
            };
            let end = cut.skip + cut.record;
            record.clear();
            record.extend_from_slice(bytes.get(cut.skip..end).unwrap_or_default());
            let place = self.at + cut.skip as u64;
            self.begin += end;
            self.at += end as u64;
            self.lose(cut.lost)?;
            if !record.is_empty() {
                return Ok(Some(place));
            }
        }
    }

    /// Nothing, if the file is all that it says it is.
    fn end(&self) -> Result<Option<u64>, FileError> {
        let Some(lacks) = self.cutter.lacks() else {
            return Ok(None);
        };
        let problem = format!("it ends {lacks} bytes before the end that its header states");
        let error = io::Error::other(problem);
        Err(self.source.error(error))
    }

    fn fill(&mut self) -> Result<(), FileError> {
        self.bytes.drain(..self.begin.min(self.bytes.len()));
        self.begin = 0;
        let mut chunk = (&mut self.source.reader).take(CHUNK_BYTES as u64);
        let read = chunk.read_to_end(&mut self.bytes);
        let read = read.map_err(|error| self.source.error(error))?;
        self.last = read < CHUNK_BYTES;
        Ok(())
    }

    /// Passes over so many bytes, as far as there are any.
    fn lose(&mut self, mut count: u64) -> Result<(), FileError> {
        while count > 0 {
            let there = (self.bytes.len() - self.begin) as u64;
            let passed = there.min(count);
            self.begin += passed as usize;
            self.at += passed;
            self.lost += passed;
            count -= passed;
            if self.last {
                break;
            }
            if count > 0 {
                self.fill()?;
            }
        }
        Ok(())
    }
}
