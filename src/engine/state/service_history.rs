use super::bar::BarredDays;
use super::leaving::Leaving;
use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded};
use crate::engine::settings::Competitors;
use crate::model::{Body, ComplaintCategory, Day, Event, ForwardAction, Money, Number, Timestamp};

/// What triggers look back on beyond usage, bills and standing, however late its records came. Few subscribers have any.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceHistory {
    /// Days of the last contacts by competitors' marketing, oldest first.
    marketing: Vec<Day>,
    /// The last prices of services not known to be unasked for, in order of arrival.
    charges: Vec<Money>,
    /// Where calls go.
    pub forwarding: Forwarding,
    /// The last complaints, in the order in which something new was said of them.
    complaints: Vec<Complaint>,
    /// The last time abroad.
    pub trip: Option<Trip>,
    /// What outcomes said of a customer who goes.
    pub leaving: Option<Leaving>,
}

/// Contacts kept; as many can be asked for.
pub const CONTACTS: usize = 8;
/// Charges kept: the newest, and the six that it is compared with (behaviour: Churn triggers).
const CHARGES: usize = 7;
/// Complaints kept, the latest among them.
const COMPLAINTS: usize = 4;

encoded!(ServiceHistory {
    marketing,
    charges,
    forwarding,
    complaints,
    trip,
    leaving,
});

encoded!(Trip {
    since,
    last,
    charged,
});

encoded!(Forwarding {
    changed_at,
    since,
    last_call_on,
    set_up,
    elsewhere,
});

encoded!(Complaint {
    id,
    at,
    day,
    category,
    resolved,
    satisfaction,
});

impl ServiceHistory {
    /// None at all.
    pub const NONE: Self = Self {
        marketing: Vec::new(),
        charges: Vec::new(),
        forwarding: Forwarding::NONE,
        complaints: Vec::new(),
        trip: None,
        leaving: None,
    };

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        if self.marketing.len() > CONTACTS || !self.marketing.is_sorted() {
            Err("has an account with too many contacts, or contacts out of order")
        } else if self.charges.len() > CHARGES {
            Err("has an account with too many charges")
        } else if self.complaints.len() > COMPLAINTS {
            Err("has an account with too many complaints")
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

    /// The complaint that was last reported or updated.
    pub fn complaint(&self) -> Option<&Complaint> {
        self.complaints.iter().max_by_key(|complaint| complaint.at)
    }

    /// Whether another complaint about the same thing was known within so many days up to one.
    pub fn complained_before(&self, event: &Event<'_>, day: Day, days: u16) -> bool {
        let Body::Complaint { category, .. } = event.body else {
            return false;
        };
        let mut others = self.complaints.iter();
        category != ComplaintCategory::Unknown
            && others.any(|other| {
                other.id != event.id()
                    && other.category == category
                    && (0..i32::from(days)).contains(&day.since(other.day))
            })
    }

    fn complain(&mut self, complaint: Complaint) {
        let of_id = |known: &Complaint| known.id == complaint.id;
        if self
            .complaints
            .iter()
            .any(|known| of_id(known) && known.at > complaint.at)
        {
            return;
        }
        self.complaints.retain(|known| !of_id(known));
        self.complaints.push(complaint);
        let oldest = (0..self.complaints.len()).min_by_key(|place| self.complaints[*place].at);
        if let Some(oldest) = oldest.filter(|_| self.complaints.len() > COMPLAINTS) {
            self.complaints.remove(oldest);
        }
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
                if let Some(trip) = self.trip.as_mut().filter(|trip| trip.may_have(day)) {
                    trip.charged = trip.charged.plus(amount);
                }
            }
            ServiceEvent::Complaint(complaint) => self.complain(complaint),
            ServiceEvent::Abroad => Trip::go_on(&mut self.trip, day),
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
    Abroad,
    Forwarding {
        action: ForwardAction,
        elsewhere: bool,
    },
}

impl ServiceEvent {
    /// What an event adds, if anything.
    pub fn of(event: &Event<'_>, day: Day, competitors: &Competitors) -> Option<Self> {
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
                category,
                resolved,
                satisfaction,
            } => Some(Self::Complaint(Complaint {
                id: event.id(),
                at: event.at,
                day,
                category,
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

/// How a complaint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complaint {
    /// Id of its records.
    id: u32,
    /// Time of the last of them.
    pub at: Timestamp,
    /// The local day of that.
    pub day: Day,
    /// What about.
    category: ComplaintCategory,
    /// Whether the operator calls it resolved.
    pub resolved: bool,
    /// What the customer makes of that, 1..5.
    pub satisfaction: Option<u8>,
}

/// Use of the line in other networks, without a longer pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    since: Day,
    last: Day,
    /// Services that the customer was charged for meanwhile.
    pub charged: Money,
}

/// A trip is over when the line was not used abroad for more than so many days.
pub const TRIP_PAUSE_DAYS: i32 = 7;

impl Trip {
    /// Takes use abroad on a day. What is older than the last trip changes nothing.
    fn go_on(trip: &mut Option<Self>, day: Day) {
        match trip {
            Some(trip) if trip.may_have(day) => {
                trip.since = trip.since.min(day);
                trip.last = trip.last.max(day);
            }
            Some(trip) if trip.since > day => {}
            _ => {
                *trip = Some(Self {
                    since: day,
                    last: day,
                    charged: Money::ZERO,
                });
            }
        }
    }

    /// Whether a day belongs to it, as far as use abroad says.
    pub fn may_have(&self, day: Day) -> bool {
        (self.since - TRIP_PAUSE_DAYS..=self.last + TRIP_PAUSE_DAYS).contains(&day)
    }

    /// The days on which use says nothing, given the last one with any use: use at home ends a trip.
    pub fn days(&self, last_active: Day) -> BarredDays {
        let last = match last_active > self.last {
            true => self.last,
            false => self.last + TRIP_PAUSE_DAYS,
        };
        BarredDays {
            first: self.since,
            last,
        }
    }
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

/// In the order of their numbers in an image.
const CATEGORIES: [ComplaintCategory; 5] = [
    ComplaintCategory::Billing,
    ComplaintCategory::Network,
    ComplaintCategory::Service,
    ComplaintCategory::UnwantedService,
    ComplaintCategory::Unknown,
];

impl Encoded for ComplaintCategory {
    fn put(&self, to: &mut Writer) {
        let number = CATEGORIES.iter().position(|category| category == self);
        (number.unwrap_or_default() as u8).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let category = CATEGORIES.get(usize::from(u8::get(from)?));
        category
            .copied()
            .ok_or("has a complaint about nothing that is known")
    }
}
