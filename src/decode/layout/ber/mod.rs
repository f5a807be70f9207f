//! BER (ITU-T X.690): where the values of a record lie. What they mean is the layout's business.

mod cut;
mod json;

pub use cut::{BerCutter, Cut};
pub(super) use cut::{FileHeader, FileRules};
pub(super) use json::{Room, write};

use std::fmt;
use std::ops::Range;

/// Deeper values are not read. JSON is read to a depth of 128, and a value takes two levels of it at most.
const DEPTH_MAX: usize = 32;
/// Octets of a tag's number behind the first octet.
const TAG_OCTETS_MAX: usize = 4;
/// Octets of a length behind the first octet.
const LENGTH_OCTETS_MAX: usize = 4;
/// What ends a value of indefinite length.
const END: [u8; 2] = [0, 0];
/// What stands between records and behind the last one of a block.
const FILLER: [u8; 2] = [0x00, 0xff];

/// The class and the number of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Tag {
    class: u8,
    number: u32,
}

/// Tag and length of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    tag: Tag,
    constructed: bool,
    /// Octets of tag and length.
    octets: usize,
    /// Octets of the content; nothing for an indefinite length.
    length: Option<usize>,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("a value goes beyond the end")]
    End,
    #[error("a tag has a number of more than {TAG_OCTETS_MAX} octets")]
    Tag,
    #[error("a length is none of up to {LENGTH_OCTETS_MAX} octets")]
    Length,
    #[error("values lie more than {DEPTH_MAX} deep in each other")]
    Depth,
    #[error("no record begins there, so nothing behind it can be told apart")]
    Record,
    #[error("something follows the record")]
    More,
}

/// What is wrong with a record, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("at octet {at}: {fault}")]
pub(super) struct Damage {
    at: usize,
    fault: Fault,
}

impl Tag {
    const UNIVERSAL: u8 = 0;

    fn is_universal(self) -> bool {
        self.class == Self::UNIVERSAL
    }
}

impl fmt::Display for Tag {
    /// As paths name it: `5` for a context-specific tag, `u5`, `a5` and `p5` for universal, application and private ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.class {
            Self::UNIVERSAL => "u",
            1 => "a",
            2 => "",
            _ => "p",
        };
        write!(f, "{class}{}", self.number)
    }
}

impl Head {
    /// Reads the tag and the length that bytes begin with.
    fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut octets = bytes.iter().copied();
        let mut next = || octets.next().ok_or(Fault::End);
        let first = next()?;
        let mut number = u32::from(first & 0x1f);
        if number == 0x1f {
            number = 0;
            for place in 0.. {
                if place == TAG_OCTETS_MAX {
                    return Err(Fault::Tag);
                }
                let octet = next()?;
                number = number << 7 | u32::from(octet & 0x7f);
                if octet & 0x80 == 0 {
                    break;
                }
            }
        }
        let constructed = first & 0x20 != 0;
        let length = match next()? {
            short @ 0..0x80 => Some(usize::from(short)),
            0x80 if constructed => None,
            long => {
                let count = usize::from(long & 0x7f);
                if !(1..=LENGTH_OCTETS_MAX).contains(&count) {
                    return Err(Fault::Length);
                }
                let mut length = 0;
                for _ in 0..count {
                    length = length << 8 | usize::from(next()?);
                }
                Some(length)
            }
        };
        Ok(Self {
            tag: Tag {
                class: first >> 6,
                number,
            },
            constructed,
            octets: bytes.len() - octets.len(),
            length,
        })
    }
}

/// The content of the value that begins at a place, and where what follows it begins.
fn span(bytes: &[u8], at: usize) -> Result<(Head, Range<usize>, usize), Damage> {
    let damage = |fault| Damage { at, fault };
    let rest = bytes.get(at..).unwrap_or_default();
    let head = Head::read(rest).map_err(damage)?;
    let start = at + head.octets;
    let Some(length) = head.length else {
        let end = indefinite_end(bytes, start)?;
        return Ok((head, start..end - END.len(), end));
    };
    match start.checked_add(length).filter(|end| *end <= bytes.len()) {
        Some(end) => Ok((head, start..end, end)),
        None => Err(damage(Fault::End)),
    }
}

/// Where a value of indefinite length ends, whose content begins at a place.
fn indefinite_end(bytes: &[u8], mut at: usize) -> Result<usize, Damage> {
    let mut depth = 1;
    while depth > 0 {
        let damage = |fault| Damage { at, fault };
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(&END) {
            depth -= 1;
            at += END.len();
            continue;
        }
        let head = Head::read(rest).map_err(damage)?;
        if head.length.is_none() {
            depth += 1;
        }
        if depth > DEPTH_MAX {
            return Err(damage(Fault::Depth));
        }
        let skipped = head.octets + head.length.unwrap_or(0);
        if skipped > rest.len() {
            return Err(damage(Fault::End));
        }
        at += skipped;
    }
    Ok(at)
}

/// How far the record goes that bytes begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// So many bytes.
    Whole(usize),
    /// Beyond the last of the bytes: so many, where that is said.
    Longer(Option<usize>),
    /// No record begins there.
    Nothing,
}

impl Extent {
    fn of(bytes: &[u8]) -> Self {
        match Head::read(bytes) {
            _ if bytes.first().is_some_and(|first| first & 0x20 == 0) => Self::Nothing,
            Ok(head) => match (span(bytes, 0), head.length) {
                (Ok((.., end)), _) => Self::Whole(end),
                (Err(damage), length) if damage.fault == Fault::End => {
                    Self::Longer(length.map(|length| head.octets + length))
                }
                (Err(_), _) => Self::Nothing,
            },
            Err(Fault::End) => Self::Longer(None),
            Err(_) => Self::Nothing,
        }
    }
}

/// A record as JSON, if it is one.
pub(super) fn json(record: &[u8]) -> Option<String> {
    let mut out = String::new();
    let written = write(record, &mut Room::default(), &mut out);
    written.is_ok().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_lengths_are_read() {
        let head = |class, number, constructed, octets, length| {
            Ok(Head {
                tag: Tag { class, number },
                constructed,
                octets,
                length,
            })
        };
        for (bytes, expected) in [
            (&[0x02, 0x01][..], head(0, 2, false, 2, Some(1))),
            (&[0xa0, 0x80], head(2, 0, true, 2, None)),
            (&[0xbf, 0x4f, 0x81, 0x80], head(2, 79, true, 4, Some(128))),
            (
                &[0x5f, 0x81, 0x00, 0x84, 0, 0, 1, 0],
                head(1, 128, false, 8, Some(256)),
            ),
            (
                &[0xff, 0xff, 0xff, 0xff, 0x7f, 0x00],
                head(3, (1 << 28) - 1, true, 6, Some(0)),
            ),
            (&[0xbf, 0x81, 0x81, 0x81, 0x81, 0x01, 0], Err(Fault::Tag)),
            (&[0xa0, 0x85, 0, 0, 0, 0, 0], Err(Fault::Length)),
            (&[0x02, 0x80], Err(Fault::Length)),
            (&[0xa0, 0xff], Err(Fault::Length)),
            (&[0xa0, 0x82, 1], Err(Fault::End)),
            (&[0xbf], Err(Fault::End)),
            (&[], Err(Fault::End)),
        ] {
            assert_eq!(Head::read(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn a_record_goes_as_far_as_it_says() {
        for (bytes, expected) in [
            (&[0xa0, 0x02, 0x80, 0x00, 0x55][..], Extent::Whole(4)),
            (&[0xa0, 0x02, 0x80], Extent::Longer(Some(4))),
            (&[0xa0], Extent::Longer(None)),
            (&[0x80, 0x01, 0x00], Extent::Nothing),
            (&[0x00], Extent::Nothing),
            (
                &[0xa0, 0x80, 0xa1, 0x80, 0x80, 0x01, 0x07, 0, 0, 0, 0, 0xa0],
                Extent::Whole(11),
            ),
            (
                &[0xa0, 0x80, 0xa1, 0x80, 0x80, 0x01, 0x07, 0, 0],
                Extent::Longer(None),
            ),
            (&[0xa0, 0x80, 0x80, 0x80], Extent::Nothing),
            (&[0xa0, 0x80].repeat(DEPTH_MAX + 1), Extent::Nothing),
            (&[0xa0, 0x80].repeat(DEPTH_MAX), Extent::Longer(None)),
        ] {
            assert_eq!(Extent::of(bytes), expected, "{bytes:x?}");
        }
    }
}
