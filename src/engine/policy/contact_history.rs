use super::case::Case;
use super::contact::Contact;
use crate::model::{Purpose, Task, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is kept of a subscriber beside open tasks: only of those who were contacted lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContactHistory {
    /// Contacts of the last weeks, in the order in which they became known.
    pub contacts: Vec<Contact>,
    /// Tasks closed by an outcome that can still be corrected, at most one of each purpose.
    pub settled: Vec<Arc<Task>>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
pub struct ContactHistoryRecord {
    contacts: Vec<Contact>,
    settled: Vec<Task>,
}

/// Contacts kept: as many as the highest cap.
const CONTACTS: usize = 16;

impl ContactHistory {
    /// Takes note of a contact.
    pub fn contact(&mut self, at: Timestamp, purpose: Purpose) {
        if self.contacts.len() >= CONTACTS {
            self.contacts.remove(0);
        }
        self.contacts.push(Contact { at, purpose });
    }

    /// Keeps a task that an outcome closed.
    pub fn settle(&mut self, task: Arc<Task>) {
        self.settled.retain(|other| other.purpose != task.purpose);
        self.settled.push(task);
    }

    /// Forgets what no longer counts. Returns whether anything is left.
    pub fn prune(&mut self, case: &Case<'_>) -> bool {
        let rules = &case.rules.policy.contact;
        let since = |days: u16| case.now.plus_hours(-24 * i64::from(days));
        let longest = rules.cap_window_days.max(rules.gap_days);
        self.contacts.retain(|contact| contact.at > since(longest));
        let correctable = since(rules.correction_days);
        self.settled.retain(|task| task.updated_at > correctable);
        !self.contacts.is_empty() || !self.settled.is_empty()
    }
}

impl From<&ContactHistory> for ContactHistoryRecord {
    fn from(contact_history: &ContactHistory) -> Self {
        Self {
            contacts: contact_history.contacts.clone(),
            settled: contact_history
                .settled
                .iter()
                .map(|task| Task::clone(task))
                .collect(),
        }
    }
}

impl From<ContactHistoryRecord> for ContactHistory {
    fn from(record: ContactHistoryRecord) -> Self {
        Self {
            contacts: record.contacts,
            settled: record.settled.into_iter().map(Arc::new).collect(),
        }
    }
}
