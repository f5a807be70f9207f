//! What a shard knows: of its subscribers, of their population, and of how far its feeds have come.

pub mod account;
pub mod bar;
pub mod baseline;
pub mod billing;
pub mod bucket;
pub mod closing;
pub mod credit;
pub mod follow_up;
pub mod groups;
pub mod leaving;
pub mod line_state;
pub mod loss;
pub mod machines;
pub mod marketing;
pub mod membership;
pub mod pages;
pub mod population;
pub mod powers;
pub mod rare;
pub mod rings;
pub mod service_history;
pub mod store;
pub mod trial_memory;
pub mod trigger_state;
pub mod watermark;
pub mod window;
