//! How values travel that serde does not know by itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A subscriber's identity in the clear, for records of state that never leave the operator. An [`Msisdn`] does not
/// serialise by itself, so every place that writes one says so.
///
/// [`Msisdn`]: super::Msisdn
pub mod clear {
    use super::*;
    use crate::model::Msisdn;

    /// The clear form.
    pub fn serialize<S: Serializer>(msisdn: &Msisdn, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(msisdn.as_str())
    }

    /// From the clear form.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Msisdn, D::Error> {
        let text = String::deserialize(from)?;
        Msisdn::new(&text).map_err(serde::de::Error::custom)
    }
}

/// Strings that are shared in memory, each written out: one, perhaps one, or some.
pub(crate) mod shared {
    use super::*;
    use std::sync::Arc;

    pub fn serialize<T: Shared, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        value.write(to)
    }

    pub fn deserialize<'de, T: Shared, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::read(from)
    }

    pub trait Shared: Sized {
        fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
    }

    impl Shared for Arc<str> {
        fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_str(self)
        }

        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            String::deserialize(from).map(Into::into)
        }
    }

    impl Shared for Option<Arc<str>> {
        fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            self.as_deref().serialize(to)
        }

        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Ok(Option::<String>::deserialize(from)?.map(Into::into))
        }
    }

    impl Shared for Vec<Arc<str>> {
        fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(self.iter().map(|text| &**text))
        }

        fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let texts = Vec::<String>::deserialize(from)?;
            Ok(texts.into_iter().map(Into::into).collect())
        }
    }
}
