//! What each record type must and may hold, written down once more to be compared with.

/// A record type: its name, its feed, the fields it must have and those it may have, as specified (behaviour: Events).
pub type Kind = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const CALL: &[&str] = &["duration_seconds", "cause_for_termination"];
const CALL_MAY: &[&str] = &[
    "other_number",
    "first_cell_id",
    "rat_type",
    "imei",
    "visited_plmn",
];
pub const KINDS: &[Kind] = &[
    ("mo_call", "cdr", CALL, CALL_MAY),
    ("mt_call", "cdr", CALL, CALL_MAY),
    ("mo_sms", "cdr", &[], &["other_number", "visited_plmn"]),
    ("mt_sms", "cdr", &[], &["other_number", "visited_plmn"]),
    (
        "data",
        "cdr",
        &["uplink_volume_bytes", "downlink_volume_bytes"],
        &["charging_id", "record_sequence_number", "visited_plmn"],
    ),
    ("call_forward", "cdr", &[], &["other_number", "action"]),
    (
        "invoice",
        "billing",
        &[
            "period",
            "amount",
            "plan_fee",
            "usage_value",
            "overage",
            "due_on",
        ],
        &["invoice_number"],
    ),
    ("payment", "billing", &["amount"], &["balance"]),
    ("recharge", "billing", &["amount"], &["balance"]),
    (
        "charge",
        "billing",
        &["amount", "subscribed_by_customer"],
        &["service"],
    ),
    ("suspension", "billing", &["reason"], &[]),
    ("reactivation", "billing", &[], &["reason"]),
    ("cancellation", "billing", &[], &[]),
    (
        "profile",
        "subscriber",
        &[],
        &[
            "customer_id",
            "brand",
            "activated_on",
            "plan",
            "contract_end_on",
            "segment",
            "vip",
            "account_manager",
            "region",
            "birthday",
            "points_expire_on",
            "offer_expires_on",
            "marketing_opt_out",
            "flags",
            "avg_monthly_spend",
            "suspensions",
        ],
    ),
    ("erase", "subscriber", &[], &[]),
    (
        "complaint",
        "service",
        &["category", "resolution"],
        &["satisfaction"],
    ),
    ("enquiry", "service", &["subject"], &[]),
    (
        "service_order",
        "service",
        &["kind"],
        &[
            "service",
            "monthly_fee_before",
            "monthly_fee_after",
            "by_customer",
        ],
    ),
    ("port_out_application", "service", &[], &[]),
    ("port_out_withdrawn", "service", &[], &[]),
    ("competitor_contact", "service", &[], &[]),
    (
        "task_outcome",
        "outcome",
        &["task_id", "result"],
        &["stated_reason", "confirmed_reason", "do_not_contact"],
    ),
];
