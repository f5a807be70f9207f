//! The retention policy, rule by rule: who may be contacted when, by whom, how often, and what becomes of it
//! (behaviour: From signals to tasks).

mod budget;
mod capacity;
mod contact;
mod eligibility;
mod hold_out;
mod ladder;
mod outcome;
mod properties;
mod storm;

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, outcome, profile};
use churnwatch::model::{
    Body, ComplaintCategory, EnquirySubject, Money, OutcomeResult, SuspensionReason, TaskOutcome,
};

const ONE: &str = "13900000001";
const WALL: &str = "window.clock = \"wall\"";
const CANCEL: Body<'static> = Body::Enquiry(EnquirySubject::Cancel);
const PORT_OUT: Body<'static> = Body::Enquiry(EnquirySubject::PortOut);
const SUSPENDED: Body<'static> = Body::Suspension(SuspensionReason::Arrears);
const COMPLAINT: Body<'static> = Body::Complaint {
    category: ComplaintCategory::Network,
    resolved: false,
    satisfaction: None,
};

/// A customer of the tier `key`, with an account manager.
fn key() -> Body<'static> {
    profile(|p| {
        p.vip = true;
        p.account_manager = Some("am-17".into());
    })
}

/// Of the tier `ordinary`: six years are three stars, and little is spent.
fn ordinary() -> Body<'static> {
    profile(|p| p.avg_monthly_spend = Some(Money(2_000)))
}

/// Of the tier `small`: a customer of a year, who spends little.
fn small() -> Body<'static> {
    profile(|p| {
        p.activated_on = None;
        p.avg_monthly_spend = Some(Money(3_000));
    })
}

/// A scenario in which one subscriber has a profile, stated in the morning of 1 February.
fn scenario_of(overrides: &str, profile: Body<'static>) -> Scenario {
    let mut scenario = Scenario::new(overrides);
    scenario.event(ONE, "2026-02-01 09:00", profile);
    scenario
}

fn hotline(scenario: &mut Scenario, at: &str) {
    scenario.event(ONE, at, call(HOTLINE));
}

/// An outcome of the subscriber's last task.
fn report(scenario: &mut Scenario, at: &str, result: OutcomeResult) {
    let body = outcome(&scenario.last_task(ONE), result);
    scenario.event(ONE, at, body);
}

/// A talk that no task asked for.
fn talk(scenario: &mut Scenario, at: &str) {
    let body = Body::TaskOutcome(TaskOutcome {
        task_id: "by hand".into(),
        result: Some(OutcomeResult::Reached),
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: false,
    });
    scenario.event(ONE, at, body);
}

/// The subscriber says not to be contacted; `task_id` may be of any task.
fn forbid(scenario: &mut Scenario, at: &str, task_id: &str) {
    let body = Body::TaskOutcome(TaskOutcome {
        task_id: task_id.to_owned().into(),
        result: Some(OutcomeResult::Unreachable),
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: true,
    });
    scenario.event(ONE, at, body);
}

/// Ordinary days of others, by whose records the days close, each at eight in the morning of the next.
fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4)[1..], days(from, to), |_, _| 2);
}

/// What the scenario published of the subscriber from some line on.
fn since(scenario: &Scenario, line: usize) -> Vec<String> {
    scenario.published(ONE).split_off(line)
}
