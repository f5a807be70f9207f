//! Daily counts of a page's subscribers, in 5 bytes a day. Most days are quiet and fit; a busy one has its counts beside.

use super::bucket::Bucket;
use crate::engine::codec::{Encoded, Problem, Reader, Writer};

/// One day: counts of an ordinary size, the lowest bits first, or [`BUSY`].
pub(super) type Packed = [u8; 5];

/// Counts that do not fit are kept beside.
const BUSY: Packed = [u8::MAX; 5];

/// Bits of each count, in the order of [`counts`].
const BITS: [u32; 7] = [4, 4, 3, 5, 1, 12, 11];

const _: () = {
    let (mut bits, mut at) = (0, 0);
    while at < BITS.len() {
        bits += BITS[at];
        at += 1;
    }
    assert!(bits as usize == size_of::<Packed>() * 8);
};

/// Rings of some subscribers, one behind the other.
#[derive(Debug, Clone, Default)]
pub struct Rings {
    days: Vec<Packed>,
    /// Counts of busy days by their place, in order.
    busy: Vec<(u16, Bucket)>,
}

impl Rings {
    /// What a day takes that is not busy.
    pub const DAY_BYTES: usize = size_of::<Packed>();

    /// Room for so many days.
    pub fn with_capacity(days: usize) -> Self {
        Self {
            days: Vec::with_capacity(days),
            busy: Vec::new(),
        }
    }

    /// Days in all rings.
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Makes some days silent.
    pub fn clear(&mut self, begin: usize, days: usize) {
        (begin..begin + days).for_each(|place| self.set(place, &Bucket::default()));
    }

    /// Bytes that busy days take beside.
    pub fn busy_bytes(&self) -> usize {
        self.busy.capacity() * size_of::<(u16, Bucket)>()
    }

    /// Appends silent days.
    pub fn extend(&mut self, days: usize) {
        let length = self.days.len() + days;
        self.days.resize(length, Packed::default());
    }

    /// A day as it is kept.
    pub(super) fn packed(&self, place: usize) -> Option<&Packed> {
        self.days.get(place)
    }

    /// A day's counts. Inlined, because most want one of them and need not unpack the others.
    #[inline(always)]
    pub fn get(&self, place: usize) -> Bucket {
        match self.days.get(place) {
            Some(&BUSY) => self.busy_day(place).unwrap_or_default(),
            Some(packed) => unpacked(*packed),
            None => Bucket::default(),
        }
    }

    /// Puts counts in the place of a day's.
    #[inline]
    pub fn set(&mut self, place: usize, bucket: &Bucket) {
        let Some(day) = self.days.get_mut(place) else {
            return;
        };
        let was_busy = *day == BUSY;
        *day = packed(bucket);
        if was_busy || *day == BUSY {
            self.keep_busy(place, bucket);
        }
    }

    /// Appends the days as they are kept, then the counts of busy ones.
    pub fn encode(&self, to: &mut Writer) {
        to.raw(self.days.as_flattened());
        (self.busy.len() as u16).put(to);
        for (place, bucket) in &self.busy {
            place.put(to);
            to.raw(&bucket.to_bytes());
        }
    }

    /// Takes so many days in place of those here.
    pub fn decode(&mut self, days: usize, from: &mut Reader<'_>) -> Result<(), Problem> {
        let (packed, _) = from.raw(days * Self::DAY_BYTES)?.as_chunks();
        self.days.clear();
        self.days.extend_from_slice(packed);
        let count = u16::get(from)?;
        self.busy.clear();
        self.busy.reserve_exact(count.into());
        for _ in 0..count {
            let (place, bytes) = (u16::get(from)?, from.raw(Bucket::BYTES)?);
            let bytes = bytes.first_chunk().ok_or("is cut short")?;
            self.busy.push((place, Bucket::from_bytes(*bytes)));
        }
        let busy = packed.iter().zip(0_u16..).filter(|(day, _)| **day == BUSY);
        let is_busy = |bucket: &Bucket| self::packed(bucket) == BUSY;
        let places = busy.map(|(_, place)| place);
        let all_known = places.eq(self.busy.iter().map(|(place, _)| *place));
        match all_known && self.busy.iter().all(|(_, bucket)| is_busy(bucket)) {
            true => Ok(()),
            false => Err("has busy days without their counts, or counts without a busy day"),
        }
    }

    fn find(&self, place: usize) -> Result<usize, usize> {
        self.busy
            .binary_search_by_key(&place, |(known, _)| usize::from(*known))
    }

    #[cold]
    fn busy_day(&self, place: usize) -> Option<Bucket> {
        let (_, bucket) = self.busy.get(self.find(place).ok()?)?;
        Some(*bucket)
    }

    #[cold]
    fn keep_busy(&mut self, place: usize, bucket: &Bucket) {
        let is_busy = packed(bucket) == BUSY;
        match (self.find(place), is_busy) {
            (Ok(at), true) => self.busy[at].1 = *bucket,
            (Ok(at), false) => drop(self.busy.remove(at)),
            (Err(at), true) => {
                // Busy days come one by one; doubling would leave half of the room unused.
                self.busy.reserve_exact(1);
                self.busy.insert(at, (place as u16, *bucket));
            }
            (Err(_), false) => {}
        }
    }
}

fn counts(bucket: &Bucket) -> [u64; BITS.len()] {
    [
        bucket.outgoing.into(),
        bucket.incoming.into(),
        bucket.messages.into(),
        bucket.sessions.into(),
        bucket.dropped.into(),
        bucket.voice_seconds().into(),
        bucket.data_mebibytes().into(),
    ]
}

#[inline]
fn packed(bucket: &Bucket) -> Packed {
    let (mut bits, mut at, mut fits) = (0, 0, true);
    for (count, width) in counts(bucket).into_iter().zip(BITS) {
        fits &= count >> width == 0;
        bits |= count << at;
        at += width;
    }
    match (fits, bits.to_le_bytes()) {
        (true, [a, b, c, d, e, ..]) => [a, b, c, d, e],
        (false, _) => BUSY,
    }
}

#[inline(always)]
fn unpacked([a, b, c, d, e]: Packed) -> Bucket {
    let mut bits = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
    let mut next = |width: u32| {
        let count = bits & ((1 << width) - 1);
        bits >>= width;
        count as u16
    };
    let [outgoing, incoming, messages, sessions, dropped, voice, data] = BITS;
    // Written out: the compiler then drops the counts that nobody asks for. A `map` it would call as a function.
    let outgoing = next(outgoing) as u8;
    let incoming = next(incoming) as u8;
    let messages = next(messages) as u8;
    let sessions = next(sessions) as u8;
    let dropped = next(dropped) as u8;
    let voice = next(voice).to_le_bytes();
    let data = next(data).to_le_bytes();
    Bucket::from_bytes([
        outgoing, incoming, messages, sessions, dropped, voice[0], voice[1], data[0], data[1],
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(numbers: [u16; 7]) -> Bucket {
        let [voice, data] = [numbers[5], numbers[6]].map(u16::to_le_bytes);
        let [outgoing, incoming, messages, sessions, dropped, ..] = numbers.map(|it| it as u8);
        Bucket::from_bytes([
            outgoing, incoming, messages, sessions, dropped, voice[0], voice[1], data[0], data[1],
        ])
    }

    #[test]
    fn every_day_is_given_back_as_it_was() {
        let days = [
            [0; 7],
            [15, 15, 7, 31, 1, 4_095, 2_047],
            [15, 15, 7, 31, 1, 4_095, 2_046],
            [16, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 2, 0, 0],
            [1, 2, 3, 4, 0, 4_096, 6],
            [1, 2, 3, 4, 0, 5, 2_048],
            [255, 255, 255, 255, 255, 65_535, 65_535],
            [3, 2, 1, 12, 1, 600, 900],
        ]
        .map(day);
        let mut rings = Rings::with_capacity(28);
        rings.extend(28);
        for turn in 0..3 {
            for place in 0..28 {
                rings.set(place, &days[(place + turn) % days.len()]);
            }
            for place in 0..28 {
                assert_eq!(rings.get(place), days[(place + turn) % days.len()]);
            }
        }
        assert!(rings.busy_bytes() > 0);
        (0..28).for_each(|place| rings.set(place, &Bucket::default()));
        assert!(rings.busy.is_empty());
    }
}
