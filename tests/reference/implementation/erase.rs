//! Erasure: everything about one subscriber goes, and a record confirms it.

use super::Reference;
use super::policy::{Case, PURPOSES};
use churnwatch::model::{CloseReason, Day, Erasure, Event, Source};

impl Reference {
    /// Everything about a subscriber goes; only the request is confirmed.
    pub fn erase(&mut self, request: &str, event: &Event<'static>, day: Day, source: &Source) {
        let backlog = self.in_backlog();
        let now = self.clock.unwrap_or(event.at).max(event.at);
        let person = self.people.remove(event.msisdn.as_str());
        let part = self.book.part.0 as u32;
        let tasks = self.book.of(event.msisdn);
        let tasks_closed = tasks.open.len() as u32;
        if let Some(person) = &person {
            let case = Case {
                msisdn: event.msisdn,
                now,
                day,
                standing: &person.account.standing(&self.rules),
                memory: &person.memory,
                backlog,
                rules: &self.rules,
                days: &self.days,
            };
            if let Some(group) = &case.standing.group {
                tasks.part(group, part, event.msisdn, now);
            }
            for purpose in PURPOSES {
                tasks.close(purpose, CloseReason::Erased, Some(source), &case);
            }
            if person.memory.undecided {
                self.erased_undecided.insert(event.msisdn);
            }
            let tomorrow = self.closed.map(|closed| closed + 1);
            let stable = tomorrow.and_then(|tomorrow| person.as_stable(tomorrow));
            self.erased_stable.extend(stable);
            for feed in &mut self.feeds {
                feed.forget(event.msisdn.as_str());
            }
        }
        tasks.lose_sight();
        tasks.erase(Erasure {
            request: request.to_owned(),
            known: person.is_some(),
            tasks_closed,
            at: now,
            source: source.clone(),
        });
    }
}
