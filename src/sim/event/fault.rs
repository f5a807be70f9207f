//! What can be wrong with a record, and what a detector must make of it.

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fault {
    /// The record arrives twice, within hours.
    Duplicate,
    /// The record arrives 1 to 48 hours late.
    Late,
    /// A whole mediation file (one switch, 15 minutes) is sent again, hours later.
    FileResent,
    /// A whole mediation file arrives after the next ones.
    FileOutOfOrder,
    /// The same data session, reported by a second gateway under another `record_id`.
    SecondGateway,
    /// `msisdn` with `+` or `00` in front.
    MsisdnPrefixed,
    /// `msisdn` cut to 1 to 4 digits.
    MsisdnTruncated,
    /// `other_number` as dialled: country code, IP-dial prefix, area code before a short code.
    OtherPrefixed,
    /// `other_number` cut to 1 to 4 digits.
    OtherTruncated,
    /// `other_number` is the subscriber's own.
    OtherIsOwn,
    /// `duration_seconds` is negative.
    DurationNegative,
    /// `duration_seconds` is far beyond a day, or beyond 64 bits.
    DurationOverflowing,
    /// `event_timestamp` in Unix seconds.
    SecondsForMilliseconds,
    /// `event_timestamp` in 1970.
    ClockAtZero,
    /// `event_timestamp` 60 to 66 years ahead: beyond any clock a replay may run by.
    ClockYearsAhead,
    /// `event_timestamp` 1 to 20 hours ahead of its arrival.
    ClockHoursAhead,
    /// `event_timestamp` 2 to 8 minutes ahead.
    ClockMinutesAhead,
    /// No bytes. In files it is left out, as a line cannot be told from a blank one.
    PayloadEmpty,
    /// The JSON is cut short.
    PayloadTruncated,
    /// A byte that is not UTF-8.
    PayloadNotUtf8,
    /// A schema registry's five bytes in front.
    PayloadFramed,
    /// Fields nobody has heard of.
    UnknownField,
    /// A null value. In files it is left out: NDJSON has no way to write it.
    Tombstone,
}

/// What a detector must make of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// Counted.
    Applied,
    /// Dropped as seen before; if the detector no longer remembers the first one, counted.
    Duplicate,
    /// No effect: a tombstone or a progress statement.
    Ignored,
    /// Dead-lettered with a reason.
    DeadLettered,
    /// Dead-lettered while it lies in the future of the detector's clock, else counted.
    AppliedOrDeadLettered,
}

impl Fault {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::Duplicate,
        Self::Late,
        Self::FileResent,
        Self::FileOutOfOrder,
        Self::SecondGateway,
        Self::MsisdnPrefixed,
        Self::MsisdnTruncated,
        Self::OtherPrefixed,
        Self::OtherTruncated,
        Self::OtherIsOwn,
        Self::DurationNegative,
        Self::DurationOverflowing,
        Self::SecondsForMilliseconds,
        Self::ClockAtZero,
        Self::ClockYearsAhead,
        Self::ClockHoursAhead,
        Self::ClockMinutesAhead,
        Self::PayloadEmpty,
        Self::PayloadTruncated,
        Self::PayloadNotUtf8,
        Self::PayloadFramed,
        Self::UnknownField,
        Self::Tombstone,
    ];

    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Late => "late",
            Self::FileResent => "file_resent",
            Self::FileOutOfOrder => "file_out_of_order",
            Self::SecondGateway => "second_gateway",
            Self::MsisdnPrefixed => "msisdn_prefixed",
            Self::MsisdnTruncated => "msisdn_truncated",
            Self::OtherPrefixed => "other_number_prefixed",
            Self::OtherTruncated => "other_number_truncated",
            Self::OtherIsOwn => "other_number_is_own",
            Self::DurationNegative => "duration_negative",
            Self::DurationOverflowing => "duration_overflowing",
            Self::SecondsForMilliseconds => "seconds_for_milliseconds",
            Self::ClockAtZero => "clock_at_zero",
            Self::ClockYearsAhead => "clock_years_ahead",
            Self::ClockHoursAhead => "clock_hours_ahead",
            Self::ClockMinutesAhead => "clock_minutes_ahead",
            Self::PayloadEmpty => "payload_empty",
            Self::PayloadTruncated => "payload_truncated",
            Self::PayloadNotUtf8 => "payload_not_utf8",
            Self::PayloadFramed => "payload_framed",
            Self::UnknownField => "unknown_field",
            Self::Tombstone => "tombstone",
        }
    }

    /// What a detector must make of a record with this fault alone.
    pub const fn expected(self) -> Expected {
        match self {
            Self::Duplicate | Self::FileResent | Self::SecondGateway => Expected::Duplicate,
            Self::Tombstone => Expected::Ignored,
            Self::ClockHoursAhead => Expected::AppliedOrDeadLettered,
            Self::MsisdnTruncated
            | Self::SecondsForMilliseconds
            | Self::ClockAtZero
            | Self::ClockYearsAhead
            | Self::PayloadEmpty
            | Self::PayloadTruncated
            | Self::PayloadNotUtf8
            | Self::PayloadFramed => Expected::DeadLettered,
            Self::Late
            | Self::FileOutOfOrder
            | Self::MsisdnPrefixed
            | Self::OtherPrefixed
            | Self::OtherTruncated
            | Self::OtherIsOwn
            | Self::DurationNegative
            | Self::DurationOverflowing
            | Self::ClockMinutesAhead
            | Self::UnknownField => Expected::Applied,
        }
    }
}

impl Expected {
    /// The name used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::DeadLettered => "dead_lettered",
            Self::AppliedOrDeadLettered => "applied_or_dead_lettered",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_kinds_is_in_order() {
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, number);
        }
    }
}
