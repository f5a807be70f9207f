//! A record in BER as JSON, so that paths, conditions and drafts are those of JSON.

use super::{DEPTH_MAX, Damage, FILLER, Fault, Tag, span};
use std::fmt::Write as _;
use std::ops::Range;

/// Room for the values of a record, kept from record to record.
#[derive(Debug, Default)]
pub(in crate::decode::layout) struct Room(Vec<Value>);

/// A value whose text is not written yet.
#[derive(Debug, Clone)]
struct Value {
    tag: Tag,
    constructed: bool,
    content: Range<usize>,
}

/// Appends a record as JSON: constructed values as objects by their tags, all others in hexadecimal. Values of the same
/// tag are a list, and those of universal tags always are, because these are the entries of a `SEQUENCE OF`.
///
/// # Errors
/// What is wrong with it, and where.
pub(in crate::decode::layout) fn write(
    bytes: &[u8],
    room: &mut Room,
    out: &mut String,
) -> Result<(), Damage> {
    let (head, content, end) = span(bytes, 0)?;
    let fault = |at, fault| Err(Damage { at, fault });
    if !head.constructed {
        return fault(0, Fault::Record);
    }
    let rest = bytes.get(end..).unwrap_or_default();
    if let Some(more) = rest.iter().position(|octet| !FILLER.contains(octet)) {
        return fault(end + more, Fault::More);
    }
    room.0.clear();
    let mut writer = Writer {
        bytes,
        waiting: &mut room.0,
        out,
    };
    let _ = write!(writer.out, "{{\"{}\":", head.tag);
    writer.object(content, 1)?;
    writer.out.push('}');
    Ok(())
}

struct Writer<'w> {
    bytes: &'w [u8],
    /// The values of all objects that are being written, the innermost last.
    waiting: &'w mut Vec<Value>,
    out: &'w mut String,
}

impl Writer<'_> {
    /// Appends a constructed value.
    fn object(&mut self, content: Range<usize>, depth: usize) -> Result<(), Damage> {
        if depth > DEPTH_MAX {
            let (at, fault) = (content.start, Fault::Depth);
            return Err(Damage { at, fault });
        }
        let first = self.waiting.len();
        self.collect(content)?;
        let values = self.waiting.len() - first;
        // Stable, so that the entries of a list keep their order.
        self.waiting[first..].sort_by_key(|value| value.tag);
        let mut before = None;
        let mut listed = false;
        self.out.push('{');
        for place in first..first + values {
            let value = self.waiting[place].clone();
            if before != Some(value.tag) {
                self.out.push_str(if listed { "]" } else { "" });
                self.out.push_str(if before.is_some() { "," } else { "" });
                let _ = write!(self.out, "\"{}\":", value.tag);
                let next = (place + 1 < first + values).then(|| self.waiting[place + 1].tag);
                listed = value.tag.is_universal() || next == Some(value.tag);
                self.out.push_str(if listed { "[" } else { "" });
            } else {
                self.out.push(',');
            }
            before = Some(value.tag);
            match value.constructed {
                true => self.object(value.content, depth + 1)?,
                false => self.hexadecimal(value.content),
            }
        }
        self.out.push_str(if listed { "]}" } else { "}" });
        self.waiting.truncate(first);
        Ok(())
    }

    /// Notes the values of a content.
    fn collect(&mut self, content: Range<usize>) -> Result<(), Damage> {
        let bytes = self.bytes.get(..content.end).unwrap_or_default();
        let mut at = content.start;
        while at < content.end {
            let (head, content, end) = span(bytes, at)?;
            // Some writers fill contents up, and the filler looks like the end of an indefinite length.
            let is_filler = head.tag.is_universal() && head.tag.number == 0;
            if !is_filler {
                self.waiting.push(Value {
                    tag: head.tag,
                    constructed: head.constructed,
                    content,
                });
            }
            at = end;
        }
        Ok(())
    }

    fn hexadecimal(&mut self, content: Range<usize>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let octets = self.bytes.get(content).unwrap_or_default();
        self.out.push('"');
        for octet in octets {
            for half in [octet >> 4, octet & 0xf] {
                self.out.push(char::from(DIGITS[usize::from(half)]));
            }
        }
        self.out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::layout::ber::DEPTH_MAX;

    fn json(bytes: &[u8]) -> Result<String, String> {
        let mut out = String::new();
        let written = write(bytes, &mut Room::default(), &mut out);
        written.map(|()| out).map_err(|damage| damage.to_string())
    }

    #[test]
    fn a_record_becomes_json_by_its_tags() {
        for (bytes, expected) in [
            (&[0xa0, 0x00][..], r#"{"0":{}}"#),
            (
                &[0xa0, 0x05, 0x80, 0x01, 0x1a, 0x81, 0x00],
                r#"{"0":{"0":"1a","1":""}}"#,
            ),
            // One entry of a SEQUENCE OF is a list, and of a context-specific tag it takes two.
            (
                &[0xbf, 0x4f, 0x05, 0xac, 0x03, 0x02, 0x01, 0x07],
                r#"{"79":{"12":{"u2":["07"]}}}"#,
            ),
            (
                &[0x30, 0x09, 0x81, 0x01, 1, 0x80, 0x01, 2, 0x81, 0x01, 3],
                r#"{"u16":{"0":"02","1":["01","03"]}}"#,
            ),
            (
                &[
                    0x61, 0x0c, 0x80, 0x01, 1, 0x40, 0x01, 2, 0xc0, 0x01, 3, 0x01, 0x01, 4,
                ],
                r#"{"a1":{"u1":["04"],"a0":"02","0":"01","p0":"03"}}"#,
            ),
            // Of indefinite length, with filler behind it.
            (
                &[
                    0xa1, 0x80, 0xa2, 0x80, 0x80, 0x01, 9, 0, 0, 0, 0, 0, 0xff, 0,
                ],
                r#"{"1":{"2":{"0":"09"}}}"#,
            ),
            (&[0xa0, 0x05, 0x80, 0x01, 1, 0, 0], r#"{"0":{"0":"01"}}"#),
        ] {
            assert_eq!(json(bytes), Ok(expected.to_owned()), "{bytes:x?}");
        }
    }

    #[test]
    fn damage_is_named_with_its_place() {
        let deep = |depth: usize| {
            let mut bytes = [0xa0, 0x80].repeat(depth);
            bytes.extend(vec![0; 2 * depth]);
            bytes
        };
        assert!(json(&deep(DEPTH_MAX)).is_ok());
        for (bytes, expected) in [
            (&[][..], "at octet 0: a value goes beyond the end"),
            (
                &[0x80, 0x01, 0x00],
                "at octet 0: no record begins there, so nothing behind it can be told apart",
            ),
            (
                &[0xa0, 0x04, 0x80, 0x05, 1, 2],
                "at octet 2: a value goes beyond the end",
            ),
            (
                &[0xa0, 0x02, 0x80, 0x00, 0x00, 0xa0],
                "at octet 5: something follows the record",
            ),
            (
                &[0xa0, 0x80, 0x80, 0x00],
                "at octet 4: a value goes beyond the end",
            ),
            (
                &deep(DEPTH_MAX + 1),
                "at octet 64: values lie more than 32 deep in each other",
            ),
        ] {
            assert_eq!(json(bytes), Err(expected.to_owned()), "{bytes:x?}");
        }
    }
}
