//! Rows of separated or fixed columns.

use super::shape;
use super::slots::Slots;
use crate::layers::suggestion;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// How rows are written.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    delimiter: u8,
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
    /// Whether a row may have more or fewer columns than there are names.
    ragged: bool,
}

/// Delimiter, quote and escape.
type Marks = (u8, Option<u8>, Option<u8>);

/// Which column goes to which slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// In the order of the columns, which are counted from 0.
    wanted: Vec<(usize, usize)>,
    /// So many columns a row has, where that is known.
    count: Option<usize>,
}

/// Room for rows with quotes, kept from record to record.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Reads rows of the dialect with these marks. To make one takes longer than to read a row.
    reader: Option<(Marks, Reader)>,
    output: Vec<u8>,
    ends: Vec<usize>,
}

/// What is wrong with a row.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RowFault {
    /// It has so many columns, and should have so many.
    #[error("it has {0} columns instead of {1}")]
    Columns(usize, usize),
    #[error("a quote is not closed")]
    Quote,
}

/// Names of columns have no more digits.
const NAME_DIGITS_MAX: usize = 4;
/// Columns of a row that nobody has more of.
const COLUMNS_MAX: usize = 4096;

/// That no column has a name. Where a row is taken for the names, its values may be numbers of people.
fn unknown(name: &str, names: &[String]) -> String {
    let digits = |name: &str| name.bytes().filter(u8::is_ascii_digit).count();
    let shown = names
        .iter()
        .map(|name| match digits(name) > NAME_DIGITS_MAX {
            true => shape::of(name),
            false => name.clone(),
        });
    let shown: Vec<String> = shown.collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    format!("there is no column `{name}`; {}", suggestion(name, &shown))
}

/// The place of a column that is named by it, from 0: `#1` is the first.
fn position(name: &str) -> Option<usize> {
    let number: usize = name.strip_prefix('#')?.parse().ok()?;
    number.checked_sub(1)
}

impl Columns {
    /// The columns of these slots, each counted from 0, of rows with so many columns.
    fn new(mut wanted: Vec<(usize, usize)>, count: Option<usize>) -> Self {
        wanted.sort_unstable();
        Self { wanted, count }
    }

    /// Where sources stand in rows whose columns have these names.
    ///
    /// # Errors
    /// Sources that are none of them, or several.
    pub(super) fn of(sources: &[String], names: &[String]) -> Result<Self, String> {
        let mut wanted = Vec::new();
        let mut problems = Vec::new();
        for (slot, name) in sources.iter().enumerate() {
            let mut places = names.iter().enumerate().filter(|(_, known)| *known == name);
            match (position(name), places.next(), places.next()) {
                (Some(place), ..) | (None, Some((place, _)), None) => wanted.push((place, slot)),
                (None, Some(_), Some(_)) => problems.push(format!("several columns are `{name}`")),
                (None, None, _) => problems.push(unknown(name, names)),
            }
        }
        if let ([_, ..], [only]) = (&*problems, names) {
            problems.push(format!(
                "there is one column only, like {}: is `csv.delimiter` right?",
                shape::of(only)
            ));
        }
        match problems.is_empty() {
            true => Ok(Self::new(
                wanted,
                Some(names.len()).filter(|count| *count > 0),
            )),
            false => Err(problems.join("; ")),
        }
    }

    fn take(&self, next: &mut usize, column: usize, mut set: impl FnMut(usize)) {
        while let Some((wanted, slot)) = self.wanted.get(*next) {
            if *wanted != column {
                break;
            }
            set(*slot);
            *next += 1;
        }
    }

    fn check(&self, count: usize, dialect: &Dialect) -> Result<(), RowFault> {
        let lacking = self.wanted.last().is_some_and(|(last, _)| *last >= count);
        match self.count {
            Some(expected) if expected != count && !dialect.ragged => {
                Err(RowFault::Columns(count, expected))
            }
            None if lacking && !dialect.ragged => {
                let expected = self.wanted.last().map_or(0, |(last, _)| last + 1);
                Err(RowFault::Columns(count, expected))
            }
            _ => Ok(()),
        }
    }
}

impl Dialect {
    pub(super) fn new(
        delimiter: u8,
        quote: Option<u8>,
        escape: Option<u8>,
        comment: Option<u8>,
        ragged: bool,
    ) -> Self {
        Self {
            delimiter,
            quote,
            escape,
            comment,
            ragged,
        }
    }

    /// Whether a line is a remark and no row.
    pub(super) fn is_comment(&self, line: &str) -> bool {
        self.comment
            .is_some_and(|mark| line.as_bytes().first() == Some(&mark))
    }

    /// Around texts that may have delimiters and line breaks.
    pub(super) fn quote(&self) -> Option<u8> {
        self.quote
    }

    /// Whether a quote is not closed at the end of a row.
    pub(super) fn is_open(&self, row: &str) -> bool {
        let Some(quote) = self.quote else {
            return false;
        };
        let (mut quoted, mut at_start) = (false, true);
        let mut bytes = row.bytes().peekable();
        while let Some(byte) = bytes.next() {
            // Elsewhere than at the start of a cell a quote is a letter.
            match (quoted, byte) {
                (true, byte) if byte == quote => {
                    let doubled = self.escape.is_none() && bytes.peek() == Some(&quote);
                    quoted = doubled && bytes.next().is_some();
                }
                (true, byte) if Some(byte) == self.escape => {
                    bytes.next();
                }
                (true, _) => {}
                (false, byte) => {
                    quoted = at_start && byte == quote;
                    at_start = byte == self.delimiter;
                }
            }
        }
        quoted
    }

    /// Takes the values of a row.
    ///
    /// # Errors
    /// If it is no row of these columns.
    pub(super) fn read(
        &self,
        row: &str,
        columns: &Columns,
        slots: &mut Slots,
        room: &mut Room,
    ) -> Result<(), RowFault> {
        let quoted = self
            .quote
            .is_some_and(|quote| memchr::memchr(quote, row.as_bytes()).is_some());
        let count = match quoted || self.escape.is_some() {
            true => self.quoted(row, columns, slots, room)?,
            false => self.plain(row, columns, slots),
        };
        columns.check(count, self)
    }

    /// A row without quotes is cut at its delimiters.
    fn plain(&self, row: &str, columns: &Columns, slots: &mut Slots) -> usize {
        let (mut start, mut column, mut next) = (0, 0, 0);
        let ends = memchr::memchr_iter(self.delimiter, row.as_bytes());
        for end in ends.chain([row.len()]) {
            columns.take(&mut next, column, |slot| {
                let value = &row[start..end];
                let front = value.len() - value.trim_start().len();
                let length = value.trim().len();
                if length > 0 {
                    slots.set_in_record(slot, start + front, start + front + length);
                }
            });
            start = end + 1;
            column += 1;
        }
        column
    }

    fn quoted(
        &self,
        row: &str,
        columns: &Columns,
        slots: &mut Slots,
        room: &mut Room,
    ) -> Result<usize, RowFault> {
        let count = self.cells(row, room)?;
        let (mut start, mut next) = (0, 0);
        for column in 0..count {
            let end = room.ends[column];
            columns.take(&mut next, column, |slot| {
                let value = room
                    .output
                    .get(start..end)
                    .and_then(|value| str::from_utf8(value).ok());
                if let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) {
                    slots.set_read(slot, |out| out.push_str(value));
                }
            });
            start = end;
        }
        Ok(count)
    }

    /// Cuts a row up and returns how many cells it has.
    fn cells(&self, row: &str, room: &mut Room) -> Result<usize, RowFault> {
        room.output.resize(row.len() + 1, 0);
        room.ends.resize(COLUMNS_MAX, 0);
        let marks = (self.delimiter, self.quote, self.escape);
        if room
            .reader
            .as_ref()
            .is_none_or(|(known, _)| *known != marks)
        {
            room.reader = Some((marks, self.reader()));
        }
        let Some((_, reader)) = &mut room.reader else {
            return Ok(0);
        };
        reader.reset();
        let (result, _, written, count) =
            reader.read_record(row.as_bytes(), &mut room.output, &mut room.ends);
        if matches!(result, ReadRecordResult::OutputEndsFull) {
            return Err(RowFault::Columns(count, COLUMNS_MAX));
        }
        if self.is_open(row) {
            return Err(RowFault::Quote);
        }
        // The end of the input ends the row, and also a quote that nothing closes.
        let (_, _, _, more) =
            reader.read_record(&[], &mut room.output[written..], &mut room.ends[count..]);
        Ok(count + more)
    }

    fn reader(&self) -> Reader {
        ReaderBuilder::new()
            .delimiter(self.delimiter)
            .quoting(self.quote.is_some())
            .quote(self.quote.unwrap_or(b'"'))
            .escape(self.escape)
            .double_quote(self.escape.is_none())
            .build()
    }

    /// The cells of a header, or the row of a sample.
    pub(super) fn all_cells(&self, row: &str) -> Vec<String> {
        let mut room = Room::default();
        let count = self.cells(row, &mut room).unwrap_or_default();
        let mut start = 0;
        let cell = |column: usize| {
            let end = room.ends[column];
            let cell = String::from_utf8_lossy(room.output.get(start..end).unwrap_or_default());
            start = end;
            cell.trim().to_owned()
        };
        (0..count).map(cell).collect()
    }
}

/// Where the columns of a row without delimiters stand: the first character from 0, and how many.
#[derive(Debug, Clone, Default)]
pub(super) struct FixedColumns(pub(super) Vec<(usize, usize, usize)>);

impl FixedColumns {
    /// Takes the values of a row. A row that ends early lacks its last values.
    pub(super) fn read(&self, row: &str, slots: &mut Slots) {
        for (slot, first, count) in &self.0 {
            let ascii = row.is_ascii();
            let place = |character: usize| match ascii {
                true => character.min(row.len()),
                false => row
                    .char_indices()
                    .nth(character)
                    .map_or(row.len(), |(place, _)| place),
            };
            let (start, end) = (place(*first), place(first + count));
            let value = &row[start..end];
            let front = value.len() - value.trim_start().len();
            let length = value.trim().len();
            if length > 0 {
                slots.set_in_record(*slot, start + front, start + front + length);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect() -> Dialect {
        Dialect::new(b';', Some(b'"'), None, Some(b'#'), false)
    }

    fn read(row: &str) -> Result<Vec<Option<String>>, RowFault> {
        let columns = Columns::new(vec![(2, 0), (0, 1)], Some(3));
        let mut slots = Slots::default();
        slots.clear(2);
        dialect().read(row, &columns, &mut slots, &mut Room::default())?;
        let values = [0, 1].map(|slot| slots.plain(row, slot).map(|value| value.into_owned()));
        Ok(values.to_vec())
    }

    #[test]
    fn rows_are_cut_into_their_columns() {
        let some = |text: &str| Some(text.to_owned());
        for (row, expected) in [
            ("a;b;c", Ok(vec![some("c"), some("a")])),
            (" a ;;", Ok(vec![None, some("a")])),
            (
                "\"a;\"\"1\"\"\";x;\" c \"",
                Ok(vec![some("c"), some("a;\"1\"")]),
            ),
            ("\"a\";b;", Ok(vec![None, some("a")])),
            ("a;b", Err(RowFault::Columns(2, 3))),
            ("a;b;c;d", Err(RowFault::Columns(4, 3))),
            ("\"a;b;c", Err(RowFault::Quote)),
            ("a;b;5\"", Ok(vec![some("5\""), some("a")])),
            ("\"a\nb\";;c", Ok(vec![some("c"), some("a\nb")])),
            ("", Err(RowFault::Columns(1, 3))),
        ] {
            assert_eq!(read(row), expected, "{row}");
        }
        assert_eq!(dialect().all_cells("a;\"b;c\";d"), ["a", "b;c", "d"]);
        assert!(dialect().is_comment("# no row"));
    }

    #[test]
    fn a_row_is_open_while_a_quote_is() {
        let escaped = Dialect::new(b';', Some(b'"'), Some(b'\\'), None, false);
        for (row, doubled, escape) in [
            ("a;b", false, false),
            ("a;\"b", true, true),
            ("a;\"b\"", false, false),
            ("a;5\" b", false, false),
            ("a;\"b\"\"", true, false),
            ("a;\"b\\\"", false, true),
            ("\"a\nb;c\";\"", true, true),
            ("\"a\" \"b", false, false),
        ] {
            assert_eq!(dialect().is_open(row), doubled, "{row}");
            assert_eq!(escaped.is_open(row), escape, "{row}");
        }
    }

    #[test]
    fn fixed_columns_are_counted_in_characters() {
        let columns = FixedColumns(vec![(0, 0, 2), (1, 2, 3), (2, 9, 3)]);
        for (row, expected) in [
            ("ab 12x", [Some("ab"), Some("12"), None]),
            ("äöü", [Some("äö"), Some("ü"), None]),
        ] {
            let mut slots = Slots::default();
            slots.clear(3);
            columns.read(row, &mut slots);
            let values =
                [0, 1, 2].map(|slot| slots.plain(row, slot).map(|value| value.into_owned()));
            assert_eq!(
                values,
                expected.map(|value| value.map(str::to_owned)),
                "{row}"
            );
        }
    }
}
