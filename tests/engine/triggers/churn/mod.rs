//! The churn triggers (behaviour: Churn triggers) that look at what customers and competitors say and do, at bills and
//! at the line, as scenarios: who is accused of what, when, and what task comes of it.

mod bills;
mod line;
mod statements;

use crate::support::scenario::{Scenario, crowd, days};
use churnwatch::model::{Body, CallOutcome, Direction, EnquirySubject, Number};

const ONE: &str = "13900000001";
/// `unicom`.
const MARKETING: &str = "10016";
const CANCEL: Body<'static> = Body::Enquiry(EnquirySubject::Cancel);
const PORT_OUT: Body<'static> = Body::Enquiry(EnquirySubject::PortOut);

fn called_by(other: &str, outcome: CallOutcome) -> Body<'static> {
    Body::Call {
        direction: Direction::Incoming,
        other: Number::from_digits(other.as_bytes()),
        duration_seconds: 60,
        outcome,
        handset: None,
    }
}

/// Others go on as ever, so that days close: each with the next one's first record, at eight in the morning if not before.
fn days_pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4)[1..], days(from, to), |_, _| 2);
}
