//! A record's JSON object as raw field values, borrowed from its bytes.
//!
//! Every known field is kept as the JSON text of its value, and read only if the record type has it. So money is exact,
//! no number type limits a value, and a field of another record type cannot make a record invalid.

use crate::model::Reject;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::fmt;

macro_rules! fields {
    (record { $($field:ident = $key:literal,)* } plan { $($inner:ident = $inner_key:literal as $name:literal,)* }) => {
        /// A field of some record type, or of a profile's `plan`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($field,)* $($inner,)* }

        impl Field {
            const ALL: &[Self] = &[$(Self::$field,)* $(Self::$inner,)*];

            /// The name in reasons of dead letters.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $key,)*
                    $(Self::$inner => $name,)*
                }
            }

            fn of_record(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$field),)* _ => None }
            }

            fn of_plan(key: &str) -> Option<Self> {
                match key { $($inner_key => Some(Self::$inner),)* _ => None }
            }
        }
    };
}

// The most frequent first: keys are compared in this order.
fields! {
    record {
        RecordId = "record_id",
        RecordType = "record_type",
        Msisdn = "msisdn",
        EventTimestamp = "event_timestamp",
        OtherNumber = "other_number",
        DurationSeconds = "duration_seconds",
        CauseForTermination = "cause_for_termination",
        UplinkVolumeBytes = "uplink_volume_bytes",
        DownlinkVolumeBytes = "downlink_volume_bytes",
        ChargingId = "charging_id",
        Imei = "imei",
        Action = "action",
        Amount = "amount",
        Period = "period",
        PlanFee = "plan_fee",
        UsageValue = "usage_value",
        Overage = "overage",
        DueOn = "due_on",
        SubscribedByCustomer = "subscribed_by_customer",
        Reason = "reason",
        Brand = "brand",
        ActivatedOn = "activated_on",
        Plan = "plan",
        ContractEndOn = "contract_end_on",
        Segment = "segment",
        Vip = "vip",
        AccountManager = "account_manager",
        Region = "region",
        Birthday = "birthday",
        PointsExpireOn = "points_expire_on",
        OfferExpiresOn = "offer_expires_on",
        MarketingOptOut = "marketing_opt_out",
        Flags = "flags",
        AvgMonthlySpend = "avg_monthly_spend",
        Suspensions = "suspensions",
        Category = "category",
        Resolution = "resolution",
        Satisfaction = "satisfaction",
        Subject = "subject",
        TaskId = "task_id",
        Result = "result",
        StatedReason = "stated_reason",
        ConfirmedReason = "confirmed_reason",
        DoNotContact = "do_not_contact",
        Feed = "feed",
        CompleteUntil = "complete_until",
    }
    plan {
        PlanId = "id" as "plan.id",
        PlanMonthlyFee = "monthly_fee" as "plan.monthly_fee",
        PlanVoiceMinutes = "voice_minutes" as "plan.voice_minutes",
        PlanDataMb = "data_mb" as "plan.data_mb",
    }
}

/// The known fields of one record.
pub(super) struct Fields<'a> {
    values: [Option<&'a str>; Field::ALL.len()],
    /// One bit for each field met, null ones too.
    seen: u64,
    repeated: Option<Field>,
}

const _: () = assert!(Field::ALL.len() <= 64);

impl<'a> Fields<'a> {
    /// Takes the record's object apart.
    ///
    /// # Errors
    /// `NotJson`, `NotAnObject` or `RepeatedField`.
    pub(super) fn of_record(text: &'a str) -> Result<Self, Reject> {
        let mut fields = Self {
            values: [None; Field::ALL.len()],
            seen: 0,
            repeated: None,
        };
        let is_object = text.trim_ascii_start().starts_with('{');
        let read = if is_object {
            fields.fill(text, Field::of_record)
        } else {
            serde_json::from_str::<IgnoredAny>(text).map(|_| ())
        };
        read.map_err(|error| not_json(&error))?;
        if !is_object {
            return Err(Reject::NotAnObject);
        }
        fields.unrepeated()
    }

    /// Takes the plan of a profile apart as well, if there is one. Returns whether there is.
    ///
    /// # Errors
    /// `InvalidField` or `RepeatedField`.
    pub(super) fn open_plan(mut self) -> Result<(Self, bool), Reject> {
        let Some(plan) = self.raw(Field::Plan) else {
            return Ok((self, false));
        };
        // The text is JSON already; what can fail is its type or an escape in a key.
        if !plan.starts_with('{') || self.fill(plan, Field::of_plan).is_err() {
            return Err(invalid(Field::Plan, "must be an object"));
        }
        Ok((self.unrepeated()?, true))
    }

    /// The JSON text of a field's value; absent if it is missing or null.
    pub(super) fn raw(&self, field: Field) -> Option<&'a str> {
        self.values[field as usize]
    }

    fn fill(
        &mut self,
        text: &'a str,
        lookup: fn(&str) -> Option<Field>,
    ) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let object = Object {
            fields: self,
            lookup,
        };
        object.deserialize(&mut json)?;
        json.end()
    }

    fn set(&mut self, field: Field, value: &'a str) {
        let bit = 1 << field as u64;
        if self.seen & bit != 0 {
            self.repeated = self.repeated.or(Some(field));
        }
        self.seen |= bit;
        self.values[field as usize] = (value != "null").then_some(value);
    }

    fn unrepeated(self) -> Result<Self, Reject> {
        match self.repeated {
            Some(field) => Err(Reject::RepeatedField(field.name())),
            None => Ok(self),
        }
    }
}

/// An `InvalidField` with a problem that completes "field x ...".
pub(super) fn invalid(field: Field, problem: impl Into<String>) -> Reject {
    Reject::InvalidField {
        field: field.name(),
        problem: problem.into(),
    }
}

/// Says where and what kind of error it is. serde_json's own message may quote the record.
fn not_json(error: &serde_json::Error) -> Reject {
    let kind = match error.classify() {
        Category::Eof => "cut short",
        Category::Syntax | Category::Data | Category::Io => "malformed",
    };
    Reject::NotJson(format!(
        "{kind} at line {}, column {}",
        error.line(),
        error.column()
    ))
}

struct Object<'f, 'a> {
    fields: &'f mut Fields<'a>,
    lookup: fn(&str) -> Option<Field>,
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key(self.lookup))? {
            match key {
                Some(field) => {
                    let value: &'de RawValue = map.next_value()?;
                    self.fields.set(field, value.get());
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Key(fn(&str) -> Option<Field>);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok((self.0)(key))
    }
}
