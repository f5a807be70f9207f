//! The five cases of S4 by which a lifecycle stage is judged (behaviour: Credit, tier and stage), each through the
//! records an operator would send. `cargo test --test engine golden_lifecycle -- --nocapture` prints the case and what
//! became of it.

use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, day, days, profile};
use churnwatch::model::{
    Body, ComplaintCategory, EnquirySubject, ForwardAction, Invoice, Money, Number, Plan, Profile,
    Purpose, Severity, Stage, Task,
};

const ONE: &str = "13900000001";

/// A customer of some years.
fn with_plan(id: &'static str, yuan: i64) -> Body<'static> {
    profile(|p| take_plan(p, id, yuan))
}

fn take_plan(profile: &mut Profile<'static>, id: &'static str, yuan: i64) {
    profile.plan = Some(Plan {
        id: Some(id.into()),
        monthly_fee: Some(Money(yuan * 100)),
        ..Plan::default()
    });
}

/// Billed for a month on the evening of the third of the next one, and paid.
fn billed(scenario: &mut Scenario, month: u32, fee: i64, amount: i64, usage_value: i64) {
    let at = |minute: u32| format!("2026-{:02}-03 21:{minute:02}", month + 1);
    let invoice = Invoice {
        corrects: None,
        period: day(&format!("2026-{month:02}-01")),
        amount: Money(amount * 100),
        plan_fee: Some(Money(fee * 100)),
        usage_value: Some(Money(usage_value * 100)),
        document: 0,
        overage: Some(Money((amount - fee).max(0) * 100)),
        due_on: Some(day(&format!("2026-{:02}-20", month + 1))),
    };
    let amount = invoice.amount;
    scenario.event(ONE, &at(0), Body::Invoice(invoice));
    scenario.event(ONE, &at(30), Body::Payment { amount });
}

/// Ordinary days of all subscribers.
fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(3), days(from, to), |_, _| 2);
}

/// Prints a case with what became of it, and gives the task.
fn told(scenario: &Scenario, case: &str) -> Task {
    let task = scenario.last_task(ONE);
    let reasons: Vec<&str> = task.signals.iter().map(|signal| &*signal.trigger).collect();
    println!(
        "{case}: stage {}, {} task of {} tier, {} ({})",
        task.stage.name(),
        task.purpose.name(),
        task.tier.name(),
        task.severity.name(),
        reasons.join(", ")
    );
    task
}

#[test]
fn e8_to_e9_upgrade_is_promote() {
    let upgraded = |called: &str| {
        let mut scenario = Scenario::new("");
        scenario.event(ONE, "2026-01-05 10:00", with_plan("e8", 89));
        scenario.event(ONE, "2026-02-02 10:00", with_plan("e9", 129));
        scenario.event(ONE, called, call(HOTLINE));
        scenario
    };
    let task = told(&upgraded("2026-02-20 10:00"), "E8 -> E9 upgrade");
    assert_eq!((task.purpose, task.stage), (Purpose::Churn, Stage::Promote));
    // For sixty days, the sixtieth included.
    let stage = |called: &str| upgraded(called).last_task(ONE).stage;
    assert_eq!(stage("2026-04-03 10:00"), Stage::Promote);
    assert_eq!(stage("2026-04-04 10:00"), Stage::Mature);
    // The way back is none, nor is a first plan.
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-05 10:00", with_plan("e9", 129));
    scenario.event(ONE, "2026-02-02 10:00", with_plan("e8", 89));
    scenario.event(ONE, "2026-02-20 10:00", call(HOTLINE));
    assert_eq!(scenario.last_task(ONE).stage, Stage::Mature);
}

#[test]
fn long_term_forwarding_is_decline() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 07:00", with_plan("e8", 89));
    let forward = Body::CallForward {
        other: Number::from_digits(FRIEND.as_bytes()),
        action: ForwardAction::Activate,
    };
    scenario.event(ONE, "2026-02-01 10:00", forward);
    pass(&mut scenario, "2026-02-01", "2026-02-16");
    let task = told(&scenario, "long-term call forwarding");
    assert_eq!((task.purpose, task.stage), (Purpose::Churn, Stage::Decline));
}

#[test]
fn spend_far_below_plan_is_decline() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-01 07:00", with_plan("e9-139", 139));
    for (month, worth) in [(1, 60), (2, 20)] {
        billed(&mut scenario, month, 139, 139, worth);
    }
    pass(&mut scenario, "2026-03-04", "2026-03-05");
    let task = told(&scenario, "spend far below a 139 plan");
    assert_eq!((task.purpose, task.stage), (Purpose::Churn, Stage::Decline));
    assert_eq!(task.signals[0].trigger, "plan_underuse");
}

#[test]
fn plan_189_spending_about_200_is_mature() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-01 07:00", with_plan("e9-189", 189));
    for (month, amount) in [(1, 199), (2, 204), (3, 200)] {
        billed(&mut scenario, month, 189, amount, amount);
    }
    pass(&mut scenario, "2026-04-04", "2026-04-05");
    let task = told(&scenario, "189 plan, about 200 spent every month");
    assert_eq!((task.purpose, task.stage), (Purpose::Grow, Stage::Mature));
    // The chance to grow.
    assert_eq!(task.signals[0].trigger, "plan_overuse");
    let steps = scenario.steps(ONE);
    assert!(steps[0].contains("next larger plan"), "{steps:?}");
}

#[test]
fn plan_139_wrong_charge_complaint_and_how_to_cancel_is_leave() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 09:00", with_plan("e9-139", 139));
    let charge = Body::Charge {
        amount: Money(1_500),
        subscribed_by_customer: Some(false),
    };
    scenario.event(ONE, "2026-02-02 10:00", charge);
    let complaint = |resolved, satisfaction| Body::Complaint {
        category: ComplaintCategory::Billing,
        resolved,
        satisfaction,
    };
    scenario.event(ONE, "2026-02-03 10:00", complaint(false, None));
    scenario.event(ONE, "2026-02-05 10:00", complaint(true, Some(1)));
    scenario.event(
        ONE,
        "2026-02-06 10:00",
        Body::Enquiry(EnquirySubject::Cancel),
    );
    let case =
        "139 plan, complaint about a wrong charge, unhappy with the answer, asks how to cancel";
    let task = told(&scenario, case);
    assert_eq!((task.purpose, task.stage), (Purpose::Churn, Stage::Leave));
    assert_eq!(task.severity, Severity::Critical);
    let reasons: Vec<&str> = task.signals.iter().map(|signal| &*signal.trigger).collect();
    assert_eq!(reasons, ["bill_shock", "complaint", "cancel_enquiry"]);
}
