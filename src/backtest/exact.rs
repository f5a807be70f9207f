//! Exact intervals of shares, for counts that are too small to draw from.

/// Bounds of a share of `hits` among `all`, each with this chance of being missed (Clopper and Pearson 1934).
pub fn share_bounds(hits: u64, all: u64, miss: f64) -> (f64, f64) {
    let (hits, rest) = (hits as f64, all.saturating_sub(hits) as f64);
    let low = match hits > 0.0 {
        true => beta_quantile(miss, hits, rest + 1.0),
        false => 0.0,
    };
    let high = match rest > 0.0 {
        true => beta_quantile(1.0 - miss, hits + 1.0, rest),
        false => 1.0,
    };
    (low, high)
}

/// Halvings until no digit changes any more, also of a share as small as alarms among subscriber-days.
const HALVINGS: usize = 100;

fn beta_quantile(chance: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        match beta_chance(middle, a, b) < chance {
            true => low = middle,
            false => high = middle,
        }
    }
    (low + high) / 2.0
}

/// Chance of a value below `x` of the beta distribution.
fn beta_chance(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let scale = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b);
    let front = libm::exp(scale + a * libm::log(x) + b * libm::log1p(-x));
    // The fraction converges fast on this side of the mean only.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(x, a, b) / a,
        false => 1.0 - front * fraction(1.0 - x, b, a) / b,
    }
}

const TERMS: usize = 300;
const SMALL: f64 = 1e-300;

/// The continued fraction of the incomplete beta function, by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let kept = |value: f64| if value.abs() < SMALL { SMALL } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for term in 1..TERMS {
        let m = term as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for step in [even, odd] {
            d = 1.0 / kept(1.0 + step * d);
            c = kept(1.0 + step / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::share_bounds;

    #[test]
    fn bounds_are_those_of_the_tables() {
        for (hits, all, low, high) in [
            (2, 2, 0.158_113_883, 1.0),
            (0, 10, 0.0, 0.308_497_1),
            (1, 20, 0.001_265_089, 0.248_732_8),
            (8, 10, 0.443_904_5, 0.974_789_3),
            (50, 100, 0.398_321_1, 0.601_678_9),
        ] {
            let found = share_bounds(hits, all, 0.025);
            assert!((found.0 - low).abs() < 1e-6, "{hits} of {all}: {found:?}");
            assert!((found.1 - high).abs() < 1e-6, "{hits} of {all}: {found:?}");
        }
        // None in so many subscriber-days: -ln .025 = 3.689 at the most.
        let (low, high) = share_bounds(0, 500_000, 0.025);
        assert!(low == 0.0 && (high * 500_000.0 - 3.689).abs() < 1e-3);
        let (low, high) = share_bounds(3, 5_000_000, 0.025);
        assert!((low * 5e6 - 0.618_67).abs() < 1e-3, "{low}");
        assert!((high * 5e6 - 8.767_27).abs() < 1e-3, "{high}");
    }
}
