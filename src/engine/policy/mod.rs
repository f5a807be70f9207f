//! From signals to tasks, as the specification's section of that name says: who the subscriber is, how bad it is, who
//! should do what by when.

mod budget;
mod case;
mod collecting;
mod contact;
mod contact_history;
mod eligibility;
mod lifecycle;
mod outcome;
mod record;
mod release;
mod revision;
mod route;
mod score;
pub mod shadow;
mod stage;
mod tally;
mod taskbook;

pub use budget::{BudgetShare, Candidate};
pub use case::Case;
pub use collecting::Collecting;
pub use contact_history::ContactHistoryRecord;
pub use record::TaskbookRecord;
pub use tally::{Figures, Holder, Mentions, Region, Tally};
pub use taskbook::Taskbook;
