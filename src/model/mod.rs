//! The vocabulary every other room shares: who, when, how much, what happened, what came of it.
//!
//! Plain values without behaviour beyond their own invariants. Nothing here reads a clock, a file or a socket.

mod calendar;
mod erasure;
mod event;
mod feed;
mod group;
mod inputs;
mod money;
mod motive;
mod msisdn;
mod network;
mod order;
mod outcome;
mod plural;
mod serial;
mod severity;
mod signal;
mod source;
mod task;
mod time;
mod uplift;
mod words;

pub use calendar::{Calendar, CalendarError};
pub use erasure::Erasure;
pub use event::{
    Body, BodyKind, CallOutcome, ComplaintCategory, Direction, EnquirySubject, Event,
    ForwardAction, Invoice, Number, OutcomeResult, Plan, Profile, ProfileFlags, ProfileGroup,
    Segment, SuspensionReason, TaskOutcome,
};
pub use feed::{Feed, FeedSet};
pub use group::{
    GroupAlert, GroupCovered, GroupMember, GroupRecord, MEMBERS_LISTED, MemberSignal, Occasion,
};
pub use inputs::Inputs;
pub use money::{Money, MoneyError};
pub use motive::{Motive, Motives};
pub use msisdn::{Msisdn, MsisdnError};
pub use network::Network;
pub use order::OrderKind;
pub use outcome::{Counts, Outcome, Reject};
pub use plural::plural;
pub use serial::clear;
pub(crate) use serial::shared;
pub use severity::Severity;
pub use signal::{Evidence, Fact, ShadowSignal, Signal, Suppression, Text};
pub use source::Source;
pub use task::{
    Action, Assignee, Channel, CloseReason, CustomerKind, Effect, Level, Purpose, ScorePart, Stage,
    Suspension, Task, TaskStatus, Tier,
};
pub use time::{Day, Timestamp};
pub use uplift::{
    Comparison, Difference, Fates, Followed, HORIZON_DAYS, Share, UpliftCounts, UpliftRow, Verdict,
};
pub use words::{PlaybookStep, Talk, Words};
