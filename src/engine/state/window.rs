use super::bucket::Bucket;
use super::rings::{Packed, Rings};
use crate::model::Day;

/// A subscriber's last days, read only: a ring indexed by day.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a> {
    rings: &'a Rings,
    /// Where the subscriber's begins.
    begin: usize,
    length: usize,
    newest: Day,
    /// Where in it the newest day lies: dividing anew for every day would take most of the time.
    newest_at: usize,
}

impl<'a> Window<'a> {
    /// A view of the ring of the subscriber at a place, whose newest day is `newest`. Every ring has that length.
    pub(super) fn new(rings: &'a Rings, at: usize, length: usize, newest: Day) -> Self {
        Self {
            rings,
            begin: at * length,
            length,
            newest,
            newest_at: slot(newest, length),
        }
    }

    /// One day; empty for days ahead of the newest or older than the window. Inlined for the same reason as [`Rings::get`].
    #[inline(always)]
    pub fn day(&self, day: Day) -> Bucket {
        let age = usize::try_from(self.newest.since(day)).ok();
        let Some(age) = age.filter(|age| *age < self.length) else {
            return Bucket::default();
        };
        let at = match self.newest_at.checked_sub(age) {
            Some(at) => at,
            None => self.newest_at + self.length - age,
        };
        self.rings.get(self.begin + at)
    }

    /// The newest day as it is kept.
    pub(super) fn newest_packed(&self) -> Option<&'a Packed> {
        self.rings.packed(self.begin + self.newest_at)
    }

    /// Whether a day has a bucket, or would if there had been usage on it: it is not older than the window.
    pub fn holds(&self, day: Day) -> bool {
        self.newest.since(day) < self.days()
    }

    /// Every day with its bucket, oldest first; none before the first call-detail record.
    pub fn iter(self) -> impl Iterator<Item = (Day, Bucket)> {
        let days = match self.newest {
            Day::MIN => 0,
            _ => self.days(),
        };
        (0..days).rev().map(move |age| {
            let day = self.newest - age;
            (day, self.day(day))
        })
    }

    /// Copies the newest days into the ring at a place among others, of another length.
    pub(super) fn copy_newest(&self, to: &mut Rings, at: usize, length: usize) {
        let ages = 0..self.length.min(length) as i32;
        for day in ages.map(|age| self.newest - age) {
            to.set(at * length + slot(day, length), &self.day(day));
        }
    }

    /// Days the window spans.
    pub fn days(&self) -> i32 {
        self.length as i32
    }
}

/// Changes a day of the ring of the subscriber at a place, whose newest day is `newest`. If the day is ahead of that, the ring
/// moves forward, and what falls out is cleared.
///
/// Returns nothing if the day is older than the window.
pub(super) fn change<T>(
    rings: &mut Rings,
    at: usize,
    length: usize,
    newest: &mut Day,
    day: Day,
    change: impl FnOnce(&mut Bucket) -> T,
) -> Option<T> {
    let place = |day: Day| at * length + slot(day, length);
    let ahead = day.since(*newest);
    if -ahead >= length as i32 {
        return None;
    }
    let mut bucket = Bucket::default();
    if ahead > 0 {
        for step in 1..ahead.min(length as i32) {
            rings.set(place(day - step), &bucket);
        }
        *newest = day;
    } else {
        bucket = rings.get(place(day));
    }
    let changed = change(&mut bucket);
    rings.set(place(day), &bucket);
    Some(changed)
}

fn slot(day: Day, length: usize) -> usize {
    day.0.rem_euclid(length as i32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_last_days_and_clears_gaps() {
        const LENGTH: usize = 28;
        let mut rings = Rings::with_capacity(3 * LENGTH);
        rings.extend(3 * LENGTH);
        let mut newest = Day(100);
        let mut set = |newest: &mut Day, day, calls| {
            let set = |bucket: &mut Bucket| bucket.outgoing = calls;
            change(&mut rings, 1, LENGTH, newest, Day(day), set)
        };
        for day in 100..128 {
            set(&mut newest, day, (day - 99) as u8).unwrap();
        }
        set(&mut newest, 130, 9).unwrap();
        assert_eq!(set(&mut newest, 102, 1), None);
        let read = |rings: &Rings, at, newest, day| {
            Window::new(rings, at, LENGTH, newest)
                .day(Day(day))
                .outgoing
        };
        let days = [102, 103, 127, 128, 129, 130, 131];
        assert_eq!(
            days.map(|day| read(&rings, 1, newest, day)),
            [0, 4, 28, 0, 0, 9, 0]
        );
        for other in [0, 2] {
            assert!((90..140).all(|day| read(&rings, other, newest, day) == 0));
        }
        change(&mut rings, 1, LENGTH, &mut newest, Day(1_000), |_| ()).unwrap();
        assert!((973..=1_000).all(|day| read(&rings, 1, newest, day) == 0));
    }
}
