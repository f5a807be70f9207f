//! Service orders: what their fees make of them, and kinds that nobody knows.

use super::{ERASE, event, faults, with};
use churnwatch::model::{Body, Feed, OrderKind};

/// An order with some fields.
fn order(fields: &[(&str, &str)]) -> String {
    let bare = with(ERASE, "record_type", "\"service_order\"");
    let add = |json: String, (field, value): &(&str, &str)| with(&json, field, value);
    fields.iter().fold(bare, add)
}

#[test]
fn fees_say_whether_an_order_is_an_upgrade_or_a_downgrade() {
    let (before, after) = ("monthly_fee_before", "monthly_fee_after");
    for (kind, fees, by_customer, expected) in [
        (
            "\"plan_change\"",
            ["59", "\"89.00\""],
            "true",
            OrderKind::Upgrade,
        ),
        (
            "\"plan_change\"",
            ["\"89.00\"", "59"],
            "null",
            OrderKind::Downgrade,
        ),
        (
            "\"plan_change\"",
            ["59", "59.00"],
            "null",
            OrderKind::PlanChange,
        ),
        (
            "\"plan_change\"",
            ["null", "59"],
            "null",
            OrderKind::PlanChange,
        ),
        (
            "\"Plan-Change\"",
            ["59", "\"much\""],
            "null",
            OrderKind::PlanChange,
        ),
        ("\"broadband\"", ["0", "30"], "null", OrderKind::Broadband),
        ("\"bundle\"", ["200", "150"], "null", OrderKind::Downgrade),
        (
            "\"value_added\"",
            ["null", "null"],
            "\"yes\"",
            OrderKind::ValueAdded,
        ),
        (
            "\"second_line\"",
            ["null", "null"],
            "7",
            OrderKind::SecondLine,
        ),
        (
            "\"cancel_service\"",
            ["30", "0"],
            "null",
            OrderKind::Cancelled,
        ),
        ("\"broadband\"", ["0", "30"], "false", OrderKind::Unasked),
        ("\"insurance\"", ["30", "0"], "null", OrderKind::Unknown),
        ("7", ["30", "0"], "null", OrderKind::Unknown),
        ("null", ["30", "0"], "null", OrderKind::Unknown),
    ] {
        let fields = [
            ("kind", kind),
            (before, fees[0]),
            (after, fees[1]),
            ("by_customer", by_customer),
        ];
        let json = order(&fields);
        let body = event(&json).body;
        assert_eq!(body, Body::ServiceOrder(expected), "{json}");
        assert_eq!(body.feed(), Feed::Service);
        assert!(
            !body.is_state(),
            "an order is not sent again with other words"
        );
    }
}

#[test]
fn a_field_of_an_order_that_cannot_be_used_costs_only_itself() {
    for (field, value, expected) in [
        ("kind", "\"insurance\"", "unknown kind"),
        ("kind", "null", "missing kind"),
        (
            "monthly_fee_before",
            "\"much\"",
            "invalid monthly_fee_before",
        ),
        ("monthly_fee_after", "1e3", "invalid monthly_fee_after"),
        ("by_customer", "\"perhaps\"", "unknown by_customer"),
    ] {
        let json = with(&order(&[("kind", "\"bundle\"")]), field, value);
        assert_eq!(faults(&json), [expected], "{json}");
    }
}
