//! Writing JSON for what a binary record holds, and saying what is wrong with one.

use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// Values nested deeper are not read.
pub(super) const DEPTH_MAX: usize = 64;

/// A schema may say much in no bytes at all, so the text of a record is limited by the record.
const TEXT_FREE: usize = 64 << 10;
const TEXT_PER_BYTE: usize = 256;

/// How long the text of a record of so many bytes may become.
pub(super) fn limit(bytes: usize) -> usize {
    bytes
        .saturating_mul(TEXT_PER_BYTE)
        .saturating_add(TEXT_FREE)
}

/// What keeps a record from being read by its schema: in which field, and what. It quotes nothing of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    path: String,
    what: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            path: String::new(),
            what: what.into(),
        }
    }

    /// The same, seen from the record that the field belongs to.
    pub(super) fn within(mut self, field: &str) -> Self {
        if !self.path.is_empty() {
            self.path.insert(0, '.');
        }
        self.path.insert_str(0, field);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "it {}", self.what),
            path => write!(f, "field `{path}` {}", self.what),
        }
    }
}

/// A record ends within a value.
pub(super) fn cut_short() -> Fault {
    Fault::new("is cut short")
}

/// Values nest deeper than anything is read.
pub(super) fn too_deep() -> Fault {
    Fault::new(format!("is nested more than {DEPTH_MAX} levels deep"))
}

/// A text becomes longer than it may.
pub(super) fn too_long(limit: usize) -> Fault {
    Fault::new(format!("becomes more than {limit} bytes of JSON"))
}

/// Writes a number, a truth or a text.
pub(super) fn write(out: &mut Vec<u8>, value: impl Serialize) -> Result<(), Fault> {
    serde_json::to_writer(out, &value).map_err(|_| Fault::new("cannot be written as JSON"))
}

/// Writes a text.
pub(super) fn string(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Fault> {
    let text = str::from_utf8(bytes).map_err(|_| Fault::new("is not valid UTF-8"))?;
    write(out, text)
}

/// Writes what `Display` shows and JSON needs no escapes for, in quotes.
pub(super) fn quoted(out: &mut Vec<u8>, value: impl fmt::Display) -> Result<(), Fault> {
    use std::io::Write as _;
    write!(out, "\"{value}\"").map_err(|_| Fault::new("cannot be written as JSON"))
}

/// Writes bytes in hexadecimal, without quotes.
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|byte| {
        let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
        [DIGITS[high], DIGITS[low]]
    }));
}

/// The JSON text of a name, as it stands before its value.
pub(super) fn label(name: &str) -> Box<str> {
    format!("{}:", serde_json::Value::from(name)).into()
}
