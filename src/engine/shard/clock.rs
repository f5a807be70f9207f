//! The shard's clock, and what becomes due by it.

use super::Shard;
use crate::engine::settings::ClockKind;
use crate::engine::state::watermark::{SETTLE_DAYS, Watermark};
use crate::model::{Day, Effect, Feed, Timestamp};

/// A mediation whose last statement is older than so many days makes none any more.
const STATEMENT_DAYS: i64 = 7;

impl Shard {
    pub(super) fn ahead_of_time(&self, at: Timestamp) -> bool {
        let tolerance = i64::from(self.rules.window.future_minutes) * 60 * Timestamp::SECOND_MS;
        self.now > Timestamp::MIN && at.since_ms(self.now) > tolerance
    }

    /// Whether any record has said something about time. Before, a statement says nothing.
    pub(super) fn has_records(&self) -> bool {
        self.watermarks.iter().any(|it| it.at() > Timestamp::MIN)
    }

    /// Whether a mediation's statement is near enough to what records, earlier statements or the real time say: by itself
    /// it would close all days up to it.
    pub(super) fn is_founded(&self, complete_until: Timestamp) -> bool {
        let real = !self.follows_events() && self.inputs.caught_up;
        let highest = self.watermarks.iter().map(Watermark::at).max();
        let highest = highest.max(real.then_some(self.clock));
        let bound = i64::from(SETTLE_DAYS) * Timestamp::DAY_MS;
        highest.is_some_and(|highest| complete_until.since_ms(highest) <= bound)
    }

    /// The first event's day is the first day that can close.
    pub(super) fn begin(&mut self, day: Day) {
        if self.closed == Day::MIN {
            self.closed = day - 1;
        }
    }

    /// Whether what is read has waited for so long that nothing may be made of it before all of it is known.
    pub(super) fn in_backlog(&self) -> bool {
        self.rules.window.clock == ClockKind::Auto && self.inputs.backlog
    }

    fn follows_events(&self) -> bool {
        self.rules.window.clock == ClockKind::Event || self.in_backlog()
    }

    /// Wall time as handed in; where the clock follows the events, the highest time accepted, held back by lagging feeds.
    pub(super) fn move_clock(&mut self) {
        let clock = if self.follows_events() {
            let highest = self.watermarks.iter().map(Watermark::at).max();
            let lagging = Feed::TIMED
                .iter()
                .filter(|feed| self.inputs.lagging.contains(**feed));
            let slowest = lagging
                .map(|feed| self.watermarks[*feed as usize].at())
                .min();
            highest.min(slowest.or(highest)).unwrap_or(Timestamp::MIN)
        } else {
            self.now
        };
        self.clock = self.clock.max(clock);
    }

    /// The shard's watermark: the slowest of the feeds that are not idle.
    fn watermark(&self) -> Timestamp {
        let idle = self
            .clock
            .plus_hours(-i64::from(self.rules.window.idle_feed_hours));
        let holds = |feed: &Feed| {
            let at = self.watermarks[*feed as usize].at();
            self.inputs.lagging.contains(*feed) || (at > Timestamp::MIN && at >= idle)
        };
        let holding = Feed::TIMED.into_iter().filter(holds);
        holding
            .map(|feed| self.watermarks[feed as usize].at())
            .min()
            .unwrap_or(Timestamp::MIN)
    }

    /// Whether the day after the last closed one is over (behaviour: Day close).
    ///
    /// If the mediation sends statements, the close waits for them, but no longer than for an idle feed.
    fn day_is_over(&self) -> bool {
        if self.closed == Day::MIN {
            return false;
        }
        let (window, day) = (&self.rules.window, self.closed.next());
        let end = self.rules.calendar.start_of(day.next());
        let (soon, late) = (
            end.plus_hours(i64::from(window.grace_hours)),
            end.plus_hours(i64::from(window.idle_feed_hours)),
        );
        let watermark = self.watermark();
        (watermark >= soon && self.complete(Feed::Cdr, day))
            || watermark >= late
            || (!self.follows_events() && self.inputs.caught_up && self.clock >= late)
    }

    /// Does what the clock has made due: closes days, then keeps appointments.
    pub(super) fn follow_clock(&mut self, effects: &mut Vec<Effect>) {
        // No day closes before the clock has reached its end; most events stop here.
        while self.clock >= self.rules.calendar.start_of(self.closed + 2) && self.day_is_over() {
            self.begin_close(self.clock, effects);
        }
        self.do_what_is_due(effects);
    }

    /// Whether the mediation has stated that a feed's day is complete, if it sends statements at all. One that has sent none
    /// for days sends none any more.
    pub(super) fn complete(&self, feed: Feed, day: Day) -> bool {
        let end = self.rules.calendar.start_of(day.next());
        let said = self.watermarks[feed as usize].complete_until();
        said.is_none_or(|until| until >= end || until < end.plus_hours(-24 * STATEMENT_DAYS))
    }
}
