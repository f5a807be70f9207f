//! Sessions: they live in memory, so everybody signs in again after a restart.

use super::people::{Person, secret};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Sessions at a time; for a further one the oldest ends.
const SESSIONS_MAX: usize = 10_000;
/// Sessions of one person.
const OWN_MAX: usize = 50;
/// Failed attempts to sign in within a minute before further ones have to wait.
const FAILURES_MAX: u32 = 20;
const MINUTE_MS: u64 = 60_000;
/// Requests of one person within a second: many open pages need some, and a program that runs wild more.
const ASKED_MAX: u32 = 500;

/// A session of somebody.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub person: Person,
    /// What every change must bring along, so that no other site can ask for one.
    pub csrf: String,
    ends_ms: u64,
}

/// All sessions.
#[derive(Default)]
pub struct Sessions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    sessions: BTreeMap<String, Session>,
    minute: u64,
    failures: u32,
    second: u64,
    asked: BTreeMap<String, u32>,
}

impl Sessions {
    /// Begins a session; returns its key for the cookie.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn begin(&self, person: Person, now_ms: u64, hours: u16) -> Result<String, String> {
        let (key, csrf) = (secret()?, secret()?);
        let session = Session {
            person,
            csrf,
            ends_ms: now_ms + u64::from(hours) * 60 * MINUTE_MS,
        };
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sessions.retain(|_, session| session.ends_ms > now_ms);
        if inner.sessions.len() >= SESSIONS_MAX {
            let oldest = inner
                .sessions
                .iter()
                .min_by_key(|(_, session)| session.ends_ms);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                inner.sessions.remove(&key);
            }
        }
        // One person must not end the sessions of others.
        let name = &session.person.name;
        let own = inner
            .sessions
            .iter()
            .filter(|(_, known)| known.person.name == *name);
        if own.clone().count() >= OWN_MAX {
            let oldest = own.min_by_key(|(_, known)| known.ends_ms);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                inner.sessions.remove(&key);
            }
        }
        inner.sessions.insert(key.clone(), session);
        Ok(key)
    }

    /// The session of a key, unless it has ended.
    pub fn get(&self, key: &str, now_ms: u64) -> Option<Session> {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let session = inner.sessions.get(key)?;
        (session.ends_ms > now_ms).then(|| session.clone())
    }

    /// Ends a session.
    pub fn end(&self, key: &str) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.sessions.remove(key);
    }

    /// Whether somebody may try to sign in: guessing is slowed down for everybody alike.
    pub fn may_try(&self, now_ms: u64) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms / MINUTE_MS;
        if inner.minute != minute {
            (inner.minute, inner.failures) = (minute, 0);
        }
        inner.failures < FAILURES_MAX
    }

    /// Somebody tried in vain.
    pub fn failed(&self, now_ms: u64) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.minute = now_ms / MINUTE_MS;
        inner.failures += 1;
    }

    /// Whether somebody may ask once more within this second.
    pub fn may_ask(&self, name: &str, now_ms: u64) -> bool {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now_ms / 1000;
        if inner.second != second {
            inner.second = second;
            inner.asked.clear();
        }
        let asked = inner.asked.entry(name.to_owned()).or_default();
        *asked += 1;
        *asked <= ASKED_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_its_hours() {
        let sessions = Sessions::default();
        let key = sessions.begin(Person::local(), 1_000, 2).unwrap();
        let end = 1_000 + 2 * 60 * MINUTE_MS;
        assert!(sessions.get(&key, end - 1).is_some());
        assert!(sessions.get(&key, end).is_none());
        let next = sessions.begin(Person::local(), end, 2).unwrap();
        assert_eq!(
            sessions.0.lock().unwrap().sessions.len(),
            1,
            "nothing is left of it"
        );
        sessions.end(&next);
        assert!(sessions.get(&next, end).is_none());
    }

    fn person(number: usize) -> Person {
        Person {
            name: number.to_string(),
            ..Person::local()
        }
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let sessions = Sessions::default();
        let oldest = sessions.begin(person(0), 0, 1).unwrap();
        let newer = sessions.begin(person(1), 1, 1).unwrap();
        for number in 2..=SESSIONS_MAX {
            sessions.begin(person(number), 2, 1).unwrap();
        }
        assert!(sessions.get(&oldest, 3).is_none());
        assert!(sessions.get(&newer, 3).is_some());
    }

    #[test]
    fn one_person_ends_no_sessions_of_others() {
        let sessions = Sessions::default();
        let other = sessions.begin(person(0), 0, 1).unwrap();
        let own = sessions.begin(person(1), 1, 1).unwrap();
        for _ in 0..OWN_MAX {
            sessions.begin(person(1), 2, 1).unwrap();
        }
        assert!(sessions.get(&own, 3).is_none());
        assert!(sessions.get(&other, 3).is_some());
    }

    #[test]
    fn a_new_minute_counts_anew() {
        let sessions = Sessions::default();
        for _ in 0..FAILURES_MAX {
            assert!(sessions.may_try(5));
            sessions.failed(5);
        }
        assert!(!sessions.may_try(MINUTE_MS - 1));
        assert!(sessions.may_try(MINUTE_MS));
    }

    #[test]
    fn nobody_asks_for_everybody_else() {
        let sessions = Sessions::default();
        assert!((0..ASKED_MAX).all(|_| sessions.may_ask("a", 0)));
        assert!(!sessions.may_ask("a", 999));
        assert!(sessions.may_ask("b", 999));
        assert!(sessions.may_ask("a", 1_000));
    }
}
