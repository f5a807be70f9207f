/// The probability that chance alone makes at least so many of `trials` succeed: the upper tail of the binomial
/// distribution.
pub fn of_so_many(successes: u32, trials: u32, share: f64) -> f64 {
    let (n, k) = (f64::from(trials), f64::from(successes));
    let choices = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    let log = choices + k * libm::log(share) + (n - k) * libm::log1p(-share);
    let mut term = libm::exp(log);
    let mut sum = 0.0;
    let odds = share / (1.0 - share);
    for count in successes..=trials {
        sum += term;
        let count = f64::from(count);
        term *= (n - count) / (count + 1.0) * odds;
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::of_so_many;

    #[test]
    fn two_of_twenty_are_chance_and_five_are_not() {
        for (successes, trials, share, expected) in [
            (0, 20, 0.02, 1.0),
            (1, 20, 0.02, 0.332_392),
            (2, 20, 0.02, 0.059_899),
            (5, 20, 0.02, 3.857e-5),
            (20, 200, 0.02, 5.390_7e-9),
            (3, 3, 0.5, 0.125),
        ] {
            let chance = of_so_many(successes, trials, share);
            assert!(
                (chance / expected - 1.0).abs() < 0.02,
                "{successes} of {trials}: {chance}"
            );
        }
    }
}
