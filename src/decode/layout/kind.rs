//! What kind of value each field holds, which decides how a source's value may be converted.

use crate::decode::field::Field;

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A moment, in Unix milliseconds.
    Moment,
    /// A date.
    Day,
    /// A month of a year.
    Month,
    /// A day of any year.
    MonthDay,
    /// An amount of money.
    Money,
    /// A whole number of a unit.
    Whole(Unit),
    /// True or false.
    Truth,
    /// Several texts.
    List,
    /// Anything else.
    Text,
}

/// What a field is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Minute,
    Byte,
    Megabyte,
    One,
}

/// The kind of a field.
pub(super) const fn of(field: Field) -> Kind {
    match field {
        Field::EventTimestamp | Field::CompleteUntil => Kind::Moment,
        Field::DueOn
        | Field::ActivatedOn
        | Field::ContractEndOn
        | Field::PointsExpireOn
        | Field::OfferExpiresOn => Kind::Day,
        Field::Period => Kind::Month,
        Field::Birthday => Kind::MonthDay,
        Field::Amount
        | Field::PlanFee
        | Field::UsageValue
        | Field::Overage
        | Field::AvgMonthlySpend
        | Field::PlanMonthlyFee => Kind::Money,
        Field::DurationSeconds => Kind::Whole(Unit::Second),
        Field::PlanVoiceMinutes => Kind::Whole(Unit::Minute),
        Field::UplinkVolumeBytes | Field::DownlinkVolumeBytes => Kind::Whole(Unit::Byte),
        Field::PlanDataMb => Kind::Whole(Unit::Megabyte),
        Field::Suspensions | Field::Satisfaction | Field::GroupSize => Kind::Whole(Unit::One),
        Field::SubscribedByCustomer | Field::Vip | Field::MarketingOptOut | Field::DoNotContact => {
            Kind::Truth
        }
        Field::Region | Field::Flags => Kind::List,
        _ => Kind::Text,
    }
}

/// A unit of a source by its name: what it counts, and how many of them, or which part of one, it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceUnit {
    pub(super) name: &'static str,
    pub(super) times: i128,
    pub(super) of: i128,
}

const fn unit(name: &'static str, times: i128, of: i128) -> SourceUnit {
    SourceUnit { name, times, of }
}

/// In seconds.
const TIMES: &[SourceUnit] = &[
    unit("us", 1, 1_000_000),
    unit("ms", 1, 1_000),
    unit("cs", 1, 100),
    unit("ds", 1, 10),
    unit("s", 1, 1),
    unit("min", 60, 1),
    unit("h", 3_600, 1),
];

/// In minutes.
const MINUTES: &[SourceUnit] = &[unit("s", 1, 60), unit("min", 1, 1), unit("h", 60, 1)];

/// In bytes.
const VOLUMES: &[SourceUnit] = &[
    unit("bit", 1, 8),
    unit("B", 1, 1),
    unit("kB", 1_000, 1),
    unit("KiB", 1 << 10, 1),
    unit("MB", 1_000_000, 1),
    unit("MiB", 1 << 20, 1),
    unit("GB", 1_000_000_000, 1),
    unit("GiB", 1 << 30, 1),
];

/// In megabytes.
const MEGABYTES: &[SourceUnit] = &[
    unit("B", 1, 1_000_000),
    unit("kB", 1, 1_000),
    unit("KiB", 1 << 10, 1_000_000),
    unit("MB", 1, 1),
    unit("MiB", 1 << 20, 1_000_000),
    unit("GB", 1_000, 1),
    unit("GiB", 1 << 30, 1_000_000),
];

/// In the major unit.
const MONEY: &[SourceUnit] = &[
    unit("mills", 1, 1_000),
    unit("cents", 1, 100),
    unit("units", 1, 1),
];

/// The units that a source of a kind may have.
pub(super) const fn units(kind: Kind) -> &'static [SourceUnit] {
    match kind {
        Kind::Whole(Unit::Second) => TIMES,
        Kind::Whole(Unit::Minute) => MINUTES,
        Kind::Whole(Unit::Byte) => VOLUMES,
        Kind::Whole(Unit::Megabyte) => MEGABYTES,
        Kind::Money => MONEY,
        _ => &[],
    }
}
