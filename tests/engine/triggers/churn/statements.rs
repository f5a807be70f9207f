//! What customers and competitors say: marketing, complaints, enquiries.

use super::{CANCEL, MARKETING, ONE, PORT_OUT, called_by, days_pass};
use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, profile};
use churnwatch::model::{Body, CallOutcome, ComplaintCategory, EnquirySubject, Stage};

fn marketing_call() -> Body<'static> {
    called_by(MARKETING, CallOutcome::Normal)
}

/// A complaint: what it is about, whether it is resolved, and how content the customer is.
fn complaint(category: ComplaintCategory, resolved: bool, satisfaction: u8) -> Body<'static> {
    Body::Complaint {
        category,
        resolved,
        satisfaction: Some(satisfaction).filter(|said| *said > 0),
    }
}

/// A complaint of which the customer did not say more.
const UNSAID: u8 = 0;

#[test]
fn the_second_marketing_call_in_a_month_fires() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", marketing_call());
    assert_eq!(scenario.total(), 0);
    scenario.event(ONE, "2026-03-02 10:00", marketing_call());
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 10:00 competitor_marketing 0.50",
            "2026-03-02 10:00 task 1 open: small early due 2026-03-05 10:00",
        ]
    );
}

#[test]
fn marketing_calls_a_month_apart_say_nothing() {
    let mut scenario = Scenario::new("");
    for at in ["2026-02-01 10:00", "2026-03-03 10:00", "2026-04-02 10:00"] {
        scenario.event(ONE, at, marketing_call());
    }
    assert_eq!(scenario.total(), 0);
}

#[test]
fn a_contact_that_staff_report_counts_like_a_call() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", marketing_call());
    scenario.event(ONE, "2026-02-02 10:00", Body::CompetitorContact);
    assert_eq!(
        scenario.published(ONE)[0],
        "2026-02-02 10:00 competitor_marketing 0.50"
    );
}

#[test]
fn nobody_is_won_over_by_a_call_that_is_not_answered_or_not_from_a_competitor() {
    let mut scenario = Scenario::new("");
    for hour in 10..14 {
        let at = format!("2026-02-01 {hour}:00");
        for body in [
            called_by(MARKETING, CallOutcome::Unanswered),
            called_by(MARKETING, CallOutcome::Busy),
            called_by("10085", CallOutcome::Normal),
            called_by(FRIEND, CallOutcome::Normal),
            call(MARKETING),
        ] {
            scenario.event(ONE, &at, body);
        }
    }
    assert_eq!(scenario.total(), 0);
}

#[test]
fn a_customer_who_is_called_on_and_on_is_more_and_more_at_risk() {
    let mut scenario = Scenario::new("");
    for on in [1, 3, 4, 5, 6, 11] {
        scenario.event(ONE, &format!("2026-02-{on:02} 10:00"), marketing_call());
    }
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-03 10:00 competitor_marketing 0.50",
            "2026-02-03 10:00 task 1 open: small early due 2026-02-06 10:00",
            "2026-02-04 10:00 competitor_marketing 0.70 (task_open)",
            "2026-02-05 10:00 competitor_marketing 0.90 (task_open)",
            // The cool-down is over, and it has not stopped.
            "2026-02-11 10:00 competitor_marketing 0.90 (task_open)",
        ]
    );
}

#[test]
fn a_contact_that_came_too_late_to_fire_counts_for_the_next() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-10 09:00", call(FRIEND));
    scenario.event(ONE, "2026-02-03 10:00", marketing_call());
    assert_eq!(scenario.total(), 0);
    scenario.event(ONE, "2026-02-10 10:00", marketing_call());
    assert_eq!(
        scenario.published(ONE)[0],
        "2026-02-10 10:00 competitor_marketing 0.50"
    );
}

#[test]
fn what_a_complaint_is_about_and_how_it_was_answered_decide_how_much_it_weighs() {
    use ComplaintCategory::{Billing, Network, Service, UnwantedService};
    let first = |category, resolved, satisfaction| {
        let mut scenario = Scenario::new("");
        let body = complaint(category, resolved, satisfaction);
        scenario.event(ONE, "2026-02-02 10:00", body);
        scenario
            .published(ONE)
            .first()
            .map(|line| line[17..].to_owned())
    };
    for (category, resolved, satisfaction, expected) in [
        (Network, false, UNSAID, Some("complaint 0.50")),
        (Billing, false, UNSAID, Some("complaint 0.70")),
        (UnwantedService, false, UNSAID, Some("complaint 0.70")),
        (Network, false, 5, Some("complaint 0.50")),
        (Network, true, 2, Some("complaint 0.80")),
        (Service, false, 1, Some("complaint 0.80")),
        (Billing, true, 1, Some("complaint 1.00")),
        (Billing, true, 3, None),
        (Billing, true, UNSAID, None),
    ] {
        let said = first(category, resolved, satisfaction);
        let case = (category, resolved, satisfaction);
        assert_eq!(said.as_deref(), expected, "{case:?}");
    }
}

#[test]
fn a_customer_who_is_content_with_the_answer_is_left_alone() {
    let mut scenario = Scenario::new("");
    let network = ComplaintCategory::Network;
    days_pass(&mut scenario, "2026-02-01", "2026-02-01");
    scenario.event(ONE, "2026-02-02 10:00", complaint(network, false, UNSAID));
    days_pass(&mut scenario, "2026-02-02", "2026-02-03");
    // Resolved, the operator says; the customer has not been asked.
    scenario.event(ONE, "2026-02-04 06:00", complaint(network, true, UNSAID));
    days_pass(&mut scenario, "2026-02-04", "2026-02-05");
    assert_eq!(scenario.published(ONE).len(), 3);
    scenario.event(ONE, "2026-02-06 06:00", complaint(network, true, 4));
    days_pass(&mut scenario, "2026-02-06", "2026-02-07");
    // No thirty days are waited for.
    scenario.event(ONE, "2026-02-08 10:00", complaint(network, false, UNSAID));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 complaint 0.50",
            "2026-02-02 10:00 task 1 open: small early due 2026-02-05 10:00",
            "2026-02-05 08:00 complaint_callback 0.50 (churn_task_open)",
            "2026-02-06 08:00 task 2 closed: complaint_settled",
            "2026-02-08 10:00 complaint 0.50",
            // A week after the talk that may have been the end of the first one.
            "2026-02-08 10:00 task 1 open: small early due 2026-02-15 10:00",
        ]
    );
}

#[test]
fn an_answer_closes_the_task_however_late_its_record_came() {
    let mut scenario = Scenario::new("");
    let network = ComplaintCategory::Network;
    scenario.event(ONE, "2026-02-02 10:00", complaint(network, false, UNSAID));
    days_pass(&mut scenario, "2026-02-02", "2026-02-09");
    scenario.event(ONE, "2026-02-04 10:00", complaint(network, true, 5));
    // What had been said before the answer changes nothing any more.
    scenario.event(ONE, "2026-02-03 10:00", complaint(network, true, 1));
    days_pass(&mut scenario, "2026-02-10", "2026-02-10");
    assert_eq!(
        scenario.published(ONE).last().unwrap(),
        "2026-02-10 08:00 task 2 closed: complaint_settled"
    );
}

#[test]
fn discontent_with_the_answer_makes_an_open_complaint_worse() {
    let mut scenario = Scenario::new("");
    let billing = ComplaintCategory::Billing;
    scenario.event(ONE, "2026-02-02 10:00", complaint(billing, false, UNSAID));
    scenario.event(ONE, "2026-02-02 11:00", complaint(billing, false, UNSAID));
    let stage = scenario.last_task(ONE).stage;
    scenario.event(ONE, "2026-02-05 10:00", complaint(billing, true, 1));
    assert_eq!(
        (stage, scenario.last_task(ONE).stage),
        (Stage::Mature, Stage::Leave)
    );
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 complaint 0.70",
            "2026-02-02 10:00 task 1 open: small early due 2026-02-05 10:00",
            "2026-02-02 11:00 complaint 0.70 (task_open)",
            "2026-02-05 10:00 complaint 1.00",
            "2026-02-05 10:00 task 2 updated: small at_risk due 2026-02-05 10:00",
        ]
    );
}

#[test]
fn asking_how_to_cancel_again_and_again_is_one_task_that_grows_worse() {
    let mut scenario = Scenario::new("");
    for on in [2, 3, 4, 5] {
        scenario.event(ONE, &format!("2026-02-{on:02} 10:00"), CANCEL);
    }
    for subject in [
        EnquirySubject::Contract,
        EnquirySubject::Bill,
        EnquirySubject::Plan,
    ] {
        scenario.event(ONE, "2026-02-06 10:00", Body::Enquiry(subject));
    }
    scenario.event(ONE, "2026-03-04 09:00", CANCEL);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 cancel_enquiry 0.80",
            "2026-02-02 10:00 task 1 open: small at_risk due 2026-02-05 10:00",
            "2026-02-03 10:00 cancel_enquiry 0.90 (task_open)",
            "2026-02-04 10:00 cancel_enquiry 1.00 (task_open)",
            "2026-03-04 09:00 cancel_enquiry 0.80 (task_open)",
        ]
    );
}

/// The stage E case of S4: 139 plan, wrong charge, unhappy with the answer, asks how to cancel.
#[test]
fn a_complaint_and_the_question_how_to_cancel_are_critical_whichever_comes_first() {
    let complaint = || complaint(ComplaintCategory::Service, false, UNSAID);
    let task = |events: [(&str, Body<'static>); 2]| {
        let mut scenario = Scenario::new(
            "policy.score.triggers.complaint = { weight = 0.0, half_life_days = 30.0 }",
        );
        for (at, body) in events {
            scenario.event(ONE, at, body);
        }
        let task = scenario.last_task(ONE);
        (task.severity.name(), task.stage)
    };
    let critical = ("critical", Stage::Leave);
    let at_risk = ("at_risk", Stage::Leave);
    for (first, second, expected) in [
        ("2026-02-02 10:00", "2026-02-03 10:00", critical),
        ("2026-02-02 10:00", "2026-03-04 10:00", critical),
        ("2026-02-02 10:00", "2026-03-05 10:00", at_risk),
    ] {
        let together = task([(first, complaint()), (second, CANCEL)]);
        assert_eq!(together, expected, "complaint {first}, cancel {second}");
        let together = task([(first, CANCEL), (second, complaint())]);
        assert_eq!(together.0, expected.0, "cancel {first}, complaint {second}");
    }
}

#[test]
fn a_settled_complaint_and_the_question_how_to_cancel_are_not_critical() {
    let mut scenario = Scenario::new("");
    let network = ComplaintCategory::Network;
    scenario.event(ONE, "2026-02-02 10:00", complaint(network, false, UNSAID));
    scenario.event(ONE, "2026-02-02 15:00", complaint(network, true, 5));
    days_pass(&mut scenario, "2026-02-02", "2026-02-20");
    scenario.event(ONE, "2026-02-20 21:00", CANCEL);
    assert_eq!(scenario.last_task(ONE).severity.name(), "at_risk");
}

#[test]
fn an_enquiry_about_porting_is_for_service_care_only() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", PORT_OUT);
    scenario.event(ONE, "2026-02-20 10:00", PORT_OUT);
    scenario.event(ONE, "2026-03-04 10:00", PORT_OUT);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 port_out 0.70 (care_only)",
            "2026-03-04 10:00 port_out 0.70 (care_only)",
        ]
    );
}

#[test]
fn after_an_enquiry_about_porting_no_task_makes_a_counter_offer() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", PORT_OUT);
    scenario.event(ONE, "2026-02-03 10:00", call(HOTLINE));
    assert_eq!(scenario.last_task(ONE).stage, Stage::Leave);
    assert_eq!(
        scenario.steps(ONE),
        [
            "Service care only: hear what is wrong and solve it; make no counter-offer and do not hinder the port-out"
        ]
    );
}

#[test]
fn an_application_for_porting_is_published_and_nobody_is_contacted() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", PORT_OUT);
    scenario.event(ONE, "2026-02-02 11:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-03 10:00", Body::PortOutApplication);
    scenario.event(ONE, "2026-02-04 10:00", Body::PortOutApplication);
    scenario.event(ONE, "2026-02-05 10:00", CANCEL);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 port_out 0.70 (care_only)",
            "2026-02-02 11:00 competitor_hotline 0.60",
            "2026-02-02 11:00 task 1 open: small critical due 2026-02-05 11:00",
            "2026-02-03 10:00 port_out 1.00 (mnp_hold)",
            "2026-02-03 10:00 task 2 closed: mnp_hold",
            "2026-02-05 10:00 cancel_enquiry 0.80 (mnp_hold)",
        ]
    );
}

#[test]
fn what_the_last_owner_said_is_not_held_against_the_next() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", Body::CompetitorContact);
    let network = ComplaintCategory::Network;
    scenario.event(ONE, "2026-02-01 11:00", complaint(network, false, UNSAID));
    scenario.event(ONE, "2026-02-01 12:00", Body::Cancellation);
    days_pass(&mut scenario, "2026-02-02", "2026-02-07");
    let since = Some(crate::support::scenario::day("2026-02-07"));
    scenario.event(ONE, "2026-02-08 07:00", profile(|p| p.activated_on = since));
    let before = scenario.published(ONE).len();
    scenario.event(ONE, "2026-02-08 10:00", CANCEL);
    scenario.event(ONE, "2026-02-08 11:00", marketing_call());
    assert_eq!(
        scenario.published(ONE)[before..],
        [
            "2026-02-08 10:00 cancel_enquiry 0.80",
            "2026-02-08 10:00 task 1 open: small at_risk due 2026-02-11 10:00",
        ]
    );
}
