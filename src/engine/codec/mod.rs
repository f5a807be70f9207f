//! Little-endian bytes of the parts of a page, and back.

mod interner;
mod possible;

pub use interner::Interner;
pub use possible::{is_possible, is_possible_time};

use crate::model::{Day, Money, Msisdn, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wrong with some bytes, to follow the name of what they should be.
pub type Problem = &'static str;

/// Bytes being written. Names are written once for each page, before everything else.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    names: BTreeMap<Arc<str>, u32>,
}

/// Bytes being read. Nothing they say is trusted.
pub struct Reader<'a> {
    rest: &'a [u8],
    names: Vec<Arc<str>>,
}

/// Something with a fixed way to bytes and back.
pub trait Encoded: Sized {
    /// Appends the bytes.
    fn put(&self, to: &mut Writer);
    /// Takes the bytes.
    fn get(from: &mut Reader<'_>) -> Result<Self, Problem>;
}

impl Writer {
    /// With room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ..Self::default()
        }
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// What was written, without names.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What was written behind the names in it.
    pub fn into_bytes_with_names(self) -> Vec<u8> {
        let mut names: Vec<_> = self.names.into_iter().collect();
        names.sort_by_key(|(_, number)| *number);
        let mut whole = Self::default();
        (names.len() as u32).put(&mut whole);
        for (name, _) in names {
            (name.len() as u32).put(&mut whole);
            whole.raw(name.as_bytes());
        }
        whole.raw(&self.bytes);
        whole.bytes
    }
}

impl<'a> Reader<'a> {
    /// Reads bytes that hold no names.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            names: Vec::new(),
        }
    }

    /// Reads bytes that begin with their names.
    pub fn with_names(bytes: &'a [u8], shared: &mut Interner) -> Result<Self, Problem> {
        let mut reader = Self::new(bytes);
        for _ in 0..u32::get(&mut reader)? {
            let length = u32::get(&mut reader)?;
            let name = str::from_utf8(reader.raw(length as usize)?);
            let name = name.map_err(|_| "has a name that is not UTF-8")?;
            reader.names.push(shared.intern(name));
        }
        Ok(reader)
    }

    /// Takes so many bytes as they are.
    pub fn raw(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("is cut short")?;
        self.rest = rest;
        Ok(taken)
    }

    /// All must have been taken.
    pub fn end(&self) -> Result<(), Problem> {
        match self.rest {
            [] => Ok(()),
            _ => Err("is longer than it should be"),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("is cut short")?;
        self.rest = rest;
        Ok(*taken)
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Encoded for $number {
            fn put(&self, to: &mut Writer) {
                to.raw(&self.to_le_bytes());
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
                from.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 i32 i64 f32 }

impl<A: Encoded, B: Encoded> Encoded for (A, B) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        Ok((A::get(from)?, B::get(from)?))
    }
}

macro_rules! wrapped {
    ($($wrapper:ident)*) => {$(
        impl Encoded for $wrapper {
            fn put(&self, to: &mut Writer) {
                self.0.put(to);
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
                Encoded::get(from).map(Self)
            }
        }
    )*};
}

wrapped! { Day Money Timestamp }

impl Encoded for bool {
    fn put(&self, to: &mut Writer) {
        u8::from(*self).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        match u8::get(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("has a mark that is neither 0 nor 1"),
        }
    }
}

impl<T: Encoded> Encoded for Option<T> {
    fn put(&self, to: &mut Writer) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        bool::get(from)?.then(|| T::get(from)).transpose()
    }
}

impl<T: Encoded> Encoded for Box<T> {
    fn put(&self, to: &mut Writer) {
        T::put(self, to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        T::get(from).map(Self::new)
    }
}

impl<T: Encoded + Default, const N: usize> Encoded for [T; N] {
    fn put(&self, to: &mut Writer) {
        self.iter().for_each(|value| value.put(to));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let mut values = std::array::from_fn(|_| T::default());
        for value in &mut values {
            *value = T::get(from)?;
        }
        Ok(values)
    }
}

impl<T: Encoded> Encoded for Vec<T> {
    fn put(&self, to: &mut Writer) {
        (self.len() as u32).put(to);
        self.iter().for_each(|value| value.put(to));
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let mut values = Vec::new();
        for _ in 0..u32::get(from)? {
            values.push(T::get(from)?);
        }
        Ok(values)
    }
}

impl Encoded for Msisdn {
    fn put(&self, to: &mut Writer) {
        (self.as_bytes().len() as u8).put(to);
        to.raw(self.as_bytes());
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let length = u8::get(from)?;
        let text = str::from_utf8(from.raw(usize::from(length))?).unwrap_or_default();
        Self::new(text).map_err(|_| "has a pseudonym that cannot be one")
    }
}

impl Encoded for Arc<str> {
    fn put(&self, to: &mut Writer) {
        let next = to.names.len() as u32;
        let number = *to.names.entry(self.clone()).or_insert(next);
        number.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let number = u32::get(from)?;
        let name = from.names.get(number as usize);
        name.cloned().ok_or("names what it does not list")
    }
}

/// Some fields as bytes, how many they are first.
pub fn list<T: Encoded>(encoded: &[T]) -> Vec<u8> {
    let mut to = Writer::default();
    (encoded.len() as u32).put(&mut to);
    encoded.iter().for_each(|field| field.put(&mut to));
    to.into_bytes()
}

/// The fields of such bytes.
pub fn from_list<T: Encoded>(bytes: &[u8]) -> Result<Vec<T>, Problem> {
    let mut from = Reader::new(bytes);
    let encoded = Encoded::get(&mut from)?;
    from.end()?;
    Ok(encoded)
}

/// A struct as its fields in order. The compiler sees to it that none is missing.
macro_rules! encoded {
    ($type:ident { $($field:ident),* $(,)? }) => {
        impl $crate::engine::codec::Encoded for $type {
            fn put(&self, to: &mut $crate::engine::codec::Writer) {
                $(self.$field.put(to);)*
            }

            fn get(
                from: &mut $crate::engine::codec::Reader<'_>,
            ) -> Result<Self, $crate::engine::codec::Problem> {
                Ok(Self {
                    $($field: $crate::engine::codec::Encoded::get(from)?,)*
                })
            }
        }
    };
}

pub(in crate::engine) use encoded;
