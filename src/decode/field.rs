//! The fields that are read, by their names in records.

macro_rules! fields {
    (record { $($field:ident = $key:literal $(or $alias:literal)?,)* } plan { $($inner:ident = $inner_key:literal as $name:literal,)* }) => {
        /// A field of some record type, or of a profile's `plan`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($field,)* $($inner,)* }

        impl Field {
            pub(super) const ALL: &[Self] = &[$(Self::$field,)* $(Self::$inner,)*];

            /// Its place in a set of fields.
            pub(super) const fn bit(self) -> u64 {
                1 << self as u64
            }

            /// The name in reasons of dead letters.
            pub(super) const fn name(self) -> &'static str {
                match self {
                    $(Self::$field => $key,)*
                    $(Self::$inner => $name,)*
                }
            }

            /// The key in a record, or in the plan.
            pub(super) const fn key(self) -> &'static str {
                match self {
                    $(Self::$field => $key,)*
                    $(Self::$inner => $inner_key,)*
                }
            }

            /// By their keys in a record.
            const KEYS: &[(&str, Self)] = &[$(($key, Self::$field), $(($alias, Self::$field),)?)*];

            pub(super) fn of_plan(key: &str) -> Option<Self> {
                match key { $($inner_key => Some(Self::$inner),)* _ => None }
            }
        }
    };
}

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
        RecordSequenceNumber = "record_sequence_number",
        Imei = "imei",
        VisitedPlmn = "visited_plmn",
        FirstCellId = "first_cell_id",
        Action = "action",
        Amount = "amount",
        Period = "period",
        InvoiceNumber = "invoice_number",
        PlanFee = "plan_fee",
        UsageValue = "usage_value",
        Overage = "overage",
        DueOn = "due_on",
        SubscribedByCustomer = "subscribed_by_customer",
        Reason = "reason",
        CustomerId = "customer_id",
        Brand = "brand",
        ActivatedOn = "activated_on",
        Plan = "plan",
        ContractEndOn = "contract_end_on",
        Segment = "segment",
        Vip = "vip",
        AccountManager = "account_manager",
        GroupId = "group_id",
        GroupManager = "group_manager",
        GroupSize = "group_size",
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
        Kind = "kind",
        MonthlyFeeBefore = "monthly_fee_before",
        MonthlyFeeAfter = "monthly_fee_after",
        ByCustomer = "by_customer",
        TaskId = "task_id",
        // A task calls it `outcome`.
        Result = "result" or "outcome",
        StatedReason = "stated_reason",
        ConfirmedReason = "confirmed_reason",
        DoNotContact = "do_not_contact",
        Feed = "feed",
        CompleteUntil = "complete_until",
        Group = "group",
    }
    plan {
        PlanId = "id" as "plan.id",
        PlanMonthlyFee = "monthly_fee" as "plan.monthly_fee",
        PlanVoiceMinutes = "voice_minutes" as "plan.voice_minutes",
        PlanDataMb = "data_mb" as "plan.data_mb",
    }
}

// Sets of fields are bits of one integer.
const _: () = assert!(Field::ALL.len() <= 64);

/// Entries of [`TABLE`]. Most are empty.
const TABLE_SIZE: usize = 256;

/// The places of [`Field::KEYS`], plus 1, each at the hash of its key or behind. A key of a record is compared with one or two of
/// them instead of all.
const TABLE: [u8; TABLE_SIZE] = {
    let mut table = [0; TABLE_SIZE];
    let mut index = 0;
    while index < Field::KEYS.len() {
        let mut at = hash(Field::KEYS[index].0.as_bytes());
        while table[at] != 0 {
            at = (at + 1) % TABLE_SIZE;
        }
        index += 1;
        table[at] = index as u8;
    }
    table
};

/// The keys differ in their lengths, and in their letters at the ends and in the middle. With these factors no two share a place.
const fn hash(key: &[u8]) -> usize {
    match key {
        [] => 0,
        [first, .., last] => {
            let middle = key[key.len() / 2] as usize;
            (key.len() + *first as usize + 8 * *last as usize + 83 * middle) % TABLE_SIZE
        }
        [only] => *only as usize,
    }
}

impl Field {
    pub(super) fn of_record(key: &str) -> Option<Self> {
        let mut at = hash(key.as_bytes());
        loop {
            let (known, field) = *Self::KEYS.get(usize::from(TABLE[at]).checked_sub(1)?)?;
            if known == key {
                return Some(field);
            }
            at = (at + 1) % TABLE_SIZE;
        }
    }
}
