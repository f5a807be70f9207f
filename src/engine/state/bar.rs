use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded};
use crate::model::{Day, Event, SuspensionReason, Timestamp};

/// A line that is barred for another reason than arrears: it is not silent of its own accord (behaviour: Barred lines).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Why.
    pub reason: SuspensionReason,
    /// Its first day.
    pub since: Day,
    /// The day of the reactivation.
    until: Option<Day>,
    /// Time of the last record that says so.
    pub at: Timestamp,
    /// Id of that record.
    pub id: u32,
}

encoded!(Bar {
    reason,
    since,
    until,
    at,
    id,
});

/// The days on which a line's use says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarredDays {
    /// The first of them.
    pub first: Day,
    /// The last of them, which may never come.
    pub last: Day,
}

impl BarredDays {
    /// Whether a day is one of them.
    pub fn has(&self, day: Day) -> bool {
        self.touch(day, day)
    }

    /// Whether a day from one to another is one of them.
    pub fn touch(&self, from: Day, to: Day) -> bool {
        self.first <= to && from <= self.last
    }
}

impl Bar {
    /// The bar that a suspension begins. One that is in force goes on, and so does one that ended some days ago: the line
    /// was hardly free.
    pub fn begin(
        before: Option<&Self>,
        reason: SuspensionReason,
        event: &Event<'_>,
        day: Day,
        after_days: u8,
    ) -> Self {
        let at = event.at;
        let known = before.filter(|bar| bar.at > at || bar.days(after_days).has(day));
        match known {
            Some(known) if known.at > at => *known,
            _ => Self {
                reason,
                since: known.map_or(day, |known| known.since),
                until: None,
                at,
                id: event.id(),
            },
        }
    }

    /// Ends it, unless the reactivation is older.
    pub fn end(&mut self, at: Timestamp, day: Day) {
        if at >= self.at {
            self.until.get_or_insert(day);
        }
    }

    /// Whether it lasts.
    pub fn in_force(&self) -> bool {
        self.until.is_none()
    }

    /// Its days, and the first days after it.
    pub fn days(&self, after_days: u8) -> BarredDays {
        let last = self.until.map(|until| until + i32::from(after_days));
        BarredDays {
            first: self.since,
            last: last.unwrap_or(Day::MAX),
        }
    }
}

/// In the order of their numbers in an image.
const REASONS: [SuspensionReason; 5] = [
    SuspensionReason::Arrears,
    SuspensionReason::Voluntary,
    SuspensionReason::Fraud,
    SuspensionReason::Roaming,
    SuspensionReason::Unknown,
];

impl Encoded for SuspensionReason {
    fn put(&self, to: &mut Writer) {
        let number = REASONS.iter().position(|reason| reason == self);
        (number.unwrap_or_default() as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let reason = REASONS.get(usize::from(u8::get(from)?));
        reason.copied().ok_or("has a bar without a reason")
    }
}
