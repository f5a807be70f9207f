//! The configuration: documented defaults, a file over them, the environment over both; strict, and all errors at once.
//!
//! `defaults.toml` beside this file is the one place where a default is stated and explained, and where the range of a
//! number is stated, as [`crate::layers`] reads it. The words of recommended actions are in `words.toml`, the defaults of
//! a trigger in the trigger's file, and those of `[decode]` in that room. A new section is a struct with `Deserialize`, its
//! keys in `defaults.toml`, a field of [`Config`] and a line in `Config::assemble`.

mod alerts;
mod assembly;
mod board;
mod capacity;
mod country;
mod environment;
mod forms;
mod layouts;
mod output;
mod registry;
mod route;
mod rules;
mod ruleset;
mod settings;
mod shadow;

pub use crate::layers::{Origin, Problem, Problems};
pub use alerts::{
    ALERTS, AlertRule, AlertSettings, MailEncryption, MailSettings, ReceiverKind, ReceiverSettings,
    Secret, webhook_key,
};
pub use assembly::{Config, range, reference};
pub use board::{BoardRole, BoardSettings, BoardUser};
pub use output::{Envelope, OutputFormat, OutputSettings};
pub use registry::RegistrySettings;
pub use route::{RouteSettings, RouteSource};
pub use ruleset::Ruleset;
pub use settings::{
    HttpSettings, KafkaSettings, LogFormat, LogSettings, RunSettings, ShadowSettings,
    StateSettings, TopicSettings,
};
