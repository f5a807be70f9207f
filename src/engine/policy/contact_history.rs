use super::case::Case;
use super::contact::Contact;
use crate::model::{Purpose, Task, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What is kept of a subscriber beside open tasks: only of those who were contacted, or had a task, lately.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContactHistory {
    /// Contacts of the last weeks, in the order in which they became known.
    pub contacts: Vec<Contact>,
    /// Tasks closed by an outcome that can still be corrected, at most one of each purpose.
    pub correctable: Vec<Arc<Task>>,
    /// Tasks that were closed, whatever the reason, in the order of closing.
    pub closed: Vec<ClosedTask>,
}

/// Enough of a task to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedTask {
    /// Fingerprint of its id.
    id: u64,
    at: Timestamp,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
pub struct ContactHistoryRecord {
    contacts: Vec<Contact>,
    correctable: Vec<Task>,
    closed: Vec<ClosedTask>,
}

/// Contacts kept: as many as the highest cap.
const CONTACTS: usize = 16;
/// Closed tasks kept.
const CLOSED: usize = 8;

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

    /// Notes that a task was closed.
    pub fn close(&mut self, task: &Task) {
        let id = xxh3_64(task.task_id.as_bytes());
        self.closed.retain(|other| other.id != id);
        if self.closed.len() >= CLOSED {
            self.closed.remove(0);
        }
        let at = task.updated_at;
        self.closed.push(ClosedTask { id, at });
    }

    /// Whether a task was closed within a task's life.
    pub fn was_closed(&self, task_id: &str, case: &Case<'_>) -> bool {
        let id = xxh3_64(task_id.as_bytes());
        let since = since(case.rules.policy.task_days, case);
        let mut closed = self.closed.iter();
        closed.any(|task| task.id == id && task.at > since)
    }

    /// Forgets what no longer counts. Returns whether anything is left.
    pub fn prune(&mut self, case: &Case<'_>) -> bool {
        let rules = &case.rules.policy.contact;
        let since = |days: u16| since(days, case);
        let longest = rules.cap_window_days.max(rules.gap_days);
        self.contacts.retain(|contact| contact.at > since(longest));
        let oldest = since(rules.correction_days);
        self.correctable.retain(|task| task.updated_at > oldest);
        let life = since(case.rules.policy.task_days);
        self.closed.retain(|task| task.at > life);
        !self.contacts.is_empty() || !self.correctable.is_empty() || !self.closed.is_empty()
    }
}

fn since(days: u16, case: &Case<'_>) -> Timestamp {
    case.now.plus_hours(-24 * i64::from(days))
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
            closed: contact_history.closed.clone(),
        }
    }
}

impl From<ContactHistoryRecord> for ContactHistory {
    fn from(record: ContactHistoryRecord) -> Self {
        Self {
            contacts: record.contacts,
            correctable: record.correctable.into_iter().map(Arc::new).collect(),
            closed: record.closed,
        }
    }
}
