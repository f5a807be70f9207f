//! The parts of Protobuf's bytes.

use super::message::Wire;
use crate::registry::text::{DEPTH_MAX, Fault, cut_short, too_deep};
use std::ops::Range;

/// A field as it comes.
pub struct Part {
    pub number: u32,
    pub wire: Wire,
    /// Where its value is; without the length in front of it.
    pub value: Range<usize>,
}

/// Bytes between two places.
pub struct Cursor<'b> {
    pub bytes: &'b [u8],
    pub at: usize,
    pub end: usize,
}

impl Cursor<'_> {
    /// The next field; none at the end. Groups, which nobody writes any more, are passed over.
    pub fn part(&mut self) -> Result<Option<Part>, Fault> {
        let mut groups = 0_usize;
        while self.at < self.end {
            let key = self.varint()?;
            let number = u32::try_from(key >> 3)
                .ok()
                .filter(|number| (1..1 << 29).contains(number));
            let number = number.ok_or_else(|| Fault::new("has a field without a number"))?;
            let (wire, size) = match key & 7 {
                0 => {
                    let start = self.at;
                    self.varint()?;
                    let size = self.at - start;
                    self.at = start;
                    (Wire::Varint, size)
                }
                1 => (Wire::Eight, 8),
                2 => {
                    let size = usize::try_from(self.varint()?);
                    (Wire::Sized, size.map_err(|_| cut_short())?)
                }
                3 if groups < DEPTH_MAX => {
                    groups += 1;
                    continue;
                }
                3 => return Err(too_deep()),
                4 if groups > 0 => {
                    groups -= 1;
                    continue;
                }
                4 => return Err(Fault::new("ends a group that did not begin")),
                5 => (Wire::Four, 4),
                _ => return Err(Fault::new("has a value of no known kind")),
            };
            let value = self.take(size)?;
            if groups == 0 {
                return Ok(Some(Part {
                    number,
                    wire,
                    value,
                }));
            }
        }
        match groups {
            0 => Ok(None),
            _ => Err(cut_short()),
        }
    }

    /// A number of up to 64 bits.
    pub fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.bytes.get(self.at).filter(|_| self.at < self.end);
            let byte = *byte.ok_or_else(cut_short)?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Fault::new("has a number of more than 64 bits"))
    }

    /// So many bytes.
    pub fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], Fault> {
        let taken = self.take(SIZE)?;
        let taken = self.bytes.get(taken).and_then(|bytes| bytes.first_chunk());
        taken.copied().ok_or_else(cut_short)
    }

    fn take(&mut self, size: usize) -> Result<Range<usize>, Fault> {
        if size > self.end - self.at {
            return Err(cut_short());
        }
        let start = self.at;
        self.at += size;
        Ok(start..self.at)
    }
}

/// The signed number that a zigzag stands for.
pub fn zigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}
