use super::account::Account;
use crate::engine::settings::CreditRules;
use crate::model::{Day, Money, Segment, Tier};

/// Credit points, the stars they earn and the tier that follows (behaviour: Credit, tier and stage).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credit {
    /// Points; negative after many suspensions.
    pub score: i32,
    /// 0..5.
    pub stars: u8,
    /// Who should act.
    pub tier: Tier,
}

impl Credit {
    /// Rates a subscriber whose profile and spend are both known. With less, the points would only tell how much is
    /// known.
    pub fn rate_known(account: &Account, day: Day, rules: &CreditRules) -> Option<Self> {
        account.profile_at?;
        account.monthly_spend()?;
        Some(Self::rate(Some(account), day, rules))
    }

    /// Whether the profile alone makes a key customer.
    pub fn is_key(account: &Account) -> bool {
        account.profile.vip || account.profile.segment == Segment::Group
    }

    /// Rates a subscriber on a day. Without an account nothing is known, and nothing counts.
    pub fn rate(account: Option<&Account>, day: Day, rules: &CreditRules) -> Self {
        let score = account.map_or(0, |account| points(account, day, rules));
        let reached = rules.star_points.iter().filter(|least| score >= **least);
        let stars = reached.count() as u8;
        let tier = match stars {
            _ if account.is_some_and(Self::is_key) => Tier::Key,
            4.. => Tier::Key,
            2..=3 => Tier::Ordinary,
            _ => Tier::Small,
        };
        Self { score, stars, tier }
    }
}

fn points(account: &Account, day: Day, rules: &CreditRules) -> i32 {
    let profile = &account.profile;
    let brand = profile
        .brand
        .as_deref()
        .and_then(|brand| rules.brand_points.get(brand));
    let tenure = profile.activated_on.map_or(0, |since| {
        let years = since.years_until(day);
        let reached = rules
            .tenure_points
            .iter()
            .rev()
            .find(|(least, _)| years >= *least);
        reached.map_or(0, |(_, points)| *points)
    });
    let spend = account.monthly_spend().map_or(0, |spend| {
        let within = |limit: u32| spend <= Money(i64::from(limit) * 100);
        let bound = rules.spend_points.iter().find(|(limit, _)| within(*limit));
        bound.map_or(rules.spend_points_above, |(_, points)| *points)
    });
    let suspensions = account.suspensions.max(profile.suspensions);
    let penalty = rules
        .suspension_points
        .saturating_mul(i32::from(suspensions));
    let sum = brand.copied().unwrap_or(0).saturating_add(tenure);
    sum.saturating_add(spend).saturating_add(penalty)
}
