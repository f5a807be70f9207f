//! One form for each number, however it was dialled or written (behaviour: Numbers).

use super::DecodeSettings;
use crate::model::{Msisdn, MsisdnError, Number};

/// Brings numbers into national form.
#[derive(Debug, Clone)]
pub(super) struct Numbering {
    settings: DecodeSettings,
}

impl Numbering {
    /// Settings must be free of problems.
    pub(super) fn new(settings: DecodeSettings) -> Self {
        Self { settings }
    }

    /// The other party's number: without international prefix, country code, IP-dial prefix, and without the area
    /// code before a service number.
    pub(super) fn number(&self, text: &str) -> Number {
        let (mut digits, mut country) = self.without_country(text.as_bytes());
        if let Some(rest) = self.behind_ip_prefix(digits) {
            (digits, country) = self.without_country(rest);
        }
        let trunk = self.settings.trunk_prefix.as_bytes();
        let behind_trunk = digits.strip_prefix(trunk);
        let local = if country { Some(digits) } else { None };
        let service = [behind_trunk, local].into_iter().flatten();
        let service = service
            .filter_map(|rest| self.behind_area_code(rest))
            .next();
        Number::from_digits(service.unwrap_or(digits))
    }

    /// A subscriber's identity: national form for the country's own mobile numbers, digits for foreign ones,
    /// pseudonyms as they are. Doing it twice changes nothing.
    pub(super) fn msisdn(&self, text: &str) -> Result<Msisdn, MsisdnError> {
        let mut digits = text.strip_prefix('+').unwrap_or(text);
        let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !number || text.len() > Msisdn::LENGTH_MAX {
            return Msisdn::new(text);
        }
        while let Some(rest @ [_, ..]) = digits.as_bytes().strip_prefix(b"00") {
            digits = &digits[digits.len() - rest.len()..];
        }
        let national = digits
            .strip_prefix(self.settings.country_code.as_str())
            .filter(|rest| self.is_mobile(rest.as_bytes()));
        Msisdn::new(national.unwrap_or(digits))
    }

    /// The number without international prefix and country code, and whether a country code was taken off.
    fn without_country<'t>(&self, text: &'t [u8]) -> (&'t [u8], bool) {
        let marked = text.strip_prefix(b"+").or(text.strip_prefix(b"00"));
        let digits = marked.unwrap_or(text);
        // Without the mark, digits that look like a country code may be the start of a local number.
        match digits.strip_prefix(self.settings.country_code.as_bytes()) {
            Some(rest) if marked.is_some() || self.is_complete(rest) => (rest, true),
            _ => (digits, false),
        }
    }

    /// The number behind an IP-dial prefix, if what follows is long enough to be one.
    fn behind_ip_prefix<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        let prefixes = self.settings.ip_prefixes.iter();
        let mut behind = prefixes.filter_map(|prefix| digits.strip_prefix(prefix.as_bytes()));
        behind.find(|rest| rest.len() >= self.settings.short_code_digits)
    }

    /// The service number behind an area code (without trunk prefix).
    fn behind_area_code<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        let [area_min, area_max] = self.settings.area_code_digits;
        let area = digits.len().checked_sub(self.settings.short_code_digits)?;
        let (_, code) = digits.split_at_checked(area)?;
        let fits = (area_min..=area_max).contains(&area) && self.is_short_code(code);
        (fits && digits.iter().all(u8::is_ascii_digit)).then_some(code)
    }

    fn is_complete(&self, digits: &[u8]) -> bool {
        self.is_mobile(digits)
            || self.is_short_code(digits)
            || self.behind_area_code(digits).is_some()
    }

    fn is_mobile(&self, digits: &[u8]) -> bool {
        digits.len() == self.settings.national_digits && digits.first() != Some(&b'0')
    }

    fn is_short_code(&self, digits: &[u8]) -> bool {
        let mut prefixes = self.settings.short_code_prefixes.iter();
        digits.len() == self.settings.short_code_digits
            && prefixes.any(|prefix| digits.starts_with(prefix.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbering() -> Numbering {
        Numbering::new(DecodeSettings::default())
    }

    #[test]
    fn every_way_of_dialling_is_one_number() {
        for (dialled, national) in [
            ("10010", "10010"),
            ("01010010", "10010"),
            ("075510010", "10010"),
            ("+8610010", "10010"),
            ("8610010", "10010"),
            ("008610010", "10010"),
            ("+861010010", "10010"),
            ("8675510010", "10010"),
            ("1795110010", "10010"),
            ("17951010 10010", ""),
            ("1795101010010", "10010"),
            ("13800138000", "13800138000"),
            ("+8613800138000", "13800138000"),
            ("8613800138000", "13800138000"),
            ("008613800138000", "13800138000"),
            ("1259313800138000", "13800138000"),
            ("1795100861380013800", "1380013800"),
            ("17951008613800138000", "13800138000"),
            ("+861795113800138000", "13800138000"),
            ("17951", "17951"),
            ("01012345678", "01012345678"),
            ("075512345678", "075512345678"),
            ("86012345", "86012345"),
            ("75510010", "75510010"),
            ("+447700900123", "447700900123"),
            ("106575550101", "106575550101"),
        ] {
            let expected = Number::from_digits(national.as_bytes());
            assert_eq!(numbering().number(dialled), expected, "{dialled}");
        }
    }

    #[test]
    fn what_is_no_number_is_other() {
        for text in [
            "",
            "+",
            "00",
            "ICBC",
            "1234567890123456789",
            "１００１０",
            "10010;ext=1",
        ] {
            assert_eq!(numbering().number(text), Number::OTHER, "{text}");
        }
    }

    #[test]
    fn a_subscriber_has_one_identity() {
        for (given, canonical) in [
            ("13800138000", "13800138000"),
            ("+8613800138000", "13800138000"),
            ("8613800138000", "13800138000"),
            ("008613800138000", "13800138000"),
            ("+447700900123", "447700900123"),
            ("861064812345678", "861064812345678"),
            ("8600123456789", "8600123456789"),
            ("a1b2c3+/=", "a1b2c3+/="),
            ("+pseudonym", "+pseudonym"),
            ("00f3", "00f3"),
        ] {
            let msisdn = numbering().msisdn(given).unwrap();
            assert_eq!(msisdn.as_str(), canonical, "{given}");
        }
        assert_eq!(numbering().msisdn("+001380"), Err(MsisdnError::Truncated));
        assert_eq!(numbering().msisdn(""), Err(MsisdnError::Empty));
        assert_eq!(numbering().msisdn("00000"), Err(MsisdnError::Truncated));
        let long = "0".repeat(33);
        assert_eq!(numbering().msisdn(&long), Err(MsisdnError::TooLong));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\+?(00)?(86)?[0-9]{0,14}|[ -~]{0,34}") {
            if let Ok(once) = numbering().msisdn(&text) {
                prop_assert_eq!(numbering().msisdn(once.as_str()), Ok(once));
            }
            let _ = numbering().number(&text);
        }
    }
}
