//! The retention policy, rule by rule: who may be contacted when, by whom, how often, and what becomes of it
//! (behaviour: From signals to tasks).

mod budget;
mod contact;
mod eligibility;
mod ladder;
mod outcome;
mod properties;
mod storm;

use crate::support::scenario::{HOTLINE, Town, call, crowd, days, outcome, profile};
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

/// A town in which one subscriber has a profile, stated in the morning of 1 February.
fn town_of(overrides: &str, profile: Body<'static>) -> Town {
    let mut town = Town::new(overrides);
    town.event(ONE, "2026-02-01 09:00", profile);
    town
}

fn hotline(town: &mut Town, at: &str) {
    town.event(ONE, at, call(HOTLINE));
}

/// An outcome of the subscriber's last task.
fn report(town: &mut Town, at: &str, result: OutcomeResult) {
    let body = outcome(&town.last_task(ONE), result);
    town.event(ONE, at, body);
}

/// A talk that no task asked for.
fn talk(town: &mut Town, at: &str) {
    let body = Body::TaskOutcome(TaskOutcome {
        task_id: "by hand".into(),
        result: OutcomeResult::Reached,
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: false,
    });
    town.event(ONE, at, body);
}

/// The subscriber says not to be contacted; `task_id` may be of any task.
fn forbid(town: &mut Town, at: &str, task_id: &str) {
    let body = Body::TaskOutcome(TaskOutcome {
        task_id: task_id.to_owned().into(),
        result: OutcomeResult::Unreachable,
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: true,
    });
    town.event(ONE, at, body);
}

/// Ordinary days of others, by whose records the days close, each at eight in the morning of the next.
fn pass(town: &mut Town, from: &str, to: &str) {
    town.live(&crowd(4)[1..], days(from, to), |_, _| 2);
}

/// What a town said of the subscriber from some line on.
fn since(town: &Town, line: usize) -> Vec<String> {
    town.said(ONE).split_off(line)
}
