//! What people did with a task. One record of the board's topic holds all of it, so the topic may be compacted.
//!
//! Several boards may write about one task at a time. The order of the topic decides: a record counts only if it was made
//! from the one that counts before it. Whoever made a record that does not count writes its notes and answers again.

use serde::{Deserialize, Serialize};

/// What people did with a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// Counts up with each change.
    pub version: u64,
    /// Names the change; it begins with the name of the board that made it.
    pub change: String,
    /// The change that it was made from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// The change, one that did not count, whose notes and answers it repeats. Where compaction took what it was made from,
    /// it counts behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<String>,
    /// Who has taken the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Since when, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<i64>,
    /// Not to be shown before, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<i64>,
    /// In the order of writing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// In the order of writing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// Something a person wrote down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its name.
    pub id: String,
    /// Who wrote it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What.
    pub text: String,
}

/// What a person reported of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The `record_id` of the outcome.
    pub id: String,
    /// Who reported it.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Of the outcome.
    pub result: String,
    /// Why, as the customer says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated_reason: Option<String>,
    /// Why, as found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_reason: Option<String>,
    /// The customer wants to be left alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub do_not_contact: bool,
}

/// A desk as a board knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// What the topic says.
    pub settled: Desk,
    /// The same with changes that were not read back yet.
    pub latest: Desk,
}

impl Known {
    /// Whether all changes of this board were read back.
    pub fn is_settled(&self) -> bool {
        self.latest.change == self.settled.change
    }

    /// Begins a change of the latest state.
    pub fn change(&mut self, name: String) -> &mut Desk {
        let desk = &mut self.latest;
        desk.base = std::mem::replace(&mut desk.change, name);
        desk.version += 1;
        desk.repeats = None;
        desk
    }

    /// Takes in a record of the topic. Returns whether the latest state is a new one that must be written.
    pub fn take(&mut self, record: Desk) -> bool {
        let follows =
            |settled: &str| record.base == settled || record.repeats.as_deref() == Some(settled);
        if self.settled.version == 0 || follows(&self.settled.change) {
            if self.is_settled() {
                self.latest = record.clone();
            }
            self.settled = record;
            return false;
        }
        // What came from elsewhere and does not count is repeated there, and a change before the latest with the latest.
        if record.change != self.latest.change || self.is_settled() {
            return false;
        }
        self.latest = self.settled.clone();
        let desk = self.change(format!("{}+", record.change));
        desk.repeats = Some(record.change.clone());
        desk.absorb(record);
        true
    }
}

impl Desk {
    /// Adds what another state has more.
    fn absorb(&mut self, other: Self) {
        for note in other.notes {
            if self.notes.iter().all(|known| known.id != note.id) {
                self.notes.push(note);
            }
        }
        for answer in other.answers {
            if self.answers.iter().all(|known| known.id != answer.id) {
                self.answers.push(answer);
            }
        }
        if self.holder.is_none() {
            (self.holder, self.held_since) = (other.holder, other.held_since);
        }
        self.snoozed_until = self.snoozed_until.or(other.snoozed_until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A board with what it has yet to send.
    struct Board {
        me: String,
        known: Known,
        unsent: Vec<Desk>,
        read: usize,
    }

    impl Board {
        fn new(me: &str) -> Self {
            Self {
                me: format!("{me}."),
                known: Known::default(),
                unsent: Vec::new(),
                read: 0,
            }
        }

        fn write(&mut self, number: usize) {
            let desk = self.known.change(format!("{}{number}", self.me));
            desk.notes.push(Note {
                id: number.to_string(),
                by: self.me.clone(),
                at: 0,
                text: String::new(),
            });
            desk.holder = Some(desk.change.clone());
            self.unsent.push(desk.clone());
        }

        fn send(&mut self, topic: &mut Vec<Desk>) {
            if !self.unsent.is_empty() {
                topic.push(self.unsent.remove(0));
            }
        }

        fn read(&mut self, topic: &[Desk]) {
            if let Some(record) = topic.get(self.read) {
                self.read += 1;
                if self.known.take(record.clone()) {
                    self.unsent.push(self.known.latest.clone());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn boards_agree_and_lose_no_note(steps in prop::collection::vec((0usize..2, 0usize..3), 1..60)) {
            let mut boards = [Board::new("a"), Board::new("b")];
            let (mut topic, mut written) = (Vec::new(), 0);
            for (board, step) in steps {
                match step {
                    0 => { boards[board].write(written); written += 1; }
                    1 => boards[board].send(&mut topic),
                    _ => boards[board].read(&topic),
                }
            }
            for _ in 0..1_000 {
                for board in &mut boards {
                    board.send(&mut topic);
                    board.read(&topic);
                }
            }
            let [a, b] = &boards;
            prop_assert!(a.unsent.is_empty() && b.unsent.is_empty(), "they do not come to rest");
            let notes = |desk: &Desk| {
                let mut ids: Vec<_> = desk.notes.iter().map(|note| note.id.clone()).collect();
                ids.sort();
                ids
            };
            prop_assert_eq!(notes(&a.known.latest).len(), written);
            prop_assert_eq!(notes(&a.known.latest), notes(&b.known.latest));
            prop_assert_eq!(&a.known.latest.holder, &b.known.latest.holder);
            // Compaction keeps the last record alone: it must say the same.
            if let Some(last) = topic.last() {
                prop_assert_eq!(notes(last), notes(&a.known.latest));
                prop_assert_eq!(&last.holder, &a.known.latest.holder);
            }
        }
    }
}
