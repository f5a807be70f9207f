use crate::engine::codec::{Problem, encoded};
use crate::engine::settings::Competitors;
use crate::model::{Body, Day, Event, ForwardAction, Money, Number, Timestamp};

/// What triggers look back on beyond usage, bills and standing, however late its records came. Few subscribers have any.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceHistory {
    /// Days of the last contacts by competitors' marketing, oldest first.
    marketing: Vec<Day>,
    /// The last prices of services not known to be unasked for, in order of arrival.
    charges: Vec<Money>,
    /// Where calls go.
    pub forwarding: Forwarding,
    /// The latest complaint.
    pub complaint: Option<Complaint>,
}

/// Contacts kept; as many can be asked for.
pub const CONTACTS: usize = 8;
/// Charges kept: the newest, and the six that it is compared with (behaviour: Churn triggers).
const CHARGES: usize = 7;

encoded!(ServiceHistory {
    marketing,
    charges,
    forwarding,
    complaint,
});

encoded!(Forwarding {
    changed_at,
    since,
    last_call_on,
    set_up,
    elsewhere,
});

encoded!(Complaint {
    at,
    resolved,
    satisfaction,
});

impl ServiceHistory {
    /// None at all.
    pub const NONE: Self = Self {
        marketing: Vec::new(),
        charges: Vec::new(),
        forwarding: Forwarding::NONE,
        complaint: None,
    };

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        if self.marketing.len() > CONTACTS || !self.marketing.is_sorted() {
            Err("has an account with too many contacts, or contacts out of order")
        } else if self.charges.len() > CHARGES {
            Err("has an account with too many charges")
        } else {
            Ok(())
        }
    }

    /// Days of the last contacts by competitors' marketing, oldest first.
    pub fn contacts(&self) -> &[Day] {
        &self.marketing
    }

    /// The last prices of services not known to be unasked for, in order of arrival.
    pub fn charges(&self) -> &[Money] {
        &self.charges
    }

    /// Keeps a record.
    pub fn record(&mut self, at: Timestamp, day: Day, service_event: ServiceEvent) {
        match service_event {
            ServiceEvent::Contact => {
                let place = self.marketing.partition_point(|known| *known <= day);
                self.marketing.insert(place, day);
                if self.marketing.len() > CONTACTS {
                    self.marketing.remove(0);
                }
            }
            ServiceEvent::Charge(amount) => {
                self.charges.push(amount);
                if self.charges.len() > CHARGES {
                    self.charges.remove(0);
                }
            }
            ServiceEvent::Complaint(complaint) => {
                if self.complaint.is_none_or(|known| known.at <= at) {
                    self.complaint = Some(complaint);
                }
            }
            ServiceEvent::Forwarding { action, elsewhere } => {
                self.forwarding.record(at, day, action, elsewhere);
            }
        }
    }
}

/// One record of [`ServiceHistory`].
pub enum ServiceEvent {
    Contact,
    Charge(Money),
    Complaint(Complaint),
    Forwarding {
        action: ForwardAction,
        elsewhere: bool,
    },
}

impl ServiceEvent {
    /// What an event adds, if anything.
    pub fn of(event: &Event<'_>, competitors: &Competitors) -> Option<Self> {
        match event.body {
            Body::Call { .. } | Body::CompetitorContact => {
                competitors.approach(&event.body).then_some(Self::Contact)
            }
            Body::Charge {
                amount,
                subscribed_by_customer,
            } if subscribed_by_customer != Some(false) && amount >= Money::ZERO => {
                Some(Self::Charge(amount))
            }
            Body::Complaint {
                resolved,
                satisfaction,
                ..
            } => Some(Self::Complaint(Complaint {
                at: event.at,
                resolved,
                satisfaction,
            })),
            Body::CallForward { other, action } if action != ForwardAction::Unknown => {
                Some(Self::Forwarding {
                    action,
                    elsewhere: other == Number::OTHER
                        || competitors.hotline(other).is_some()
                        || competitors.marketing(other).is_some(),
                })
            }
            _ => None,
        }
    }
}

/// How the last complaint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint {
    /// Time of the record.
    pub at: Timestamp,
    /// Whether the operator calls it resolved.
    pub resolved: bool,
    /// What the customer makes of that, 1..5.
    pub satisfaction: Option<u8>,
}

/// Call forwarding, set up by a record or only seen at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forwarding {
    /// Time of the last record that set it up or took it down; older ones come too late to change anything.
    changed_at: Option<Timestamp>,
    since: Option<Day>,
    last_call_on: Option<Day>,
    set_up: bool,
    /// Whether it last went to a competitor's service number or to one that cannot be read.
    pub elsewhere: bool,
}

/// Forwarding that was never set up by a record is over when no forwarded call was seen for more than so many days.
pub const PAUSE_DAYS: i32 = 7;

impl Forwarding {
    const NONE: Self = Self {
        changed_at: None,
        since: None,
        last_call_on: None,
        set_up: false,
        elsewhere: false,
    };

    fn record(&mut self, at: Timestamp, day: Day, action: ForwardAction, elsewhere: bool) {
        if self.changed_at.is_some_and(|changed| changed > at) {
            return;
        }
        match action {
            ForwardAction::Deactivate => *self = Self::NONE,
            ForwardAction::Activate => {
                let since = self.since(day).unwrap_or(day);
                self.since = Some(since.min(day));
                self.set_up = true;
            }
            ForwardAction::Forwarded => {
                self.since = Some(self.since(day).unwrap_or(day));
                self.last_call_on = self.last_call_on.max(Some(day));
            }
            ForwardAction::Unknown => return,
        }
        self.elsewhere = elsewhere && action != ForwardAction::Deactivate;
        if action != ForwardAction::Forwarded {
            self.changed_at = Some(at);
        }
    }

    /// The first day of the forwarding that is in force on a day.
    pub fn since(&self, day: Day) -> Option<Day> {
        let seen = |last: Day| day.since(last) <= PAUSE_DAYS;
        let in_force = self.set_up || self.last_call_on.is_some_and(seen);
        self.since.filter(|_| in_force)
    }
}
