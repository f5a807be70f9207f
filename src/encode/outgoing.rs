use std::borrow::Cow;
use std::fmt;

/// One record that leaves.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Outgoing {
    /// The subscriber; of a dead letter, the original key.
    pub key: Option<Vec<u8>>,
    /// JSON, until a [`Form`](super::Form) makes something else of it; of a dead letter, the original bytes.
    pub value: Option<Vec<u8>>,
    /// In a fixed order. Only headers copied from an original can lack a value.
    pub headers: Vec<(Cow<'static, str>, Option<Vec<u8>>)>,
    /// What it is about, for the `subject` of CloudEvents: never a subscriber's number. Empty of a dead letter.
    pub subject: String,
}

impl fmt::Debug for Outgoing {
    /// Sizes only: a record holds a subscriber's number in the clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        f.debug_struct("Outgoing")
            .field("key_bytes", &bytes(&self.key))
            .field("value_bytes", &bytes(&self.value))
            .finish_non_exhaustive()
    }
}
