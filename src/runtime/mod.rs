//! The worker: one thread, one loop, from records to committed transactions. The only room that reads clocks.
//!
//! | sub-room | holds |
//! |---|---|
//! | `clock`, `active_rules`, `setup`, `stop` | what all workers share |
//! | `partition` | one partition number: its shard, its positions, its step log, and the output that waits |
//! | `restore` | the one way to a shard's state: snapshot, then journal |
//! | `standing` | whether a start could go on, for those who only look |
//! | `worker` | the loop, the commit cycle, rebalances |
//! | `route` | records of other topics, brought into those of the feeds |
//! | `output_form` | in which form records leave, and the schemas of it |
//! | `pool`, `watchdog` | the threads, and an end to one that hangs |
//!
//! Each names only those above it.

mod active_rules;
pub mod clock;
mod output_form;
mod partition;
mod pool;
mod restore;
mod route;
mod setup;
mod standing;
mod stop;
mod watchdog;
mod worker;

pub use active_rules::{ActiveRules, RulesHandle};
pub use output_form::output_form;
pub use partition::{JournalPosition, Partition, PartitionPosition, PendingOutput};
pub use pool::Pool;
pub use route::{Router, Routes};
pub use setup::Setup;
pub use standing::can_go_on;
pub use stop::Stop;
pub use watchdog::Watchdog;
pub use worker::Worker;
