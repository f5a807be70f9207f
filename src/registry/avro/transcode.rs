//! From the bytes of a value to JSON.

use super::node::{Node, Unit};
use crate::registry::text::{self, Fault};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A value that is being read.
pub struct Walk<'s, 'b, 'o> {
    pub nodes: &'s [Node],
    pub rest: &'b [u8],
    pub out: &'o mut Vec<u8>,
    /// How long the text may become.
    pub limit: usize,
}

impl<'s, 'b> Walk<'s, 'b, '_> {
    /// Reads the value of a node and writes it.
    pub fn value(&mut self, node: usize, depth: usize) -> Result<(), Fault> {
        if depth > text::DEPTH_MAX {
            return Err(text::too_deep());
        }
        if self.out.len() > self.limit {
            return Err(text::too_long(self.limit));
        }
        let nodes: &'s [Node] = self.nodes;
        match &nodes[node] {
            Node::Null => self.out.extend(b"null"),
            Node::Boolean => match self.take(1)? {
                [0] => self.out.extend(b"false"),
                [1] => self.out.extend(b"true"),
                _ => return Err(Fault::new("is neither true nor false")),
            },
            Node::Int => {
                let int = self.int()?;
                text::write(self.out, int)?;
            }
            Node::Long => {
                let long = self.long()?;
                text::write(self.out, long)?;
            }
            Node::Float => {
                let float = f32::from_le_bytes(self.array()?);
                text::write(self.out, float)?;
            }
            Node::Double => {
                let double = f64::from_le_bytes(self.array()?);
                text::write(self.out, double)?;
            }
            Node::Bytes => {
                let bytes = self.bytes()?;
                self.hex(&[bytes]);
            }
            Node::String => {
                let bytes = self.bytes()?;
                text::string(self.out, bytes)?;
            }
            Node::Date => {
                let date = date(self.int()?).ok_or_else(|| Fault::new("is no date"))?;
                text::quoted(self.out, date)?;
            }
            Node::Local(unit) => {
                let long = self.long()?;
                let at = timestamp(*unit, long).ok_or_else(|| Fault::new("is no time"))?;
                text::quoted(self.out, at.to_zoned(TimeZone::UTC).datetime())?;
            }
            Node::Decimal(scale) => {
                let bytes = self.bytes()?;
                self.decimal(bytes, *scale)?;
            }
            Node::Fixed(size) => {
                let bytes = self.take(*size)?;
                self.hex(&[bytes]);
            }
            Node::FixedDecimal(size, scale) => {
                let bytes = self.take(*size)?;
                self.decimal(bytes, *scale)?;
            }
            Node::Uuid => {
                let groups = [4, 2, 2, 2, 6];
                let mut parts: [&[u8]; 5] = [&[]; 5];
                for (part, size) in parts.iter_mut().zip(groups) {
                    *part = self.take(size)?;
                }
                self.hex(&parts);
            }
            Node::Enum(symbols) => {
                let symbol = place(self.long()?).and_then(|place| symbols.get(place));
                let symbol =
                    symbol.ok_or_else(|| Fault::new("has a symbol that is none of its own"))?;
                self.out.extend(symbol.as_bytes());
            }
            Node::Union(branches) => {
                let branch = place(self.long()?).and_then(|place| branches.get(place));
                let branch =
                    branch.ok_or_else(|| Fault::new("is of a type that is none of its own"))?;
                self.value(*branch, depth + 1)?;
            }
            Node::Array(items) => {
                self.out.push(b'[');
                self.items(|walk| walk.value(*items, depth + 1))?;
                self.out.push(b']');
            }
            Node::Map(values) => {
                self.out.push(b'{');
                self.items(|walk| {
                    let name = walk.bytes()?;
                    text::string(walk.out, name)?;
                    walk.out.push(b':');
                    walk.value(*values, depth + 1)
                })?;
                self.out.push(b'}');
            }
            Node::Record(fields) => {
                self.out.push(b'{');
                let mut comma = false;
                for field in fields {
                    let before = self.out.len();
                    if comma {
                        self.out.push(b',');
                    }
                    self.out.extend(field.label.as_bytes());
                    let start = self.out.len();
                    let read = self.value(field.node, depth + 1);
                    read.map_err(|fault| fault.within(&field.name))?;
                    // What is null is absent: it costs neither room nor time.
                    match self.out.get(start..) == Some(b"null") {
                        true => self.out.truncate(before),
                        false => comma = true,
                    }
                }
                self.out.push(b'}');
            }
        }
        Ok(())
    }

    /// Blocks of items, with commas between them.
    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut comma = false;
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The size of the block, for those who skip it.
                self.long()?;
            }
            // Items may have no bytes at all, but they have a text, and its length is limited.
            for _ in 0..count.unsigned_abs() {
                if comma {
                    self.out.push(b',');
                }
                comma = true;
                item(self)?;
            }
        }
    }

    fn take(&mut self, size: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self
            .rest
            .split_at_checked(size)
            .ok_or_else(text::cut_short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Fault> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(text::cut_short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn long(&mut self) -> Result<i64, Fault> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
        }
        Err(Fault::new("has a number of more than 64 bits"))
    }

    fn int(&mut self) -> Result<i32, Fault> {
        let long = self.long()?;
        i32::try_from(long).map_err(|_| Fault::new("has a number of more than 32 bits"))
    }

    fn bytes(&mut self) -> Result<&'b [u8], Fault> {
        let size = place(self.long()?).ok_or_else(|| Fault::new("has a negative length"))?;
        self.take(size)
    }

    fn hex(&mut self, parts: &[&[u8]]) {
        let mut before = b"\"".as_slice();
        for part in parts {
            self.out.extend(before);
            text::hex(self.out, part);
            before = b"-";
        }
        self.out.push(b'"');
    }

    /// A number in two's complement, the most significant byte first, written as a text that keeps all its digits.
    fn decimal(&mut self, bytes: &[u8], scale: u32) -> Result<(), Fault> {
        let negative = bytes.first().is_some_and(|first| *first >= 0x80);
        let mut number = if negative { -1_i128 } else { 0 };
        for byte in bytes {
            if number.leading_zeros().max(number.leading_ones()) <= 8 {
                return Err(Fault::new("has a decimal number of more than 127 bits"));
            }
            number = number << 8 | i128::from(*byte);
        }
        let sign = if number < 0 { "-" } else { "" };
        let number = number.unsigned_abs();
        match (scale, 10_u128.checked_pow(scale)) {
            (1.., Some(one)) => {
                let (whole, part, width) = (number / one, number % one, scale as usize);
                text::quoted(self.out, format_args!("{sign}{whole}.{part:0width$}"))
            }
            _ => text::quoted(self.out, format_args!("{sign}{number}")),
        }
    }
}

fn place(number: i64) -> Option<usize> {
    usize::try_from(number).ok()
}

fn date(days: i32) -> Option<Date> {
    let span = Span::new().try_days(days).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

fn timestamp(unit: Unit, number: i64) -> Option<Timestamp> {
    let timestamp = match unit {
        Unit::Millis => Timestamp::from_millisecond(number),
        Unit::Micros => Timestamp::from_microsecond(number),
        Unit::Nanos => Timestamp::from_nanosecond(number.into()),
    };
    timestamp.ok()
}
