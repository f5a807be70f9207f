//! What people may do with a task.

use super::desk::{Answer, Known, Note};
use super::people::{Person, secret};
use super::shared::Shared;
use super::store::{AuditEntry, Dossier, Letter, StoreError};
use super::task::{REASONS, RESULTS};
use crate::config::BoardUser;
use crate::model::{Msisdn, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest note, in characters.
const NOTE_MAX: usize = 2_000;
/// Longest reason of an outcome, in characters: the outcome's schema says so.
const REASON_MAX: usize = 64;
/// A task may be put off for so long.
const SNOOZE_MAX_MS: i64 = 90 * Timestamp::DAY_MS;

/// Something that somebody does with a task.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Take it, so that nobody else calls the customer. With braces, so that fields it does not have are refused.
    Take {},
    /// Take it although somebody else has.
    TakeOver {},
    /// Give it back.
    Release {},
    /// Give it to somebody.
    HandOver {
        /// Whom.
        to: String,
    },
    /// Put it off.
    Snooze {
        /// Until when, in milliseconds since 1970; 0 brings it back.
        until: i64,
    },
    /// Write something down.
    Note {
        /// What.
        text: String,
    },
    /// Say what became of a contact.
    Answer {
        /// `reached`, `unreachable`, `saved`, `refused` or `lost`.
        result: String,
        /// Why, as the customer says.
        #[serde(default)]
        stated_reason: String,
        /// Why, as found out.
        #[serde(default)]
        confirmed_reason: String,
        /// The customer wants to be left alone.
        #[serde(default)]
        do_not_contact: bool,
        /// Written down beside it.
        #[serde(default)]
        note: String,
        /// Put off until then, in milliseconds since 1970; 0 for not.
        #[serde(default)]
        snooze_until: i64,
    },
}

/// Why something cannot be done. The text names the word that says so to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such task, or the person may not see it.
    #[error("no such task")]
    Unknown,
    /// It is closed.
    #[error("the task is closed")]
    Closed,
    /// Somebody else has it.
    #[error("taken by {0}")]
    Taken(String),
    /// Nobody has it.
    #[error("nobody has taken the task")]
    Free,
    /// A field is not as it should be.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The store refuses.
    #[error("{0}")]
    Store(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

impl Action {
    /// What the audit calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Take {} => "take",
            Self::TakeOver {} => "take_over",
            Self::Release {} => "release",
            Self::HandOver { .. } => "hand_over",
            Self::Snooze { .. } => "snooze",
            Self::Note { .. } => "note",
            Self::Answer { .. } => "answer",
        }
    }

    /// What the audit says of it. What a note says is in the task.
    fn detail(&self) -> String {
        match self {
            Self::HandOver { to } => to.clone(),
            Self::Answer { result, .. } => result.clone(),
            _ => String::new(),
        }
    }

    /// Whether its fields are as they should be, now and where these people use the board.
    pub(super) fn check(
        &self,
        now: i64,
        people: &BTreeMap<String, BoardUser>,
    ) -> Result<(), Refusal> {
        let too_long = |text: &str, most: usize| text.chars().count() > most;
        let moment = |field, until: i64| match until {
            0 => Ok(()),
            until if until <= now => Err(Refusal::Field(field, "in_the_past")),
            until if until - now > SNOOZE_MAX_MS => Err(Refusal::Field(field, "too_far")),
            _ => Ok(()),
        };
        match self {
            Self::Take {} | Self::TakeOver {} | Self::Release {} => Ok(()),
            Self::HandOver { to }
                if to.is_empty()
                    || too_long(to, 100)
                    || !people.is_empty() && !people.contains_key(to) =>
            {
                Err(Refusal::Field("to", "unknown_name"))
            }
            Self::HandOver { .. } => Ok(()),
            Self::Snooze { until } => moment("until", *until),
            Self::Note { text } if text.trim().is_empty() => Err(Refusal::Field("text", "empty")),
            Self::Note { text } if too_long(text, NOTE_MAX) => {
                Err(Refusal::Field("text", "too_long"))
            }
            Self::Note { .. } => Ok(()),
            Self::Answer {
                result,
                stated_reason,
                confirmed_reason,
                note,
                snooze_until,
                ..
            } => {
                if !RESULTS.contains(&result.as_str()) {
                    return Err(Refusal::Field("result", "unknown_name"));
                }
                for (field, reason) in [
                    ("stated_reason", stated_reason),
                    ("confirmed_reason", confirmed_reason),
                ] {
                    let known = reason.is_empty()
                        || reason == "other"
                        || REASONS.contains(&reason.as_str());
                    if !known || too_long(reason, REASON_MAX) {
                        return Err(Refusal::Field(field, "unknown_name"));
                    }
                }
                if too_long(note, NOTE_MAX) {
                    return Err(Refusal::Field("note", "too_long"));
                }
                moment("snooze_until", *snooze_until)
            }
        }
    }
}

impl Shared {
    /// Does something with a task.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub(super) fn act(&self, person: &Person, id: &str, action: &Action) -> Result<(), Refusal> {
        let now = self.now();
        action.check(now, &self.config.board.users)?;
        let dossier = self
            .store
            .dossier(id, &person.scope)?
            .ok_or(Refusal::Unknown)?;
        let name = secret().map_err(Refusal::Store)?;
        let name = format!("{}{}", self.store.me(), &name[..16]);
        let entry = AuditEntry {
            id: name.clone(),
            at: now,
            who: person.name.clone(),
            what: action.name().to_owned(),
            task_id: id.to_owned(),
            detail: action.detail(),
        };
        let change = Change {
            shared: self,
            person,
            dossier: &dossier,
            name: &name,
            now,
        };
        self.store
            .act(&self.topics, &entry, |known| change.make(known, action))??;
        Ok(())
    }

    /// Notes in the audit that somebody saw or took something.
    ///
    /// # Errors
    /// The store refuses: then it must not be shown.
    pub(super) fn witness(
        &self,
        person: &Person,
        what: &str,
        task: &str,
        detail: String,
    ) -> Result<(), Refusal> {
        let name = secret().map_err(Refusal::Store)?;
        let entry = AuditEntry {
            id: format!("{}{}", self.store.me(), &name[..16]),
            at: self.now(),
            who: person.name.clone(),
            what: what.to_owned(),
            task_id: task.to_owned(),
            detail,
        };
        Ok(self.store.note(&entry, &self.topics)?)
    }
}

/// A change on its way.
struct Change<'a> {
    shared: &'a Shared,
    person: &'a Person,
    dossier: &'a Dossier,
    name: &'a str,
    now: i64,
}

impl Change<'_> {
    /// Makes the change; returns what is to be sent beside it.
    fn make(&self, known: &mut Known, action: &Action) -> Result<Vec<Letter>, Refusal> {
        let me = &self.person.name;
        let holder = known.latest.holder.clone();
        let mine = holder.as_ref().is_none_or(|holder| holder == me);
        let free = mine || self.person.leads();
        if !self.dossier.row.open && !matches!(action, Action::Note { .. } | Action::Answer { .. })
        {
            return Err(Refusal::Closed);
        }
        let taken = || Refusal::Taken(holder.clone().unwrap_or_default());
        let mut letters = Vec::new();
        match action {
            Action::Take {} if !mine => return Err(taken()),
            Action::Take {} | Action::TakeOver {} => {
                if holder.as_ref() == Some(me) {
                    return Ok(letters);
                }
                let desk = known.change(self.name.to_owned());
                (desk.holder, desk.held_since) = (Some(me.clone()), Some(self.now));
                desk.snoozed_until = None;
            }
            Action::Release {} if !free => return Err(taken()),
            Action::Release {} if holder.is_none() => return Err(Refusal::Free),
            Action::Release {} => {
                let desk = known.change(self.name.to_owned());
                (desk.holder, desk.held_since) = (None, None);
            }
            Action::HandOver { .. } if !free => return Err(taken()),
            Action::HandOver { to } => {
                let desk = known.change(self.name.to_owned());
                (desk.holder, desk.held_since) = (Some(to.clone()), Some(self.now));
            }
            Action::Snooze { .. } if !free => return Err(taken()),
            Action::Snooze { until } => {
                let desk = known.change(self.name.to_owned());
                desk.snoozed_until = Some(*until).filter(|until| *until > 0);
            }
            Action::Note { text } => {
                let note = self.note(text);
                known.change(self.name.to_owned()).notes.push(note);
            }
            Action::Answer { .. } if !mine => return Err(taken()),
            Action::Answer {
                result,
                stated_reason,
                confirmed_reason,
                do_not_contact,
                note,
                snooze_until,
            } => {
                let some = |reason: &String| Some(reason.clone()).filter(|text| !text.is_empty());
                let answer = Answer {
                    id: format!("board-{}", self.name),
                    by: me.clone(),
                    at: self.now,
                    result: result.clone(),
                    stated_reason: some(stated_reason),
                    confirmed_reason: some(confirmed_reason),
                    do_not_contact: *do_not_contact,
                };
                letters.push(self.outcome(&answer)?);
                let note = Some(note).filter(|note| !note.trim().is_empty());
                let note = note.map(|note| self.note(note));
                let desk = known.change(self.name.to_owned());
                desk.answers.push(answer);
                desk.notes.extend(note);
                desk.snoozed_until = Some(*snooze_until).filter(|until| *until > 0);
                // Whoever has answered is done with it; who must try again keeps it.
                let again = result == "unreachable" || *snooze_until > 0;
                if !again {
                    (desk.holder, desk.held_since) = (None, None);
                }
            }
        }
        Ok(letters)
    }

    fn note(&self, text: &str) -> Note {
        Note {
            id: self.name.to_owned(),
            by: self.person.name.clone(),
            at: self.now,
            text: text.trim().to_owned(),
        }
    }

    /// The record of an answer for the outcome feed.
    fn outcome(&self, answer: &Answer) -> Result<Letter, Refusal> {
        #[derive(Serialize)]
        struct Outcome<'a> {
            record_id: &'a str,
            record_type: &'a str,
            msisdn: &'a str,
            event_timestamp: String,
            task_id: &'a str,
            result: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            stated_reason: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            confirmed_reason: Option<&'a str>,
            do_not_contact: bool,
        }
        let row = &self.dossier.row;
        let at = jiff::Timestamp::from_millisecond(answer.at).unwrap_or_default();
        // Without the mark some read as numbers of this country.
        let foreign = |msisdn: &Msisdn| self.shared.config.decoder.is_foreign(msisdn);
        let msisdn = match Msisdn::new(&row.msisdn).is_ok_and(|msisdn| foreign(&msisdn)) {
            true => format!("+{}", row.msisdn.trim_start_matches('+')),
            false => row.msisdn.clone(),
        };
        let outcome = Outcome {
            record_id: &answer.id,
            record_type: "task_outcome",
            msisdn: &msisdn,
            event_timestamp: at.to_string(),
            task_id: &row.id,
            result: &answer.result,
            stated_reason: answer.stated_reason.as_deref(),
            confirmed_reason: answer.confirmed_reason.as_deref(),
            do_not_contact: answer.do_not_contact,
        };
        let value =
            serde_json::to_vec(&outcome).map_err(|error| Refusal::Store(error.to_string()))?;
        Ok(Letter {
            topic: self.shared.topics.outcome.clone(),
            key: row.msisdn.clone(),
            value: Some(value),
        })
    }
}
