use std::fmt;

/// A subscriber's identity: E.164 digits or an opaque pseudonym of 1 to 32 printable ASCII characters (behaviour:
/// Events).
///
/// `Display` and `Debug` print the masked form, so that a log line, metric or error cannot leak it by accident;
/// [`Msisdn::as_str`] is the deliberate way to the clear form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msisdn {
    bytes: [u8; Msisdn::LENGTH_MAX],
    length: u8,
}

/// Why a text is not a subscriber identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MsisdnError {
    /// No characters at all.
    #[error("is empty")]
    Empty,
    /// More than [`Msisdn::LENGTH_MAX`] characters.
    #[error("is longer than 32 characters")]
    TooLong,
    /// Digits only, but too few to be a subscriber: a truncated number.
    #[error("has fewer than 5 digits")]
    Truncated,
    /// A number of the home country with too few or too many digits, or one that no country can have.
    #[error(
        "is no number of its country: too few or too many digits, or a first digit that none begins with"
    )]
    OutOfPlan,
    /// Digits with something else among them, or in a form that lost some.
    #[error(
        "looks like a number with something wrong in it: digits are missing or other characters stand among them"
    )]
    Damaged,
    /// Filled in where nobody is known.
    #[error("names nobody")]
    Nobody,
    /// A space, a control character or something outside ASCII.
    #[error("holds a character that is neither a letter, a digit nor one of -_.:=+/")]
    BadCharacter,
}

impl Msisdn {
    /// Longest identity, in characters.
    pub const LENGTH_MAX: usize = 32;
    /// Fewest digits of an all-digit identity; anything shorter is a truncated number.
    pub const DIGITS_MIN: usize = 5;

    /// Takes a text that is already in canonical form (see `decode` for normalisation).
    ///
    /// # Errors
    /// [`MsisdnError`] says what is wrong with the text.
    pub fn new(text: &str) -> Result<Self, MsisdnError> {
        let source = text.as_bytes();
        if source.is_empty() {
            return Err(MsisdnError::Empty);
        }
        if source.len() > Self::LENGTH_MAX {
            return Err(MsisdnError::TooLong);
        }
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:=+/".contains(b);
        if !source.iter().all(allowed) {
            return Err(MsisdnError::BadCharacter);
        }
        if source.len() < Self::DIGITS_MIN && source.iter().all(u8::is_ascii_digit) {
            return Err(MsisdnError::Truncated);
        }
        let mut bytes = [0; Self::LENGTH_MAX];
        bytes[..source.len()].copy_from_slice(source);
        Ok(Self {
            bytes,
            length: source.len() as u8,
        })
    }

    /// The clear form. Only records leaving through the output topics, and operators who ask, may see it.
    pub fn as_str(&self) -> &str {
        // Only ASCII ever enters, so the conversion cannot fail.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The clear form as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl fmt::Display for Msisdn {
    /// First three and last two characters around a fixed mask; nothing but the mask for short identities.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.as_str();
        match text.len() {
            0..=7 => f.write_str("***"),
            n => write!(f, "{}***{}", &text[..3], &text[n - 2..]),
        }
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_itself_masked() {
        let msisdn = Msisdn::new("13800138000").unwrap();
        assert_eq!(format!("{msisdn} {msisdn:?}"), "138***00 138***00");
        assert_eq!(Msisdn::new("abcdef").unwrap().to_string(), "***");
        assert_eq!(msisdn.as_str(), "13800138000");
    }

    #[test]
    fn refuses_what_cannot_be_a_subscriber() {
        assert_eq!(Msisdn::new(""), Err(MsisdnError::Empty));
        assert_eq!(Msisdn::new("1380"), Err(MsisdnError::Truncated));
        assert_eq!(Msisdn::new("138 0013"), Err(MsisdnError::BadCharacter));
        assert_eq!(Msisdn::new("号码号码号码"), Err(MsisdnError::BadCharacter));
        assert_eq!(Msisdn::new(&"9".repeat(33)), Err(MsisdnError::TooLong));
        assert!(Msisdn::new(&"p".repeat(32)).is_ok());
    }
}
