//! Alerts: receivers are told of new, escalated, soon due and overdue tasks.
//!
//! `herald` reads the tasks as a member of a group of its own and looks at the time; `book` has what is on its way; `rules` says who is told; `carriers` take
//! what waits in a `lane` to where it belongs, by `http` or `mail`, in its receiver's `forms`. The group stands before the
//! first record whose alerts are not delivered. What waits for long is written down in the board's topic and counts as
//! done, so that one receiver that takes nothing holds nobody else up.

mod alert;
mod book;
mod bucket;
mod carriers;
mod figures;
mod forms;
#[cfg(test)]
mod forms_tests;
mod guard;
mod herald;
mod http;
mod lane;
#[cfg(test)]
mod lane_tests;
mod mail;
mod note;
mod rules;
mod sign;
mod track;
mod webhook;

pub use book::Means;
pub use figures::{Figures, ReceiverFigures};
pub use herald::Herald;
