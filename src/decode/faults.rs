use super::field::Field;
use crate::model::MoneyError;

/// What is wrong with a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A text that is none of those the field may hold.
    Unlisted,
    /// Another type, or a value that cannot be meant; completes "field x ...".
    Invalid(&'static str),
    /// No amount of money.
    Amount(MoneyError),
}

/// Fields of a record that could not be used, though the record can do without them (behaviour: Bad input).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldFaults {
    /// A set of fields for each kind of fault.
    sets: [u64; FieldFault::ALL.len()],
}

/// Why a field could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldFault {
    /// The record type should have it, and it is absent, null or empty.
    Missing,
    /// A text that is none of those the field may hold.
    Unknown,
    /// Of another type, given twice, or a value that cannot be meant.
    Invalid,
}

impl FieldFault {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Missing, Self::Unknown, Self::Invalid];

    /// The name used in metrics and summaries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
        }
    }
}

impl FieldFaults {
    /// Whether every field could be used.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The fields by their names in records, each with why it could not be used.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, FieldFault)> {
        let sets = FieldFault::ALL.into_iter().zip(self.sets);
        // Nearly every record has none, and need not be asked for each field.
        sets.filter(|(_, set)| *set != 0).flat_map(|(fault, set)| {
            let fields = Field::ALL
                .iter()
                .filter(move |field| set & field.bit() != 0);
            fields.map(move |field| (field.name(), fault))
        })
    }

    pub(super) fn add(&mut self, field: Field, fault: FieldFault) {
        self.sets[fault as usize] |= field.bit();
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.sets.iter().any(|set| set & field.bit() != 0)
    }
}
