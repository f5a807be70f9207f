use super::billing::Billing;
use super::service_history::ServiceHistory;
use super::trigger_state::{DENSE, SparseStates};
use crate::engine::codec::{Encoded, Interner, Problem, Reader, Writer, encoded};
use crate::model::{Day, Money, Profile, ProfileFlags, Segment, Timestamp};
use std::sync::Arc;

/// What is known of a subscriber beyond usage: profile, bills, standing. Only subscribers with such records have one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Time of the profile in force.
    pub profile_at: Option<Timestamp>,
    /// The latest profile.
    pub profile: SubscriberProfile,
    /// Bills and payments.
    pub billing: Billing,
    /// Day the line was suspended for arrears, while it is.
    pub suspended_on: Option<Day>,
    /// Time of the last suspension or reactivation; older ones come too late to change anything.
    suspension_changed_at: Option<Timestamp>,
    /// Suspensions for arrears seen.
    pub suspensions: u16,
    /// Day the contract was closed at the counter.
    pub cancelled_on: Option<Day>,
    /// Day a port-out was applied for: nobody may be contacted.
    pub port_out_on: Option<Day>,
    recent: [u64; RECENT],
    recent_next: u8,
    /// States of sparse triggers.
    pub trigger_states: SparseStates,
    service_history: Option<Box<ServiceHistory>>,
    /// Stars when last rated, at a day's close; nothing before profile and spend were known.
    pub rated_stars: Option<u8>,
    /// The customer asked not to be contacted.
    pub do_not_contact: bool,
    /// Day of the last profile with a dearer plan than the one before.
    pub upgraded_on: Option<Day>,
}

/// Records kept to recognise a repeated one. Bills are few: this spans months.
const RECENT: usize = 8;

/// The parts of a profile the engine uses, strings shared between subscribers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubscriberProfile {
    /// Brand.
    pub brand: Option<Arc<str>>,
    /// First day of service.
    pub activated_on: Option<Day>,
    /// Consumer or group.
    pub segment: Segment,
    /// Marked by the operator.
    pub vip: bool,
    /// First-responsible account manager.
    pub account_manager: Option<Arc<str>>,
    /// HQ, province, city.
    pub region: Vec<Arc<str>>,
    /// Marks set by the operator.
    pub flags: ProfileFlags,
    /// Mean monthly spend as the operator knows it.
    pub avg_monthly_spend: Option<Money>,
    /// Suspensions as the operator counts them.
    pub suspensions: u16,
    /// The plan's price a month.
    pub plan_fee: Option<Money>,
    /// Last day of the contract.
    pub contract_end_on: Option<Day>,
    /// Month and day of month.
    pub birthday: Option<(u8, u8)>,
    /// Day the loyalty points lapse.
    pub points_expire_on: Option<Day>,
    /// Day the running offer lapses.
    pub offer_expires_on: Option<Day>,
    /// No marketing.
    pub marketing_opt_out: bool,
}

encoded!(Account {
    profile_at,
    profile,
    billing,
    suspended_on,
    suspension_changed_at,
    suspensions,
    cancelled_on,
    port_out_on,
    recent,
    recent_next,
    trigger_states,
    service_history,
    rated_stars,
    do_not_contact,
    upgraded_on,
});

encoded!(SubscriberProfile {
    brand,
    activated_on,
    segment,
    vip,
    account_manager,
    region,
    flags,
    avg_monthly_spend,
    suspensions,
    plan_fee,
    contract_end_on,
    birthday,
    points_expire_on,
    offer_expires_on,
    marketing_opt_out,
});

encoded!(ProfileFlags {
    not_pursued,
    machine,
});

impl Encoded for Segment {
    fn put(&self, to: &mut Writer) {
        (*self == Self::Group).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        Ok(match bool::get(from)? {
            true => Self::Group,
            false => Self::Consumer,
        })
    }
}

impl Account {
    /// A page of accounts as bytes.
    pub fn encode(accounts: &Vec<Self>) -> Vec<u8> {
        let mut to = Writer::default();
        accounts.put(&mut to);
        to.into_bytes_with_names()
    }

    /// A page of accounts from bytes.
    ///
    /// `places` has the index in the registry of each trigger of the image, if it is still there.
    pub fn decode(
        bytes: &[u8],
        places: &[Option<usize>],
        names: &mut Interner,
    ) -> Result<Vec<Self>, Problem> {
        let mut from = Reader::with_names(bytes, names)?;
        let mut accounts: Vec<Self> = Encoded::get(&mut from)?;
        from.end()?;
        for account in &mut accounts {
            account.trigger_states.move_to(places, DENSE);
        }
        accounts.iter().try_for_each(Self::check)?;
        Ok(accounts)
    }

    /// Refuses what the engine would never write.
    fn check(&self) -> Result<(), Problem> {
        if usize::from(self.recent_next) >= RECENT {
            Err("has an account with a place beyond the last records")
        } else {
            self.billing.check()?;
            self.service_history().check()
        }
    }

    /// What triggers look back on beyond bills and standing.
    pub fn service_history(&self) -> &ServiceHistory {
        static NONE: ServiceHistory = ServiceHistory::NONE;
        self.service_history.as_deref().unwrap_or(&NONE)
    }

    /// The same, to be added to.
    pub fn service_history_mut(&mut self) -> &mut ServiceHistory {
        self.service_history
            .get_or_insert_with(|| Box::new(ServiceHistory::NONE))
    }

    /// Whether a record was seen before; remembers it if not.
    pub fn seen(&mut self, fingerprint: u64) -> bool {
        let mark = fingerprint.max(1);
        if self.recent.contains(&mark) {
            return true;
        }
        self.recent[usize::from(self.recent_next) % RECENT] = mark;
        self.recent_next = (self.recent_next + 1) % RECENT as u8;
        false
    }

    /// Takes a profile, unless a later one is in force. Returns whether the number has a new owner.
    pub fn update_profile(
        &mut self,
        at: Timestamp,
        day: Day,
        profile: &Profile<'_>,
        names: &mut Interner,
    ) -> bool {
        if self.profile_at.is_some_and(|in_force| in_force > at) {
            return false;
        }
        let left_on = self.cancelled_on.max(self.port_out_on);
        let new_owner = left_on.is_some() && profile.activated_on > left_on;
        if new_owner {
            self.reset_for_new_owner();
        }
        let plan_fee = profile.plan.as_ref().and_then(|plan| plan.monthly_fee);
        let dearer = self.profile.plan_fee.zip(plan_fee);
        if dearer.is_some_and(|(before, now)| now > before) {
            self.upgraded_on = Some(day);
        }
        self.profile_at = Some(at);
        self.profile = SubscriberProfile {
            brand: profile.brand.as_deref().map(|b| names.intern(b)),
            activated_on: profile.activated_on,
            segment: profile.segment,
            vip: profile.vip,
            account_manager: profile.account_manager.as_deref().map(|m| names.intern(m)),
            region: profile.region.iter().map(|r| names.intern(r)).collect(),
            flags: profile.flags,
            avg_monthly_spend: profile.avg_monthly_spend,
            suspensions: profile.suspensions.unwrap_or(0),
            plan_fee,
            contract_end_on: profile.contract_end_on,
            birthday: profile.birthday,
            points_expire_on: profile.points_expire_on,
            offer_expires_on: profile.offer_expires_on,
            marketing_opt_out: profile.marketing_opt_out,
        };
        new_owner
    }

    /// Forgets everything but which records were seen.
    fn reset_for_new_owner(&mut self) {
        *self = Self {
            recent: self.recent,
            recent_next: self.recent_next,
            ..Self::default()
        };
    }

    /// Takes a cancellation, unless it concerns the number's earlier owner.
    pub fn cancel(&mut self, day: Day) {
        if self.profile.activated_on.is_none_or(|since| since <= day) {
            self.cancelled_on = Some(day);
        }
    }

    /// Takes a suspension for arrears.
    pub fn suspend(&mut self, at: Timestamp, day: Day) {
        self.suspensions = self.suspensions.saturating_add(1);
        if self.in_order(at) {
            self.suspended_on.get_or_insert(day);
        }
    }

    /// Takes a reactivation.
    pub fn reactivate(&mut self, at: Timestamp) {
        if self.in_order(at) {
            self.suspended_on = None;
        }
    }

    fn in_order(&mut self, at: Timestamp) -> bool {
        let in_order = Some(at) >= self.suspension_changed_at;
        self.suspension_changed_at = self.suspension_changed_at.max(Some(at));
        in_order
    }

    /// Whether the subscriber has left: cancelled, or suspended for too long (behaviour: Suspension, port-out and new
    /// owners).
    pub fn churned(&self, day: Day, suspended_days: u16) -> bool {
        let long = |since: Day| day.since(since) >= i32::from(suspended_days);
        self.cancelled_on.is_some() || self.suspended_on.is_some_and(long)
    }

    /// Mean monthly spend: the operator's own figure, else the mean of the invoices seen.
    pub fn monthly_spend(&self) -> Option<Money> {
        self.profile
            .avg_monthly_spend
            .or_else(|| self.billing.mean())
    }
}
