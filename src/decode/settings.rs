use super::home::is_home;
use serde::{Deserialize, Serialize};

/// `[decode]`: what is read of a record, and how numbers are written in this network (behaviour: Numbers).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodeSettings {
    /// Longer records are dead-lettered unread, in bytes.
    pub record_bytes_max: usize,
    /// Whether a record's Kafka key must be its subscriber.
    pub key_check: bool,
    /// Layouts of records of other systems: names of those that come with the program, or files.
    pub layouts: Vec<String>,
    /// The country by its two letters, which names the defaults of the keys below.
    pub country: String,
    /// Country code, 1..3 digits.
    pub country_code: String,
    /// What is dialled before another country's code, 1..5 digits each, at most 8.
    pub international_prefixes: Vec<String>,
    /// What is dialled before a number inside the country, 1..4 digits each, at most 8.
    pub trunk_prefixes: Vec<String>,
    /// What some write between the country code and a mobile number, 0..2 digits.
    pub mobile_mark: String,
    /// Fewest and most digits of a number behind the country code.
    pub national_digits: [usize; 2],
    /// How numbers that are not mobile begin behind the country code, 1..4 digits each, at most 128; none for any digits.
    pub national_prefixes: Vec<String>,
    /// Fewest and most digits of a mobile number behind the country code.
    pub mobile_digits: [usize; 2],
    /// How mobile numbers begin behind the country code, 1 to 3 digits each.
    pub mobile_prefixes: Vec<String>,
    /// How numbers of machines begin behind the country code, 1 to 6 digits each, at most 16.
    pub machine_prefixes: Vec<String>,
    /// Digits of a machine's number behind the country code.
    pub machine_digits: usize,
    /// Prefixes dialled for a cheaper carrier, 3..8 digits each, at most 64.
    pub ip_prefixes: Vec<String>,
    /// Fewest and most digits of an area code behind the trunk prefix.
    pub area_code_digits: [usize; 2],
    /// Fewest and most digits of a nationwide service number.
    pub short_code_digits: [usize; 2],
    /// How service numbers begin; none to leave area codes alone.
    pub short_code_prefixes: Vec<String>,
    /// Networks at home, MCC-MNC, or MCC for all of a country; at most 64.
    pub home_networks: Vec<String>,
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
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, no input reaches it, and tests read it"
    )]
    fn default() -> Self {
        toml::from_str(Self::DEFAULTS).expect("the defaults are valid")
    }
}

impl DecodeSettings {
    /// The documented defaults with their ranges, TOML without the section header.
    pub const DEFAULTS: &str = include_str!("defaults.toml");

    /// What no range can say, in the order of the keys; empty if the settings can be used.
    pub fn problems(&self) -> Vec<SettingProblem> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let within = |texts: &[String], min: usize, max: usize| {
            let fits = |text: &String| (min..=max).contains(&text.len()) && digits(text);
            texts.iter().all(fits)
        };
        let checks = [
            (
                "country_code",
                (1..=3).contains(&self.country_code.len()) && digits(&self.country_code),
                "must be 1 to 3 digits without +, such as \"86\"",
            ),
            (
                "international_prefixes",
                self.international_prefixes.len() <= 8
                    && within(&self.international_prefixes, 1, 5),
                "must be at most 8 texts of 1 to 5 digits each, such as \"00\"",
            ),
            (
                "trunk_prefixes",
                self.trunk_prefixes.len() <= 8 && within(&self.trunk_prefixes, 1, 4),
                "must be at most 8 texts of 1 to 4 digits each, such as \"0\"",
            ),
            (
                "mobile_mark",
                self.mobile_mark.len() <= 2 && digits(&self.mobile_mark),
                "must be at most 2 digits, such as \"1\"",
            ),
            (
                "national_prefixes",
                self.national_prefixes.len() <= 128 && within(&self.national_prefixes, 1, 4),
                "must be at most 128 texts of 1 to 4 digits each, such as \"8\"",
            ),
            (
                "mobile_prefixes",
                within(&self.mobile_prefixes, 1, 3),
                "must be texts of 1 to 3 digits each, such as \"13\"",
            ),
            (
                "machine_prefixes",
                self.machine_prefixes.len() <= 16 && within(&self.machine_prefixes, 1, 6),
                "must be at most 16 texts of 1 to 6 digits each, such as \"1064\"",
            ),
            (
                "ip_prefixes",
                self.ip_prefixes.len() <= 64 && within(&self.ip_prefixes, 3, 8),
                "must be at most 64 texts of 3 to 8 digits each, such as \"17951\"",
            ),
            (
                "short_code_prefixes",
                within(&self.short_code_prefixes, 1, self.short_code_digits[1]),
                "must be texts of 1 digit to as many as short_code_digits allows, such as \"10\"",
            ),
            (
                "home_networks",
                self.home_networks.len() <= 64
                    && self.home_networks.iter().all(|home| is_home(home)),
                "must be at most 64 texts such as \"460\" or \"460-00\"",
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
        let documented: DecodeSettings = toml::from_str(DecodeSettings::DEFAULTS).unwrap();
        assert_eq!(documented, DecodeSettings::default());
        assert_eq!(documented.problems(), []);
    }

    #[test]
    fn names_every_key_that_cannot_work() {
        let settings = DecodeSettings {
            country_code: "+86".to_owned(),
            international_prefixes: vec![String::new()],
            trunk_prefixes: vec!["x".to_owned()],
            mobile_mark: "123".to_owned(),
            national_prefixes: vec![String::new()],
            mobile_prefixes: vec!["1380".to_owned()],
            machine_prefixes: vec!["1064812".to_owned()],
            ip_prefixes: vec!["17".to_owned()],
            short_code_prefixes: vec![String::new()],
            home_networks: vec!["46".to_owned()],
            ..DecodeSettings::default()
        };
        let keys: Vec<_> = settings.problems().iter().map(|p| p.key).collect();
        assert_eq!(
            keys,
            [
                "country_code",
                "international_prefixes",
                "trunk_prefixes",
                "mobile_mark",
                "national_prefixes",
                "mobile_prefixes",
                "machine_prefixes",
                "ip_prefixes",
                "short_code_prefixes",
                "home_networks"
            ]
        );
        assert_eq!(
            settings.problems()[0].to_string(),
            "decode.country_code must be 1 to 3 digits without +, such as \"86\""
        );
    }
}
