use crate::model::Day;
use std::collections::VecDeque;

/// Daily counts of every subscriber while the events come in: a column for each day, with two bytes for each subscriber.
/// Events come roughly day by day, so the column in use stays in the processor's cache.
#[derive(Debug, Default)]
pub struct UsageColumns {
    first: Day,
    columns: VecDeque<Vec<[u8; 2]>>,
}

/// Daily counts of every subscriber, one row after the other. Counts hold at 255.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct UsageRows {
    /// Day of the first count in every row.
    pub first: Day,
    /// Days in a row.
    pub days: usize,
    voice: Vec<u8>,
    data: Vec<u8>,
}

/// One subscriber's counts.
#[derive(Debug, Clone, Copy)]
pub struct UsageRow<'a> {
    /// Calls and messages both ways, by day.
    pub voice: &'a [u8],
    /// Data sessions, by day.
    pub data: &'a [u8],
}

/// Days kept before the first event's day: older records came too late for every window.
const EARLIER_DAYS: i32 = 63;
/// Days kept after the first event's day: beyond ten years there are only wrong clocks.
const DAYS_MAX: i32 = 3_660;

impl UsageColumns {
    /// Counts one call or message, or one data session, of a subscriber.
    pub fn count(&mut self, subscriber: u32, day: Day, data: bool) {
        if self.columns.is_empty() {
            self.first = day;
            self.columns.push_back(Vec::new());
        }
        let ahead = day.since(self.first);
        if !(-EARLIER_DAYS..DAYS_MAX).contains(&ahead) {
            return;
        }
        for _ in ahead..0 {
            self.columns.push_front(Vec::new());
            self.first = self.first - 1;
        }
        let index = day.since(self.first) as usize;
        if index >= self.columns.len() {
            self.columns.resize_with(index + 1, Vec::new);
        }
        let Some(column) = self.columns.get_mut(index) else {
            return;
        };
        let index = subscriber as usize;
        if index >= column.len() {
            column.resize(index + 1, [0; 2]);
        }
        let count = &mut column[index][usize::from(data)];
        *count = count.saturating_add(1);
    }

    /// The rows of so many subscribers, up to and with a last day.
    pub fn into_rows(self, subscribers: usize, last: Day) -> UsageRows {
        let days = (last.since(self.first) + 1).clamp(0, DAYS_MAX) as usize;
        let mut voice = vec![0; subscribers * days];
        let mut data = vec![0; subscribers * days];
        // Each column is given back as soon as it is copied.
        for (day, column) in self.columns.into_iter().take(days).enumerate() {
            for (subscriber, counts) in column.iter().enumerate() {
                voice[subscriber * days + day] = counts[0];
                data[subscriber * days + day] = counts[1];
            }
        }
        UsageRows {
            first: self.first,
            days,
            voice,
            data,
        }
    }
}

impl UsageRows {
    /// A subscriber's counts.
    pub fn row(&self, subscriber: u32) -> UsageRow<'_> {
        let range = subscriber as usize * self.days..(subscriber as usize + 1) * self.days;
        UsageRow {
            voice: self.voice.get(range.clone()).unwrap_or_default(),
            data: self.data.get(range).unwrap_or_default(),
        }
    }

    /// The last day of every row.
    pub fn last(&self) -> Day {
        self.first + self.days as i32 - 1
    }

    /// A day's index in every row; nothing outside the rows.
    pub fn index(&self, day: Day) -> Option<usize> {
        let index = usize::try_from(day.since(self.first)).ok()?;
        (index < self.days).then_some(index)
    }
}

impl UsageRow<'_> {
    /// Calls, messages and data sessions on a day.
    pub fn total(&self, index: usize) -> u32 {
        u32::from(self.voice[index]) + u32::from(self.data[index])
    }

    /// First and last day with any usage.
    pub fn span(&self) -> Option<(usize, usize)> {
        let active = |index: &usize| self.total(*index) > 0;
        let first = (0..self.voice.len()).find(active)?;
        let last = (0..self.voice.len()).rev().find(active)?;
        Some((first, last))
    }

    /// Whether there was any usage on this day or the two before.
    pub fn active_before(&self, index: usize) -> bool {
        let from = (index + 1).saturating_sub(ACTIVE_DAYS);
        (from..=index.min(self.voice.len().saturating_sub(1))).any(|day| self.total(day) > 0)
    }
}

/// A subscriber is active who used the line within so many days.
pub const ACTIVE_DAYS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_end_up_in_rows() {
        let mut usage = UsageColumns::default();
        usage.count(0, Day(100), false);
        usage.count(2, Day(102), true);
        usage.count(2, Day(102), true);
        usage.count(1, Day(99), false);
        usage.count(1, Day(10), false);
        usage.count(1, Day(100 + DAYS_MAX), false);
        (0..300).for_each(|_| usage.count(0, Day(101), false));
        let rows = usage.into_rows(3, Day(102));
        assert_eq!((rows.first, rows.days, rows.last()), (Day(99), 4, Day(102)));
        assert_eq!(rows.row(0).voice, [0, 1, 255, 0]);
        assert_eq!(rows.row(1).voice, [1, 0, 0, 0]);
        assert_eq!(rows.row(2).data, [0, 0, 0, 2]);
        assert_eq!(rows.row(0).span(), Some((1, 2)));
        assert!(rows.row(1).active_before(2) && !rows.row(1).active_before(3));
        assert_eq!((rows.index(Day(98)), rows.index(Day(101))), (None, Some(2)));
    }
}
