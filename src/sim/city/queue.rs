//! Records on their way, in the order of their arrival.

use crate::sim::event::Event;

/// What arrives on the present day, sorted, and what arrives later.
#[derive(Default)]
pub struct Queue {
    start_ms: i64,
    end_ms: i64,
    arriving: Vec<Event>,
    /// Arrival in milliseconds after the day's start, above the place in `arriving`: sorting these small numbers is
    /// cheaper than sorting records, and ties keep the order in which records were made.
    order: Vec<u64>,
    handed_out: usize,
    later: Vec<(i64, Event)>,
}

impl Queue {
    /// Turns to a day; everything of the day before must have been handed out.
    pub fn begin_day(&mut self, start_ms: i64, end_ms: i64) {
        (self.start_ms, self.end_ms) = (start_ms, end_ms);
        self.arriving.clear();
        self.order.clear();
        self.handed_out = 0;
        for (arrival_ms, event) in std::mem::take(&mut self.later) {
            self.push(arrival_ms, event);
        }
    }

    /// Sends a record on its way.
    pub fn push(&mut self, arrival_ms: i64, event: Event) {
        if arrival_ms >= self.end_ms {
            self.later.push((arrival_ms, event));
            return;
        }
        let after_start_ms = (arrival_ms - self.start_ms).max(0) as u64;
        self.order
            .push(after_start_ms << 32 | self.arriving.len() as u64);
        self.arriving.push(event);
    }

    /// Puts the day's records in order, once all of them are on their way.
    pub fn sort(&mut self) {
        self.order.sort_unstable();
    }

    /// The next record of the day, with its arrival.
    pub fn pop(&mut self) -> Option<(i64, Event)> {
        let place = *self.order.get(self.handed_out)?;
        self.handed_out += 1;
        let event = self.arriving[place as u32 as usize];
        Some((self.start_ms + (place >> 32) as i64, event))
    }

    /// Whether nothing is left for later days.
    pub fn is_empty(&self) -> bool {
        self.later.is_empty()
    }
}
