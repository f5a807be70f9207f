//! Record bytes in, an [`Event`] or a [`Reject`] out (behaviour: Events, Bad input).
//!
//! Strict about what the detector reads: a required field that is missing, or a present one of the wrong type, is a
//! reject that names the field and what is allowed. Blind to the rest: unknown fields, fields of other record types,
//! and fields without a use here are not looked at. No reason quotes the record, so none can leak a number.

mod body;
mod number;
mod read;
mod settings;
mod time;
mod wire;

pub use settings::{DecodeSettings, SettingProblem};

use crate::model::{Event, Feed, Msisdn, MsisdnError, Number, Reject, Timestamp};
use number::Numbering;
use read::required;
use wire::{Field, Fields, invalid};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Reads records.
#[derive(Debug, Clone)]
pub struct Decoder {
    numbering: Numbering,
    record_bytes_max: usize,
    key_check: bool,
}

/// What one record says. Text is borrowed from its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<'a> {
    /// Something a subscriber did or met.
    Event(Event<'a>),
    /// A mediation's statement that nothing older is missing.
    Progress {
        /// Of this feed.
        feed: Feed,
        /// Up to this moment.
        complete_until: Timestamp,
    },
}

impl Decoded<'_> {
    /// The feed it belongs to.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Event(event) => event.body.feed(),
            Self::Progress { feed, .. } => *feed,
        }
    }
}

const FEEDS: &read::Choices<Feed> = &{
    let mut feeds = [(Feed::Cdr.name(), Feed::Cdr); Feed::ALL.len()];
    let mut index = 0;
    while index < feeds.len() {
        feeds[index] = (Feed::ALL[index].name(), Feed::ALL[index]);
        index += 1;
    }
    feeds
};

impl Decoder {
    /// # Errors
    /// Every [`SettingProblem`] of the settings. Their ranges are checked where the settings are read from a file.
    pub fn new(settings: DecodeSettings) -> Result<Self, Vec<SettingProblem>> {
        let problems = settings.problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            record_bytes_max: settings.record_bytes_max,
            key_check: settings.key_check,
            numbering: Numbering::new(settings),
        })
    }

    /// Reads one record's value.
    ///
    /// Does not allocate for call-detail records without escapes in their strings.
    ///
    /// # Errors
    /// Why the record must be dead-lettered. `Future` here means beyond the year 2199; the engine decides how far ahead
    /// of the clock a record may be dated.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Decoded<'a>, Reject> {
        let fields = Fields::of_record(self.text(bytes)?)?;
        let name = required(Field::RecordType, fields.string(Field::RecordType)?)?;
        if name == "feed_progress" {
            return progress(&fields);
        }
        let (_, record_type) = body::RECORD_TYPES
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or(Reject::UnknownRecordType)?;
        let msisdn = required(Field::Msisdn, fields.string(Field::Msisdn)?)?;
        let msisdn = self.msisdn(&msisdn).map_err(Reject::InvalidMsisdn)?;
        let at = required(
            Field::EventTimestamp,
            fields.timestamp(Field::EventTimestamp)?,
        )?;
        if at < Timestamp::PLAUSIBLE_MIN {
            return Err(Reject::Implausible);
        }
        if at >= time::FUTURE {
            return Err(Reject::Future);
        }
        let record_id = required(Field::RecordId, fields.identifier(Field::RecordId)?)?;
        let body = body::read(*record_type, &record_id, fields, &msisdn, &self.numbering)?;
        // Ids are unique per source only, so the same id in two feeds is two records.
        let record = xxh3_64_with_seed(record_id.as_bytes(), body.feed() as u64);
        Ok(Decoded::Event(Event {
            msisdn,
            at,
            record,
            body,
        }))
    }

    /// Whether a record's Kafka key names its subscriber, in any of the forms a subscriber's number may have.
    ///
    /// # Errors
    /// `KeyMismatch`, unless `key_check` is off.
    pub fn check_key(&self, key: Option<&[u8]>, msisdn: &Msisdn) -> Result<(), Reject> {
        if !self.key_check || key == Some(msisdn.as_bytes()) {
            return Ok(());
        }
        let text = key.and_then(|key| str::from_utf8(key).ok());
        match text.map(|text| self.msisdn(text)) {
            Some(Ok(named)) if named == *msisdn => Ok(()),
            _ => Err(Reject::KeyMismatch),
        }
    }

    /// A telephone number in national form, [`Number::OTHER`] if it is none.
    pub fn number(&self, text: &str) -> Number {
        self.numbering.number(text)
    }

    /// A subscriber's identity in canonical form: the national form of the country's own mobile numbers, plain
    /// digits for foreign ones, pseudonyms unchanged.
    ///
    /// # Errors
    /// [`MsisdnError`] says what is wrong with the text.
    pub fn msisdn(&self, text: &str) -> Result<Msisdn, MsisdnError> {
        self.numbering.msisdn(text)
    }

    /// The record as text, if it can be JSON at all.
    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, Reject> {
        if bytes.len() > self.record_bytes_max {
            return Err(Reject::TooLarge {
                bytes: bytes.len(),
                limit: self.record_bytes_max,
            });
        }
        if bytes.first() == Some(&0) {
            return Err(Reject::Framed);
        }
        let text = str::from_utf8(bytes).map_err(|_| Reject::NotUtf8)?;
        if text.trim_ascii().is_empty() {
            return Err(Reject::Empty);
        }
        Ok(text)
    }
}

fn progress<'a>(fields: &Fields<'a>) -> Result<Decoded<'a>, Reject> {
    let complete_until = required(
        Field::CompleteUntil,
        fields.timestamp(Field::CompleteUntil)?,
    )?;
    if !(Timestamp::PLAUSIBLE_MIN..time::FUTURE).contains(&complete_until) {
        return Err(invalid(
            Field::CompleteUntil,
            "must lie in the years 2000 to 2199; are these seconds instead of milliseconds?",
        ));
    }
    Ok(Decoded::Progress {
        feed: required(Field::Feed, fields.choice(Field::Feed, FEEDS)?)?,
        complete_until,
    })
}
