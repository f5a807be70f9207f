//! What becomes of tasks, and requests to erase.

use super::{DAY_MS, MINUTE_MS, Stream};
use crate::support::streams::{Answer, Step};
use churnwatch::model::{Body, Msisdn, OutcomeResult, TaskOutcome, Timestamp};

const REASONS: [Option<&str>; 5] = [
    None,
    None,
    Some("price"),
    Some("Second-SIM"),
    Some("says nothing"),
];

impl Stream<'_> {
    /// A request, and at times another.
    pub(super) fn erasure(&mut self, who: Msisdn, index: i32) {
        for time in 0..self.random.one_of(&[1, 1, 2]) {
            let at = self.moment(index + time * 3);
            let request = format!("{}#{time}", who.as_str());
            let body = Body::Erase {
                request: request.into(),
            };
            let event = self.event(who, at, body);
            self.arrive(at, event);
        }
    }

    /// An outcome, and at times others that correct it.
    pub(super) fn outcome(&mut self, who: Msisdn, index: i32) {
        let first = self.moment(index).0;
        let again = self.random.one_of(&[0, 0, 1, 3]);
        let back = self
            .random
            .one_of(&[Some(0), Some(0), Some(0), Some(1), None]);
        for time in 0..=again {
            let at = Timestamp(first + time * self.random.below(4 * DAY_MS));
            let body = Body::TaskOutcome(TaskOutcome {
                task_id: "".into(),
                result: None,
                stated_reason: None,
                confirmed_reason: None,
                do_not_contact: false,
            });
            let event = self.event(who, at, body);
            let refuses_only = self.random.chance(0.03);
            let answer = Answer {
                result: (!refuses_only).then(|| self.random.one_of(&OutcomeResult::ALL)),
                do_not_contact: refuses_only || self.random.chance(0.05),
                reasons: [(); 2].map(|()| self.random.one_of(&REASONS)),
                back,
            };
            let settle = Step::Settle { event, answer };
            let late = self.random.one_of(&[0, 0, 0, 1]) * self.random.below(4 * DAY_MS);
            self.arrivals
                .push((Timestamp(at.0 + MINUTE_MS + late), settle));
        }
    }
}
