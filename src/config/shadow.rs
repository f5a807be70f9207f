//! The file of rules on trial, laid over the rules in force.

use super::forms;
use super::settings::ShadowSettings;
use crate::layers::{Key, Layers, Origin};
use std::path::Path;
use toml::Table;

/// The section of the configuration that names the file, and of a ruleset's text that holds the rules.
pub(super) const NAME: &str = "shadow";

/// The sections in which shadow rules may differ. All others shape the state of subscribers, and both sets of rules
/// share that state.
pub(super) const SECTIONS: [&str; 3] = ["line_state", "triggers", "policy"];

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
            let name = "the shadow rules";
            let mut layers = live.under(name);
            layers.lay(trial, &Origin::File(name.into(), None));
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
            let remedy = "set it in the main configuration, for both; a file of shadow rules states [line_state], \
                          [triggers.*] and [policy] only";
            layers.problem(&key, "is shared by shadow rules and rules in force", remedy);
        }
    }
    forms::check(&mut layers);
    layers.check_ranges();
    Some(layers)
}

/// Whether shadow rules may state a key, or the whole that it is part of.
fn of_shadow(key: &Key) -> bool {
    let mut around = key.ancestors();
    key.last().is_none() || around.any(|key| key.is_any(&SECTIONS))
}
