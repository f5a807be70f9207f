//! What octets mean that a record has in hexadecimal: the digits of numbers, integers and texts.

use serde::Deserialize;

/// Ways of reading octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reading {
    /// A `TBCD-STRING` of 3GPP TS 29.002: two digits in an octet, the first in the lower half.
    Tbcd,
    /// An `AddressString` of TS 29.002 or a `BCDDirectoryNumber` of TS 32.298: the type of number and the numbering plan, and
    /// the digits in TBCD. An international number gets a `+`.
    Address,
    /// Two digits in an octet, the first in the upper half.
    Bcd,
    /// An integer in two's complement, of at most 8 octets.
    Integer,
    /// Text in UTF-8, and so in ASCII and IA5.
    Utf8,
}

/// Octets of an integer.
const INTEGER_OCTETS_MAX: usize = 8;
/// What fills up the last octet of an odd number of digits.
const FILLER: u8 = 0xf;
/// The values of a half octet in TBCD.
const TBCD_DIGITS: &[u8; 15] = b"0123456789*#abc";
/// Of an address, the bit of an octet behind which no further one comes before the digits.
const LAST_OCTET: u8 = 0x80;
/// Types of number.
const INTERNATIONAL: u8 = 1;
const ALPHANUMERIC: u8 = 5;

impl Reading {
    /// Appends what hexadecimal octets mean, or returns false if they are not written so.
    pub(super) fn convert(self, hexadecimal: &str, out: &mut String) -> bool {
        let before = out.len();
        let read = octets(hexadecimal).and_then(|octets| self.read(&octets, out));
        if read.is_none() {
            out.truncate(before);
        }
        read.is_some()
    }

    fn read(self, octets: &[u8], out: &mut String) -> Option<()> {
        let halves = |octet: &u8| [octet >> 4, octet & 0xf];
        match self {
            Self::Tbcd => tbcd(octets, out),
            Self::Address => {
                let kind = octets.first()? >> 4 & 0x7;
                let head = octets.iter().position(|octet| octet & LAST_OCTET != 0)?;
                if kind == ALPHANUMERIC || head > 1 {
                    return None;
                }
                out.push_str(if kind == INTERNATIONAL { "+" } else { "" });
                tbcd(octets.get(head + 1..)?, out)
            }
            Self::Bcd => digits(octets.iter().flat_map(halves), &TBCD_DIGITS[..10], out),
            Self::Integer => {
                *out += &whole(octets)?.to_string();
                Some(())
            }
            Self::Utf8 => {
                out.push_str(str::from_utf8(octets).ok()?);
                Some(())
            }
        }
    }
}

fn tbcd(octets: &[u8], out: &mut String) -> Option<()> {
    let halves = |octet: &u8| [octet & 0xf, octet >> 4];
    digits(octets.iter().flat_map(halves), TBCD_DIGITS, out)
}

/// Appends digits up to the filler, behind which nothing else may come.
fn digits(halves: impl Iterator<Item = u8>, known: &[u8], out: &mut String) -> Option<()> {
    let mut ended = false;
    let mut any = false;
    for half in halves {
        ended |= half == FILLER;
        if ended != (half == FILLER) {
            return None;
        }
        if !ended {
            out.push(char::from(*known.get(usize::from(half))?));
            any = true;
        }
    }
    any.then_some(())
}

fn whole(octets: &[u8]) -> Option<i64> {
    let first = octets.first()?;
    if octets.len() > INTEGER_OCTETS_MAX {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    let shifted = octets
        .iter()
        .fold(sign, |whole: i64, octet| whole << 8 | i64::from(*octet));
    Some(shifted)
}

/// The integer of hexadecimal octets.
pub(super) fn integer(hexadecimal: &str) -> Option<i64> {
    whole(&octets(hexadecimal)?)
}

/// An integer in hexadecimal octets.
pub(super) fn hexadecimal(integer: i64) -> String {
    format!("{integer:016x}")
}

fn octets(hexadecimal: &str) -> Option<Vec<u8>> {
    let half = |digit: u8| char::from(digit).to_digit(16).map(|half| half as u8);
    let pairs = hexadecimal.as_bytes().chunks(2);
    let octet = |pair: &[u8]| match pair {
        [upper, lower] => Some(half(*upper)? << 4 | half(*lower)?),
        _ => None,
    };
    pairs.map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_as_the_standards_write_them() {
        for (reading, text, expected) in [
            (Reading::Tbcd, "64000113254769f8", Some("460010315274968")),
            (Reading::Tbcd, "21f3", Some("123")),
            (Reading::Tbcd, "21F3", Some("123")),
            (Reading::Tbcd, "2a1b", Some("*2#1")),
            (Reading::Tbcd, "2ff3", None),
            (Reading::Tbcd, "ffff", None),
            (Reading::Tbcd, "213", None),
            (Reading::Tbcd, "21x3", None),
            (Reading::Tbcd, "", None),
            (Reading::Address, "91683108108300f0", Some("+8613800138000")),
            (Reading::Address, "a10110f0", Some("10010")),
            // A BCDDirectoryNumber with presentation and screening.
            (Reading::Address, "11816831", Some("+8613")),
            (Reading::Address, "0121816831", None),
            (Reading::Address, "d041e190", None),
            (Reading::Address, "91", None),
            (Reading::Bcd, "8613f", None),
            (Reading::Bcd, "861380ff", Some("861380")),
            (Reading::Bcd, "86a3", None),
            (Reading::Integer, "00", Some("0")),
            (Reading::Integer, "0100", Some("256")),
            (Reading::Integer, "00ff", Some("255")),
            (Reading::Integer, "ff", Some("-1")),
            (
                Reading::Integer,
                "8000000000000000",
                Some("-9223372036854775808"),
            ),
            (Reading::Integer, "000000000000000001", None),
            (Reading::Integer, "", None),
            (Reading::Utf8, "70677731", Some("pgw1")),
            (Reading::Utf8, "e4b8ad", Some("中")),
            (Reading::Utf8, "e4b8", None),
        ] {
            let mut out = String::new();
            let read = reading.convert(text, &mut out).then_some(&*out);
            assert_eq!(read, expected, "{reading:?} {text}");
        }
        for whole in [0, -1, i64::MAX, i64::MIN] {
            assert_eq!(integer(&hexadecimal(whole)), Some(whole));
        }
    }
}
