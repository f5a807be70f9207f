//! Lines without a record for long are forgotten at the close of a day.

use super::Reference;
use super::person::Person;
use churnwatch::model::{Day, Timestamp};

impl Reference {
    /// Forgets everybody who is gone, when the day has been closed for all.
    pub fn forget_gone(&mut self, day: Day, at: Timestamp) {
        let names = self.people.iter();
        let gone = names.filter(|(_, person)| self.is_gone(person, day));
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        self.forgotten = gone.len();
        self.forgotten_ever += gone.len();
        let part = self.book.part.0 as u32;
        for person in gone.iter().filter_map(|name| self.people.remove(name)) {
            let standing = person.account.standing(&self.rules);
            let tasks = self.book.of(person.msisdn);
            if let Some(group) = &standing.group {
                tasks.part(group, part, person.msisdn, at);
            }
            tasks.forget();
            tasks.lose_sight();
            if person.memory.undecided {
                self.erased_undecided.insert(person.msisdn);
            }
            for feed in &mut self.feeds {
                feed.forget(person.msisdn.as_str());
            }
        }
    }

    fn is_gone(&self, person: &Person, day: Day) -> bool {
        let before = day.0 - i32::from(self.rules.window.forget_days);
        let heard = person.usage.newest().max(person.account.heard_on());
        let standing = person.account.standing(&self.rules);
        let ends = [standing.cancelled_on(), standing.applied_on()];
        let over = ends.into_iter().flatten().any(|on| on.0 <= before);
        let tasks = self.book.tasks.get(&person.msisdn);
        heard.is_none_or(|heard| heard.0 <= before)
            && (standing.profile().is_none() || over)
            && tasks.is_none_or(|tasks| tasks.open.is_empty() && tasks.waiting.is_empty())
    }
}
