//! Takes JSON objects apart as records usually are: without escapes in their strings, and not nested deeply.
//!
//! Whatever is otherwise, the scan gives up, and `serde_json` reads the text anew. So it need not know every kind of JSON, nor say
//! what is wrong with what is none; but all that it accepts, `serde_json` accepts, with the same values.

/// Values nested deeper are left to `serde_json`.
const DEPTH_MAX: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = ONES << 7;

/// Shows every member of the object that a text is: its key, and its value's JSON text. Returns whether the scan came to the end;
/// otherwise what it has shown counts for nothing.
pub(super) fn members<'a>(text: &'a str, each: impl FnMut(&'a str, &'a str)) -> bool {
    let mut scan = Scan {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    scan.blanks();
    scan.object(DEPTH_MAX, each).is_some() && {
        scan.blanks();
        scan.at == text.len()
    }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes on behind a byte, if it is the next.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn object(&mut self, depth: usize, mut each: impl FnMut(&'a str, &'a str)) -> Option<()> {
        self.entries([b'{', b'}'], |scan| {
            let begin = scan.at + 1;
            scan.string()?;
            let key = scan.text.get(begin..scan.at - 1)?;
            scan.blanks();
            scan.take(b':')?;
            scan.blanks();
            let begin = scan.at;
            scan.value(depth)?;
            each(key, scan.text.get(begin..scan.at)?);
            Some(())
        })
    }

    /// What lies between brackets, with commas between.
    fn entries(
        &mut self,
        [open, close]: [u8; 2],
        mut entry: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        self.blanks();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            entry(self)?;
            self.blanks();
            if self.take(b',').is_none() {
                return self.take(close);
            }
            self.blanks();
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(depth.checked_sub(1)?, |_, _| ()),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.entries([b'[', b']'], |scan| scan.value(depth))
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let end = self.at + word.len();
        (self.bytes.get(self.at..end)? == word.as_bytes()).then(|| self.at = end)
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take(b'-');
        // No other digit follows a leading zero.
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }

    /// A string with its quotes, which has no escapes.
    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        while let Some(eight) = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk())
        {
            let special = special(u64::from_le_bytes(*eight));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return self.take(b'"');
            }
            self.at += 8;
        }
        while self
            .peek()
            .is_some_and(|b| b >= b' ' && !matches!(b, b'"' | b'\\'))
        {
            self.at += 1;
        }
        self.take(b'"')
    }
}

/// The bytes of eight that end a string or must not be in it: quotes, backslashes and controls. Their highest bits are set; only
/// the first of them is certain.
fn special(eight: u64) -> u64 {
    let below = |eight: u64, bound: u8| eight.wrapping_sub(ONES * u64::from(bound)) & !eight;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(eight, b' ')) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    fn scanned(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut all = Vec::new();
        members(text, |key, value| all.push((key, value))).then_some(all)
    }

    /// What `serde_json` reads; of keys that come twice it keeps the last.
    fn read(text: &str) -> Option<BTreeMap<String, &str>> {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        let raw = members.into_iter().map(|(key, value)| (key, value.get()));
        Some(raw.collect())
    }

    #[test]
    fn records_are_taken_apart() {
        let text =
            " {\"a\":\"x y, }\",\"b\" : -12.50e+3 ,\"c\":[1,{\"d\":null}],\"号\":\"北京\"}\n";
        let members = [
            ("a", "\"x y, }\""),
            ("b", "-12.50e+3"),
            ("c", "[1,{\"d\":null}]"),
            ("号", "\"北京\""),
        ];
        assert_eq!(scanned(text), Some(members.to_vec()));
        assert_eq!(scanned("{}"), Some(Vec::new()));
        for odd in [
            "",
            "{",
            "[]",
            "{}x",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":-}",
            "{\"a\":1,}",
            "{\"a\":tru}",
            "{\"a\":\"\\n\"}",
            "{\"a\":\"\t\"}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":\"x",
        ] {
            assert_eq!(scanned(odd), None, "{odd}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(20), "]".repeat(20));
        assert_eq!(scanned(&deep), None);
    }

    proptest! {
        #[test]
        fn what_is_accepted_serde_json_reads_likewise(
            text in r#"[ ]?\{("[a-c\\"\u{1}号]{0,12}" ?: ?("[^\u{0}]{0,20}"|-?[01]{0,2}[.e0-9+-]{0,4}|tru?e|null|[\[{]{0,2}"?[a1,:"]{0,4}[\]}]{0,2}),?){0,4}\}?[ x]?"#
        ) {
            if let Some(scanned) = scanned(&text) {
                let read = read(&text);
                prop_assert!(read.is_some(), "{text}");
                let last = scanned.into_iter().map(|(key, value)| (key.to_owned(), value));
                prop_assert_eq!(Some(last.collect()), read);
            }
        }
    }
}
