//! A layout as its file states it.

use super::ber::FileHeader;
use super::octets::Reading;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// The text of a layout's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutText {
    /// What it is called where it is configured.
    pub name: String,
    /// TOML.
    pub text: String,
}

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LayoutSpec {
    pub(super) name: Option<String>,
    /// For people.
    #[serde(rename = "about")]
    _about: Option<String>,
    pub(super) format: FormatName,
    pub(super) encoding: Option<String>,
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) empty: Vec<String>,
    #[serde(default)]
    pub(super) choose: Choose,
    pub(super) csv: Option<CsvSpec>,
    pub(super) fixed: Option<FixedSpec>,
    pub(super) ber: Option<BerSpec>,
    #[serde(default)]
    pub(super) skip: Vec<OneOrMany<ConditionSpec>>,
    /// Of every variant, unless it states them itself.
    #[serde(default)]
    pub(super) fields: FieldSpecs,
    #[serde(default)]
    pub(super) variants: Vec<VariantSpec>,
}

/// One kind of record.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantSpec {
    pub(super) name: String,
    pub(super) when: Option<OneOrMany<ConditionSpec>>,
    #[serde(default)]
    pub(super) fields: FieldSpecs,
}

/// Fields by their names. Those of a plan stand in a table of their own and are named `plan.id` here.
#[derive(Debug, Default)]
pub(super) struct FieldSpecs(pub(super) BTreeMap<String, FieldSpec>);

impl<'de> Deserialize<'de> for FieldSpecs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = FieldSpecs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FieldSpecs, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "plan" {
                        let inner: BTreeMap<String, FieldSpec> = map.next_value()?;
                        let inner = inner.into_iter();
                        fields.extend(inner.map(|(name, spec)| (format!("plan.{name}"), spec)));
                    } else {
                        fields.insert(name, map.next_value()?);
                    }
                }
                Ok(FieldSpecs(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatName {
    Json,
    Csv,
    Fixed,
    Ber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choose {
    pub(super) topic: Option<OneOrMany<String>>,
    pub(super) file: Option<OneOrMany<String>>,
    #[serde(default)]
    pub(super) header: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CsvSpec {
    pub(super) delimiter: Option<String>,
    pub(super) quote: Option<String>,
    pub(super) escape: Option<String>,
    pub(super) comment: Option<String>,
    pub(super) header: bool,
    pub(super) columns: Vec<String>,
    pub(super) ragged: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FixedSpec {
    /// The first character, counted from 1, and how many.
    pub(super) columns: BTreeMap<String, [usize; 2]>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BerSpec {
    pub(super) file_header: Option<FileHeader>,
    /// Bytes.
    pub(super) block: Option<u64>,
}

/// A list, or its only entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

/// A text, number or truth value, which stands for its text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Scalar {
    Text(String),
    Truth(bool),
    Whole(i64),
    Decimal(f64),
}

impl Scalar {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Decimal(number) => number.to_string(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionSpec {
    pub(super) from: String,
    #[serde(rename = "in")]
    pub(super) is_in: Option<OneOrMany<Scalar>>,
    pub(super) not_in: Option<OneOrMany<Scalar>>,
    pub(super) empty: Option<bool>,
}

/// How one field is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FieldSpec {
    pub(super) from: Option<OneOrMany<String>>,
    pub(super) join: Option<Vec<String>>,
    pub(super) with: Option<String>,
    pub(super) list: Option<OneOrMany<String>>,
    pub(super) hash: Option<OneOrMany<String>>,
    pub(super) value: Option<Scalar>,
    pub(super) when: Option<OneOrMany<ConditionSpec>>,
    pub(super) required: bool,
    pub(super) read: Option<Reading>,
    pub(super) strip_prefix: Option<OneOrMany<String>>,
    pub(super) strip_suffix: Option<OneOrMany<String>>,
    pub(super) remove: Option<String>,
    pub(super) replace: Option<OneOrMany<ReplaceSpec>>,
    pub(super) values: Option<BTreeMap<String, Scalar>>,
    pub(super) otherwise: Option<Scalar>,
    pub(super) decimal: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) time: Option<OneOrMany<String>>,
    pub(super) zone: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceSpec {
    pub(super) pattern: String,
    pub(super) with: String,
}
