use std::fmt;

/// A mobile network by its country and its own code: `MCC-MNC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    country: u16,
    code: u16,
    /// Digits of the code: 01 and 001 are two networks.
    digits: u8,
}

impl Network {
    /// Reads three digits of the country and two or three of the network, with a hyphen between them or none.
    pub fn parse(text: &str) -> Option<Self> {
        let (country, code) = text.split_at_checked(3)?;
        let code = code.strip_prefix('-').unwrap_or(code);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let plausible = digits(country) && digits(code) && (2..=3).contains(&code.len());
        let country = country.parse().ok().filter(|_| plausible);
        Some(Self {
            country: country.filter(|country| *country >= LEAST)?,
            code: code.parse().ok()?,
            digits: code.len() as u8,
        })
    }

    /// The country's code, MCC.
    pub fn country(self) -> u16 {
        self.country
    }
}

/// No country has a lower code.
const LEAST: u16 = 200;

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = usize::from(self.digits);
        write!(f, "{}-{:0width$}", self.country, self.code)
    }
}
