//! Dirt: what happens to records between the switch and us (DOMAIN section 7), each kind at its own rate.
//!
//! It draws from its own streams, so that a clean city and a dirty one live through the same days.

use super::event::{Body, Event};
use super::random::{Dice, Purpose};
use super::scenario::Dirt;
use super::today::Today;
use crate::model::Feed;

/// A kind of dirt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Flaw {
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
pub enum Fate {
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

/// The flaws that records are born with, where they can occur, with their shares.
const fn born_with(dirt: &Dirt) -> [(f64, Flaw); 19] {
    [
        (dirt.other_prefixed_share, Flaw::OtherPrefixed),
        (dirt.unknown_field_share, Flaw::UnknownField),
        (dirt.msisdn_prefixed_share, Flaw::MsisdnPrefixed),
        (dirt.second_gateway_share, Flaw::SecondGateway),
        (dirt.other_truncated_share, Flaw::OtherTruncated),
        (dirt.clock_minutes_ahead_share, Flaw::ClockMinutesAhead),
        (dirt.other_own_share, Flaw::OtherIsOwn),
        (dirt.duration_negative_share, Flaw::DurationNegative),
        (dirt.seconds_share, Flaw::SecondsForMilliseconds),
        (dirt.msisdn_truncated_share, Flaw::MsisdnTruncated),
        (dirt.duration_overflowing_share, Flaw::DurationOverflowing),
        (dirt.clock_years_ahead_share, Flaw::ClockYearsAhead),
        (dirt.clock_hours_ahead_share, Flaw::ClockHoursAhead),
        (dirt.payload_truncated_share, Flaw::PayloadTruncated),
        (dirt.tombstone_share, Flaw::Tombstone),
        (dirt.clock_zero_share, Flaw::ClockAtZero),
        (dirt.payload_empty_share, Flaw::PayloadEmpty),
        (dirt.payload_not_utf8_share, Flaw::PayloadNotUtf8),
        (dirt.payload_framed_share, Flaw::PayloadFramed),
    ]
}

impl Dirt {
    /// Share of the records that are born with a flaw, at most.
    pub fn born_with_share(&self) -> f64 {
        born_with(self).iter().map(|(share, _)| share).sum()
    }
}

const MINUTE_MS: u32 = 60_000;
const HOUR_MS: u32 = 60 * MINUTE_MS;

impl Flaw {
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

    /// What a detector must make of a record with this flaw alone.
    pub const fn fate(self) -> Fate {
        match self {
            Self::Duplicate | Self::FileResent | Self::SecondGateway => Fate::Duplicate,
            Self::Tombstone => Fate::Ignored,
            Self::ClockHoursAhead => Fate::AppliedOrDeadLettered,
            Self::MsisdnTruncated
            | Self::DurationNegative
            | Self::DurationOverflowing
            | Self::SecondsForMilliseconds
            | Self::ClockAtZero
            | Self::ClockYearsAhead
            | Self::PayloadEmpty
            | Self::PayloadTruncated
            | Self::PayloadNotUtf8
            | Self::PayloadFramed => Fate::DeadLettered,
            Self::Late
            | Self::FileOutOfOrder
            | Self::MsisdnPrefixed
            | Self::OtherPrefixed
            | Self::OtherTruncated
            | Self::OtherIsOwn
            | Self::ClockMinutesAhead
            | Self::UnknownField => Fate::Applied,
        }
    }

    /// Whether a record can have the flaw. Only ordinary usage is spoilt for good: a hotline call or an invoice that
    /// the ground truth promises does arrive readable.
    fn fits(self, body: &Body) -> bool {
        let other = match body {
            Body::Call(call) => Some(call.other),
            Body::Message { other, .. } => Some(*other),
            _ => None,
        };
        let ordinary = body.is_usage() && other.is_none_or(|other| other > 99_999);
        match self {
            Self::OtherPrefixed => other.is_some(),
            Self::OtherTruncated | Self::OtherIsOwn => other.is_some() && ordinary,
            Self::DurationNegative | Self::DurationOverflowing => {
                matches!(body, Body::Call(_)) && ordinary
            }
            Self::SecondGateway => matches!(body, Body::Data { .. }),
            Self::UnknownField | Self::MsisdnPrefixed | Self::Tombstone => true,
            _ => ordinary,
        }
    }
}

impl Fate {
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

impl Event {
    /// What a detector must make of the record.
    pub fn fate(&self) -> Fate {
        if matches!(self.body, Body::Progress { .. }) {
            return Fate::Ignored;
        }
        let own = self.flaw.map_or(Fate::Applied, Flaw::fate);
        match (own, self.copy) {
            (Fate::Applied, Some(copy)) => copy.fate(),
            _ => own,
        }
    }
}

/// What happens to the records of one day.
pub(super) struct Weather {
    start_ms: i64,
    late_share: f64,
    duplicate_share: f64,
    /// Flaws that records are born with, at the upper ends of their shares of 2^32.
    born_with: [(u32, Flaw); 19],
    /// By switch and quarter of an hour of arrival.
    fates: Vec<FileFate>,
}

#[derive(Clone, Copy)]
enum FileFate {
    InOrder,
    Delayed { by_ms: u32 },
    SentAgain { after_ms: u32 },
}

const SWITCHES: u32 = 16;
/// Quarters of an hour in the longest day.
const SLOTS: u32 = 100;

impl Weather {
    pub fn of(today: &Today) -> Self {
        let dirt = &today.config.scenario.dirt;
        let mut fates = Vec::with_capacity((SWITCHES * SLOTS) as usize);
        for switch in 0..SWITCHES {
            let dice = &mut Dice::new(today.config.seed, switch, today.number, Purpose::Files);
            for _ in 0..SLOTS {
                let fate = match dice.unit() {
                    u if u < dirt.file_resent_share => FileFate::SentAgain {
                        after_ms: dice.between(HOUR_MS, 20 * HOUR_MS),
                    },
                    u if u < dirt.file_resent_share + dirt.file_out_of_order_share => {
                        FileFate::Delayed {
                            by_ms: dice.between(20 * MINUTE_MS, 90 * MINUTE_MS),
                        }
                    }
                    _ => FileFate::InOrder,
                };
                fates.push(fate);
            }
        }
        let (start_ms, _) = today.bounds();
        let mut reached = 0.0;
        let born_with = born_with(dirt).map(|(share, flaw)| {
            reached += share;
            ((reached * 4_294_967_296.0) as u32, flaw)
        });
        Self {
            start_ms,
            late_share: dirt.late_share,
            duplicate_share: dirt.duplicate_share,
            born_with,
            fates,
        }
    }

    /// What a record is born with, if anything.
    fn flaw(&self, bits: u32) -> Option<Flaw> {
        let (all, _) = self.born_with.last()?;
        if bits >= *all {
            return None;
        }
        let hit = self.born_with.iter().find(|(upper, _)| bits < *upper);
        hit.map(|(_, flaw)| *flaw)
    }

    fn fate(&self, person: u32, arrival_ms: i64) -> FileFate {
        let slot = (arrival_ms - self.start_ms) / i64::from(15 * MINUTE_MS);
        match u32::try_from(slot) {
            Ok(slot) if slot < SLOTS => self.fates[(person % SWITCHES * SLOTS + slot) as usize],
            // Arrives on another day.
            _ => FileFate::InOrder,
        }
    }
}

/// Sends a record through the dirt: hands on every copy of it with its arrival.
pub(super) fn soil(
    mut event: Event,
    mut arrival_ms: i64,
    weather: &Weather,
    dice: &mut Dice,
    mut deliver: impl FnMut(i64, Event, Option<Flaw>),
) {
    let mut delay = None;
    let mut again_ms = None;
    if dice.chance(weather.late_share) {
        arrival_ms += i64::from(dice.between(HOUR_MS, 48 * HOUR_MS));
        delay = Some(Flaw::Late);
    } else if event.body.feed() == Feed::Cdr {
        match weather.fate(event.person, arrival_ms) {
            FileFate::InOrder => {}
            FileFate::Delayed { by_ms } => {
                arrival_ms += i64::from(by_ms);
                delay = Some(Flaw::FileOutOfOrder);
            }
            FileFate::SentAgain { after_ms } => again_ms = Some(arrival_ms + i64::from(after_ms)),
        }
    }
    let twice = dice.chance(weather.duplicate_share);
    let born_with = weather.flaw(dice.bits());
    let extra = match born_with.filter(|flaw| flaw.fits(&event.body)) {
        Some(flaw @ (Flaw::SecondGateway | Flaw::Tombstone)) => Some(flaw),
        flaw => {
            event.flaw = flaw;
            None
        }
    };
    deliver(arrival_ms, event, delay);
    if let Some(after_ms) = again_ms {
        let copy = Some(Flaw::FileResent);
        deliver(after_ms, Event { copy, ..event }, None);
    }
    if twice {
        let copy = Some(Flaw::Duplicate);
        let later_ms = i64::from(dice.between(1_000, 6 * HOUR_MS));
        deliver(arrival_ms + later_ms, Event { copy, ..event }, None);
    }
    if let Some(flaw) = extra {
        let later_ms = i64::from(dice.between(1_000, 5 * MINUTE_MS));
        let flaw = Some(flaw);
        deliver(arrival_ms + later_ms, Event { flaw, ..event }, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_kinds_is_in_order() {
        for (number, flaw) in Flaw::ALL.into_iter().enumerate() {
            assert_eq!(flaw as usize, number);
        }
    }

    #[test]
    fn a_spoilt_copy_is_still_spoilt() {
        let event = Event {
            at_ms: 0,
            person: 0,
            record: 0,
            flaw: None,
            copy: Some(Flaw::Duplicate),
            body: Body::CompetitorContact,
        };
        assert_eq!(event.fate(), Fate::Duplicate);
        let flaw = Some(Flaw::ClockAtZero);
        assert_eq!(Event { flaw, ..event }.fate(), Fate::DeadLettered);
        let flaw = Some(Flaw::UnknownField);
        assert_eq!(Event { flaw, ..event }.fate(), Fate::Duplicate);
    }
}
