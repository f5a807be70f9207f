//! From signals to tasks, as the specification's section of that name says: who the subscriber is, how bad it is, who
//! should do what by when.

mod budget;
mod capacity;
mod case;
mod collecting;
mod contact;
mod contact_history;
mod eligibility;
mod figures;
mod group;
mod lifecycle;
mod outcome;
mod record;
mod release;
mod revision;
mod route;
mod score;
mod severity;
pub mod shadow;
mod share;
mod stage;
mod tally;
mod taskbook;
mod uplift;

pub use budget::Candidate;
pub use capacity::Loads;
pub use case::{Case, WorkedOut};
pub use collecting::Collecting;
pub use contact_history::ContactHistoryRecord;
pub use figures::{Figures, Mentions, TaskCount};
pub use record::TaskbookRecord;
pub use share::BudgetShare;
pub use tally::{Holder, Region, Tally};
pub use taskbook::{AtOnce, Taskbook};
pub use uplift::{Entrant, Groups, Uplift};
