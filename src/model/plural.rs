/// The form of a noun that goes with a number in English: `1 day`, `2 days`.
pub fn plural<'w>(count: impl TryInto<u64>, one: &'w str, many: &'w str) -> &'w str {
    match count.try_into() {
        Ok(1) => one,
        _ => many,
    }
}
