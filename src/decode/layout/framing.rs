//! How the records of a file are told apart, which the reader of files is told.

use super::ber::BerCutter;
use super::form::{Form, Format, Layout};
use std::sync::Arc;

/// How the records of a file are told apart.
#[derive(Debug, Clone)]
pub enum Framing {
    /// Each is a line.
    Lines,
    /// Each is a line, or several.
    Rows(Rows),
    /// Each says how long it is.
    Ber(BerCutter),
}

/// Rows that may have line breaks in quotes.
#[derive(Debug, Clone)]
pub struct Rows {
    layout: Arc<Layout>,
    record_bytes_max: usize,
}

/// More lines are no row: a quote is lacking.
const ROW_LINES_MAX: usize = 100;

impl Rows {
    /// Whether a row goes on in the next line.
    pub fn goes_on(&self, row: &[u8]) -> bool {
        let Format::Csv { dialect, .. } = &self.layout.format else {
            return false;
        };
        // No encoding has the byte of a quote in another letter.
        let quote = dialect.quote();
        if quote.is_none_or(|quote| memchr::memchr(quote, row).is_none()) {
            return false;
        }
        let (text, _) = self.layout.encoding.decode_without_bom_handling(row);
        dialect.is_open(&text) && !dialect.is_comment(&text)
    }

    /// Whether a row of so many lines and bytes may be longer.
    pub fn may_grow(&self, lines: usize, bytes: usize) -> bool {
        lines < ROW_LINES_MAX && bytes <= self.record_bytes_max
    }
}

impl Form {
    /// How the records of a file of this form are told apart, whose first bytes are these.
    pub(in crate::decode) fn framing(&self, head: &[u8], record_bytes_max: usize) -> Framing {
        match self {
            Self::Native => {
                BerCutter::of(head, record_bytes_max).map_or(Framing::Lines, Framing::Ber)
            }
            Self::Mapped(mapped) => match &mapped.layout.format {
                Format::Csv { dialect, .. } if dialect.quote().is_some() => Framing::Rows(Rows {
                    layout: Arc::clone(&mapped.layout),
                    record_bytes_max,
                }),
                Format::Ber { files, .. } => Framing::Ber(BerCutter::new(*files, record_bytes_max)),
                Format::Csv { .. } | Format::Json(_) | Format::Fixed(_) => Framing::Lines,
            },
        }
    }
}

/// The first line of a file that says anything.
pub(in crate::decode) fn first_line(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let mut lines = head.split(|byte| matches!(byte, b'\n' | b'\r'));
    let line = lines.find(|line| !line.trim_ascii().is_empty());
    line.unwrap_or_default()
}
