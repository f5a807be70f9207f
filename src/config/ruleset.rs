use crate::decode::Decoder;
use crate::engine::Rules;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Everything that decides what becomes of a record: the engine's rules, shadow and all, and the settings of the decoder, with
/// the text they were made from, so that a journal written under them can be replayed when others are in force.
#[derive(Clone)]
pub struct Ruleset {
    /// Fingerprint of the text.
    pub id: u64,
    /// The effective values, as TOML.
    pub text: Arc<str>,
    /// The engine's rules.
    pub rules: Arc<Rules>,
    /// Reads records.
    pub decoder: Decoder,
}

impl Ruleset {
    pub(super) fn new(text: &Arc<str>, rules: &Arc<Rules>, decoder: &Decoder) -> Self {
        Self {
            id: xxh3_64(text.as_bytes()),
            text: Arc::clone(text),
            rules: Arc::clone(rules),
            decoder: decoder.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_ruleset_is_read_back_as_it_was() {
        let text = "[window]\ndays = 42\n[decode]\nnational_digits = [10, 11]\n";
        let ruleset = Config::from_toml_str(text, "test").unwrap().ruleset();
        let again = Ruleset::parse(&ruleset.text, "the journal").unwrap();
        assert_eq!(
            (again.id, &again.text, &again.rules.version),
            (ruleset.id, &ruleset.text, &ruleset.rules.version)
        );
        assert_eq!(again.rules.window.days, 42);
        let default = Config::embedded().unwrap().ruleset();
        assert_ne!(default.id, ruleset.id);
    }

    #[test]
    fn rulesets_of_earlier_versions_are_read() {
        for (earlier, today) in [
            (
                "trunk_prefix = \"0\"\nshort_code_digits = 4",
                "trunk_prefixes = [\"0\"]\nshort_code_digits = [4, 4]",
            ),
            ("trunk_prefix = \"\"", "trunk_prefixes = []"),
        ] {
            let earlier = Ruleset::parse(&format!("[decode]\n{earlier}\n"), "the journal");
            let today = Config::from_toml_str(&format!("[decode]\n{today}\n"), "test");
            assert_eq!(earlier.unwrap().text, today.unwrap().ruleset().text);
        }
    }
}
