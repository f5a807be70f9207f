//! Record bytes in, an [`Event`] or a [`Reject`] out (behaviour: Events, Bad input).
//!
//! Strict about what a record cannot do without: an essential field that is missing or of the wrong type is a reject that
//! names the field and what is allowed. Any other field that cannot be used costs only itself, and is reported beside the
//! event. Blind to the rest: unknown fields, fields of other record types, and fields without a use here are not looked
//! at. No reason quotes the record, so none can leak a number.

mod body;
mod countries;
mod faults;
mod field;
mod group;
mod home;
mod layout;
mod number;
mod read;
mod scan;
mod settings;
mod time;
mod wire;
mod written;

pub use countries::COUNTRIES;
pub use faults::{FieldFault, FieldFaults};
pub use layout::{
    BerCutter, Cut, FieldTrace, Form, Framing, LayoutText, Layouts, READY, Rows, Scratch, Trace,
    is_native, leaves, shape, suggest,
};
pub use settings::{DecodeSettings, SettingProblem};

use crate::model::{Body, Event, Feed, Msisdn, MsisdnError, Number, Reject, Timestamp};
use body::PROGRESS;
use field::Field;
use home::HomeNetworks;
use layout::{Made, first_line};
use number::Numbering;
use wire::Fields;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Reads records.
#[derive(Debug, Clone)]
pub struct Decoder {
    numbering: Numbering,
    home: HomeNetworks,
    record_bytes_max: usize,
    key_check: bool,
    layouts: Layouts,
}

/// What one record says. Text is borrowed from its bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<'a> {
    /// Something a subscriber did or met, and the fields that could not be used.
    Event(Event<'a>, FieldFaults),
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
            Self::Event(event, _) => event.body.feed(),
            Self::Progress { feed, .. } => *feed,
        }
    }

    /// The time that decides on which side of a cut between files and live topics it lies. A state lies on both, because it
    /// changes nothing when it comes again.
    pub fn cut_time(&self) -> Option<Timestamp> {
        match self {
            Self::Event(event, _) => Some(event.at).filter(|_| !event.body.is_state()),
            Self::Progress { complete_until, .. } => Some(*complete_until),
        }
    }
}

/// Whose record it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A subscriber's, of a feed.
    Subscriber(Feed, Msisdn),
    /// Everybody's: a mediation's statement about a feed.
    Everyone(Feed),
}

impl Address {
    /// The feed it belongs to.
    pub fn feed(&self) -> Feed {
        match self {
            Self::Subscriber(feed, _) | Self::Everyone(feed) => *feed,
        }
    }
}

/// An odd factor that spreads small numbers over a seed: seeds that differ in a few bits give equal hashes of short ids.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// States are hashed apart from record ids, whose seeds are multiples of another number.
const STATE_SEED: u64 = 3 << 32;

const FEEDS: &read::Choices<Feed> = &{
    let mut feeds = [(Feed::Cdr.name(), Feed::Cdr); Feed::TIMED.len()];
    let mut index = 0;
    while index < feeds.len() {
        feeds[index] = (Feed::TIMED[index].name(), Feed::TIMED[index]);
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
            layouts: Layouts::default(),
            home: HomeNetworks::new(&settings.home_networks),
            numbering: Numbering::new(settings),
        })
    }

    /// The same with layouts for records of other systems.
    #[must_use]
    pub fn with_layouts(self, layouts: Layouts) -> Self {
        Self { layouts, ..self }
    }

    /// The layouts of records of other systems.
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// How the records of a file are told apart, by its path and its first bytes.
    pub fn framing(&self, path: &str, head: &[u8]) -> Framing {
        let form = self.layouts.of_file(path, first_line(head));
        form.framing(head, self.record_bytes_max)
    }

    /// Reads one record's value, which is as the schemas say.
    ///
    /// Does not allocate for call-detail records without escapes in their strings.
    ///
    /// # Errors
    /// Why the record must be dead-lettered. `Future` here means beyond the year 2199; the engine decides how far ahead
    /// of the clock a record may be dated.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Decoded<'a>, Reject> {
        let mut fields = Fields::default();
        fields.fill_from_record(self.text(bytes)?)?;
        self.read(&mut fields)
    }

    /// Reads one record's value, which is of some form. Nothing if its layout says to skip it.
    ///
    /// # Errors
    /// As [`Decoder::decode`], with the layout and what the record has in place of a field.
    pub fn decode_as<'a>(
        &self,
        form: &Form,
        bytes: &'a [u8],
        scratch: &'a mut Scratch,
    ) -> Result<Option<Decoded<'a>>, Reject> {
        self.read_as(form, bytes, scratch, |_| ())
    }

    /// The same, and appends the record as the schemas say, if it has another form that its layout can map.
    ///
    /// # Errors
    /// As [`Decoder::decode_as`].
    pub fn rewrite<'a>(
        &self,
        form: &Form,
        bytes: &'a [u8],
        scratch: &'a mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<Option<Decoded<'a>>, Reject> {
        self.read_as(form, bytes, scratch, |fields| fields.write(out))
    }

    fn read_as<'a>(
        &self,
        form: &Form,
        bytes: &'a [u8],
        scratch: &'a mut Scratch,
        write: impl FnOnce(&Fields<'_>),
    ) -> Result<Option<Decoded<'a>>, Reject> {
        let Form::Mapped(mapped) = form else {
            return self.decode(bytes).map(Some);
        };
        self.fits(bytes)?;
        unframed(form, bytes)?;
        let Some(made) = mapped.map(bytes, scratch)? else {
            return Ok(None);
        };
        let mut fields = Fields::default();
        let read = fill_from_layout(&mut fields, &made).and_then(|()| {
            write(&fields);
            self.read(&mut fields)
        });
        read.map(Some).map_err(|reject| explained(&made, reject))
    }

    fn read<'a>(&self, fields: &mut Fields<'a>) -> Result<Decoded<'a>, Reject> {
        let name = fields.essential(Field::RecordType, Fields::string)?;
        if name == PROGRESS {
            return progress(fields);
        }
        let (place, record_type) = body::record_type(&name).ok_or(Reject::UnknownRecordType)?;
        let msisdn = self.subscriber(fields)?;
        let at = fields.essential(Field::EventTimestamp, Fields::timestamp)?;
        if at < Timestamp::PLAUSIBLE_MIN {
            return Err(Reject::Implausible);
        }
        if at >= time::FUTURE {
            return Err(Reject::Future);
        }
        let record_id = fields.essential(Field::RecordId, Fields::identifier)?;
        let head = body::Head {
            record_id: &record_id,
            msisdn: &msisdn,
            at,
        };
        let body = body::read(record_type, &head, fields, &self.numbering)?;
        let visited = match body {
            Body::Call { .. } | Body::Message { .. } | Body::Data { .. } => {
                self.home.visited(fields)
            }
            _ => None,
        };
        // Ids are unique per source only, so the same id in two record types is two records.
        let id = xxh3_64_with_seed(
            record_id.as_bytes(),
            (place as u64 + 1).wrapping_mul(SPREAD),
        );
        // A state that is sent again under its id is another record if anything in it differs.
        let record = match body.is_state() {
            true => fields.fingerprint(STATE_SEED) << u32::BITS | id & u64::from(u32::MAX),
            false => id,
        };
        let event = Event {
            msisdn,
            at,
            record,
            visited,
            body,
        };
        Ok(Decoded::Event(event, fields.faults))
    }

    /// Reads as much of a record of some form as says where it belongs, and appends the record as the schemas say. Nothing else
    /// in it is looked at, but for a statement. Nothing if its layout says to skip it.
    ///
    /// # Errors
    /// Why that cannot be said.
    pub fn address_as(
        &self,
        form: &Form,
        bytes: &[u8],
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<Option<Address>, Reject> {
        let Form::Mapped(mapped) = form else {
            out.extend_from_slice(bytes);
            let mut fields = Fields::default();
            fields.fill_from_record(self.text(bytes)?)?;
            return self.address(&fields).map(Some);
        };
        self.fits(bytes)?;
        unframed(form, bytes)?;
        let Some(made) = mapped.map(bytes, scratch)? else {
            return Ok(None);
        };
        let mut fields = Fields::default();
        let address = fill_from_layout(&mut fields, &made).and_then(|()| {
            fields.write(out);
            self.address(&fields)
        });
        address.map(Some).map_err(|reject| explained(&made, reject))
    }

    fn address(&self, fields: &Fields<'_>) -> Result<Address, Reject> {
        let name = fields.essential(Field::RecordType, Fields::string)?;
        if name == PROGRESS {
            return progress(fields).map(|statement| Address::Everyone(statement.feed()));
        }
        let (_, record_type) = body::record_type(&name).ok_or(Reject::UnknownRecordType)?;
        Ok(Address::Subscriber(
            record_type.feed(),
            self.subscriber(fields)?,
        ))
    }

    fn subscriber(&self, fields: &Fields<'_>) -> Result<Msisdn, Reject> {
        let text = fields.essential(Field::Msisdn, Fields::phone)?;
        self.msisdn(&text).map_err(Reject::InvalidMsisdn)
    }

    /// The feed that a record as the schemas say names, as far as it can be read; for records that were refused.
    pub fn feed_of(&self, bytes: &[u8]) -> Option<Feed> {
        feed_of(&Fields::of_record(self.text(bytes).ok()?).ok()?)
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

    /// Whether a record's Kafka key is what the record is keyed by: its subscriber, or its group.
    ///
    /// # Errors
    /// As [`Decoder::check_key`].
    pub fn check_key_of(&self, key: Option<&[u8]>, event: &Event<'_>) -> Result<(), Reject> {
        match event.body {
            Body::MemberSignal(_) if self.key_check && key != Some(event.key()) => {
                Err(Reject::KeyMismatch)
            }
            Body::MemberSignal(_) => Ok(()),
            _ => self.check_key(key, &event.msisdn),
        }
    }

    /// A telephone number in national form, [`Number::OTHER`] if it is none.
    pub fn number(&self, text: &str) -> Number {
        self.numbering.number(text)
    }

    /// A subscriber's identity in canonical form: all digits of a number with its country code, pseudonyms unchanged.
    ///
    /// # Errors
    /// [`MsisdnError`] says what is wrong with the text.
    pub fn msisdn(&self, text: &str) -> Result<Msisdn, MsisdnError> {
        self.numbering.msisdn(text)
    }

    /// The digits of a subscriber's number behind the country code, if it is a number of this country.
    pub fn national<'m>(&self, msisdn: &'m Msisdn) -> Option<&'m str> {
        self.numbering.national(msisdn)
    }

    /// Whether a subscriber has a number of another country.
    pub fn is_foreign(&self, msisdn: &Msisdn) -> bool {
        self.numbering.is_foreign(msisdn)
    }

    /// The country code of this network, without `+`.
    pub fn country_code(&self) -> &str {
        self.numbering.country_code()
    }

    /// Whether keys must name subscribers.
    pub fn checks_keys(&self) -> bool {
        self.key_check
    }

    fn fits(&self, bytes: &[u8]) -> Result<(), Reject> {
        match bytes.len() > self.record_bytes_max {
            true => Err(Reject::TooLarge {
                bytes: bytes.len(),
                limit: self.record_bytes_max,
            }),
            false => Ok(()),
        }
    }

    /// The record as text, if it can be JSON at all.
    fn text<'a>(&self, bytes: &'a [u8]) -> Result<&'a str, Reject> {
        self.fits(bytes)?;
        unframed(&Form::Native, bytes)?;
        let text = str::from_utf8(bytes).map_err(|_| Reject::NotUtf8)?;
        if text.trim_ascii().is_empty() {
            return Err(Reject::Empty);
        }
        Ok(text)
    }
}

fn unframed(form: &Form, bytes: &[u8]) -> Result<(), Reject> {
    match form.is_framed(bytes) {
        true => Err(Reject::Framed),
        false => Ok(()),
    }
}

/// Takes the fields that a layout has made, and refuses a record that lacks one the layout requires.
fn fill_from_layout<'a>(fields: &mut Fields<'a>, made: &Made<'_, 'a>) -> Result<(), Reject> {
    fields.fill_from_parts(made.fields(), made.may_have_escapes());
    match made.lacks() {
        Some(field) => Err(Reject::MissingField(field.name())),
        None => Ok(()),
    }
}

/// A reject with what the layout has to do with it.
fn explained(made: &Made<'_, '_>, reject: Reject) -> Reject {
    let mut fields = Fields::default();
    fields.fill_from_parts(made.fields(), made.may_have_escapes());
    made.explain(reject, feed_of(&fields))
}

fn feed_of(fields: &Fields<'_>) -> Option<Feed> {
    let name = fields.string(Field::RecordType).ok()??;
    match &*name {
        PROGRESS => fields.choice(Field::Feed, FEEDS).ok()?,
        name => body::record_type(name).map(|(_, record_type)| record_type.feed()),
    }
}

fn progress<'a>(fields: &Fields<'a>) -> Result<Decoded<'a>, Reject> {
    let complete_until = fields.essential(Field::CompleteUntil, Fields::timestamp)?;
    if complete_until < Timestamp::PLAUSIBLE_MIN {
        return Err(Reject::ImplausibleStatement);
    }
    if complete_until >= time::FUTURE {
        return Err(Reject::FutureStatement);
    }
    Ok(Decoded::Progress {
        feed: fields.essential_choice(Field::Feed, FEEDS)?,
        complete_until,
    })
}
