//! The repository itself: its source keeps the house rules, and the files beside it agree with the program.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../support/ber.rs"]
#[allow(dead_code)]
mod ber;
mod deploy;
#[path = "../support/forms.rs"]
mod forms;
mod schemas;
mod tidy;
