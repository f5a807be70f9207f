use crate::engine::codec::{Encoded, Problem, Reader, Writer};

/// Whether a customer wants marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Marketing {
    /// The customer did not say.
    #[default]
    Unknown,
    /// No.
    Refused,
    /// Yes.
    Agreed,
}

impl Encoded for Marketing {
    fn put(&self, to: &mut Writer) {
        (*self as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        match u8::get(from)? {
            0 => Ok(Self::Unknown),
            1 => Ok(Self::Refused),
            2 => Ok(Self::Agreed),
            _ => Err("has a wish about marketing that does not exist"),
        }
    }
}
