use super::{Feed, MsisdnError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What became of one input record: exactly one of these (behaviour: Outcome of a record).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Counted in the state; `late` if its day was already closed.
    Applied {
        /// The event corrected a closed day.
        late: bool,
    },
    /// Seen before; no effect.
    Duplicate,
    /// Older than the window; no effect.
    Expired,
    /// A tombstone or a feed's progress statement.
    Ignored,
    /// To be dead-lettered with its original bytes.
    Rejected(Reject),
}

/// Why a record is dead-lettered.
///
/// [`Reject::reason`] is stable: metrics, headers of dead letters and runbooks name it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// No bytes, or white space only.
    #[error("the record is empty")]
    Empty,
    /// Larger than the configured limit.
    #[error("the record has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Size of the record.
        bytes: usize,
        /// `decode.record_bytes_max`.
        limit: usize,
    },
    /// A schema registry's magic byte instead of JSON.
    #[error(
        "the record is framed for a schema registry (magic byte 0); topics of [topics] hold plain JSON, and those of \
         `route.sources` hold such records where `registry.url` names the registry"
    )]
    Framed,
    /// The id of a schema that the registry does not have.
    #[error("the registry has no schema with id {0}: does the producer use another registry?")]
    UnknownSchema(u32),
    /// A schema that this version cannot read, or that is wrong in itself.
    #[error("schema {id} {problem}")]
    UnusableSchema {
        /// Its id in the registry.
        id: u32,
        /// What is wrong, completing "schema 7 ...".
        problem: String,
    },
    /// The bytes are no record of the schema that they name: where, and why.
    #[error("the record does not fit its schema: {0}")]
    NotOfSchema(String),
    /// Not valid UTF-8.
    #[error("the record is not valid UTF-8")]
    NotUtf8,
    /// Not JSON, or cut short: how, and where.
    #[error("the record is not valid JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// A key that must appear at most once appears again.
    #[error("field `{0}` appears twice")]
    RepeatedField(&'static str),
    /// A required field is absent or null.
    #[error("field `{0}` is missing")]
    MissingField(&'static str),
    /// No such `record_type`.
    #[error("record_type is not one this version knows; the schemas list them")]
    UnknownRecordType,
    /// A field holds a value it must not.
    #[error("field `{field}` {problem}")]
    InvalidField {
        /// The field's name.
        field: &'static str,
        /// What is wrong, completing "field x ...".
        problem: String,
    },
    /// The subscriber's identity cannot be one.
    #[error("msisdn {0}")]
    InvalidMsisdn(MsisdnError),
    /// Dated before 2000: seconds given for milliseconds, or a clock at zero.
    #[error(
        "event_timestamp lies before 2000: seconds given for milliseconds, or a clock at zero?"
    )]
    Implausible,
    /// Dated ahead of the clock by more than the tolerance.
    #[error("event_timestamp lies in the future")]
    Future,
    /// A statement of progress that says the same of its own moment.
    #[error("complete_until lies before 2000: seconds given for milliseconds, or a clock at zero?")]
    ImplausibleStatement,
    /// A statement of progress about times to come.
    #[error("complete_until lies in the future: nobody knows yet what will be complete then")]
    FutureStatement,
    /// A statement of progress far ahead of every record.
    #[error(
        "complete_until lies more than 7 days after every record and earlier statement of the partition"
    )]
    UnfoundedStatement,
    /// The Kafka record's key is absent or names another subscriber, so the record is in the wrong partition.
    #[error("the record's key is not its msisdn; key records by subscriber")]
    KeyMismatch,
    /// The feed's topic may not carry this record type.
    #[error("the topic does not carry this feed; send it to the feed's own topic")]
    WrongFeed,
    /// No row of the columns that its layout states.
    #[error("the record is no row of its layout: {0}")]
    NotARow(String),
    /// None of the kinds of records that its layout tells apart.
    #[error("the record is of no kind that its layout knows")]
    NoVariant,
    /// Anything else that is wrong with a record that a layout brought into form.
    #[error("layout `{layout}`: {reject}{origin}")]
    InLayout {
        /// The layout's name.
        layout: Arc<str>,
        /// What the record has in place of the field, and what that looks like; empty where no field is meant.
        origin: String,
        /// The feed of the record, if its type could be told.
        feed: Option<Feed>,
        /// What is wrong.
        reject: Box<Reject>,
    },
    /// An outcome names a task that its subscriber never had, as far as is known. What it says of the customer counts.
    #[error(
        "the subscriber has no such task in this partition; send the `msisdn` and `task_id` of the task (numbers of other \
         countries with `+`), with the key and the partitioner of the other feeds"
    )]
    UnknownTask,
}

impl Reject {
    /// Stable machine-readable name.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge { .. } => "too_large",
            Self::Framed => "framed",
            Self::UnknownSchema(_) => "unknown_schema",
            Self::UnusableSchema { .. } => "unusable_schema",
            Self::NotOfSchema(_) => "not_of_schema",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson(_) => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::RepeatedField(_) => "repeated_field",
            Self::MissingField(_) => "missing_field",
            Self::UnknownRecordType => "unknown_record_type",
            Self::InvalidField { .. } => "invalid_field",
            Self::InvalidMsisdn(_) => "invalid_msisdn",
            Self::Implausible | Self::ImplausibleStatement => "implausible_timestamp",
            Self::Future | Self::FutureStatement => "future_timestamp",
            Self::UnfoundedStatement => "unfounded_statement",
            Self::KeyMismatch => "key_mismatch",
            Self::WrongFeed => "wrong_feed",
            Self::NotARow(_) => "not_a_row",
            Self::NoVariant => "unknown_variant",
            Self::InLayout { reject, .. } => reject.reason(),
            Self::UnknownTask => "unknown_task",
        }
    }

    /// The feed of the record, where a layout has told its type.
    pub fn feed(&self) -> Option<Feed> {
        match self {
            Self::InLayout { feed, .. } => *feed,
            _ => None,
        }
    }

    /// The field that is at fault, if it is one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::RepeatedField(field) | Self::MissingField(field) => Some(field),
            Self::InvalidField { field, .. } => Some(field),
            Self::UnknownRecordType => Some("record_type"),
            Self::InvalidMsisdn(_) => Some("msisdn"),
            Self::Implausible | Self::Future => Some("event_timestamp"),
            Self::ImplausibleStatement | Self::FutureStatement => Some("complete_until"),
            _ => None,
        }
    }

    /// Every reason there is, for metrics that start at zero.
    pub const REASONS: [&'static str; 22] = [
        "empty",
        "too_large",
        "framed",
        "unknown_schema",
        "unusable_schema",
        "not_of_schema",
        "not_utf8",
        "not_json",
        "not_an_object",
        "repeated_field",
        "missing_field",
        "unknown_record_type",
        "invalid_field",
        "invalid_msisdn",
        "implausible_timestamp",
        "future_timestamp",
        "unfounded_statement",
        "key_mismatch",
        "wrong_feed",
        "not_a_row",
        "unknown_variant",
        "unknown_task",
    ];
}

/// Conservation counts: `records` is always the sum of the five outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Records taken in.
    pub records: u64,
    /// Counted in the state.
    pub applied: u64,
    /// Of the applied, those for a closed day.
    pub late: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Older than the window.
    pub expired: u64,
    /// Tombstones and progress statements.
    pub ignored: u64,
    /// Sent to the dead letters.
    pub dead_lettered: u64,
}

impl Counts {
    /// Every count, in the order of the fields.
    pub fn figures(&self) -> [u64; 7] {
        [
            self.records,
            self.applied,
            self.late,
            self.duplicate,
            self.expired,
            self.ignored,
            self.dead_lettered,
        ]
    }

    /// Counts one record.
    pub fn count(&mut self, outcome: &Outcome) {
        self.records += 1;
        match outcome {
            Outcome::Applied { late } => {
                self.applied += 1;
                self.late += u64::from(*late);
            }
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Expired => self.expired += 1,
            Outcome::Ignored => self.ignored += 1,
            Outcome::Rejected(_) => self.dead_lettered += 1,
        }
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.applied += other.applied;
        self.late += other.late;
        self.duplicate += other.duplicate;
        self.expired += other.expired;
        self.ignored += other.ignored;
        self.dead_lettered += other.dead_lettered;
    }

    /// Whether every record has exactly one outcome.
    pub const fn conserved(&self) -> bool {
        self.records
            == self.applied + self.duplicate + self.expired + self.ignored + self.dead_lettered
    }
}
