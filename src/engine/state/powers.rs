//! Powers and logarithms to base 2 by polynomials: nothing but IEEE 754 operations in a fixed order, and several times as
//! fast as `libm`. They are good to 1e-8.

/// 2^(k/8).
const EIGHTHS: [f64; 8] = [
    1.0,
    1.090_507_732_665_257_7,
    1.189_207_115_002_721,
    1.296_839_554_651_009_6,
    std::f64::consts::SQRT_2,
    1.542_210_825_407_940_7,
    1.681_792_830_507_429,
    1.834_008_086_409_342_4,
];
/// 2^((k + 1/2)/8): a power is rounded to the eighth beyond from here on.
const BETWEEN: [f64; 8] = [
    1.044_273_782_427_413_8,
    1.138_788_634_756_691_6,
    1.241_857_812_073_484,
    1.354_255_546_936_892_7,
    1.476_826_145_939_499_3,
    1.610_490_331_949_254_3,
    1.756_252_160_373_299_5,
    1.915_206_561_397_147_4,
];
/// Adding it rounds to a whole number.
const ROUND: f64 = 6_755_399_441_055_744.0;
const MANTISSA_BITS: u32 = 52;
const EXPONENT_BIAS: i32 = 1023;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
const ONE: u64 = 1.0_f64.to_bits();

/// A polynomial, its constant first.
#[inline]
fn horner<const N: usize>(coefficients: [f64; N], at: f64) -> f64 {
    let next = |sum: f64, coefficient: &f64| sum * at + coefficient;
    coefficients.iter().rev().fold(0.0, next)
}

/// 2 to the power of a whole number of -1022 to 1023.
#[inline]
fn whole_power(exponent: i32) -> f64 {
    f64::from_bits(((exponent + EXPONENT_BIAS) as u64) << MANTISSA_BITS)
}

/// 2 to a power of -1000 to 1000.
#[inline]
pub fn exp2(power: f64) -> f64 {
    let eighths = (power * 8.0 + ROUND) - ROUND;
    let rest = (power - eighths * 0.125) * std::f64::consts::LN_2;
    let series = horner(
        [1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0],
        rest,
    );
    let eighths = eighths as i32;
    EIGHTHS[(eighths & 7) as usize] * series * whole_power(eighths >> 3)
}

/// The logarithm of a positive number.
#[inline]
pub fn log2(number: f64) -> f64 {
    const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
    /// 2 / ((2 k + 1) ln 2)
    const SERIES: [f64; 5] = [
        2.885_390_081_777_927,
        0.961_796_693_925_975_6,
        0.577_078_016_355_585_3,
        0.412_198_583_111_132_4,
        0.320_598_897_975_325_2,
    ];
    let bits = number.to_bits();
    let exponent = (bits.wrapping_sub(SQRT_HALF) as i64 >> MANTISSA_BITS) as i32;
    // From the root of 1/2 to that of 2.
    let mantissa = f64::from_bits(bits.wrapping_sub((i64::from(exponent) << MANTISSA_BITS) as u64));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    f64::from(exponent) + s * horner(SERIES, s * s)
}

/// A probability as eighths of a bit, rounded, 0 for 1; the smallest are held at 255.
#[inline]
pub fn to_eighths(probability: f64) -> u8 {
    let bits = probability.to_bits();
    let exponent = (bits >> MANTISSA_BITS) as i32 - EXPONENT_BIAS;
    let mantissa = f64::from_bits(bits & MANTISSA | ONE);
    let reached = BETWEEN.iter().map(|bound| i32::from(mantissa >= *bound));
    (-8 * exponent - reached.sum::<i32>()).clamp(0, i32::from(u8::MAX)) as u8
}

/// The probability of so many eighths of a bit.
#[inline]
pub fn of_eighths(eighths: u8) -> f64 {
    let negative = -i32::from(eighths);
    EIGHTHS[(negative & 7) as usize] * whole_power(negative >> 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_and_logarithms_are_those_of_libm() {
        for step in -40_000..=40_000 {
            let power = f64::from(step) / 999.0;
            let (ours, exact) = (exp2(power), libm::exp2(power));
            assert!((ours / exact - 1.0).abs() < 1e-9, "2^{power}: {ours}");
            assert!((log2(exact) - power).abs() < 1e-8, "log2 of {exact}");
        }
        assert_eq!((exp2(0.0), log2(1.0), log2(8.0)), (1.0, 0.0, 3.0));
    }

    #[test]
    fn a_byte_holds_a_probability_to_a_sixteenth_of_a_bit() {
        for eighths in 0..=255 {
            assert_eq!(to_eighths(of_eighths(eighths)), eighths);
        }
        assert_eq!(
            [1.0, 0.5, 0.001, 1e-30, 0.0].map(to_eighths),
            [0, 8, 80, 255, 255]
        );
    }
}
