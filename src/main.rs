//! The `churnwatch` command.
fn main() {}
