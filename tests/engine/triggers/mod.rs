//! Triggers one by one: when each fires, and what task comes of it.

mod calendar;
mod care;
mod churn;
mod follow_up;
mod growth;
mod occasions;
mod orders;
mod roaming;
mod win_back;
