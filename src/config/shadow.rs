//! The file of rules on trial, laid over the rules in force.

use super::key::Key;
use super::layers::Layers;
use super::limits;
use super::settings::ShadowSettings;
use std::borrow::Cow;
use std::path::Path;
use toml::{Table, Value};

/// The section of the configuration that names the file, and of a ruleset's text that holds the rules.
pub(super) const NAME: &str = "shadow";

/// The sections in which shadow rules may differ. All others make the state of subscribers, of which there is one.
pub(super) const SECTIONS: [&str; 2] = ["triggers", "policy"];

/// The values of the shadow rules: those of a table, or of the file that is configured; nothing if neither is there.
/// What is wrong with the file is noted with them.
pub(super) fn layers(
    live: &Layers,
    settings: Option<&ShadowSettings>,
    trial: Option<Table>,
) -> Option<Layers> {
    let file = settings.map_or("", |settings| settings.rules.trim());
    let mut layers = match (trial, file) {
        (Some(trial), _) => {
            let mut layers = live.under("the shadow rules");
            layers.lay(trial);
            layers
        }
        (None, "") => return None,
        (None, file) => {
            let mut layers = live.under(file);
            layers.file(Path::new(file));
            layers
        }
    };
    for key in layers.stated() {
        if !of_shadow(&key) && key.get(live.table()).is_some() {
            let remedy = "set it in the main configuration, for both; a file of shadow rules states [triggers.*] and \
                          [policy] only";
            layers.problem(&key, "is shared by shadow rules and rules in force", remedy);
        }
    }
    limits::enforce(&mut layers);
    Some(layers)
}

/// The text of a ruleset without the shadow rules in it, and these.
pub(super) fn apart(text: &str) -> (Cow<'_, str>, Option<Table>) {
    let parsed = text.parse::<Table>().ok();
    let parted = parsed.and_then(|mut table| match table.remove(NAME)? {
        Value::Table(trial) => Some((toml::to_string(&table).ok()?, trial)),
        _ => None,
    });
    // What cannot be parted is read as it stands, and refused with a reason.
    match parted {
        Some((text, trial)) => (text.into(), Some(trial)),
        None => (text.into(), None),
    }
}

/// Whether shadow rules may state a key, or the whole that it is part of.
fn of_shadow(key: &Key) -> bool {
    let mut around = key.ancestors();
    key.last().is_none() || around.any(|key| key.is_any(&SECTIONS))
}
