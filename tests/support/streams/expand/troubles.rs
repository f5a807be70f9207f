//! What customers and competitors say, charges, and calls that go elsewhere.

use super::{DaySpan, Life, Stream};
use churnwatch::model::{
    Body, CallOutcome, ComplaintCategory, Direction, EnquirySubject, ForwardAction, Money, Msisdn,
    Number, OrderKind,
};

/// A friend's, two of competitors', our own, and one that cannot be read.
const NUMBERS: [&str; 5] = ["13712345678", "10010", "10016", "10086", ""];

impl Stream<'_> {
    pub(super) fn troubles(&mut self, life: &Life, who: Msisdn) {
        if let Some(from) = life.complaints {
            let from = self.at_share(from);
            for index in from..(from + 40).min(self.plan.days) {
                if self.random.chance(0.25) {
                    let body = self.word();
                    self.emit(who, index, body);
                }
            }
        }
        for day_span in &life.forwards {
            self.forwarding(*day_span, who);
        }
        if life.charged {
            let mut index = 0;
            while index < self.plan.days {
                let factor = self.random.one_of(&[1, 1, 1, 1, 1, 2, 9]);
                let body = Body::Charge {
                    amount: Money(factor * (900 + self.random.below(200))),
                    subscribed_by_customer: Some(self.random.chance(0.95)),
                };
                self.emit(who, index, body);
                index += 1 + self.random.below(6) as i32;
            }
        }
    }

    /// Something that is said by the customer, or to the customer.
    fn word(&mut self) -> Body<'static> {
        match self.random.below(15) {
            0..=4 => self.complaint(),
            5 => Body::Enquiry(EnquirySubject::Cancel),
            6 => Body::Enquiry(self.random.one_of(&[
                EnquirySubject::PortOut,
                EnquirySubject::Contract,
                EnquirySubject::Bill,
                EnquirySubject::Unknown,
            ])),
            7 => Body::CompetitorContact,
            8..=10 => Body::ServiceOrder(self.random.one_of(&[
                OrderKind::Upgrade,
                OrderKind::PlanChange,
                OrderKind::Broadband,
                OrderKind::Bundle,
                OrderKind::ValueAdded,
                OrderKind::Downgrade,
                OrderKind::Cancelled,
                OrderKind::Cancelled,
                OrderKind::Unasked,
                OrderKind::Unknown,
            ])),
            _ => {
                let number = self.random.one_of(&["10016", "10001", "10085"]);
                Body::Call {
                    direction: self.random.one_of(&[
                        Direction::Incoming,
                        Direction::Incoming,
                        Direction::Outgoing,
                    ]),
                    other: Number::from_digits(number.as_bytes()),
                    duration_seconds: self.random.one_of(&[0, 40]),
                    outcome: self.random.one_of(&[
                        CallOutcome::Normal,
                        CallOutcome::Dropped,
                        CallOutcome::Unanswered,
                        CallOutcome::Unknown,
                    ]),
                    handset: None,
                }
            }
        }
    }

    pub(super) fn complaint(&mut self) -> Body<'static> {
        let random = &mut self.random;
        Body::Complaint {
            category: random.one_of(&[
                ComplaintCategory::Billing,
                ComplaintCategory::Network,
                ComplaintCategory::Service,
                ComplaintCategory::UnwantedService,
                ComplaintCategory::Unknown,
            ]),
            resolved: random.chance(0.6),
            satisfaction: random.chance(0.7).then(|| 1 + random.below(5) as u8),
        }
    }

    /// Set up and taken down by records, only set up, or only seen at work.
    fn forwarding(&mut self, day_span: DaySpan, who: Msisdn) {
        let number = self.random.one_of(&NUMBERS);
        let other = Number::from_digits(number.as_bytes());
        let body = |action| Body::CallForward { other, action };
        let (from, until) = (
            self.at_share(day_span.from),
            self.at_share(day_span.from) + day_span.days,
        );
        let manner = self.random.below(4);
        if manner != 3 {
            self.emit(who, from, body(ForwardAction::Activate));
        }
        if manner != 0 {
            let mut index = from;
            while index < until {
                self.emit(who, index, body(ForwardAction::Forwarded));
                index += 1 + self.random.below(9) as i32;
            }
        }
        if manner < 2 {
            self.emit(who, until, body(ForwardAction::Deactivate));
        }
    }
}
