//! The values of a JSON record at the paths that a layout names.

use super::octets;
use super::slots::Slots;
use crate::decode::scan;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The paths as a tree: what is asked for below a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Paths {
    /// The value itself goes here.
    slot: Option<usize>,
    /// Below an object.
    keys: Vec<(Box<str>, Paths)>,
    /// Below a list, by place from 0.
    places: Vec<(usize, Paths)>,
    /// Below every entry of a list: the sum of integers.
    every: Option<Box<Paths>>,
}

/// How a record writes integers, and how sums of them are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integers {
    Decimal,
    /// As octets in hexadecimal.
    Hexadecimal,
}

/// One part of a path.
#[derive(Debug, PartialEq, Eq)]
enum Part<'p> {
    Key(&'p str),
    Place(usize),
    Every,
}

/// Values nested deeper are not read.
const PARTS_MAX: usize = 16;

impl Paths {
    /// Adds a path such as `a.b[0].c` or `volumes[*].uplink`, whose value goes to a slot.
    ///
    /// # Errors
    /// What is wrong with the path.
    pub(super) fn add(&mut self, path: &str, slot: usize) -> Result<(), &'static str> {
        let parts = parts(path).filter(|parts| (1..=PARTS_MAX).contains(&parts.len()));
        let parts =
            parts.ok_or("is no path such as `a.b`, `a[0].b` or `a[*].b`, of at most 16 parts")?;
        let mut at = self;
        for part in parts {
            at = match part {
                Part::Key(key) => below(&mut at.keys, key.into()),
                Part::Place(place) => below(&mut at.places, place),
                Part::Every => at.every.get_or_insert_default(),
            };
        }
        at.slot = Some(slot);
        Ok(())
    }

    /// Takes the values out of a record, whose text is `whole`.
    ///
    /// # Errors
    /// If it is no JSON.
    pub(super) fn read(
        &self,
        whole: &str,
        integers: Integers,
        slots: &mut Slots,
    ) -> Result<(), serde_json::Error> {
        let mut walk = Walk {
            paths: self,
            whole,
            integers,
            slots,
            summed: false,
        };
        if walk.scan(whole) {
            return Ok(());
        }
        walk.slots.reset();
        let mut json = serde_json::Deserializer::from_str(whole);
        walk.deserialize(&mut json)?;
        json.end()
    }

    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.places.is_empty() && self.every.is_none()
    }
}

fn below<K: PartialEq>(known: &mut Vec<(K, Paths)>, key: K) -> &mut Paths {
    let place = known.iter().position(|(known, _)| *known == key);
    let place = place.unwrap_or_else(|| {
        known.push((key, Paths::default()));
        known.len() - 1
    });
    &mut known[place].1
}

fn parts(path: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    for part in path.split('.') {
        let (key, mut places) = match part.split_once('[') {
            Some((key, places)) => (key, places.strip_suffix(']').map(Some)?),
            None => (part, None),
        };
        // A record may be a list itself.
        match key {
            "" if places.is_none() || !parts.is_empty() => return None,
            "" => {}
            key => parts.push(Part::Key(key)),
        }
        while let Some(place) = places {
            let (place, rest) = place
                .split_once("][")
                .map_or((place, None), |(p, rest)| (p, Some(rest)));
            parts.push(match place {
                "*" => Part::Every,
                place => Part::Place(place.parse().ok()?),
            });
            places = rest;
        }
    }
    Some(parts)
}

struct Walk<'w, 'a> {
    paths: &'w Paths,
    whole: &'a str,
    integers: Integers,
    slots: &'w mut Slots,
    /// Values are added up.
    summed: bool,
}

impl<'a> Walk<'_, 'a> {
    /// Takes the values out of an object. Returns whether the scan came to its end; otherwise what was taken counts for nothing.
    fn scan(&mut self, object: &'a str) -> bool {
        let (paths, summed) = (self.paths, self.summed);
        let (mut place, mut inner) = (0, true);
        let whole = scan::members(object, |key, value| {
            if let Some(found) = find(&paths.keys, key, place) {
                place = found + 1;
                inner &= self.below(&paths.keys[found].1, summed).scan_value(value);
            }
        });
        whole && inner
    }

    fn scan_value(mut self, raw: &'a str) -> bool {
        self.take(raw);
        if self.paths.is_leaf() {
            return true;
        }
        match raw.as_bytes() {
            [b'{', ..] => self.scan(raw),
            [b'[', ..] => {
                let mut json = serde_json::Deserializer::from_str(raw);
                json.deserialize_any(self).is_ok()
            }
            _ => true,
        }
    }

    #[inline]
    fn take(&mut self, raw: &'a str) {
        let nothing = matches!(raw, "null" | "\"\"") || raw.starts_with('{');
        let Some(slot) = self.paths.slot.filter(|_| !nothing) else {
            return;
        };
        if self.summed {
            return self.add(slot, raw);
        }
        // The value is a part of the record's text.
        let start = raw.as_ptr() as usize - self.whole.as_ptr() as usize;
        self.slots.set_json(slot, start, start + raw.len());
    }

    #[cold]
    fn add(&mut self, slot: usize, raw: &str) {
        let before = self.slots.plain(self.whole, slot);
        let integer = |text: &str| match self.integers {
            Integers::Decimal => text.parse().ok(),
            Integers::Hexadecimal => octets::integer(text),
        };
        let before = before.map_or(Some(0_i64), |before| integer(&before));
        let more = integer(raw.trim_matches('"'));
        let sum = before
            .zip(more)
            .and_then(|(before, more)| before.checked_add(more));
        // What cannot be added up is no number for the field either.
        self.slots.set_read(slot, |out| match (sum, self.integers) {
            (Some(sum), Integers::Decimal) => *out += &sum.to_string(),
            (Some(sum), Integers::Hexadecimal) => *out += &octets::hexadecimal(sum),
            (None, _) => out.push_str(raw.trim_matches('"')),
        });
    }

    fn below<'n>(&'n mut self, paths: &'n Paths, summed: bool) -> Walk<'n, 'a> {
        Walk {
            paths,
            whole: self.whole,
            integers: self.integers,
            slots: self.slots,
            summed,
        }
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(mut self, deserializer: D) -> Result<(), D::Error> {
        if !self.paths.is_leaf() && self.paths.slot.is_none() {
            return deserializer.deserialize_any(self);
        }
        let raw: &'a RawValue = serde::Deserialize::deserialize(deserializer)?;
        self.take(raw.get());
        if self.paths.is_leaf() {
            return Ok(());
        }
        let mut json = serde_json::Deserializer::from_str(raw.get());
        json.deserialize_any(self).map_err(D::Error::custom)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        let paths = self.paths;
        let mut place = 0;
        while let Some(found) = map.next_key_seed(Key(&paths.keys, place))? {
            match found {
                Some(found) => {
                    place = found + 1;
                    map.next_value_seed(self.below(&paths.keys[found].1, self.summed))?;
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        let paths = self.paths;
        for place in 0.. {
            let at = paths.places.iter().find(|(known, _)| *known == place);
            let more = match (&paths.every, at) {
                (Some(every), _) => list.next_element_seed(self.below(every, true))?,
                (None, Some((_, below))) => {
                    list.next_element_seed(self.below(below, self.summed))?
                }
                (None, None) => list.next_element::<IgnoredAny>()?.map(|_| ()),
            };
            if more.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Finds the place of a key, beginning behind the last one.
struct Key<'w>(&'w [(Box<str>, Paths)], usize);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(find(self.0, key, self.1))
    }
}

/// The place of a key. Records name their keys in the same order, so it is looked for behind the last one first.
fn find(known: &[(Box<str>, Paths)], key: &str, next: usize) -> Option<usize> {
    let is = |place: &usize| *known[*place].0 == *key;
    let places = next.min(known.len())..known.len();
    places.chain(0..next.min(known.len())).find(is)
}
