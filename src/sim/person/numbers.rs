//! Telephone numbers: the subscribers' own, and those of the people and services they deal with.

use crate::sim::config::CityConfig;
use crate::sim::random::{Dice, mix};

/// Someone the subscriber has no regular contact with: a mobile, a landline or a service.
pub fn stranger(dice: &mut Dice) -> u64 {
    match dice.below(20) {
        0..=11 => mobile_number(mix(u64::from(dice.bits()))),
        12..=16 => {
            let area = dice.pick(&[10, 20, 21, 22, 23, 25, 27, 28, 29]);
            area * 100_000_000 + 60_000_000 + u64::from(dice.below(30_000_000))
        }
        _ => dice.pick(&[95_533, 95_588, 95_566, 12_306, 12_345, 95_338]),
    }
}

pub fn mobile_number(noise: u64) -> u64 {
    const PREFIXES: [u64; 13] = [
        139, 138, 137, 136, 133, 153, 180, 189, 130, 131, 155, 186, 192,
    ];
    PREFIXES[(noise >> 32) as usize % PREFIXES.len()] * 100_000_000 + noise % 100_000_000
}

/// The subscriber's number: unique, spread over the operator's prefixes; a ported-in one has a competitor's.
pub fn msisdn(config: &CityConfig, index: u32, ported_in: bool) -> u64 {
    let prefixes = config.operator.prefixes();
    // Multiplying by a number coprime to the range, then shifting, is a bijection of it.
    let range = prefixes.len() as u64 * 100_000_000;
    let place = (u64::from(index) * 618_033_989 + mix(config.seed) % range) % range;
    let which = (place / 100_000_000) as usize;
    let foreign = config.operator.competitors().next();
    let prefix = match foreign {
        Some(other) if ported_in => other.prefixes()[which % other.prefixes().len()],
        _ => prefixes[which],
    };
    8_600_000_000_000 + prefix * 100_000_000 + place % 100_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::config::Operator;

    #[test]
    fn numbers_are_unique_and_well_formed() {
        for operator in [Operator::Mobile, Operator::Broadnet] {
            let config = CityConfig {
                operator,
                ..CityConfig::new(1, 1, 3)
            };
            let numbers: std::collections::BTreeSet<u64> = (0..50_000)
                .map(|index| msisdn(&config, index, index % 30 == 0))
                .collect();
            assert_eq!(numbers.len(), 50_000);
            assert!(numbers.iter().all(|n| n.to_string().len() == 13));
            assert!(numbers.iter().all(|n| n.to_string().starts_with("861")));
        }
    }
}
