//! One form for each number, however it was dialled or written (behaviour: Numbers).

use super::DecodeSettings;
use super::written::{self, Written};
use crate::model::{Msisdn, MsisdnError, Number};

/// Most digits of a telephone number with its country code (E.164).
const E164_DIGITS_MAX: usize = 15;

/// The octet of an international number in the telephone numbering plan, in hexadecimal (3GPP TS 24.008). It looks like
/// the country code of India.
const INTERNATIONAL_ADDRESS: &str = "91";
/// Digits of a mobile number of India with its country code.
const INDIAN_DIGITS: usize = 12;
/// Country codes whose numbers all have the same length, with it: North America; Russia and Kazakhstan.
const FIXED_LENGTHS: [(&str, usize); 2] = [("1", 11), ("7", 11)];

/// Brings numbers into one form: subscribers with their country code, the numbers they deal with without the home
/// country's.
#[derive(Debug, Clone)]
pub(super) struct Numbering {
    settings: DecodeSettings,
    /// Whether a mobile number begins so, by its first three digits.
    mobile: [bool; 1000],
}

impl Numbering {
    /// Settings must be free of problems.
    pub(super) fn new(settings: DecodeSettings) -> Self {
        let mut mobile = [false; 1000];
        for (digits, begins) in mobile.iter_mut().enumerate() {
            let digits = format!("{digits:03}");
            let mut prefixes = settings.mobile_prefixes.iter();
            *begins = prefixes.any(|prefix| digits.starts_with(prefix.as_str()));
        }
        Self { settings, mobile }
    }

    pub(super) fn country_code(&self) -> &str {
        &self.settings.country_code
    }

    /// The other party's number: without international prefix, home country code, trunk and IP-dial prefix, and without
    /// the area code before a service number.
    pub(super) fn number(&self, text: &str) -> Number {
        let number = self.plain_number(text.as_bytes());
        if number != Number::OTHER || text.is_empty() {
            return number;
        }
        // Some networks show a star before their short numbers.
        match written::read(text.strip_prefix('*').unwrap_or(text)) {
            Written::Number(number) => self.plain_number(number.as_bytes()),
            Written::Pseudonym(_) | Written::Damaged | Written::Nobody => Number::OTHER,
        }
    }

    fn plain_number(&self, text: &[u8]) -> Number {
        let (mut digits, mut home) = self.without_country(text);
        // A carrier's prefix may begin like an area code behind the trunk prefix, and like a whole number behind the country code.
        let is_whole = home && self.is_subscriber(digits);
        if !is_whole
            && self.dialled(digits).is_none()
            && let Some(rest) = self.behind_ip_prefix(digits)
        {
            (digits, home) = self.without_country(rest);
        }
        let local = home.then_some(digits);
        let mut service = self.behind_trunk(digits).chain(local);
        let service = service.find_map(|rest| self.behind_area_code(rest));
        let national = || self.dialled(digits);
        let mobile = || local.and_then(|digits| self.behind_mobile_mark(digits));
        let found = service.or_else(national).or_else(mobile);
        Number::from_digits(found.unwrap_or(digits))
    }

    /// A subscriber's own number, in the form of [`number`](Self::number).
    pub(super) fn own_number(&self, msisdn: &Msisdn) -> Number {
        let digits = msisdn.as_bytes();
        let home = after(digits, &self.settings.country_code);
        Number::from_digits(home.unwrap_or(digits))
    }

    /// The digits behind the country code, of a number of this country.
    pub(super) fn national<'m>(&self, msisdn: &'m Msisdn) -> Option<&'m str> {
        let number = Some(msisdn.as_str()).filter(|text| is_digits(text));
        number?.strip_prefix(self.settings.country_code.as_str())
    }

    /// Whether a subscriber has a number of another country.
    pub(super) fn is_foreign(&self, msisdn: &Msisdn) -> bool {
        is_digits(msisdn.as_str()) && self.national(msisdn).is_none()
    }

    /// A subscriber's identity: all digits with the country code for numbers, pseudonyms as they are.
    pub(super) fn msisdn(&self, text: &str) -> Result<Msisdn, MsisdnError> {
        if is_digits(text.strip_prefix('+').unwrap_or(text)) {
            return self.plain_msisdn(text);
        }
        match written::read(text) {
            Written::Number(number) => self.plain_msisdn(&number),
            Written::Pseudonym(name) => Msisdn::new(name),
            Written::Damaged => Err(MsisdnError::Damaged),
            Written::Nobody => Err(MsisdnError::Nobody),
        }
    }

    /// Digits, perhaps behind a `+`.
    fn plain_msisdn(&self, text: &str) -> Result<Msisdn, MsisdnError> {
        if text.len() > Msisdn::LENGTH_MAX {
            return Err(MsisdnError::TooLong);
        }
        let marked = text.strip_prefix('+');
        let digits = marked.unwrap_or(text);
        if let Some(behind) = self.behind_international(digits) {
            return self.international(behind);
        }
        match marked {
            Some(_) => self.international(digits),
            None => self.unmarked(digits),
        }
    }

    /// A number behind `+` or an international prefix.
    fn international(&self, digits: &str) -> Result<Msisdn, MsisdnError> {
        match digits.strip_prefix(self.settings.country_code.as_str()) {
            Some(national) => self.home(national),
            None => foreign(digits),
        }
    }

    /// A number of the home country behind its code, which some gateways write twice.
    fn home(&self, digits: &str) -> Result<Msisdn, MsisdnError> {
        if self.has_country(digits) {
            return Msisdn::new(digits);
        }
        let bytes = digits.as_bytes();
        let behind_mark = || self.behind_mobile_mark(bytes);
        match self.dialled(bytes).or_else(behind_mark) {
            Some(rest) => self.with_country(&digits[digits.len() - rest.len()..]),
            None if self.is_national(bytes) => self.with_country(digits),
            None => Err(MsisdnError::OutOfPlan),
        }
    }

    /// A number without any mark: with country code, or as it is dialled inside the country.
    fn unmarked(&self, digits: &str) -> Result<Msisdn, MsisdnError> {
        let bytes = digits.as_bytes();
        let behind_country = digits.strip_prefix(self.settings.country_code.as_str());
        if behind_country.is_some_and(|national| self.is_subscriber(national.as_bytes())) {
            return Msisdn::new(digits);
        }
        if self.is_subscriber(bytes) {
            return self.with_country(digits);
        }
        let again = behind_country.filter(|rest| self.has_country(rest));
        if let Some(whole) = again.or_else(|| self.behind_address_type(digits)) {
            return Msisdn::new(whole);
        }
        if let Some(rest) = self.behind_ip_prefix(bytes)
            && self.is_subscriber(rest)
        {
            return self.with_country(&digits[digits.len() - rest.len()..]);
        }
        if digits.len() > E164_DIGITS_MAX {
            return Msisdn::new(digits);
        }
        if digits.len() < Msisdn::DIGITS_MIN {
            return Err(MsisdnError::Truncated);
        }
        if let Some(rest) = self.dialled(bytes) {
            return self.with_country(&digits[digits.len() - rest.len()..]);
        }
        if let Some(Ok(whole)) = behind_country.map(|national| self.home(national)) {
            return Ok(whole);
        }
        if self.settings.trunk_prefixes.is_empty() && self.is_national(bytes) {
            return self.with_country(digits);
        }
        // A number of this country that was cut short must not become somebody else.
        let short = self.begins_as_mobile(bytes) && digits.len() < self.settings.mobile_digits[0];
        if short || behind_country.is_some() {
            return Err(MsisdnError::OutOfPlan);
        }
        foreign(digits)
    }

    /// A number with its country code behind the type that networks put before an international address.
    fn behind_address_type<'t>(&self, digits: &'t str) -> Option<&'t str> {
        let whole = digits.strip_prefix(INTERNATIONAL_ADDRESS)?;
        (digits.len() > INDIAN_DIGITS && self.has_country(whole)).then_some(whole)
    }

    /// Whether these are a mobile or a machine's number of this country behind its code.
    fn has_country(&self, digits: &str) -> bool {
        let national = digits.strip_prefix(self.settings.country_code.as_str());
        national.is_some_and(|national| self.is_subscriber(national.as_bytes()))
    }

    fn with_country(&self, national: &str) -> Result<Msisdn, MsisdnError> {
        let mut digits = [0; Msisdn::LENGTH_MAX];
        let code = self.settings.country_code.as_bytes();
        let length = code.len() + national.len();
        let (front, behind) = digits.split_at_mut(code.len());
        front.copy_from_slice(code);
        match behind.get_mut(..national.len()) {
            Some(rest) => rest.copy_from_slice(national.as_bytes()),
            None => return Err(MsisdnError::TooLong),
        }
        Msisdn::new(str::from_utf8(&digits[..length]).unwrap_or_default())
    }

    /// What stands behind international prefixes, if there are any; some systems write two.
    fn behind_international<'t>(&self, digits: &'t str) -> Option<&'t str> {
        let strip = |digits: &'t str| {
            let mut prefixes = self.settings.international_prefixes.iter();
            prefixes.find_map(|prefix| digits.strip_prefix(prefix.as_str()))
        };
        let mut behind = strip(digits)?;
        while let Some(rest) = strip(behind) {
            behind = rest;
        }
        // Longer ones are no numbers, but for a country code written twice.
        let again = behind.strip_prefix(self.settings.country_code.as_str());
        let whole = again.filter(|rest| self.has_country(rest));
        (behind.len() <= E164_DIGITS_MAX || whole.is_some()).then_some(behind)
    }

    /// The number without international prefix and home country code, and whether the code was taken off.
    fn without_country<'t>(&self, text: &'t [u8]) -> (&'t [u8], bool) {
        let mut prefixes = self.settings.international_prefixes.iter();
        let marked = text
            .strip_prefix(b"+")
            .or_else(|| prefixes.find_map(|prefix| after(text, prefix)));
        let digits = marked.unwrap_or(text);
        // Without the mark, digits that look like a country code may be the start of a local number.
        match after(digits, &self.settings.country_code) {
            Some(rest) if marked.is_some() || self.is_complete(rest) => (rest, true),
            _ => (digits, false),
        }
    }

    /// The number behind an IP-dial prefix, if what follows is long enough to be one.
    fn behind_ip_prefix<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        let prefixes = self.settings.ip_prefixes.iter();
        let mut behind = prefixes.filter_map(|prefix| after(digits, prefix));
        behind.find(|rest| rest.len() >= self.settings.short_code_digits[0])
    }

    /// What stands behind each trunk prefix that the digits begin with.
    fn behind_trunk<'t>(&self, digits: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
        let prefixes = self.settings.trunk_prefixes.iter();
        prefixes.filter_map(move |prefix| after(digits, prefix))
    }

    /// The complete number behind a trunk prefix.
    fn dialled<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        self.behind_trunk(digits)
            .find(|rest| self.is_national(rest))
    }

    /// The mobile number behind what some write between it and the country code.
    fn behind_mobile_mark<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        let mark = self.settings.mobile_mark.as_bytes();
        // Comparing with nothing would take a fifth of all decoding: processors are slow to read no bytes from nowhere.
        if mark.is_empty() {
            return None;
        }
        let rest = digits.strip_prefix(mark)?;
        self.is_mobile(rest).then_some(rest)
    }

    /// The service number behind an area code (without trunk prefix).
    fn behind_area_code<'t>(&self, digits: &'t [u8]) -> Option<&'t [u8]> {
        let [area_min, area_max] = self.settings.area_code_digits;
        let splits = (area_min..=area_max).filter_map(|area| digits.split_at_checked(area));
        let mut codes = splits.map(|(_, code)| code);
        let code = codes.find(|code| self.is_short_code(code))?;
        digits.iter().all(u8::is_ascii_digit).then_some(code)
    }

    fn is_complete(&self, digits: &[u8]) -> bool {
        self.is_national(digits)
            || self.is_short_code(digits)
            || self.behind_area_code(digits).is_some()
    }

    /// Whether these may be all digits of a number behind the country code.
    fn is_national(&self, digits: &[u8]) -> bool {
        self.is_subscriber(digits) || (self.is_other(digits) && !self.begins_as_mobile(digits))
    }

    /// Whether these have the digits of a number that is neither mobile nor a machine's.
    fn is_other(&self, digits: &[u8]) -> bool {
        let settings = &self.settings;
        let [min, max] = settings.national_digits;
        // Where 0 is dialled before a number, none begins with it.
        let mut trunk = settings.trunk_prefixes.iter();
        let zero = digits.starts_with(b"0") && trunk.any(|prefix| prefix.starts_with('0'));
        let mut begins = settings.national_prefixes.iter();
        let known =
            settings.national_prefixes.is_empty() || begins.any(|prefix| starts(digits, prefix));
        (min..=max).contains(&digits.len()) && !zero && known
    }

    /// Whether these are all digits of a mobile number or a machine's, which nothing else begins like.
    fn is_subscriber(&self, digits: &[u8]) -> bool {
        self.is_mobile(digits) || self.is_machine(digits)
    }

    fn is_machine(&self, digits: &[u8]) -> bool {
        let mut prefixes = self.settings.machine_prefixes.iter();
        digits.len() == self.settings.machine_digits
            && prefixes.any(|prefix| starts(digits, prefix))
    }

    fn is_mobile(&self, digits: &[u8]) -> bool {
        let [min, max] = self.settings.mobile_digits;
        (min..=max).contains(&digits.len()) && self.begins_as_mobile(digits)
    }

    fn begins_as_mobile(&self, digits: &[u8]) -> bool {
        let Some(first) = digits.first_chunk::<3>() else {
            return false;
        };
        let place = first.iter().try_fold(0, |place, digit| {
            let digit = digit.is_ascii_digit().then(|| usize::from(digit - b'0'))?;
            Some(place * 10 + digit)
        });
        place.is_some_and(|place| self.mobile[place])
    }

    fn is_short_code(&self, digits: &[u8]) -> bool {
        let [min, max] = self.settings.short_code_digits;
        let mut prefixes = self.settings.short_code_prefixes.iter();
        (min..=max).contains(&digits.len()) && prefixes.any(|prefix| starts(digits, prefix))
    }
}

/// What stands behind a prefix. Prefixes are so short that calling `memcmp` takes longer than comparing.
#[inline]
fn after<'t>(digits: &'t [u8], prefix: &str) -> Option<&'t [u8]> {
    let (front, rest) = digits.split_at_checked(prefix.len())?;
    let same = front.iter().zip(prefix.as_bytes()).all(|(a, b)| a == b);
    same.then_some(rest)
}

fn starts(digits: &[u8], prefix: &str) -> bool {
    after(digits, prefix).is_some()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Another country's number with its country code, which never begins with 0.
fn foreign(digits: &str) -> Result<Msisdn, MsisdnError> {
    // Filled in where there was no number.
    let filled = digits.len() >= 7 && digits.bytes().all(|b| digits.starts_with(char::from(b)));
    if filled {
        return Err(MsisdnError::Nobody);
    }
    let mut fixed = FIXED_LENGTHS.iter();
    let whole = fixed.all(|(code, length)| !digits.starts_with(code) || digits.len() == *length);
    match digits.len() {
        0..Msisdn::DIGITS_MIN => Err(MsisdnError::Truncated),
        Msisdn::DIGITS_MIN..=E164_DIGITS_MAX if whole && !digits.starts_with('0') => {
            Msisdn::new(digits)
        }
        _ => Err(MsisdnError::OutOfPlan),
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
            ("17951010 10010", "10010"),
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
            ("01012345678", "1012345678"),
            ("+861012345678", "1012345678"),
            ("075512345678", "75512345678"),
            ("8675512345678", "75512345678"),
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
            "10010 10086 95588 12345",
            "1.001E4",
            "anonymous",
        ] {
            assert_eq!(numbering().number(text), Number::OTHER, "{text}");
        }
    }

    #[test]
    fn a_subscriber_has_one_identity() {
        for (given, canonical) in [
            ("13800138000", "8613800138000"),
            ("013800138000", "8613800138000"),
            ("+8613800138000", "8613800138000"),
            ("8613800138000", "8613800138000"),
            ("008613800138000", "8613800138000"),
            ("+008613800138000", "8613800138000"),
            ("+86013800138000", "8613800138000"),
            ("01064812345", "861064812345"),
            ("+861064812345", "861064812345"),
            ("861064812345678", "861064812345678"),
            ("1064812345678", "861064812345678"),
            ("1440012345678", "861440012345678"),
            ("+861440012345678", "861440012345678"),
            ("918613800138000", "8613800138000"),
            ("918613800138000F", "8613800138000"),
            ("919812345678", "919812345678"),
            ("868613800138000", "8613800138000"),
            ("86861064712345678", "861064712345678"),
            ("0086861064712345678", "861064712345678"),
            ("+86861064712345678", "861064712345678"),
            ("1795113800138000", "8613800138000"),
            ("=13800138000", "8613800138000"),
            ("+447700900123", "447700900123"),
            ("00447700900123", "447700900123"),
            ("447700900123", "447700900123"),
            ("12025550100", "12025550100"),
            ("48601234567", "48601234567"),
            ("12345678901234567890", "12345678901234567890"),
            ("a1b2c3+/=", "a1b2c3+/="),
            ("+pseudonym", "+pseudonym"),
            (" p-1\t", "p-1"),
            ("13800138000.0", "8613800138000"),
            ("13800138000F", "8613800138000"),
            ("+86 138-0013-8000", "8613800138000"),
            ("tel:013800138000;phone-context=+86", "8613800138000"),
            ("sip:13800138000@ims.example", "8613800138000"),
            ("１３８００１３８０００", "8613800138000"),
            ("+49 (0)171 1234567", "491711234567"),
            ("00f3", "00f3"),
        ] {
            let msisdn = numbering().msisdn(given).unwrap();
            assert_eq!(msisdn.as_str(), canonical, "{given}");
        }
        for cut in [
            "1380013800",
            "86138001380",
            "+86138001380",
            "+8613800",
            "0138001380",
            "8600123456789",
            "+1234567890123456",
            "861380013800",
            "+86138002766591",
            "+861380013800000",
            "1380013800000",
            "138001380001",
            "198613800138000",
            "+1202555010",
        ] {
            assert_eq!(
                numbering().msisdn(cut),
                Err(MsisdnError::OutOfPlan),
                "{cut}"
            );
        }
        for (text, refusal) in [
            ("1380013800O", MsisdnError::Damaged),
            ("1.38E+10", MsisdnError::Damaged),
            ("unknown", MsisdnError::Nobody),
            ("99999999999", MsisdnError::Nobody),
        ] {
            assert_eq!(numbering().msisdn(text), Err(refusal), "{text}");
        }
        assert_eq!(numbering().msisdn("+001380"), Err(MsisdnError::Truncated));
        assert_eq!(numbering().msisdn(""), Err(MsisdnError::Empty));
        assert_eq!(numbering().msisdn("00000"), Err(MsisdnError::Truncated));
        assert_eq!(numbering().msisdn("1380"), Err(MsisdnError::Truncated));
        let long = "0".repeat(33);
        assert_eq!(numbering().msisdn(&long), Err(MsisdnError::TooLong));
    }

    #[test]
    fn the_own_number_is_known_in_every_form() {
        for (text, msisdn) in [
            ("13800138000", "8613800138000"),
            ("01064812345", "861064812345"),
            ("+447700900123", "447700900123"),
        ] {
            let numbering = numbering();
            let own = numbering.own_number(&numbering.msisdn(text).unwrap());
            assert_eq!(own, numbering.number(text));
            assert_eq!(own, numbering.number(msisdn));
        }
    }

    proptest! {
        #[test]
        fn a_name_is_read_back_as_it_is(text in "\\+?(00)?(86)?[0-9]{0,14}|[ -~]{0,34}") {
            if let Ok(once) = numbering().msisdn(&text) {
                let name = once.as_str();
                // Without a mark, some numbers of other countries read like numbers of this one.
                let marked = is_digits(name) && name.len() <= E164_DIGITS_MAX;
                let again = if marked { format!("+{name}") } else { name.to_owned() };
                prop_assert_eq!(numbering().msisdn(&again), Ok(once));
                let home = name.starts_with("86");
                prop_assert!(!home || numbering().msisdn(name) == Ok(once));
            }
            let _ = numbering().number(&text);
        }
    }
}
