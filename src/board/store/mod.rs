//! The board's store: an SQLite file that is a cache of topics.
//!
//! One connection writes: whatever a batch of records or an action changes is one transaction, positions in the topics
//! and records to be sent included. Others read.

mod alerts;
mod apply;
mod audit;
mod base;
mod campaigns;
mod desks;
mod failed;
mod filter;
mod outbox;
mod places;
mod rollup;
mod sums;
mod tasks;
mod topics;
mod uplift;
mod views;

pub use alerts::{GoneReceiver, WaitingAlert};
pub use apply::Batch;
pub use audit::{AuditEntry, AuditFilter};
pub use base::{Store, StoreError, Stored};
pub use failed::{FailedAlert, FailedText};
pub use filter::{Filter, Scope, Sort};
pub use outbox::Letter;
pub use places::Places;
pub use rollup::{Reasons, Rollup, TrendDay};
pub use sums::RollupRow;
pub use tasks::{Dossier, Row};
pub use topics::Topics;
pub use uplift::{UpliftHorizon, UpliftRow};
