//! The numbering plans of some countries, as defaults of `[decode]`.

/// The countries by their two letters, each with the keys of `[decode]` that differ from the documented defaults, TOML
/// without the section header.
pub const COUNTRIES: [(&str, &str); 15] = [
    ("BR", include_str!("countries/br.toml")),
    ("CA", include_str!("countries/us.toml")),
    ("CN", ""),
    ("DE", include_str!("countries/de.toml")),
    ("ES", include_str!("countries/es.toml")),
    ("FR", include_str!("countries/fr.toml")),
    ("GB", include_str!("countries/gb.toml")),
    ("HU", include_str!("countries/hu.toml")),
    ("IN", include_str!("countries/in.toml")),
    ("IT", include_str!("countries/it.toml")),
    ("JP", include_str!("countries/jp.toml")),
    ("MX", include_str!("countries/mx.toml")),
    ("PL", include_str!("countries/pl.toml")),
    ("RU", include_str!("countries/ru.toml")),
    ("US", include_str!("countries/us.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::DecodeSettings;
    use toml::Table;

    #[test]
    fn each_states_the_whole_plan() {
        let defaults: Table = DecodeSettings::DEFAULTS.parse().unwrap();
        let plan = defaults.keys().map(String::as_str);
        let shared = ["record_bytes_max", "key_check", "country", "layouts"];
        let plan: Vec<_> = plan.filter(|key| !shared.contains(key)).collect();
        for (country, text) in COUNTRIES.iter().filter(|(country, _)| *country != "CN") {
            let stated: Table = text.parse().unwrap();
            let keys: Vec<_> = stated.keys().map(String::as_str).collect();
            assert_eq!(keys, plan, "{country}");
            let mut whole = defaults.clone();
            whole.extend(stated);
            let settings: DecodeSettings = whole.try_into().unwrap();
            assert_eq!(settings.problems(), [], "{country}");
        }
    }

    #[test]
    fn the_documented_default_names_them() {
        let names: Vec<_> = COUNTRIES.iter().map(|(country, _)| *country).collect();
        let (last, names) = names.split_last().unwrap();
        let sentence = format!("# {} or {last}. In any other", names.join(", "));
        assert!(DecodeSettings::DEFAULTS.contains(&sentence));
    }
}
