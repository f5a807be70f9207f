//! Accounts as an image holds them, and back.

use super::{Account, RECENT, SubscriberProfile};
use crate::engine::codec::{Encoded, Interner, Problem, Reader, Writer, encoded};
use crate::engine::state::rare::Rare;
use crate::engine::state::trigger_state::DENSE;
use crate::model::{ProfileFlags, Segment};

encoded!(Account {
    profile_at,
    profile,
    heard_on,
    customer,
    taken_over,
    first_day,
    earlier_first_day,
    billing,
    suspended_on,
    suspended_at,
    suspended_by,
    reactivated_at,
    freed_at,
    bar,
    suspensions,
    cancelled_on,
    cancelled_at,
    port_out_on,
    port_out_at,
    recent,
    recent_next,
    trigger_states,
    service_history,
    rated_stars,
    refused_contact_on,
    upgraded_on,
    rare,
});

encoded!(SubscriberProfile {
    brand,
    plan,
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
    marketing,
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
            self.rare.as_deref().map_or(Ok(()), Rare::check)?;
            self.service_history().check()
        }
    }
}
