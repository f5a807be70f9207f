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
    pub correctable: Vec<Arc<Task>>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
pub struct ContactHistoryRecord {
    contacts: Vec<Contact>,
    correctable: Vec<Task>,
}

/// Contacts kept: as many as the highest cap.
const CONTACTS: usize = 16;

impl ContactHistory {
    /// Records a contact.
    pub fn contact(&mut self, at: Timestamp, purpose: Purpose) {
        if self.contacts.len() >= CONTACTS {
            self.contacts.remove(0);
        }
        self.contacts.push(Contact { at, purpose });
    }

    /// Keeps a task that an outcome closed.
    pub fn keep_correctable(&mut self, task: Arc<Task>) {
        self.correctable
            .retain(|other| other.purpose != task.purpose);
        self.correctable.push(task);
    }

    /// Forgets what no longer counts. Returns whether anything is left.
    pub fn prune(&mut self, case: &Case<'_>) -> bool {
        let rules = &case.rules.policy.contact;
        let since = |days: u16| case.now.plus_hours(-24 * i64::from(days));
        let longest = rules.cap_window_days.max(rules.gap_days);
        self.contacts.retain(|contact| contact.at > since(longest));
        let oldest = since(rules.correction_days);
        self.correctable.retain(|task| task.updated_at > oldest);
        !self.contacts.is_empty() || !self.correctable.is_empty()
    }
}

impl From<&ContactHistory> for ContactHistoryRecord {
    fn from(contact_history: &ContactHistory) -> Self {
        Self {
            contacts: contact_history.contacts.clone(),
            correctable: contact_history
                .correctable
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
            correctable: record.correctable.into_iter().map(Arc::new).collect(),
        }
    }
}
