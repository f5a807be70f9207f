//! How a record becomes fields, one by one, for whoever writes a layout.

use super::ber;
use super::form::{Form, Format, Made, Mapped, Scratch};
use super::plan::Condition;
use crate::model::Reject;
use serde_json::Value;

/// What a layout makes of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The kind of record; empty if the layout has one kind only.
    pub variant: String,
    /// In the order in which they are made.
    pub fields: Vec<FieldTrace>,
}

/// What becomes of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTrace {
    /// Its name.
    pub field: &'static str,
    /// The values it is made of, by their names in the record.
    pub sources: Vec<(String, Option<String>)>,
    /// Its JSON text.
    pub made: Option<String>,
}

impl Form {
    /// What the layout makes of a record; nothing if there is no layout, or it skips the record.
    ///
    /// # Errors
    /// Why it makes nothing.
    pub fn trace(&self, bytes: &[u8], scratch: &mut Scratch) -> Result<Option<Trace>, Reject> {
        let Self::Mapped(mapped) = self else {
            return Ok(None);
        };
        Ok(mapped.map(bytes, scratch)?.map(|made| made.trace()))
    }

    /// The names of the values that the layout takes.
    pub fn sources(&self) -> &[String] {
        match self {
            Self::Native => &[],
            Self::Mapped(mapped) => &mapped.layout.sources,
        }
    }

    /// A record as JSON, if the layout names its values by paths.
    pub fn as_json(&self, record: &[u8]) -> Option<Value> {
        match self {
            Self::Mapped(Mapped { layout, .. }) if matches!(layout.format, Format::Ber { .. }) => {
                serde_json::from_str(&ber::json(record)?).ok()
            }
            _ => serde_json::from_slice(record).ok(),
        }
    }

    /// The cells of a row, if the layout is of rows.
    pub fn cells(&self, line: &[u8]) -> Option<Vec<String>> {
        let Self::Mapped(Mapped { layout, .. }) = self else {
            return None;
        };
        let Format::Csv { dialect, .. } = &layout.format else {
            return None;
        };
        let (text, _) = layout.encoding.decode_without_bom_handling(line);
        Some(dialect.all_cells(&text))
    }
}

impl Made<'_, '_> {
    fn trace(&self) -> Trace {
        let targets = self.variant.targets.iter();
        let asked =
            targets.filter(|target| Condition::all_hold(&target.when, self.record, self.slots));
        let fields = asked.map(|target| {
            let sources = target.slots().into_iter().map(|slot| {
                let value = self.slots.plain(self.record, slot);
                (
                    self.layout.sources[slot].clone(),
                    value.map(|value| value.into_owned()),
                )
            });
            let made = self
                .fields()
                .find(|(field, text)| *field == target.field && !text.is_empty());
            FieldTrace {
                field: target.field.name(),
                sources: sources.collect(),
                made: made.map(|(_, text)| text.to_owned()),
            }
        });
        Trace {
            variant: self.variant.name.clone(),
            fields: fields.collect(),
        }
    }
}
