//! Numbers as networks, telephones and spreadsheets write them (behaviour: Numbers).

/// What a text says that is not digits alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written<'t> {
    /// Digits, with a `+` before them if the country code follows.
    Number(String),
    /// An identity that is no number.
    Pseudonym(&'t str),
    /// A number that lost digits or has something else among them.
    Damaged,
    /// A word for nobody.
    Nobody,
}

/// Longer texts are no numbers in any form.
const TEXT_BYTES_MAX: usize = 256;
/// Most digits of a telephone number (E.164).
const DIGITS_MAX: usize = 15;
/// Letters and digits together; a number with something left over has no more.
const DAMAGED_MAX: usize = 20;
/// Fewer digits are part of a name rather than of a number.
const DAMAGED_DIGITS_MIN: usize = 7;

/// Digits of the exponent of a number that some program took for a floating-point one.
const EXPONENT_DIGITS_MAX: usize = 3;

/// Written where there is no subscriber.
const NOBODY: &[&str] = &[
    "null",
    "(null)",
    "none",
    "nil",
    "nan",
    "na",
    "n/a",
    "unknown",
    "anonymous",
    "private",
    "restricted",
    "withheld",
    "unavailable",
    "undefined",
    "invalid",
    "missing",
    "blocked",
    "hidden",
    "empty",
    "nobody",
    "dummy",
    "n.a.",
    "n.a",
    "not available",
    "not applicable",
    "inf",
    "infinity",
    "tbd",
    "n.n.",
    "default",
    "test",
    "true",
    "false",
    "msisdn",
    "unbekannt",
    "privat",
    "leer",
    "brak",
    "nieznany",
    "#n/a",
    "#name?",
    "#num!",
    "#ref!",
    "#value!",
];

/// Reads a text that is not digits alone.
pub(super) fn read(text: &str) -> Written<'_> {
    if text.len() > TEXT_BYTES_MAX {
        return Written::Damaged;
    }
    let text = bare(text);
    // A parameter has a name; digits alone are another number.
    let mut behind = text.split(';').skip(1).map(bare);
    if behind.any(|part| part.len() >= 5 && part.bytes().all(|b| b.is_ascii_digit())) {
        return Written::Damaged;
    }
    let address = address(text);
    let user = address.as_ref().map_or(text, |address| address.user);
    if is_nobody(user) {
        return Written::Nobody;
    }
    match (number(user), address) {
        (Some(number), Some(address)) => address.in_context(number),
        (Some(number), None) => Written::Number(number),
        (None, Some(_)) => Written::Damaged,
        (None, None) if is_damaged(text) || spreadsheet(text) == Some(None) => Written::Damaged,
        (None, None) => Written::Pseudonym(text),
    }
}

/// Whether a text is a word for nobody, or one letter repeated throughout.
pub(super) fn is_nobody(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']);
    let letter = text.bytes().next().filter(u8::is_ascii_alphabetic);
    let filled = letter.is_some_and(|l| text.bytes().all(|b| b.eq_ignore_ascii_case(&l)));
    filled && text.len() > 1 || NOBODY.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Without what stands around: blanks, quotes, controls, and the `=` of a spreadsheet's `="..."`.
fn bare(text: &str) -> &str {
    let text = text.trim_matches(is_around);
    match text.strip_prefix('=') {
        Some(formula) if !formula.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            formula.trim_matches(is_around)
        }
        _ => text,
    }
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c) || "\"'`´‘’‚“”„«»‹›＇＂".contains(c)
}

/// Marks of width, direction and joining, which come with copied text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Digits that a number has only together with its country code.
const WITH_COUNTRY: usize = 12;

/// `tel:`, `sip:` and `name <...>` around a number.
struct Address<'t> {
    user: &'t str,
    /// `phone-context`: the country that a number without `+` belongs to.
    context: Option<&'t str>,
}

fn address(text: &str) -> Option<Address<'_>> {
    let inner = text
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let uri = inner.map_or(text, |(inner, _)| bare(inner));
    let scheme = uri.split_once(':').filter(|(scheme, _)| {
        let known = ["tel", "sip", "sips", "callto", "msisdn"];
        known.iter().any(|known| scheme.eq_ignore_ascii_case(known))
    });
    if inner.is_none() && scheme.is_none() && !uri.contains(['@', ';']) {
        return None;
    }
    let behind = scheme.map_or(uri, |(_, rest)| rest);
    let user = behind
        .split(['@', ';', ':', '?'])
        .next()
        .unwrap_or_default();
    let mut parameters = behind
        .split([';', '@'])
        .filter_map(|part| part.split_once('='));
    let context = parameters.find(|(name, _)| name.eq_ignore_ascii_case("phone-context"));
    Some(Address {
        user: bare(user),
        context: context
            .map(|(_, context)| context)
            .filter(|context| context.starts_with('+')),
    })
}

impl Address<'_> {
    fn in_context<'t>(&self, number: String) -> Written<'t> {
        match self.context {
            Some(context) if !number.starts_with('+') => match self::number(context) {
                // Some gateways state a country that the number already has.
                Some(country)
                    if number.len() >= WITH_COUNTRY
                        && number.starts_with(country.trim_start_matches('+')) =>
                {
                    Written::Number(format!("+{number}"))
                }
                Some(country) => Written::Number(country + &number),
                None => Written::Damaged,
            },
            _ => Written::Number(number),
        }
    }
}

/// The digits of a number, whatever people and programs write among them.
fn number(text: &str) -> Option<String> {
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) || is_negative(text) || is_date(text) {
        return None;
    }
    let text = match text.get(..3) {
        Some("%2B" | "%2b") => format!("+{}", &text[3..]),
        _ => text.to_owned(),
    };
    let text = match spreadsheet(&text) {
        Some(integer) => integer?,
        None => text,
    };
    // A trunk prefix that falls away behind a country code.
    let abroad = text.starts_with(['+', '＋']) || text.starts_with("00");
    let text = match abroad {
        true => text.replacen("(0)", "", 1),
        false => text,
    };
    let mut digits = String::with_capacity(text.len());
    let mut separated = false;
    // Packed digits are filled up to whole bytes.
    for c in text.trim_end_matches(['F', 'f']).chars() {
        match digit(c) {
            Some(digit) => digits.push(digit),
            None if matches!(c, '+' | '＋') && digits.is_empty() => digits.push('+'),
            None if is_separator(c) => separated = true,
            None => return None,
        }
    }
    // Two numbers side by side are none.
    let count = digits.trim_start_matches('+').len();
    let fits = count > 0 && (count <= DIGITS_MAX || !separated);
    fits.then_some(digits)
}

fn is_negative(text: &str) -> bool {
    let text = text.strip_prefix('+').unwrap_or(text);
    text.starts_with(['-', '‐', '‑', '‒', '–', '—', '−'])
}

/// Whether a text is a day as programs write it: numbers of two days are no subscribers.
fn is_date(text: &str) -> bool {
    let mut parts = text.split(['-', '/', '.']);
    let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
    let [Some(first), Some(middle), Some(last), None] = parts else {
        return false;
    };
    let within = |part: &str, from: u16, to: u16| {
        part.parse()
            .is_ok_and(|number| (from..=to).contains(&number))
    };
    let (year, day) = match (first.len(), last.len()) {
        (4, 2) => (first, last),
        (2, 4) => (last, first),
        _ => return false,
    };
    let months = [(middle, day), (day, middle)];
    let fits = |(month, day): (&str, &str)| within(month, 1, 12) && within(day, 1, 31);
    within(year, 1900, 2099) && middle.len() == 2 && months.into_iter().any(fits)
}

/// What a spreadsheet made of a number, as an integer again; nothing inside if it lost digits.
fn spreadsheet(text: &str) -> Option<Option<String>> {
    let text = text.strip_prefix('+').unwrap_or(text);
    if let Some((mantissa, exponent)) = text.split_once(['e', 'E']) {
        // A long one without a point may as well be a hexadecimal name.
        let (whole, fraction) = match mantissa.split_once('.') {
            None if is_digits(mantissa) && is_exponent(exponent) => return Some(None),
            parts => parts?,
        };
        let exponent: usize = exponent
            .strip_prefix('+')
            .unwrap_or(exponent)
            .parse()
            .ok()?;
        if !is_digits(whole) || !is_digits(fraction) || exponent > DIGITS_MAX {
            return None;
        }
        // With fewer digits stated it may have been rounded.
        let (stated, rest) = fraction.split_at_checked(exponent).unwrap_or_default();
        let exact = !stated.is_empty() && rest.bytes().all(|b| b == b'0');
        return Some(exact.then(|| format!("{whole}{stated}")));
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let grouped = || {
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3 && is_digits(group))
    };
    let digits: String = whole.chars().filter(|c| *c != ',').collect();
    let decimal = text.contains('.') && is_digits(whole);
    let thousands = whole.contains(',') && is_digits(&digits);
    if !decimal && !thousands || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exact = fraction.bytes().all(|b| b == b'0') && (decimal || grouped());
    Some(exact.then_some(digits))
}

/// Whether a text that is neither number nor address looks like a number with something wrong: it begins with a digit,
/// and has too few letters for a name.
fn is_damaged(text: &str) -> bool {
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let begins = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if letters == 0 || !text.is_ascii() {
        return text.is_ascii() && !text.is_empty();
    }
    if !begins.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    // Masked digits.
    let crosses = text.bytes().filter(|b| matches!(b, b'x' | b'X')).count();
    if crosses >= 3 && crosses == letters {
        return true;
    }
    if digits < DAMAGED_DIGITS_MIN || letters + digits > DAMAGED_MAX {
        return false;
    }
    let hexadecimal = text
        .bytes()
        .all(|b| !b.is_ascii_alphabetic() || b.is_ascii_hexdigit());
    let behind = begins.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let only_behind = letters <= 3 && behind.bytes().all(|b| !b.is_ascii_alphabetic());
    let few = match hexadecimal {
        true => letters < 2,
        false => 4 * letters < letters + digits,
    };
    few || only_behind
}

fn is_exponent(text: &str) -> bool {
    text.starts_with(['+', '-']) || (text.len() <= EXPONENT_DIGITS_MAX && is_digits(text))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// ASCII, full-width and the two Arabic series.
fn digit(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' => return Some(c),
        '０'..='９' => '０',
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        _ => return None,
    };
    char::from_digit(c as u32 - zero as u32, 10)
}

fn is_separator(c: char) -> bool {
    let marks = "-./()（）－．·‐‑‒–—−";
    c.is_whitespace() || is_invisible(c) || marks.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_one_number() {
        for text in [
            "8613800138000F",
            "8613800138000ff",
            "8613800138000.0",
            "8613800138000.",
            "8613800138000.00",
            "8.613800138000E12",
            "8.613800138000e+12",
            "8.6138001380000E12",
            "8,613,800,138,000",
            "8,613,800,138,000.00",
            " 8613800138000\r\n",
            "\"8613800138000\"",
            "'8613800138000",
            "=\"8613800138000\"",
            "“8613800138000”",
            "\u{feff}8613800138000\0\0",
            "\u{202d}8613800138000\u{202c}",
            "86 138 0013 8000",
            "86\u{a0}138\u{a0}0013\u{a0}8000",
            "86-138-0013-8000",
            "86\u{2011}138\u{2013}0013–8000",
            "(86) 138.0013.8000",
            "８６１３８００１３８０００",
            "٨٦١٣٨٠٠١٣٨٠٠٠",
            "tel:8613800138000",
            "TEL:86-138-0013-8000",
            "sip:8613800138000@ims.mnc000.mcc460.3gppnetwork.org",
            "sip:8613800138000@10.0.0.1:5060;user=phone",
            "sip:8613800138000;cpc=ordinary@10.0.0.1",
            "<sip:8613800138000@host>;tag=8",
            "\"Li\" <tel:8613800138000>",
            "8613800138000@ims.example",
            "msisdn:8613800138000",
        ] {
            let number = Written::Number("8613800138000".to_owned());
            assert_eq!(read(text), number, "{text}");
        }
        for text in [
            "+86 138 0013 8000",
            "＋８６ 138 0013 8000",
            "+86 (0)138-0013-8000",
            "+8613800138000f",
            "tel:+86-138-0013-8000;ext=5",
            "tel:13800138000;phone-context=+86",
            "tel:8613800138000;phone-context=+86",
            "sip:13800138000;phone-context=+86@host;user=phone",
            "sip:+8613800138000@host;user=phone",
            "sip:%2B8613800138000@host",
        ] {
            let number = Written::Number("+8613800138000".to_owned());
            assert_eq!(read(text), number, "{text}");
        }
        let hotline = Written::Number("10086".to_owned());
        assert_eq!(read("sip:10086@ims.example"), hotline);
        assert_eq!(read("tel:10086;phone-context=ims.example"), hotline);
        assert_eq!(read("10086F"), hotline);
        assert_eq!(read("10086;ext=1"), hotline);
    }

    #[test]
    fn a_damaged_number_is_no_pseudonym() {
        for text in [
            "1.38E+10",
            "1E+10",
            "8.6138E12",
            "8.61380013800E12",
            "13800138000.5",
            "1.3800138000E4",
            "86+13800138000",
            "++8613800138000",
            "13800138000,13900139000",
            "13800138000/13900139000",
            "13800138000;13900139000",
            "1380013800O",
            "138001380l0",
            "13800138000x5",
            "13800138000ext5",
            "13800138000ext",
            "688310318300F0",
            "138****8000",
            "13800138***",
            "1380013800?",
            "tel:alice",
            "sip:alice@example.com",
            "13800138000:5060",
            "-",
            "?",
            "138E8",
            "1e400",
            "-13800138000",
            "+-13800138000",
            "2026-11-29",
            "29.11.2026",
            "11/29/2026",
            "2026-11-29 08:00:00",
            "138XXXX2214",
            "138xxxxxxxx",
        ] {
            assert_eq!(read(text), Written::Damaged, "{text}");
        }
        for text in [
            "NULL",
            " null ",
            "unknown",
            "Anonymous",
            "sip:anonymous@anonymous.invalid",
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
            "N/A",
            "(null)",
            "xxx",
            "XXXXXXXXXXX",
            "n.a.",
            "dummy",
            "Infinity",
            "-inf",
            "#VALUE!",
        ] {
            assert_eq!(read(text), Written::Nobody, "{text}");
        }
    }

    #[test]
    fn names_of_all_kinds_are_pseudonyms() {
        for text in [
            "p-5f1c2a",
            "A0012345678",
            "user-13800138000",
            "1234A",
            "00f3",
            "a1b2c3+/=",
            "+pseudonym",
            "5d41402abc4b2a76b9719d911017c592",
            "1234567890123456789012345678901a",
            "9f86d081884c7d65",
            "7b52009b64fd0a2a",
            "1B2M2Y8AsgTpgAmY7PhCfg==",
            "2f1c:8a",
        ] {
            assert_eq!(read(text), Written::Pseudonym(text), "{text}");
        }
        assert_eq!(read(" \"p-1\" "), Written::Pseudonym("p-1"));
        assert_eq!(read(""), Written::Pseudonym(""));
    }
}
