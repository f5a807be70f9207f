//! The worker: its loop, the commit cycle, and what the group's rebalances make of its partitions.

mod commit;
mod end_offsets;
mod group_offsets;
mod journal;
mod key_watch;
mod positions;
mod rebalance;
mod replay_speed;
mod restores;
mod snapshots;
mod state;
mod transaction;
mod turn;

pub use state::Worker;
