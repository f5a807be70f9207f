use serde::{Deserialize, Serialize};

/// `[decode]`: what is read of a record, and how numbers are written in this network (behaviour: Numbers).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodeSettings {
    /// Longer records are dead-lettered unread, in bytes, 256..16777216.
    pub record_bytes_max: usize,
    /// Whether a record's Kafka key must be its subscriber.
    pub key_check: bool,
    /// Country code, 1..3 digits.
    pub country_code: String,
    /// Digits of a mobile number without the country code, 4..15.
    pub national_digits: usize,
    /// Prefixes dialled for a cheaper carrier, 3..8 digits each, at most 64.
    pub ip_prefixes: Vec<String>,
    /// What is dialled before an area code inside the country, 0..2 digits.
    pub trunk_prefix: String,
    /// Fewest and most digits of an area code behind the trunk prefix, 1..5.
    pub area_code_digits: [usize; 2],
    /// Digits of a nationwide service number, 3..8.
    pub short_code_digits: usize,
    /// How service numbers begin; none to leave area codes alone.
    pub short_code_prefixes: Vec<String>,
}

/// One setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("decode.{key} {problem}")]
pub struct SettingProblem {
    /// The key inside `[decode]`.
    pub key: &'static str,
    /// What is wrong and what is allowed, completing "key ...".
    pub problem: &'static str,
}

impl Default for DecodeSettings {
    /// The documented defaults.
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            record_bytes_max: 1_048_576,
            key_check: true,
            country_code: "86".to_owned(),
            national_digits: 11,
            ip_prefixes: texts(&["17951", "17911", "17909", "17910", "12593", "10193"]),
            trunk_prefix: "0".to_owned(),
            area_code_digits: [2, 3],
            short_code_digits: 5,
            short_code_prefixes: texts(&["10", "12", "95", "96"]),
        }
    }
}

impl DecodeSettings {
    /// Everything that is wrong, in the order of the keys; empty if the settings can be used.
    pub fn problems(&self) -> Vec<SettingProblem> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let [area_min, area_max] = self.area_code_digits;
        let checks = [
            (
                "record_bytes_max",
                (256..=16_777_216).contains(&self.record_bytes_max),
                "must be from 256 to 16777216 bytes",
            ),
            (
                "country_code",
                (1..=3).contains(&self.country_code.len()) && digits(&self.country_code),
                "must be 1 to 3 digits without +, such as \"86\"",
            ),
            (
                "national_digits",
                (4..=15).contains(&self.national_digits),
                "must be from 4 to 15",
            ),
            (
                "ip_prefixes",
                self.ip_prefixes.len() <= 64
                    && self
                        .ip_prefixes
                        .iter()
                        .all(|prefix| (3..=8).contains(&prefix.len()) && digits(prefix)),
                "must be at most 64 texts of 3 to 8 digits each, such as \"17951\"",
            ),
            (
                "trunk_prefix",
                self.trunk_prefix.len() <= 2 && digits(&self.trunk_prefix),
                "must be at most 2 digits, such as \"0\"",
            ),
            (
                "area_code_digits",
                1 <= area_min && area_min <= area_max && area_max <= 5,
                "must be two numbers from 1 to 5, the smaller first, such as [2, 3]",
            ),
            (
                "short_code_digits",
                (3..=8).contains(&self.short_code_digits),
                "must be from 3 to 8",
            ),
            (
                "short_code_prefixes",
                self.short_code_prefixes.iter().all(|prefix| {
                    (1..=self.short_code_digits).contains(&prefix.len()) && digits(prefix)
                }),
                "must be texts of 1 to short_code_digits digits each, such as \"10\"",
            ),
        ];
        checks
            .into_iter()
            .filter(|(_, fine, _)| !fine)
            .map(|(key, _, problem)| SettingProblem { key, problem })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_documented_ones() {
        let documented: toml::Table = include_str!("../config/defaults.toml").parse().unwrap();
        let section: DecodeSettings = documented["decode"].clone().try_into().unwrap();
        assert_eq!(section, DecodeSettings::default());
        assert_eq!(section.problems(), []);
    }

    #[test]
    fn names_every_key_that_cannot_work() {
        let settings = DecodeSettings {
            record_bytes_max: 0,
            key_check: false,
            country_code: "+86".to_owned(),
            national_digits: 3,
            ip_prefixes: vec!["17".to_owned()],
            trunk_prefix: "x".to_owned(),
            area_code_digits: [3, 2],
            short_code_digits: 9,
            short_code_prefixes: vec![String::new()],
        };
        let keys: Vec<_> = settings.problems().iter().map(|p| p.key).collect();
        assert_eq!(
            keys,
            [
                "record_bytes_max",
                "country_code",
                "national_digits",
                "ip_prefixes",
                "trunk_prefix",
                "area_code_digits",
                "short_code_digits",
                "short_code_prefixes"
            ]
        );
        assert_eq!(
            settings.problems()[1].to_string(),
            "decode.country_code must be 1 to 3 digits without +, such as \"86\""
        );
    }
}
