//! The triggers of DOMAIN section 4: one file each, one line in [`REGISTRY`] each.

/// A rule that looks at one event or one closed day of one subscriber and may fire.
///
/// The implementing type is its own configuration section: `[triggers.NAME]`, documented by its defaults.
pub trait Trigger: Send + Sync {}

/// One registered trigger.
pub struct Registration {
    /// Name in configuration, signals and metrics.
    pub name: &'static str,
    /// The documented defaults, TOML without the section header.
    pub defaults: &'static str,
    /// Reads the section; every key is required, because the defaults are merged in before.
    pub build: fn(toml::Table) -> Result<Box<dyn Trigger>, toml::de::Error>,
}

/// Every trigger, in the order in which they are asked.
pub const REGISTRY: &[Registration] = &[];
