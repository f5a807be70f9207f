use super::recording::Recording;
use super::roster::Roster;
use crate::model::{Calendar, Day, Msisdn, MsisdnError, OutcomeResult, Timestamp, plural};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One line of a truth file.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// The subscriber; nothing for the whole city.
    pub msisdn: Option<Msisdn>,
    /// What a detector should make of it.
    pub class: Class,
    /// Its kind, in the words of the file.
    pub kind: String,
    /// When it began.
    pub from: Timestamp,
    /// The last real use before leaving.
    pub last_use_at: Option<Timestamp>,
    /// When the subscriber left.
    pub left_at: Option<Timestamp>,
    /// When it ended.
    pub until: Option<Timestamp>,
}

/// What a detector should make of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Churn: to be found.
    Churn,
    /// Looks like churn, but is not.
    Harmless,
    /// Neither; it is ignored.
    Note,
    /// Concerns everybody: a holiday week, an outage.
    City,
}

/// Why a line is no label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Not JSON, or a field of a wrong type.
    #[error("{0}")]
    Json(String),
    /// Not an MSISDN.
    #[error("`msisdn` {0}")]
    Msisdn(MsisdnError),
    /// A churn, harmless or note line without a subscriber.
    #[error("`msisdn` is missing; only class \"city\" concerns everybody")]
    Nobody,
    /// A time that cannot be read.
    #[error("`{0}` must be RFC 3339, such as 2026-03-09T14:05:00+08:00, or a date")]
    Moment(&'static str),
    /// An end before the beginning.
    #[error("`{0}` lies before `from`")]
    Backwards(&'static str),
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    msisdn: Option<Cow<'a, str>>,
    class: Class,
    kind: String,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(borrow)]
    last_use_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    left_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    until: Option<Cow<'a, str>>,
}

impl Label {
    /// Reads one line. Unknown fields are ignored; `msisdn` brings a number into the form that events have.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn read(
        line: &[u8],
        calendar: &Calendar,
        msisdn: impl Fn(&str) -> Result<Msisdn, MsisdnError>,
    ) -> Result<Self, LabelError> {
        let line: Line<'_> =
            serde_json::from_slice(line).map_err(|e| LabelError::Json(masked(&e.to_string())))?;
        let name = line.msisdn.as_deref().map(msisdn).transpose();
        let name = name.map_err(LabelError::Msisdn)?;
        if name.is_none() && line.class != Class::City {
            return Err(LabelError::Nobody);
        }
        let from = moment("from", &line.from, calendar)?;
        let later = |field, text: &Option<Cow<'_, str>>| match text {
            None => Ok(None),
            Some(text) => moment(field, text, calendar).map(Some),
        };
        let label = Self {
            msisdn: name,
            class: line.class,
            kind: line.kind,
            from,
            last_use_at: later("last_use_at", &line.last_use_at)?,
            left_at: later("left_at", &line.left_at)?,
            until: later("until", &line.until)?,
        };
        for (field, at) in [("left_at", label.left_at), ("until", label.until)] {
            if at.is_some_and(|at| at < from) {
                return Err(LabelError::Backwards(field));
            }
        }
        Ok(label)
    }
}

/// A message that may quote the line, with everything masked that could be a telephone number.
fn masked(message: &str) -> String {
    let mut masked = String::new();
    for part in message.split_inclusive(|character: char| !character.is_ascii_digit()) {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        if digits < Msisdn::DIGITS_MIN {
            masked += part;
        } else {
            masked += "***";
            masked.extend(part.chars().last().filter(|last| !last.is_ascii_digit()));
        }
    }
    masked
}

fn moment(field: &'static str, text: &str, calendar: &Calendar) -> Result<Timestamp, LabelError> {
    if let Some(day) = Day::parse(text) {
        return Ok(calendar.start_of(day));
    }
    Timestamp::parse(text).ok_or(LabelError::Moment(field))
}

/// Where the labels came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A truth file.
    Truth,
    /// Task outcomes, cancellations and port-out applications in the events.
    Outcomes,
}

impl Origin {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Truth => "the truth file tells",
            Self::Outcomes => {
                "no truth file was given, so cancellations, port-out applications and\n\
                 task outcomes `lost` among the events tell; onsets are taken to be 30 days before"
            }
        }
    }
}

/// Notes about labels that were not used: those that name nobody known, and those that repeat another.
pub fn notes(unknown: usize, repeated: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if unknown > 0 {
        let names = plural(
            unknown,
            "label names a subscriber",
            "labels name subscribers",
        );
        let was = plural(unknown, "was", "were");
        notes.push(format!(
            "{unknown} {names} without any record and {was} not used"
        ));
    }
    if repeated > 0 {
        let equals = plural(repeated, "label equals", "labels equal");
        let was = plural(repeated, "was", "were");
        notes.push(format!(
            "{repeated} {equals} another and {was} not counted again"
        ));
    }
    notes
}

/// Who left and when, and who only seemed to.
#[derive(Debug)]
pub struct Labels {
    /// Where they came from.
    pub origin: Origin,
    /// Names of kinds, in alphabetical order.
    pub kinds: Vec<String>,
    /// Episodes to be found, by subscriber and beginning.
    pub churn: Vec<Episode>,
    /// Episodes to be left alone, by subscriber and beginning.
    pub harmless: Vec<Episode>,
    /// Events that concerned everybody, by beginning.
    pub city: Vec<CityEpisode>,
    /// Number of labels of subscribers, harmless ones and notes too.
    pub named: usize,
    /// Number of labels not used, as their subscribers have no event.
    pub unknown: usize,
    /// Number of labels not used, as another is equal.
    pub repeated: usize,
}

/// A period in the life of one subscriber that a label describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Episode {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// When it began.
    pub from: Timestamp,
    /// Index into [`Labels::kinds`].
    pub kind: u16,
    /// The last real use before leaving.
    pub last_use_at: Option<Timestamp>,
    /// When the subscriber left.
    pub left_at: Option<Timestamp>,
    /// When it ended.
    pub until: Option<Timestamp>,
}

/// An event that concerned everybody.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CityEpisode {
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Its kind.
    pub kind: String,
}

/// Without a truth file the onset is taken to be so many days before the leaving.
pub const ASSUMED_ONSET_DAYS: i64 = 30;

impl Labels {
    /// The labels of a truth file, for the subscribers of a replay.
    pub fn of_truth(labels: &[Label], roster: &Roster, calendar: &Calendar) -> Self {
        let mut all = Self::empty(Origin::Truth, labels.iter().map(|l| l.kind.as_str()));
        for label in labels {
            let kind = all.kind(&label.kind);
            let Some(msisdn) = &label.msisdn else {
                let until = label.until.unwrap_or(label.from);
                // An end at midnight is the end of the day before.
                let until = Timestamp(until.0 - 1).max(label.from);
                all.city.push(CityEpisode {
                    from: calendar.day_of(label.from),
                    until: calendar.day_of(until),
                    kind: label.kind.clone(),
                });
                continue;
            };
            all.named += 1;
            let Some(subscriber) = roster.find(msisdn) else {
                all.unknown += 1;
                continue;
            };
            let episode = Episode {
                subscriber,
                from: label.from,
                kind,
                last_use_at: label.last_use_at,
                left_at: label.left_at,
                until: label.until,
            };
            match label.class {
                Class::Churn => all.churn.push(episode),
                Class::Harmless => all.harmless.push(episode),
                Class::Note | Class::City => {}
            }
        }
        all.sort()
    }

    /// The labels in the events themselves. A subscriber who was reported lost, cancelled or applied for a port-out left at
    /// the first such record; one who was reached by a task and stayed is harmless.
    pub fn of_outcomes(recording: &Recording) -> Self {
        let lost = recording.outcomes.iter().filter_map(|outcome| {
            let lost = outcome.result == OutcomeResult::Lost;
            lost.then_some((outcome.subscriber, outcome.at, LOST))
        });
        let gone = recording.departures.iter().map(|departure| {
            let kind = if departure.port_out {
                PORT_OUT
            } else {
                CANCELLATION
            };
            (departure.subscriber, departure.at, kind)
        });
        let mut first: BTreeMap<u32, (Timestamp, &str)> = BTreeMap::new();
        for (subscriber, at, kind) in lost.chain(gone) {
            let entry = first.entry(subscriber).or_insert((at, kind));
            *entry = (*entry).min((at, kind));
        }
        let names = [LOST, CANCELLATION, PORT_OUT, "saved", "refused", "reached"];
        let mut all = Self::empty(Origin::Outcomes, names.into_iter());
        for (subscriber, (left_at, kind)) in first {
            all.churn.push(Episode {
                subscriber,
                from: left_at.plus_hours(-24 * ASSUMED_ONSET_DAYS),
                kind: all.kind(kind),
                last_use_at: None,
                left_at: Some(left_at),
                until: None,
            });
        }
        for outcome in &recording.outcomes {
            let kind = match outcome.result {
                OutcomeResult::Saved => "saved",
                OutcomeResult::Refused => "refused",
                OutcomeResult::Reached => "reached",
                OutcomeResult::Lost | OutcomeResult::Unreachable => continue,
            };
            all.harmless.push(Episode {
                subscriber: outcome.subscriber,
                from: outcome.at.plus_hours(-24 * ASSUMED_ONSET_DAYS),
                kind: all.kind(kind),
                last_use_at: None,
                left_at: None,
                until: Some(outcome.at),
            });
        }
        all.sort()
    }

    /// Who says who left, in words.
    pub const fn source(&self) -> &'static str {
        self.origin.words()
    }

    /// What is to be known about labels that were not used.
    pub fn notes(&self) -> Vec<String> {
        notes(self.unknown, self.repeated)
    }

    /// A kind's name.
    pub fn name(&self, kind: u16) -> &str {
        self.kinds.get(usize::from(kind)).map_or("", String::as_str)
    }

    /// The churn episodes of a subscriber.
    pub fn churn_of(&self, subscriber: u32) -> &[Episode] {
        let from = self.churn.partition_point(|e| e.subscriber < subscriber);
        let to = self.churn.partition_point(|e| e.subscriber <= subscriber);
        &self.churn[from..to]
    }

    fn empty<'a>(origin: Origin, kinds: impl Iterator<Item = &'a str>) -> Self {
        let mut kinds: Vec<String> = kinds.map(str::to_owned).collect();
        kinds.sort();
        kinds.dedup();
        Self {
            origin,
            kinds,
            churn: Vec::new(),
            harmless: Vec::new(),
            city: Vec::new(),
            named: 0,
            unknown: 0,
            repeated: 0,
        }
    }

    fn kind(&self, name: &str) -> u16 {
        let index = self.kinds.binary_search_by(|kind| kind.as_str().cmp(name));
        index.unwrap_or_default() as u16
    }

    fn sort(mut self) -> Self {
        self.repeated =
            sort_once(&mut self.churn) + sort_once(&mut self.harmless) + sort_once(&mut self.city);
        self
    }
}

/// Sorts, keeps one of equal ones, and counts the others.
fn sort_once<T: Ord>(all: &mut Vec<T>) -> usize {
    let before = all.len();
    all.sort();
    all.dedup();
    before - all.len()
}

const LOST: &str = "lost";
const CANCELLATION: &str = "cancellation";
const PORT_OUT: &str = "port_out_application";
