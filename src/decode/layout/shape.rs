//! What a value looks like, without saying what it is.

/// Longer values are cut off.
const SHAPE_CHARS_MAX: usize = 40;

/// The shape of a value: 9 for every digit, `a` for every letter, all else as it stands, such as `9999-99-99 99:99`.
pub fn of(value: &str) -> String {
    let shape = value.chars().take(SHAPE_CHARS_MAX).map(|c| match c {
        c if c.is_numeric() => '9',
        c if c.is_alphabetic() => 'a',
        c if c.is_control() => ' ',
        c => c,
    });
    let shape: String = shape.collect();
    match value.chars().nth(SHAPE_CHARS_MAX) {
        Some(_) => shape + "…",
        None => shape,
    }
}
