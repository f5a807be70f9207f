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

            pub(super) fn of_record(key: &str) -> Option<Self> {
                match key { $($key $(| $alias)? => Some(Self::$field),)* _ => None }
            }

            pub(super) fn of_plan(key: &str) -> Option<Self> {
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
