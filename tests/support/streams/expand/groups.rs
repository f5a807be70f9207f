//! What shards tell each other of groups, as if others told it to this one.

use super::{DAY_MS, Stream};
use churnwatch::model::{
    Body, GroupAlert, GroupCovered, GroupMember, MemberSignal, Money, Msisdn, Occasion, Severity,
    Timestamp,
};

impl Stream<'_> {
    pub(super) fn groups(&mut self, who: Msisdn) {
        if self.random.chance(0.5) {
            return;
        }
        for _ in 0..self.random.below(8) {
            let index = self.random.below(i64::from(self.plan.days)) as i32;
            let body = self.told(who, index);
            self.emit(who, index, body);
        }
    }

    fn told(&mut self, who: Msisdn, index: i32) -> Body<'static> {
        let group = self.random.one_of(&["G-1", "G-1", "G-2"]).into();
        let days = self.random.below(20);
        let until = Timestamp(self.calendar.start_of(self.day(index)).0 + days * DAY_MS);
        let end = Occasion::ContractEnd(self.day(index) + self.random.below(30) as i32 - 5);
        let random = &mut self.random;
        let occasion = random.one_of(&[Occasion::Leaving, Occasion::Leaving, end]);
        let head_count = random.chance(0.5).then_some(40);
        match random.below(8) {
            0 => Body::GroupAlert(Box::new(GroupAlert {
                group,
                occasion,
                members: vec![GroupMember {
                    msisdn: who,
                    severity: random.one_of(&Severity::ALL),
                    triggers: Vec::new(),
                }],
                more: random.below(3) as u32,
                head_count,
                until,
            })),
            1 => Body::GroupCovered(Box::new(GroupCovered {
                group,
                occasion,
                lead: Msisdn::new("13911112222").unwrap(),
                until,
            })),
            _ => Body::MemberSignal(Box::new(MemberSignal {
                group,
                occasion: random.chance(0.95).then_some(occasion),
                partition: random.below(3) as u32,
                head_count,
                value: Money(random.below(5) * 1_000),
                score: random.below(3) as u32,
                severity: random.one_of(&Severity::ALL),
                triggers: vec![random.one_of(&["arrears", "complaint"]).into()],
            })),
        }
    }
}
