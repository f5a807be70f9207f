//! The tariffs.

/// A tariff: fee in cents, allowances.
pub struct Plan {
    pub id: &'static str,
    pub monthly_fee: i32,
    pub voice_minutes: u32,
    pub data_mb: u32,
}

const fn plan(id: &'static str, monthly_fee: i32, voice_minutes: u32, data_mb: u32) -> Plan {
    Plan {
        id,
        monthly_fee,
        voice_minutes,
        data_mb,
    }
}

/// The tariffs, by rising fee.
pub const PLANS: [Plan; 8] = [
    plan("P8", 800, 50, 500),
    plan("P19", 1_900, 120, 3_000),
    plan("P38", 3_800, 220, 7_000),
    plan("P59", 5_900, 350, 12_000),
    plan("P89", 8_900, 550, 20_000),
    plan("P129", 12_900, 900, 35_000),
    plan("P189", 18_900, 1_500, 60_000),
    plan("P299", 29_900, 3_000, 100_000),
];

/// The tariff whose fee is nearest to a month's value in cents, by ratio.
pub fn choose_plan(value: f64) -> u8 {
    let mut best = 0;
    for (index, plan) in PLANS.iter().enumerate() {
        let distance = |fee: i32| (libm::log(value) - libm::log(f64::from(fee))).abs();
        if distance(plan.monthly_fee) < distance(PLANS[best].monthly_fee) {
            best = index;
        }
    }
    best as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_suit_their_value() {
        assert_eq!(PLANS[usize::from(choose_plan(700.0))].id, "P8");
        assert_eq!(PLANS[usize::from(choose_plan(9_000.0))].id, "P89");
        assert_eq!(PLANS[usize::from(choose_plan(90_000.0))].id, "P299");
    }
}
